"""A short soak: mixed traffic with orders, exports and two score runs; nothing fails or grows.

`benchmarks.soak` is the long form.
"""

import json
import threading
import time
from datetime import UTC, datetime

import pytest

from serving.runs.job import score_shop
from tests.support.faults import ask
from tests.support.servers import free_port, serving
from tests.support.shop import write_config
from tests.support.soak import MEGABYTE, Traffic, Watch, exports_at_once, send_steadily
from tests.support.trained import copy_of
from tests.support.workers import wait_until

SECONDS, PER_SECOND = 6.0, 20.0


@pytest.fixture(scope="module")
def shop(trained, tmp_path_factory):
    return copy_of(trained, tmp_path_factory.mktemp("soak"))


def score(settings):
    score_shop(settings, created_at=datetime.now(UTC))


def test_traffic_with_orders_exports_and_score_runs(shop):
    settings = shop.settings
    score(settings)
    store = settings.root / "data" / "regulars.db"
    with serving(write_config(settings), free_port()) as (address, server):
        wait_until(lambda: json.loads(ask(address, "/readyz")[1])["scorer"] == "ready")
        watch, until = Watch(server.pid, store), time.monotonic() + SECONDS
        jobs = [threading.Timer(SECONDS * share, score, [settings]) for share in (0.2, 0.6)]
        for job in jobs:
            job.start()
        with watch.every(0.5):
            answered = send_steadily(
                address,
                Traffic(address),
                per_second=PER_SECOND,
                is_over=lambda: (
                    time.monotonic() > until and not any(job.is_alive() for job in jobs)
                ),
            )
            burst = exports_at_once(address, 20)
        files = [held.files for held in watch.looks]
    assert answered.failed == 0, answered.examples
    assert answered.statuses[200] > SECONDS * PER_SECOND / 2
    assert set(burst) <= {200, 503}
    assert burst[200]
    assert max(held.wal_bytes for held in watch.looks) < 16 * MEGABYTE
    assert max(files) - min(files) < 40
