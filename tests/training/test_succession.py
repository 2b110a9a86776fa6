"""Promotion, by training and by hand, and rollback, on a shop with real models."""

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from features.engines.build import build_features
from features.errors import Busy, ConfigError
from features.orders.log import read_orders
from features.sources import FrameSource
from serving.commands.main import main
from tests.support.bad_tasks import KINDS, bad_tasks
from tests.support.shop import shop_settings, write_config
from tests.support.trained import SECTIONS, copy_of
from training import version_comparison
from training.bundle.in_force import publication_lock, rollback
from training.bundle.manifest import MANIFEST, current_bundle
from training.bundle.publication import load_models, load_models_of
from training.errors import BundleError
from training.job import train
from training.succession import promote
from training.tasks.churn import ChurnTask
from training.tracking.mlflow_runs import CHALLENGER, CHAMPION, Tracker


@pytest.fixture
def shop(trained, tmp_path):
    return copy_of(trained, tmp_path / "shop")


@pytest.fixture
def fresh(trained, tmp_path):
    """The shop before its first training, and its log."""
    settings = shop_settings(tmp_path / "fresh", **SECTIONS)
    settings.root.mkdir()
    with read_orders(settings, FrameSource(trained.orders)) as log:
        yield settings, log


@pytest.fixture(scope="module")
def twice(trained, tmp_path_factory):
    """The shop after a second training, a week of orders later than the first."""
    root = tmp_path_factory.mktemp("twice")
    settings = shop_settings(root, **SECTIONS)
    with read_orders(settings, FrameSource(trained.orders)) as log:
        first = train(log, log.end - timedelta(days=7))
        second = train(log, None)
        # looked at here: what is rolled back from goes at the next publication
        assert load_models_of(second.bundle).manifest.previous == first.bundle.name
        yield settings, log, first, second


def in_force(settings):
    return load_models(settings).manifest


def regulars(settings, *arguments):
    config = write_config(settings)
    return CliRunner().invoke(main, [*arguments, "--config", str(config)])


def harmless(kind):
    """What learned from shuffled labels still knows each customer's own orders.

    Lists count what each bought, which is the baseline; the value is the purchase process times
    the mean of the own orders, beside a sound risk. In a shop of this size they are not surely
    worse.
    """
    return {"recommendation", "value"} if kind == "shuffled" else set()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_no_broken_model_replaces_a_champion(kind, shop):
    found = train(shop.log, None, tasks=bad_tasks(kind))
    assert {name for name, one in found.verdicts.items() if one.promoted} <= harmless(kind)
    now = in_force(shop.settings).models
    assert {now[name].version for name in now if name not in harmless(kind)} == {"1"}
    tracker = Tracker(shop.settings)
    assert {tracker.alias(name, CHAMPION) for name in now if name not in harmless(kind)} == {"1"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["worse"])
def test_no_broken_model_is_the_first_champion(kind, fresh):
    settings, log = fresh
    found = train(log, None, tasks=bad_tasks(kind))
    assert {name for name, one in found.verdicts.items() if one.promoted} <= harmless(kind)
    now = in_force(settings).models
    assert found.stand_ins == {
        name: entry.stands_in for name, entry in now.items() if entry.stands_in
    }
    assert found.stand_ins.keys() == found.refused.keys()
    tracker = Tracker(settings)
    assert {tracker.alias(name, CHAMPION) for name in found.stand_ins} == {None}


def test_two_versions_are_compared_where_both_were_judged(shop):
    first = shop.result.versions["churn"]
    same = regulars(shop.settings, "models", "compare", first, first, "--json")
    assert same.exit_code == 0, same.stderr
    rows = json.loads(same.stdout)["table"]
    assert {row["gain"] for row in rows} == {0.0}
    tests = [fold.test.isoformat() for fold in shop.result.backtest.plan.folds]
    assert [row["of"] for row in rows if row["part"] == "fold"] == tests
    (churn,) = [one for one in shop.result.backtest.results if one.task.name == "churn"]
    assert rows[0]["customers"] == len(churn.rows)
    absent = regulars(shop.settings, "models", "compare", first, "99")
    assert absent.exit_code == 2
    assert "version 99: there is none" in absent.stderr


def test_versions_without_a_fold_in_common_stand_beside_the_baseline(shop, monkeypatch):
    first = Tracker(shop.settings).record("churn", "1")
    later = replace(first, proofs=tuple(f"other {proof}" for proof in first.proofs))
    monkeypatch.setattr(
        Tracker, "record", lambda _self, _name, version: first if version == "1" else later
    )
    comparison = version_comparison.compare_versions(shop.settings, "churn", "2", "1")
    assert comparison.baseline == "inactivity rule"
    table = comparison.table
    assert table["version"].unique().tolist() == ["2", "1"]
    (churn,) = [each for each in shop.result.backtest.results if each.task.name == "churn"]
    whole = table[table["part"] == "all"]
    assert whole["gain"].tolist() == pytest.approx([churn.grade.improvement] * 2)
    told = regulars(shop.settings, "models", "compare", "2", "1")
    assert told.exit_code == 0, told.stderr
    assert "judged on no day in common" in told.stdout
    assert "version 1 is better than inactivity rule" in told.stdout


def test_what_pages_show_of_versions_is_kept_beside_the_bundles(shop, monkeypatch):
    first = shop.result.versions
    version_comparison.keep_comparisons(shop.settings, first)
    file = shop.settings.path(shop.settings.store.bundles) / version_comparison.COMPARISONS
    # nothing stands before a first version
    assert json.loads(file.read_text()) == {name: [] for name in first}
    tracker, record = Tracker(shop.settings), Tracker(shop.settings).record("churn", "1")
    monkeypatch.setattr(
        Tracker, "record", lambda _self, name, _version: record if name == "churn" else None
    )
    version_comparison.keep_comparisons(shop.settings, dict.fromkeys(first, "2"))
    kept = json.loads(file.read_text())
    (pair,) = kept["churn"]
    assert (pair["version"], pair["other"], pair["measure"]) == ("2", "1", "log_loss")
    assert {row["gain"] for row in pair["table"]} == {0.0}
    assert kept["value"] == []
    assert tracker.versions()


def test_a_better_version_is_better_in_every_part():
    task, rng = ChurnTask(), np.random.default_rng(0)
    churned = (rng.random(400) < 0.5).astype(float)
    rows = pd.DataFrame(
        {
            "churned": churned,
            "model": np.where(churned == 1, 0.8, 0.2) + rng.uniform(-0.1, 0.1, 400),
            "champion": 0.5,
            "orders": np.arange(400) % 4 + 1.0,
        },
        index=[f"c{number % 200}" for number in range(400)],
    )
    folds = np.repeat(["2024-01-01", "2024-02-01"], 200)
    table = pd.DataFrame(version_comparison._rows(task, rows, folds, seed=1))
    assert set(table["part"]) == {
        *("all", "fold", "orders so far, from", "tenth of the prediction"),
    }
    assert table.groupby("part")["customers"].sum().eq(400).all()
    assert (table["low"] > 0).all()
    losses = -np.log(np.where(churned == 1, rows["model"], 1 - rows["model"]))
    assert table["gain"][0] == pytest.approx(1 - losses.mean() / np.log(2))


def test_an_alias_that_was_moved_in_mlflow_is_judged_and_taken_over(twice):
    settings, _, first, second = twice
    name = next(name for name, verdict in second.verdicts.items() if verdict.promoted)
    tracker = Tracker(settings)
    before, now = first.versions[name], second.versions[name]
    tracker.client.set_registered_model_alias(tracker.registered_name(name), CHAMPION, before)
    told = regulars(settings, "models")
    assert f"stands at version {before}, in force is {now}" in told.stdout
    # a training, or a promotion, puts the alias back and keeps the wish
    tracker.crown(in_force(settings))
    assert tracker.alias(name, CHAMPION) == now
    assert tracker.alias(name, CHALLENGER) == before
    done = promote(settings, (name,), None)
    assert done.versions == {name: before}
    # it knows a week less of the orders than the champion
    assert not done.verdicts[name].promoted
    assert tracker.alias(name, CHAMPION) == now
    tracker.client.delete_registered_model_alias(tracker.registered_name(name), CHALLENGER)


@pytest.mark.slow
def test_a_refused_model_gives_its_place_to_the_champions(shop):
    broken = {task.name: task for task in bad_tasks("worse")}
    tasks = tuple(
        broken[name] if name == "value" else broken[name]._task
        for name in ("churn", "value", "next_purchase", "recommendation")
    )
    found = train(shop.log, None, tasks=tasks)
    assert set(found.refused) == {"value"}
    manifest = in_force(shop.settings)
    # the others learned the same again: they keep their versions
    assert {entry.version for entry in manifest.models.values()} == {"1"}
    first = shop.result.bundle.name
    assert manifest.previous == first
    old = current_bundle(shop.result.bundle.parent).parent / first / "value"
    new = shop.settings.path(shop.settings.store.bundles) / manifest.bundle_id / "value"
    assert {p.name: p.read_bytes() for p in new.iterdir()} == {
        p.name: p.read_bytes() for p in old.iterdir()
    }
    tracker = Tracker(shop.settings)
    assert tracker.alias("value", CHAMPION) == "1"
    assert tracker.alias("value", CHALLENGER) == "2"
    assert tracker.version("value", "2").verdict.startswith("refused: it is worse than")
    # nor by hand: the training's verdict stands, beside the champion it was judged with
    done = promote(shop.settings, (), None)
    assert done.versions == {"value": "2"}
    assert done.refused == found.refused
    assert done.bundle is None
    assert in_force(shop.settings) == manifest
    by_hand = regulars(shop.settings, "promote")
    assert by_hand.exit_code == 3
    assert "nothing was promoted, since value: it is worse than" in by_hand.stderr
    assert in_force(shop.settings) == manifest


@pytest.mark.slow
def test_somebody_who_knows_better_says_why_and_it_is_written_down(shop):
    broken = {task.name: task for task in bad_tasks("worse")}
    tasks = tuple(
        broken[name] if name == "value" else broken[name]._task
        for name in ("churn", "value", "next_purchase", "recommendation")
    )
    refused = train(shop.log, None, tasks=tasks).refused["value"]
    assert regulars(shop.settings, "promote", "--force", " ").exit_code == 2
    forced = regulars(shop.settings, "promote", "--force", "checked by hand", "--json")
    assert forced.exit_code == 0, forced.stderr
    entry = in_force(shop.settings).models["value"]
    assert entry.version == "2"
    assert entry.reason == f"forced (checked by hand), though {refused}"
    assert json.loads(forced.stdout)["bundle"] == in_force(shop.settings).bundle_id
    assert Tracker(shop.settings).version("value", "2").verdict.startswith("promoted: forced")
    audit = json.loads(regulars(shop.settings, "audit", "--json").stdout)["entries"]
    assert audit[0]["detail"] == "all models: challengers, forced: checked by hand"


@pytest.mark.slow
def test_what_cannot_be_read_is_refused_and_not_passed(shop):
    """The artifacts of the champion are gone: nothing is known of how it did."""
    database = shop.settings.database_url(shop.settings.tracking.uri).removeprefix("sqlite:///")
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE runs SET artifact_uri = artifact_uri || '/gone'")
    found = train(shop.log, None)
    assert found.bundle is None
    assert set(found.refused.values()) == {
        "it cannot be judged, since the champion's backtest cannot be read from MLflow"
    }
    assert {entry.version for entry in in_force(shop.settings).models.values()} == {"1"}


@pytest.mark.slow
def test_a_daily_training_is_compared_on_the_champions_last_fold(twice):
    _, _, _, second = twice
    for name, one in second.verdicts.items():
        assert one.promoted, one
        assert "champion version 1" in one.reason
        assert "the folds of both backtests" in one.reason
        assert second.versions[name] == "2"


@pytest.mark.slow
def test_a_training_of_the_past_is_kept_and_not_put_in_force(shop):
    """Its models know fewer of the same orders, and could not score today."""
    manifest, end = in_force(shop.settings), shop.log.end
    past = train(shop.log, end - timedelta(days=7))
    assert past.bundle is None
    assert past.stand_ins == {}
    assert set(past.refused.values()) == {
        f"it knows the orders up to {end - timedelta(days=7)}, and champion version 1 up to {end}"
    }
    assert in_force(shop.settings) == manifest
    assert {Tracker(shop.settings).alias(name, CHALLENGER) for name in past.versions} == {"2"}
    # nor by hand, unless somebody says why
    assert promote(shop.settings, (), None).refused == past.refused
    forced = promote(shop.settings, (), None, force="to look back")
    assert forced.bundle == in_force(shop.settings).bundle_id
    assert in_force(shop.settings).as_of == (end - timedelta(days=7)).isoformat()


@pytest.mark.slow
def test_orders_that_end_earlier_are_learned_from(shop):
    """Other files took the place of those of the champion, which knows of days beyond them."""
    orders = shop.orders[shop.orders["time"] < pd.Timestamp(shop.log.end) - timedelta(days=7)]
    with read_orders(shop.settings, FrameSource(orders)) as log:
        result = train(log, None)
    assert result.refused == {}
    assert in_force(shop.settings).as_of == result.backtest.plan.as_of.isoformat()


@pytest.mark.slow
def test_rollback_and_promotion_go_back_and_forth(twice):
    settings, log, first, second = twice
    features = build_features(log, log.end)
    said_first = load_models_of(first.bundle).value.predict(features)
    said_second = load_models_of(second.bundle).churn.predict(features)
    back = regulars(settings, "rollback", "--json")
    assert back.exit_code == 0, back.output
    assert json.loads(back.stdout)["bundle_id"] == first.bundle.name
    pd.testing.assert_frame_equal(
        load_models(settings).value.predict(features), said_first, check_exact=True
    )
    tracker = Tracker(settings)
    assert {tracker.alias(name, CHAMPION) for name in first.versions} == {"1"}
    run = tracker.client.get_run(tracker.version("churn", "2").run_id)
    assert run.data.tags["champion"] == "no longer: version 1 is"
    again = regulars(settings, "rollback")
    assert again.exit_code == 1
    assert "no models before these are kept" in again.stderr

    forth = regulars(settings, "promote", "--model", "churn", "--version", "2", "--json")
    assert forth.exit_code == 0, forth.output
    manifest = in_force(settings)
    assert (manifest.models["churn"].version, manifest.models["value"].version) == ("2", "1")
    assert manifest.previous == first.bundle.name
    pd.testing.assert_frame_equal(
        load_models(settings).churn.predict(features), said_second, check_exact=True
    )
    assert tracker.alias("churn", CHAMPION) == "2"
    same = regulars(settings, "promote", "--model", "churn", "--version", "2")
    assert same.exit_code == 0
    assert "regulars-churn version 2: in force already" in same.stdout
    listed = json.loads(regulars(settings, "models", "--json").stdout)
    assert listed["in_force"]["models"]["churn"]["version"] == "2"
    assert listed["in_force"]["models"]["churn"]["reason"]
    shown = regulars(settings, "models").stdout
    assert f"In force: {manifest.bundle_id}; before it: {first.bundle.name}." in shown


def with_previous(shop, name="second"):
    """A further bundle in force, whose one before is the first."""
    bundles = shop.settings.path(shop.settings.store.bundles)
    copy = shutil.copytree(bundles / shop.result.bundle.name, bundles / name)
    manifest = json.loads((copy / MANIFEST).read_text())
    changed = {**manifest, "bundle_id": name, "previous": shop.result.bundle.name}
    (copy / MANIFEST).write_text(json.dumps(changed))
    (bundles / "current").write_text(name)
    return bundles


def test_a_rollback_takes_a_second_and_loads_no_model(shop):
    bundles = with_previous(shop)
    script = (
        "import sys, time\n"
        "from features.settings.loading import load_settings\n"
        "from serving.settings import Settings\n"
        "from training.bundle.in_force import rollback\n"
        "settings = load_settings(sys.argv[1], Settings)\n"
        "rollback(settings)\n"
        "heavy = {'mlflow', 'lightgbm', 'pandas', 'scipy', 'sklearn', 'duckdb'}\n"
        "print(sorted(heavy & set(sys.modules)), time.process_time())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(write_config(shop.settings))],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded, _, seconds = done.stdout.rpartition(" ")
    assert loaded == "[]"
    assert float(seconds) < 1.0
    assert current_bundle(bundles).name == shop.result.bundle.name


def test_a_damaged_bundle_is_not_rolled_back_to(shop):
    bundles = with_previous(shop)
    (bundles / shop.result.bundle.name / "churn" / "model.json").write_text("{}")
    with pytest.raises(BundleError, match="missing or damaged"):
        rollback(shop.settings)
    assert current_bundle(bundles).name == "second"


def test_a_bundle_of_another_horizon_is_not_rolled_back_to(shop):
    with_previous(shop)
    predict = shop.settings.predict.model_copy(update={"horizon_days": 30})
    with pytest.raises(BundleError, match=r"predicts 45 days, but predict\.horizon_days is 30"):
        rollback(shop.settings.model_copy(update={"predict": predict}))


def test_one_publication_at_a_time(shop, monkeypatch):
    monkeypatch.setattr("training.bundle.in_force.LOCK_TIMEOUT_SECONDS", 0)
    with_previous(shop)
    bundles = shop.settings.path(shop.settings.store.bundles)
    started = time.monotonic()
    with publication_lock(bundles), pytest.raises(Busy, match="publishing models"):
        rollback(shop.settings)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("names", "version", "said"),
    [
        (("churn",), "9", "regulars-churn has no such version"),
        (("churn",), None, "regulars-churn: no challenger"),
        ((), None, "no model has a challenger"),
    ],
)
def test_what_cannot_be_promoted_is_said_in_a_line(names, version, said, shop):
    with pytest.raises(ConfigError, match=said):
        promote(shop.settings, names, version)


def test_a_version_needs_its_model(shop):
    found = regulars(shop.settings, "promote", "--version", "1")
    assert found.exit_code == 2
    assert "--model churn --version 3" in found.stderr


def test_damaged_files_of_a_version_are_not_promoted(trained, shop, tmp_path):
    tracker = Tracker(shop.settings)
    files = tracker.files("churn", "1", tmp_path / "a")
    assert (files / "model.json").read_bytes() == (
        trained.result.bundle / "churn" / "model.json"
    ).read_bytes()
    tracker.tag("churn", "1", "sha256", "0" * 64)
    with pytest.raises(BundleError, match="its files are damaged"):
        tracker.files("churn", "1", tmp_path / "b")
