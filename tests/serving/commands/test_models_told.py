"""`regulars models` after a restore: without MLflow's database, with it, with a damaged one."""

import json
import shutil

import pytest
from click.testing import CliRunner

from features.settings.loading import load_settings
from serving.commands.main import main
from serving.runs.store import RunStore
from serving.settings import Settings
from tests.support.scores import run_info, score_tables
from tests.support.shop import shop_settings, write_config
from tests.support.trained import SECTIONS
from training.tracking.mlflow_runs import Tracker


def regulars(*arguments, config):
    return CliRunner().invoke(main, [*map(str, arguments), "--config", str(config)])


@pytest.fixture(scope="module")
def config(trained, tmp_path_factory):
    """The configuration of a shop with models and one published run."""
    root = tmp_path_factory.mktemp("shop") / "here"
    shutil.copytree(trained.root, root)
    settings = shop_settings(root, **SECTIONS)
    store = RunStore(settings.database_url(settings.store.url))
    store.publish(run_info(), *score_tables(12))
    store.close()
    return write_config(settings)


@pytest.fixture
def restored(config, tmp_path):
    """Backs up the shop with these options and restores it elsewhere: its configuration."""

    def moved(*options):
        backup = tmp_path / "backup"
        done = regulars("backup", backup, *options, config=config)
        assert done.exit_code == 0, done.output
        there = write_config(shop_settings(tmp_path / "there", **SECTIONS))
        done = regulars("restore", backup, config=there)
        assert done.exit_code == 0, done.output
        return there

    (tmp_path / "there").mkdir()
    return moved


def test_after_a_restore_the_models_in_force_are_told_without_mlflow(restored, trained):
    there = restored()
    found = regulars("models", "--json", config=there)
    assert found.exit_code == 0, found.output
    told = json.loads(found.stdout)
    assert told["models"] == []
    assert told["in_force"]["bundle_id"] == trained.result.bundle.name
    assert told["registry_problem"].endswith("mlflow.db is not there.")
    assert not (there.parent / "mlruns" / "mlflow.db").exists()
    words = regulars("models", config=there).stdout
    for name, entry in told["in_force"]["models"].items():
        assert f"regulars-{name.replace('_', '-')}" in words
        assert entry["reason"] in words


def test_trainings_come_along_where_that_is_asked_for(restored, config):
    there = restored("--trainings")
    listed = [json.loads(regulars("models", "--json", config=c).stdout) for c in (there, config)]
    assert listed[0]["models"] == listed[1]["models"]
    assert listed[0]["registry_problem"] is None
    tracker = Tracker(load_settings(there, Settings))
    assert tracker.record("churn", "1") is not None


def test_a_damaged_registry_leaves_the_models_in_force_to_be_told(restored, trained):
    there = restored()
    database = there.parent / "mlruns" / "mlflow.db"
    database.parent.mkdir(exist_ok=True)
    database.write_bytes(b"no database" * 500)
    found = regulars("models", config=there)
    assert found.exit_code == 0, found.output
    assert trained.result.bundle.name in found.stdout
    (problem,) = [line for line in found.stdout.splitlines() if str(database) in line]
    assert "Mend it, or move it aside" in problem
