"""kill −9 during training and publication, and many processes starting on empty stores.

    python -m benchmarks.faults_train [--trainings N] [--publications N] [--starts N]

The libraries are imported once; every attempt is a fork, killed at a step of its own: a
training at a word of its progress, a publication before one of its changes of a file. After
each, readers must see the models of before or the new ones, whole, and the next attempt must
find nothing in its way.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow.store.tracking.sqlalchemy_store  # noqa: F401 - MLflow's last imports: once for all forks
import numpy as np
import pandas as pd

from features.orders.log import read_orders
from features.settings.loading import settings_from
from features.sources import FrameSource
from serving.runs.store import RunStore
from serving.scoring.run import score
from serving.settings import Settings
from serving.store.run import RunInfo
from training.bundle.in_force import publication_lock
from training.bundle.manifest import current_bundle, read_manifest
from training.bundle.publication import (
    Kept,
    golden_rows_of,
    load_models,
    load_models_of,
    prune,
    publish_bundle,
)
from training.job import train
from training.tracking.mlflow_runs import Tracker

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link")
PROCESSES = 8


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults_train")
    parser.add_argument("--trainings", type=int, default=30, help="most trainings to kill")
    parser.add_argument("--publications", type=int, default=90, help="publications to kill")
    parser.add_argument("--starts", type=int, default=20, help="rounds of eight starts")
    arguments = parser.parse_args()
    run(arguments.trainings, arguments.publications, arguments.starts)


def run(trainings: int = 30, publications: int = 90, starts: int = 20) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shop = Path(folder) / "shop"
        shop.mkdir()
        settings = make_settings(shop)
        # OpenMP does not survive a fork: whatever grows or loads a tree does so in a child
        assert ended(lambda: _train_and_score(settings)) == 0
        killed = kill_publications(settings, publications)
        print(f"publications killed: {killed}, readers saw the old or the new bundle each time")
        killed = kill_scorings(settings, publications)
        print(f"score runs killed: {killed}, readers saw the old or the new run each time")
        killed = kill_trainings(settings, trainings)
        print(f"trainings killed: {killed}, readers saw the old or the new bundle each time")
        assert ended(lambda: _train_and_score(settings)) == 0
        print("the next training and scoring went through")
    failures = sum(_start_together() for _ in range(starts))
    print(f"{PROCESSES} processes starting on empty stores, {starts} times: {failures} failures")
    assert failures == 0


def make_orders() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    rows = [
        (f"c{customer:03d}", pd.Timestamp("2024-01-01") + pd.Timedelta(days=int(day), hours=9))
        for customer in range(70)
        for day in np.cumsum(rng.gamma(1.5, 3 + customer % 17, 40))
        if day < 200
    ]
    table = pd.DataFrame(rows, columns=["customer", "time"])
    amounts = rng.lognormal(3, 0.5, len(table)).round(2)
    return table.assign(order=[f"o{n}" for n in range(len(table))], amount=amounts)


def make_settings(root: Path) -> Settings:
    columns = {
        "customer_id": "customer",
        "ordered_at": "time",
        "order_id": "order",
        "amount": "amount",
    }
    return settings_from(
        {
            "data": {"transactions": "orders.parquet", "columns": columns},
            "predict": {"horizon_days": 30},
            "train": {"folds": 1, "max_cutoffs": 2, "min_customers": 20, "threads": 1},
        },
        Settings,
        root=root,
    )


def _train_and_score(settings: Settings, progress: Callable[[str], None] = lambda _: None) -> None:
    with read_orders(settings, FrameSource(make_orders())) as log:
        train(log, None, progress)
        run = score(log, load_models(settings), None, datetime.now(UTC))
    store = RunStore(settings.database_url(settings.store.url))
    store.publish(run.info, run.scores, run.recommendations)
    store.close()


def ended(work: Callable[[], Any]) -> int:
    """Do `work` in a fork; returns its exit code, −9 where it was killed."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - told on standard error, and by the exit code
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _dies_at(change: int, root: Path) -> None:
    """Kill this process right before its change number `change` of a file below `root`."""
    seen = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        writes = (
            event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
        )
        if not (writes or event in CHANGES) or str(root) not in str(arguments[0]):
            return
        seen += 1
        if seen > change:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def _whole(settings: Settings, known: set[str]) -> str:
    """The bundle that readers see, which must be whole and one of `known` or new."""
    bundle = current_bundle(settings.path(settings.store.bundles))
    manifest = read_manifest(bundle)
    assert manifest.bundle_id == bundle.name
    assert ended(lambda: load_models(settings)) == 0
    known.add(bundle.name)
    return bundle.name


def kill_publications(settings: Settings, most: int) -> int:
    """Kill publications before each of their changes in turn; returns how many died."""
    bundles = settings.path(settings.store.bundles)
    known: set[str] = set()
    before, killed, change = _whole(settings, known), 0, 0
    while killed < most:

        def publish(name: str = f"next-{killed}-{change}", at: int = change) -> None:
            folder = current_bundle(bundles)
            models = load_models_of(folder)
            manifest = replace(models.manifest, bundle_id=name, files={}, previous=folder.name)
            parts = {
                task: Kept(getattr(models, task), folder / task) for task in models.manifest.models
            }
            golden = golden_rows_of(folder, models.manifest)
            _dies_at(at, bundles)
            with publication_lock(bundles):
                publish_bundle(bundles, manifest, parts, golden)
                prune(bundles, 2)

        code = ended(publish)
        assert code in {0, -signal.SIGKILL}
        now = _whole(settings, known)
        assert now in {before, f"next-{killed}-{change}"}
        before = now
        change = 0 if code == 0 else change + 1
        killed += code != 0
    return killed


def kill_scorings(settings: Settings, most: int) -> int:
    """Kill the publication of score runs at random moments; returns how many died."""
    # scoring loads trees, whose threads do not survive a fork: what publishes it are children
    # of a process that has scored, and reads of what they left as well
    reading, writing = os.pipe()
    assert ended(lambda: os.write(writing, bytes([_kill_publishing(settings, most)]))) == 0
    killed = os.read(reading, 1)[0]
    os.close(reading)
    os.close(writing)
    return killed


def _kill_publishing(settings: Settings, most: int) -> int:
    """Score once, and kill `most` publications of it; returns how many died."""
    draw = random.Random(7)  # noqa: S311 - when is no secret
    url = settings.database_url(settings.store.url)
    with read_orders(settings, FrameSource(make_orders())) as log:
        run = score(log, load_models(settings), None, datetime.now(UTC))
    killed = attempts = 0
    while killed < most and attempts < 10 * most:
        attempts += 1
        info = replace(run.info, run_id=f"{run.info.run_id}-{attempts}")
        seconds = draw.uniform(0.0005, 0.08)

        def publish(info: RunInfo = info, seconds: float = seconds) -> None:
            # its default ends a process at once, wherever it is, also inside the database
            signal.setitimer(signal.ITIMER_REAL, seconds)
            RunStore(url).publish(info, run.scores, run.recommendations)

        killed += ended(publish) != 0
        assert ended(lambda: _read_run(url)) == 0
    return killed


def _read_run(url: str) -> None:
    store = RunStore(url)
    run = store.latest_run()
    ids = [f"c{number:03d}" for number in range(70)]
    _, documents = store.customers(ids)
    assert len([one for one in documents if one is not None]) == run.summary.total.customers
    assert all(run.info.run_id.encode() in one for one in documents if one is not None)


def kill_trainings(settings: Settings, most: int) -> int:
    """Kill trainings at each word of their progress in turn; returns how many died."""
    known: set[str] = set()
    killed = 0
    for step in range(most):
        before = _whole(settings, known)
        said = 0

        def progress(_words: str, at: int = step) -> None:
            nonlocal said
            said += 1
            if said > at:
                os.kill(os.getpid(), signal.SIGKILL)

        code = ended(lambda: _train_and_score(settings, progress))
        assert code in {0, -signal.SIGKILL}
        after = _whole(settings, known)
        assert after == before or after not in known - {after}
        killed += code != 0
        if code == 0:
            break
    return killed


def _start_together() -> int:
    """Let processes open MLflow and the store where nothing is yet; returns how many failed."""
    with tempfile.TemporaryDirectory() as folder:
        settings = make_settings(Path(folder))
        children = []
        for _ in range(PROCESSES):
            child = os.fork()
            if child == 0:
                try:
                    Tracker(settings).versions()
                    RunStore(settings.database_url(settings.store.url)).runs()
                except BaseException:  # noqa: BLE001 - told on standard error, and by the exit code
                    traceback.print_exc()
                    os._exit(1)
                os._exit(0)
            children.append(child)
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        return sum(code != 0 for code in codes)


if __name__ == "__main__":
    main()
