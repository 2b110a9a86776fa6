"""What a server in a process of its own promises under stops, floods and nonsense."""

import statistics
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from serving.server.stores import open_stores
from tests.support.faults import (
    ask,
    bad_requests,
    overload,
    peak_memory_mb,
    send_too_much,
    stop_in_flight,
)
from tests.support.postgres import listening, needed_binaries, new_cluster
from tests.support.scores import run_info, score_tables
from tests.support.servers import running_server

CANARY = "canary~7f3a"
"""No name that a field could have: those of unknown fields are told."""

SLOW = """
import sys, time
from dataclasses import replace
from serving.settings import Serve
from serving.server.server import serve
from serving.server.stores import open_stores
from serving.runs.store import RunStore

class Slow(RunStore):
    def customers(self, ids):
        time.sleep(SECONDS)
        return super().customers(ids)

stores = replace(open_stores(sys.argv[1]), scores=Slow(sys.argv[1]))
serve("127.0.0.1", int(sys.argv[2]), stores=stores,
      bundle_info={"bundle_id": "b-1", "models": {}}, settings=Serve(SETTINGS))
"""


def slow(seconds, **settings):
    words = ", ".join(f"{name}={value}" for name, value in settings.items())
    return SLOW.replace("SECONDS", str(seconds)).replace("SETTINGS", words)


@pytest.fixture
def url(tmp_path):
    address = f"sqlite:///{tmp_path}/regulars.db"
    open_stores(address).scores.publish(run_info(), *score_tables(40))
    return address


def test_a_stop_with_twenty_in_flight_finishes_all_and_is_not_ready_first(url):
    with running_server(url, script=slow(1.5, drain_seconds=0.6)) as (address, process):
        stop = stop_in_flight(address, process, requests=20)
    assert stop.good == 20
    assert stop.ready_statuses
    assert set(stop.ready_statuses[1:]) == {503}
    assert stop.seconds < 30


@pytest.mark.parametrize("factor", [2, 5])
def test_overload_is_refused_in_part_and_forgotten_at_once(url, factor):
    capacity = 4 / 0.25
    script = slow(0.25, in_flight=4, queue=4, queue_seconds=1)
    with running_server(url, script=script) as (address, _):
        answers = overload(address, per_second=factor * capacity, seconds=3)
        started = time.monotonic()
        while ask(address, "/v1/customers/012000")[0] != 200:
            assert time.monotonic() - started < 5
    assert set(answers.statuses) == {200, 503}
    # how many exactly is a benchmark's question: here the machine may be busy with other tests
    assert answers.statuses[200] >= capacity
    assert answers.without_retry_after == 0
    assert statistics.median(answers.good_seconds) < 1


def test_ten_times_too_much_costs_little_memory(url):
    with running_server(url) as (address, process):
        ask(address, "/v1/churn-list")
        before = peak_memory_mb(process)
        statuses = send_too_much(address, bodies=20, megabytes=10)
        assert peak_memory_mb(process) - before <= 64
        assert ask(address, "/v1/customers/012000")[0] == 200
    assert set(statuses) <= {413, 0}


def test_nonsense_leaves_no_trace_in_answers_logs_or_store(url, tmp_path):
    with running_server(url) as (address, process):
        statuses = []
        for method, path, body in bad_requests(300, CANARY, seed=1):
            status, content, _ = ask(address, path, method=method, body=body)
            statuses.append(status)
            for leak in (CANARY.encode(), b"Traceback", b"site-packages", b"SELECT", b'File "'):
                assert leak not in content
        process.terminate()
        logged = process.ended()
    assert {status for status in statuses if not 400 <= status < 500} == set()
    assert logged.count('"event":"request"') >= 300
    assert CANARY not in logged
    assert "Traceback" not in logged
    assert not any(CANARY.encode() in file.read_bytes() for file in Path(tmp_path).iterdir())


def test_a_database_that_goes_away_and_comes_back():
    binaries = needed_binaries()
    with new_cluster(binaries) as database, ExitStack() as stack:
        with listening(database, binaries):
            stores = open_stores(database.url())
            stores.scores.publish(run_info(), *score_tables(40))
            stores.close()
            script = slow(0, last_good_seconds=4)
            address, _ = stack.enter_context(running_server(database.url(), script=script))
            good = ask(address, "/v1/customers/012000")
            assert good[0] == 200
        old = ask(address, "/v1/customers/012000")
        assert old[:2] == good[:2]
        assert ask(address, "/v1/customers/012007")[0] == 503
        time.sleep(8.2)
        assert ask(address, "/v1/customers/012000")[0] == 503
        assert ask(address, "/readyz")[0] == 503
        assert ask(address, "/healthz")[0] == 200
        with listening(database, binaries):
            time.sleep(2.2)
            back = ask(address, "/v1/customers/012007")
            assert back[0] == 200
            assert "Age" not in back[2]
