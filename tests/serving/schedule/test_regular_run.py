"""`regulars run`: one outcome, nothing done twice, nothing left half done."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from filelock import FileLock

from serving.commands.main import main
from serving.runs.files import RUN_FILE
from serving.runs.store import RunStore
from serving.schedule.outcome import kept_outcome
from serving.schedule.regular_run import LOCK
from tests.support.shop import shop_settings, simulate_orders, write_config
from tests.support.trained import SECTIONS, SHOP

pytestmark = pytest.mark.slow

FILES = {"scores.parquet", "recommendations.parquet", "churn_list.csv", "churn_list.xlsx", RUN_FILE}


@pytest.fixture(scope="module")
def orders():
    return simulate_orders(**SHOP)


@pytest.fixture(scope="module")
def first(orders, tmp_path_factory):
    """A shop after its first regular run, which ended three weeks before its orders do."""
    settings = shop_settings(tmp_path_factory.mktemp("shop"), **SECTIONS)
    write_config(settings)
    write_orders(settings, orders)
    end = orders["time"].max().date() + timedelta(days=1)
    as_of = end - timedelta(days=21)
    return settings, as_of, end, run(settings, "--as-of", as_of.isoformat())


def write_orders(settings, orders):
    orders.to_parquet(settings.root / "orders.parquet", index=False)


def run(settings, *arguments, code=0):
    config = str(settings.root / "regulars.toml")
    done = CliRunner().invoke(main, ["run", "--json", "--config", config, *arguments])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout) | {"log": done.stderr}


def latest(settings):
    store = RunStore(settings.database_url(settings.store.url))
    try:
        return store.latest_run().info, len(store.runs())
    finally:
        store.close()


def test_the_first_run_trains_scores_and_writes_everything(first):
    settings, as_of, _, outcome = first
    assert outcome["outcome"] == "published"
    assert outcome["exit_code"] == 0
    assert outcome["trained_because"].startswith("no models that fit are in force")
    assert outcome["as_of"] == as_of.isoformat()
    exports = settings.root / "data" / "exports"
    assert {path.name for path in exports.iterdir() if not path.name.startswith(".")} == FILES
    assert json.loads((exports / RUN_FILE).read_text())["run_id"] == outcome["run_id"]
    scores = pd.read_parquet(exports / "scores.parquet")
    listed = pd.read_csv(exports / "churn_list.csv")
    assert set(listed["customer_id"]) == set(scores["customer_id"])
    assert kept_outcome(settings)["outcome"] == "published"
    # piped, progress is lines with their time
    lines = outcome["log"].splitlines()
    assert any(line.endswith("published the run") for line in lines)
    assert all(line[10] == "T" and line[19] == "Z" for line in lines)


def test_the_same_again_does_nothing_and_a_later_date_is_scored(first):
    settings, as_of, end, outcome = first
    again = run(settings, "--as-of", as_of.isoformat())
    assert again["outcome"] == "nothing_new"
    assert again["run_id"] == outcome["run_id"]
    assert again["files"] == []
    later = run(settings)
    assert later["outcome"] == "published"
    assert later["trained_because"] is None
    assert later["as_of"] == end.isoformat()
    assert later["bundle"] == outcome["bundle"]
    assert latest(settings)[0].as_of == end
    assert run(settings)["outcome"] == "nothing_new"


def test_a_file_that_is_gone_is_written_again(first):
    settings, *_ = first
    before = run(settings)["run_id"]
    exports = settings.root / "data" / "exports"
    (exports / "churn_list.xlsx").unlink()
    mended = run(settings)
    assert mended["outcome"] == "published"
    assert "left undone" in mended["words"]
    assert mended["run_id"] == before
    (exports / "scores.parquet").unlink()
    assert run(settings)["run_id"] != before
    assert {path.name for path in exports.iterdir() if not path.name.startswith(".")} == FILES


def test_two_runs_of_a_shop_at_once_are_one_too_many(first):
    settings, *_ = first
    with FileLock(settings.root / "data" / LOCK):
        busy = run(settings, code=1)
    assert busy["outcome"] == "failed"
    assert "another regular run of this shop" in busy["problems"][0]
    assert run(settings)["outcome"] == "nothing_new"


def test_a_gate_stops_and_what_cannot_be_read_fails(orders, tmp_path):
    settings = shop_settings(tmp_path, **SECTIONS)
    write_config(settings)
    turned = orders.assign(amount=-orders["amount"], quantity=-orders["quantity"])
    write_orders(settings, turned)
    stopped = run(settings, code=3)
    assert stopped["outcome"] == "stopped"
    assert any("read as returns" in problem for problem in stopped["problems"])
    assert kept_outcome(settings)["outcome"] == "stopped"
    (tmp_path / "orders.parquet").write_bytes(b"no parquet")
    failed = run(settings, code=1)
    assert failed["outcome"] == "failed"
    assert len(failed["problems"]) == 1
    (tmp_path / "regulars.toml").write_text("[data", encoding="utf-8")
    assert run(settings, code=1)["outcome"] == "failed"


@pytest.mark.timeout(900)
def test_killed_at_any_moment_readers_see_a_whole_run_and_the_next_one_finishes():
    """One kill; `make bench-faults` has a hundred."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.faults_run", "--kills", "1"],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "regular runs killed: 1 of " in done.stdout
