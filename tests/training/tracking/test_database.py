"""MLflow's database after its folder was moved, copied, locked away or damaged."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from tests.support.shop import shop_settings
from tests.support.trained import SECTIONS
from training.errors import TrackingError
from training.tracking.database import usable
from training.tracking.mlflow_runs import Tracker


def copied(trained, root):
    """The whole folder somewhere else, artifacts included."""
    shutil.copytree(trained.root, root)
    return shop_settings(root, **SECTIONS)


def test_a_copied_shop_reads_and_writes_in_its_own_place(trained, tmp_path):
    settings = copied(trained, tmp_path / "copy")
    tracked = trained.root / "mlruns"
    before = sorted(path for path in tracked.rglob("*") if path.is_file())
    tracker = Tracker(settings)
    record = tracker.record("churn", "1")
    assert record is not None
    files = tracker.files("churn", "1", tmp_path / "files")
    assert (files / "model.json").is_file()
    with tracker.training({"seed": 1}, "2026-01-01") as run_id:
        pass
    uri = tracker.client.get_run(run_id).info.artifact_uri
    assert str(tmp_path / "copy") in uri
    for version in tracker.versions():
        assert str(trained.root) not in tracker.client.get_run(version.run_id).info.artifact_uri
    assert sorted(path for path in tracked.rglob("*") if path.is_file()) == before


def test_a_moved_shop_has_its_artifacts(trained, tmp_path):
    settings = copied(trained, tmp_path / "copy")
    Tracker(settings)
    shutil.move(tmp_path / "copy", tmp_path / "moved")
    moved = Tracker(shop_settings(tmp_path / "moved", **SECTIONS))
    assert moved.record("value", "1") is not None
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("content", [b"no database" * 500, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_damaged_database_is_one_line(content, tmp_path):
    settings = shop_settings(tmp_path, **SECTIONS)
    file = tmp_path / "mlruns" / "mlflow.db"
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(TrackingError) as refused:
        Tracker(settings)
    assert str(file) in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_locked_database_is_one_line_and_says_what_to_do(tmp_path):
    file = tmp_path / "mlflow.db"
    with (
        closing(sqlite3.connect(file, isolation_level=None)) as holder,
        closing(sqlite3.connect(file, timeout=0)) as waiting,
    ):
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TrackingError) as refused, usable(f"sqlite:///{file}"):
            waiting.execute("CREATE TABLE t (x)")
    assert "database is locked" in str(refused.value)
    assert "Another process holds it" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.slow  # MLflow waits 20 seconds
def test_a_database_that_is_locked_during_a_training_is_one_line(tmp_path):
    settings = shop_settings(tmp_path, **SECTIONS)
    tracker = Tracker(settings)
    file = tmp_path / "mlruns" / "mlflow.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(TrackingError, match="database is locked"), tracker.training({}, "x"):
            pytest.fail("the run was not written")
