"""The worker as a process: what is killed is taken up again, and nothing is done by halves."""

import os
import signal
from datetime import UTC, datetime

import httpx2
import pytest

from serving.jobs.keeper import KeeperPace, WorkerKeeper
from serving.jobs.lease import WorkerLease
from serving.jobs.order_files import OrderFiles
from serving.jobs.place import WorkPlace
from serving.jobs.stages import stage_begun_by
from serving.jobs.store import TAKEN_UP, JobStore
from serving.jobs.taking_in import place_files
from serving.runs.store import RunStore
from serving.store.database import open_database
from tests.support.servers import free_port, serving
from tests.support.shop import shop_settings, simulate_orders, write_config
from tests.support.trained import SECTIONS, SHOP
from tests.support.workers import wait_until

QUICK = KeeperPace(poll_seconds=0.05, back_off_seconds=0.05)


def now():
    return datetime.now(UTC)


@pytest.fixture
def shop(tmp_path):
    """Settings of a shop whose orders lie in a folder, its configuration file and its jobs."""
    folder = tmp_path / "orders"
    folder.mkdir()
    simulate_orders(**SHOP).to_csv(folder / "first.csv", index=False)
    settings = shop_settings(tmp_path, **SECTIONS, data={"transactions": "orders/*.csv"})
    config = write_config(settings)
    engine = open_database(WorkPlace.of(config).store_url)
    yield settings, config, JobStore(engine)
    engine.dispose()


def keeper(config, store):
    return WorkerKeeper(WorkPlace.of(config), store, zone=None, pace=QUICK)


def ended(store, job):
    wait_until(lambda: not store.job(job.job_id).is_unfinished, 120)
    return store.job(job.job_id)


def texts(store, job):
    return [line.text for line in store.lines(job, limit=1_000)]


@pytest.mark.slow
def test_a_worker_and_a_server_killed_in_a_training_leave_one_whole_run(shop):
    settings, config, store = shop
    job = store.add("run", {}, by="local", at=now())
    with keeper(config, store) as first:
        wait_until(lambda: store.job(job.job_id).stage == "train", 120)
        os.kill(first.pid, signal.SIGKILL)
        wait_until(lambda: store.job(job.job_id).attempts == 2)
    # the keeper was stopped in order: its worker with it, and the job waits
    assert store.job(job.job_id).state == "waiting"
    assert WorkerLease(store.engine).holder(now()) is None
    port = free_port()
    with serving(config, port) as (_, server):
        wait_until(lambda: store.job(job.job_id).stage == "train", 120)
        server.kill()
        server.wait()
    # the worker is not its server's end: it goes on, and a second one leaves it alone
    with serving(config, port) as (address, _):
        done = ended(store, job)
        page = httpx2.get(f"{address}/jobs/{job.job_id}").text
    assert done.state == "done", done.outcome
    assert done.outcome["outcome"] == "published"
    assert done.attempts == 2
    told = texts(store, job)
    assert told.count(TAKEN_UP) == 1
    assert told.count("published the run") == 1
    # every step of a run is told apart by what the run says
    stages = [stage for line in told if (stage := stage_begun_by(line)) is not None]
    assert stages[-5:] == ["check", "train", "score", "publish", "files"]
    assert "New scores are published." in page
    runs = RunStore(store.engine).runs()
    assert [run.info.run_id for run in runs] == [done.outcome["run_id"]]
    assert (settings.root / "data" / "exports" / "churn_list.csv").exists()


def test_newer_orders_are_checked_before_they_are_put_in_place(shop):
    settings, config, store = shop
    folder, data = settings.root / "orders", settings.root / "data"
    sent = data / "uploads"
    sent.mkdir(parents=True)
    turned = simulate_orders(**SHOP)
    turned["amount"] = -turned["amount"]
    turned["quantity"] = -turned["quantity"]
    (sent / "1~second.csv").write_text(turned.to_csv(index=False))
    (sent / "2~second.csv").write_text("customer,order\nc1,o1\n")
    (sent / "3~second.zip").write_bytes(b"no zip")
    before = (folder / "first.csv").read_bytes()
    jobs = [
        store.add("take_in", {"file": str(file), "mode": "replace"}, by="local", at=now())
        for file in sorted(sent.iterdir())
    ]
    with keeper(config, store):
        stopped, failed, broken = (ended(store, job) for job in jobs)
    assert stopped.state == "stopped"
    assert any("read as returns" in problem for problem in stopped.problems)
    assert failed.state == broken.state == "failed"
    assert "time" in failed.problems[0]
    assert "cannot be unpacked" in broken.problems[0]
    assert [path.name for path in folder.iterdir()] == ["first.csv"]
    assert (folder / "first.csv").read_bytes() == before
    assert not list(data.glob("taking-in-*"))


def test_a_job_that_is_cancelled_ends_where_it_is(shop):
    _, config, store = shop
    job = store.add("run", {}, by="local", at=now())
    with keeper(config, store):
        wait_until(lambda: bool(texts(store, job)), 60)
        store.cancel(job.job_id, now())
        cancelled = ended(store, job)
    assert cancelled.state == "cancelled"
    assert RunStore(store.engine).runs() == []


def test_newer_orders_take_their_place_also_when_the_worker_was_killed_between(tmp_path):
    for folder, names in (("orders", ("old.csv", "both.csv", "new.csv")), ("new", ("both.csv",))):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).write_text(f"{folder} {name}")
    plan = {"new": ["both.csv", "new.csv"], "leaving": ["old.csv", "both.csv"]}
    for _ in range(2):
        place_files(OrderFiles(tmp_path, "orders/*.csv"), tmp_path / "new", plan)
        there = {path.name: path.read_text() for path in (tmp_path / "orders").iterdir()}
        # `new.csv` had been placed before the kill
        assert there == {"both.csv": "new both.csv", "new.csv": "orders new.csv"}
