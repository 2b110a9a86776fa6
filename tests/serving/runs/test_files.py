"""Files of a run: none of a run that readers do not see."""

import json

import pandas as pd
import pytest

from features.errors import ConfigError
from serving.runs.files import (
    RUN_FILE,
    TABLES,
    finish_files,
    tables_are_of,
    written_aside,
)
from serving.scoring.run import RECOMMENDATION_COLUMNS, ScoreRun
from tests.support.scores import run_info, score_tables


@pytest.fixture
def run(monkeypatch):
    scores, recommendations = score_tables(5)
    monkeypatch.setattr("serving.scoring.run.FILE_SCORE_COLUMNS", ("customer_id", "clv"))
    monkeypatch.setattr("serving.scoring.run.MORE_COLUMNS", ())
    monkeypatch.setattr("serving.scoring.run.PROFIT_COLUMNS", ())
    info = run_info("run-7", segment_columns=())
    columns = list(RECOMMENDATION_COLUMNS)
    return ScoreRun(info, scores, recommendations[columns], pd.DataFrame())


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_files_come_into_place_once_the_run_is_published(run, tmp_path):
    with written_aside(run, tmp_path) as files:
        assert names(tmp_path) == [".run-run-7"]
        placed = files.put_in_place()
    assert [path.name for path in placed] == list(TABLES)
    assert names(tmp_path) == sorted([*TABLES, RUN_FILE])
    assert json.loads((tmp_path / RUN_FILE).read_text())["run_id"] == "run-7"
    assert tables_are_of(tmp_path, "run-7")
    assert not tables_are_of(tmp_path, "run-8")


def publishing_fails(run, output):
    with written_aside(run, output):
        raise ConfigError("the store is gone")


def test_a_run_that_is_not_published_leaves_the_files_of_before(run, tmp_path):
    (tmp_path / "scores.parquet").write_bytes(b"of before")
    with pytest.raises(ConfigError, match="the store is gone"):
        publishing_fails(run, tmp_path)
    assert names(tmp_path) == ["scores.parquet"]
    assert (tmp_path / "scores.parquet").read_bytes() == b"of before"


@pytest.mark.parametrize("placed", [(), ("recommendations.parquet",), TABLES])
def test_what_a_killed_process_left_is_finished_where_its_run_was_published(run, placed, tmp_path):
    aside = tmp_path / ".run-run-7"
    run.write(aside)
    (aside / RUN_FILE).write_text(json.dumps(run.info.lineage()))
    for name in placed:
        (aside / name).replace(tmp_path / name)
    finish_files(tmp_path, "run-7")
    assert names(tmp_path) == sorted([*TABLES, RUN_FILE])
    assert tables_are_of(tmp_path, "run-7")


@pytest.mark.parametrize("latest", ["run-6", None])
def test_what_a_killed_process_left_of_another_run_is_removed(run, latest, tmp_path):
    run.write(tmp_path / ".run-run-7")
    assert finish_files(tmp_path, latest) == ()
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_one_line(run, tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ConfigError, match="cannot be written"),
        written_aside(run, tmp_path / "file"),
    ):
        pass


def test_without_a_folder_nothing_is_written(run):
    with written_aside(run, None) as files:
        assert files.put_in_place() == ()
