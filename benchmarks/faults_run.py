"""kill −9 of the regular run at random moments.

    python -m benchmarks.faults_run [--kills N] [--seed N]

Libraries are imported once; every attempt is a fork with new orders to learn from and to score,
killed by a timer of its own, wherever it is. After each, readers must see one whole run and whole
models, the next regular run must finish, and all files must then be of the run that it published.
"""

import argparse
import json
import random
import signal
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pandas as pd

from benchmarks.faults_train import ended, make_orders, make_settings
from serving.runs.files import tables_are_of
from serving.runs.store import RunStore
from serving.schedule.exports import lists_are_of
from serving.schedule.regular_run import RunOrder, run_shop
from serving.settings import Settings
from training.bundle.publication import load_models

LEAST_DAYS, MOST_DAYS = 120, 200
PROGRESS_KILLS = 10


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults_run")
    parser.add_argument("--kills", type=int, default=100, help="runs to kill")
    parser.add_argument("--seed", type=int, default=11, help="draws the moments")
    arguments = parser.parse_args()
    run(arguments.kills, arguments.seed)


def run(kills: int = 100, seed: int = 11) -> None:
    draw = random.Random(seed)  # noqa: S311 - when is no secret
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder))
        shop.put_orders(LEAST_DAYS)
        seconds = seconds_of(shop.run)
        killed = attempts = 0
        while killed < kills:
            attempts += 1
            # orders only ever grow: a log that lost some would rightly be stopped by a gate
            shop.put_orders(min(LEAST_DAYS + attempts // 2, MOST_DAYS))
            # drawn here: a fork would draw from the same state each time
            started = time.monotonic()
            code = ended(partial(shop.run, draw.uniform(0.0, seconds)))
            assert code in {0, -signal.SIGALRM}, f"the run ended with {code}"
            if code == 0:
                # the machine is slower or quicker than it was: moments are drawn from a whole run
                seconds = time.monotonic() - started
            shop.must_be_whole()
            killed += code != 0
            seconds_of(shop.run)
            shop.must_be_finished()
            if code and killed % PROGRESS_KILLS == 0:
                print(f"{killed} kills in {attempts} runs", flush=True)
    print(
        f"regular runs killed: {killed} of {attempts} at random moments, the last within "
        f"{seconds:.1f} s; "
        "readers saw a whole run each time, the next run finished each time"
    )


def seconds_of(run: Callable[[], None]) -> float:
    """How long a run takes in a fork, which must end well."""
    started = time.monotonic()
    assert ended(run) == 0, "the next run did not finish"
    return time.monotonic() - started


class Shop:
    """A small shop in a folder, whose orders grow."""

    def __init__(self, root: Path) -> None:
        self.settings: Settings = make_settings(root)
        self.output = root / "exports"
        self._orders = make_orders()

    def put_orders(self, days: int) -> None:
        """The orders of the first `days` days, as the shop's file."""
        until = pd.Timestamp("2024-01-01") + pd.Timedelta(days=days)
        table = self._orders[self._orders["time"] < until]
        table.to_parquet(self.settings.root / "orders.parquet", index=False)

    def run(self, seconds: float | None = None) -> None:
        """A regular run that trains; killed after so many seconds."""
        if seconds is not None:
            # its default ends a process at once, wherever it is, also inside the database
            signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3))
        order = RunOrder(at=datetime.now(UTC), output=self.output, train=seconds is not None)
        try:
            run_shop(self.settings, order)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def must_be_whole(self) -> None:
        """What readers see now is one run, and models that answer."""
        assert ended(self._read) == 0, "readers saw half a run"

    def _read(self) -> None:
        load_models(self.settings)
        store = RunStore(self.settings.database_url(self.settings.store.url))
        latest = store.latest_run()
        ids = [f"c{number:03d}" for number in range(70)]
        _, documents = store.customers(ids)
        present = [document for document in documents if document is not None]
        assert len(present) == latest.summary.total.customers
        assert all(latest.info.run_id.encode() in document for document in present)
        for name in ("scores.parquet", "recommendations.parquet"):
            if (self.output / name).exists():
                pd.read_parquet(self.output / name)

    def must_be_finished(self) -> None:
        """All files are of the latest run, and nothing lies aside."""
        store = RunStore(self.settings.database_url(self.settings.store.url))
        run_id = store.latest_run().info.run_id
        store.close()
        assert tables_are_of(self.output, run_id)
        assert lists_are_of(self.output, run_id)
        assert not list(self.output.glob(".run-*"))
        context = json.loads((self.settings.root / "data" / "bundles" / "context.json").read_text())
        assert json.loads(context["run"])["run_id"] == run_id


if __name__ == "__main__":
    main()
