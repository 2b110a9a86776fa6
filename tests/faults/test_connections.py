"""A server without a proxy in front, and callers who take up its connections."""

import http.client
import signal
from datetime import UTC, datetime

import pytest

from serving.people.api_keys.keys import new_key
from serving.server.stores import open_stores
from tests.support.connections import (
    callers,
    connected,
    cpu_seconds,
    ended_within,
    endless_head,
    get,
    post_without_end,
    statuses_of_others,
)
from tests.support.faults import SCORES, ask
from tests.support.scores import run_info, score_tables
from tests.support.servers import running_server

CUSTOMER = "/v1/customers/012000"
EXPORT = "/v1/churn-list?format=csv"

SCRIPT = """
import resource, sys, time
from dataclasses import replace
from serving.settings import Serve
from serving.server.server import serve
from serving.server.stores import open_stores
from serving.runs.store import RunStore

class Slow(RunStore):
    def customers(self, ids):
        time.sleep(SECONDS)
        return super().customers(ids)

if FILES:
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
stores = replace(open_stores(sys.argv[1]), scores=Slow(sys.argv[1]))
serve("127.0.0.1", int(sys.argv[2]), stores=stores,
      bundle_info={"bundle_id": "b-1", "models": {}}, settings=Serve(SETTINGS))
"""


def server(url, *, seconds=0, files=0, **settings):
    words = ", ".join(f"{name}={value}" for name, value in settings.items())
    script = SCRIPT.replace("SECONDS", str(seconds)).replace("FILES", str(files))
    return running_server(url, script=script.replace("SETTINGS", words))


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A store whose export is larger than what the system keeps of it, and two keys."""
    url = f"sqlite:///{tmp_path_factory.mktemp('large')}/regulars.db"
    stores = open_stores(url)
    stores.scores.publish(run_info(), *score_tables(4_000))
    tokens = []
    for name in ("greedy", "other"):
        token, key = new_key("read", name=name, at=datetime.now(UTC), expires_days=None)
        stores.keys.add(key)
        tokens.append(token)
    stores.close()
    return url, *tokens


@pytest.fixture
def url(tmp_path):
    address = f"sqlite:///{tmp_path}/regulars.db"
    stores = open_stores(address)
    stores.scores.publish(run_info(), *score_tables(40))
    stores.close()
    return address


def test_a_head_without_end_is_refused_at_once(url):
    with server(url) as (address, process):
        before = cpu_seconds(process.pid)
        sent_bytes, answer = endless_head(address, megabytes=64)
        assert cpu_seconds(process.pid) - before < 0.5
        # the rest fits into what the system keeps for the two ends
        assert sent_bytes < 32 * 2**20
        assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")
        assert ask(address, CUSTOMER)[0] == 200


def test_trailers_without_end_are_refused_at_once(url):
    with server(url) as (address, _), connected(address) as caller:
        caller.sendall(
            b"POST /v1/customers/scores HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"2\r\n{}\r\n0\r\nX-Long: "
        )
        with pytest.raises(ConnectionError):
            caller.sendall(b"a" * 64 * 2**20)


def test_silent_connections_end_and_do_not_shut_others_out(url):
    with server(url, files=128, connections=64, idle_seconds=1, head_seconds=1) as (address, _):
        with callers(address, 140) as silent, callers(address, 10, b"GET / HTTP/1.1\r\nHo") as slow:
            assert ask(address, "/healthz")[0] == 200
            assert ask(address, CUSTOMER)[0] == 200
            assert ended_within(silent, 10) == len(silent) > 0
            assert ended_within(slow, 10) == len(slow) == 10
        figures = ask(address, "/metrics")[1].decode()
        assert 'regulars_connections_ended_total{reason="room"}' in figures


def test_answers_that_nobody_reads_end_and_hold_up_nobody_else(large):
    url, greedy, other = large
    with server(url, send_seconds=2) as (address, _):
        with callers(address, 34, get(EXPORT, greedy) * 4, window=4_096) as readers:
            assert set(statuses_of_others(address, other, CUSTOMER, 5)) == {200}
            assert set(statuses_of_others(address, other, EXPORT, 1)) == {200}
            assert set(statuses_of_others(address, other, "/healthz", 5)) == {200}
            assert len(readers) == 34
        # who reads slowly but steadily gets all of it
        with connected(address, window=65_536) as reader:
            reader.sendall(
                get(EXPORT, other).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            )
            answer = http.client.HTTPResponse(reader)
            answer.begin()
            assert len(answer.read()) == len(ask(address, EXPORT, token=other)[1])


def test_an_answer_that_is_never_read_ends(large):
    url, greedy, _ = large
    with server(url, send_seconds=1) as (address, _), connected(address, window=4_096) as reader:
        # several, since the system takes what fits into its own memory
        reader.sendall(get(EXPORT, greedy) * 20)
        first = reader.recv(1)
        figures = ""
        while 'ended_total{reason="unread"}' not in figures:
            status, body, _ = ask(address, "/metrics", token=greedy)
            assert status == 200
            figures = body.decode()
        assert first == b"H"


def test_bodies_that_do_not_come_hold_up_nobody_else(large):
    url, greedy, other = large
    with server(url) as (address, _), callers(address, 200, post_without_end(SCORES, greedy)):
        assert set(statuses_of_others(address, other, CUSTOMER, 5)) == {200}
        assert set(statuses_of_others(address, other, "/healthz", 5)) == {200}


def test_with_all_connections_at_work_the_probes_are_answered_still(large):
    url, greedy, other = large
    settings = {"connections": 16, "in_flight": 16, "in_flight_per_key": 16}
    with server(url, seconds=3, **settings) as (address, _):
        body = b'{"customer_ids": ["012000"]}'
        head = post_without_end(SCORES, greedy).removesuffix(b"{")
        whole = head.replace(b"Length: 1000", b"Length: %d" % len(body)) + body
        with callers(address, 16, whole) as working:
            assert ask(address, "/healthz", token=other)[0] == 200
            status, content, headers = ask(address, CUSTOMER, token=other)
            assert (status, headers["Retry-After"]) == (503, "1")
            assert b"too many connections" in content
            assert [caller.recv(12) for caller in working] == [b"HTTP/1.1 200"] * 16
        assert ask(address, CUSTOMER, token=other)[0] == 200


def test_what_is_no_http_is_a_problem_too(url):
    with server(url) as (address, _), connected(address) as caller:
        caller.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        answer = http.client.HTTPResponse(caller)
        answer.begin()
        assert answer.status == 400
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert b"urn:regulars:problem:no-http" in answer.read()


def test_answers_of_a_server_that_stops_close_their_connection(url):
    with server(url, drain_seconds=5) as (address, process):
        assert ask(address, CUSTOMER)[2]["Connection"] is None
        process.send_signal(signal.SIGTERM)
        while ask(address, "/readyz")[0] != 503:
            pass
        status, _, headers = ask(address, CUSTOMER)
        assert (status, headers["Connection"]) == (200, "close")
        process.send_signal(signal.SIGTERM)
