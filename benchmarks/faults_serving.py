"""What a server in a process of its own does under stops, floods, nonsense and revoked keys.

    python -m benchmarks.faults_serving [--seconds N] [--stops N] [--requests N]

The same scenes as in tests/faults, in full size. Every figure is printed; a promise that is
not kept ends the program.
"""

import argparse
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime

from serving.people.api_keys.keys import new_key
from serving.server.stores import open_stores
from tests.faults.test_serving import CANARY, slow
from tests.support.faults import (
    ask,
    bad_requests,
    overload,
    peak_memory_mb,
    send_too_much,
    stop_in_flight,
)
from tests.support.scores import run_info, score_tables
from tests.support.servers import running_server

PLACES, SECONDS_EACH = 4, 0.25


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults_serving")
    parser.add_argument("--seconds", type=float, default=30, help="of each overload")
    parser.add_argument("--stops", type=int, default=10, help="servers to stop")
    parser.add_argument("--requests", type=int, default=2_000, help="that make no sense")
    arguments = parser.parse_args()
    run(arguments.seconds, arguments.stops, arguments.requests)


def run(seconds: float = 30, stops: int = 10, requests: int = 2_000) -> None:
    with tempfile.TemporaryDirectory() as folder:
        revoked(_new_store(folder))
    # without keys, so that every request comes past the door
    with tempfile.TemporaryDirectory() as folder:
        url = _new_store(folder)
        nonsense(url, requests)
        too_much(url)
        stopped(url, stops)
        for factor in (2, 5):
            overloaded(url, factor, seconds)


def _new_store(folder: str) -> str:
    url = f"sqlite:///{folder}/regulars.db"
    stores = open_stores(url)
    stores.scores.publish(run_info(), *score_tables(40))
    stores.close()
    return url


def revoked(url: str, times: int = 10) -> None:
    stores, waits = open_stores(url), []
    with running_server(url) as (address, _):
        for _ in range(times):
            token, key = new_key("read", name="", at=datetime.now(UTC), expires_days=None)
            stores.keys.add(key)
            _until(address, token, 200)
            stores.keys.revoke(key.key_id, datetime.now(UTC))
            waits.append(_until(address, token, 401))
    stores.close()
    print(f"3: revoked keys refused after {max(waits):.2f} s at most, of {times}")
    assert max(waits) <= 5


def _until(address: str, token: str, status: int) -> float:
    started = time.monotonic()
    while ask(address, "/v1/models", token=token)[0] != status:
        assert time.monotonic() - started < 10
        time.sleep(0.02)
    return time.monotonic() - started


def nonsense(url: str, requests: int) -> None:
    slowest, odd, leaks = 0.0, 0, 0
    with running_server(url) as (address, process):
        for method, path, body in bad_requests(requests, CANARY, seed=7):
            started = time.monotonic()
            status, content, _ = ask(address, path, method=method, body=body)
            slowest = max(slowest, time.monotonic() - started)
            odd += not 400 <= status < 500
            leaks += any(word in content for word in (CANARY.encode(), b"Traceback", b"SELECT"))
        process.terminate()
        logged = process.ended()
    print(
        f"5, 7, 28: {requests} bad requests: {odd} not 4xx, {leaks} leaks in answers, "
        f"{logged.count(CANARY)} in {len(logged.splitlines())} log lines, "
        f"slowest {1000 * slowest:.0f} ms"
    )
    assert (odd, leaks, logged.count(CANARY)) == (0, 0, 0)


def too_much(url: str) -> None:
    with running_server(url) as (address, process):
        ask(address, "/healthz")
        before = peak_memory_mb(process)
        statuses = send_too_much(address, bodies=100, megabytes=10)
        grown = peak_memory_mb(process) - before
    print(f"8: 100 bodies of ten times the limit: {dict(statuses)}, memory grew {grown:.1f} MB")
    assert grown <= 64


def stopped(url: str, times: int) -> None:
    good, seconds, first = 0, [], 0
    for _ in range(times):
        script = slow(1.5, drain_seconds=0.6)
        with running_server(url, script=script) as (address, process):
            stop = stop_in_flight(address, process, requests=20)
        good += stop.good
        first += set(stop.ready_statuses[1:]) == {503}
        seconds.append(stop.seconds)
    print(
        f"15: {times} stops with 20 in flight: {good} of {20 * times} complete, "
        f"not ready first in {first}, exit after {max(seconds):.1f} s at most"
    )
    assert (good, first) == (20 * times, times)


def overloaded(url: str, factor: int, seconds: float) -> None:
    capacity = PLACES / SECONDS_EACH
    script = slow(SECONDS_EACH, in_flight=PLACES, queue=PLACES, queue_seconds=1)
    with running_server(url, script=script) as (address, _):
        answers = overload(address, per_second=factor * capacity, seconds=seconds)
        started = time.monotonic()
        while ask(address, "/v1/customers/012000")[0] != 200:
            assert time.monotonic() - started < 5
        recovered = time.monotonic() - started
    share = answers.statuses[200] / (capacity * seconds)
    print(
        f"16: {factor} times the capacity for {seconds:g} s: {dict(answers.statuses)}, "
        f"{share:.0%} of capacity, good answers in {statistics.median(answers.good_seconds):.2f} s "
        f"(median), recovered after {recovered:.2f} s, "
        f"{answers.without_retry_after} refusals without Retry-After"
    )
    assert share >= 0.7
    assert set(answers.statuses) == {200, 503}


if __name__ == "__main__":
    sys.exit(main())
