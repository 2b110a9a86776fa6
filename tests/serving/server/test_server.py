"""The process: what it loads, where it listens, how it ends."""

import json
import signal
import socket
import threading
import time
import urllib.request
from datetime import UTC, datetime

import pytest

from features.errors import ConfigError
from serving.people.api_keys.keys import new_key
from serving.runs.store import RunStore
from serving.server.server import check_host, serve
from serving.server.stores import open_stores
from tests.support.faults import ask
from tests.support.scores import run_info, score_tables
from tests.support.servers import running_server
from tests.support.stores import fresh_stores

pytestmark = pytest.mark.slow

WATCHED = """
import atexit, json, signal, sys
# When all is answered uvicorn sends itself the signal again: end by it, but in order.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
looked_up = []
sys.addaudithook(
    lambda name, args: looked_up.append(str(args)) if name == "pickle.find_class" else None
)
from serving.server.server import serve
from serving.server.stores import open_stores

def report():
    heavy = {"mlflow", "lightgbm", "sklearn", "duckdb", "pandas", "numpy", "sqlglot"}
    print("REPORT", json.dumps({"looked_up": looked_up, "heavy": sorted(heavy & set(sys.modules))}))

atexit.register(report)
serve("127.0.0.1", int(sys.argv[2]), stores=open_stores(sys.argv[1]),
      bundle_info={"bundle_id": "b-1", "models": {}})
"""

SLOW = """
import sys, time
from dataclasses import replace
from serving.server.server import serve
from serving.server.stores import open_stores
from serving.runs.store import RunStore

class Slow(RunStore):
    def customers(self, ids):
        time.sleep(1.0)
        return super().customers(ids)

serve("127.0.0.1", int(sys.argv[2]), stores=replace(open_stores(sys.argv[1]), scores=Slow(sys.argv[1])),
      bundle_info=None)
"""

OPEN_TO_ALL = """
import sys
from serving.server.server import serve
from serving.server.stores import open_stores

serve("0.0.0.0", int(sys.argv[2]), stores=open_stores(sys.argv[1]), bundle_info=None)
"""


@pytest.fixture
def url(tmp_path):
    address = f"sqlite:///{tmp_path}/regulars.db"
    store = RunStore(address)
    store.publish(run_info(), *score_tables(40))
    store.close()
    return address


def get(address):
    with urllib.request.urlopen(address, timeout=10) as response:  # noqa: S310 - our own
        return response.read()


def test_the_server_loads_no_model_library(url):
    with running_server(url, script=WATCHED) as (address, process):
        for path in (
            "/readyz",
            "/v1/customers/012000",
            "/v1/churn-list",
            "/v1/churn-list?format=csv",
            "/v1/churn-list?format=xlsx",
            "/v1/changes",
            "/v1/customers/012000/history",
            "/v1/segments/abc",
            "/v1/models",
            "/",
            "/customers/012000",
            "/assets",
            "/loyalty",
            "/goods",
            "/docs",
            "/openapi.json",
        ):
            assert get(address + path)
        process.send_signal(signal.SIGTERM)
        output = process.ended()
    report = json.loads(output.partition("REPORT ")[2].splitlines()[0])
    # babel keeps its own locale data, part of its package, in a form that names its classes
    ours = [name for name in report["looked_up"] if not name.startswith("('babel.")]
    assert (ours, report["heavy"]) == ([], [])


def test_a_request_in_flight_is_finished_before_the_end(url):
    with running_server(url, script=SLOW) as (address, process):
        answers = []

        def ask():
            request = urllib.request.Request(  # noqa: S310 - our own
                f"{address}/v1/customers/scores",
                data=b'{"customer_ids": ["012000"]}',
                headers={"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310 - our own
                answers.append(json.load(response))

        asking = [threading.Thread(target=ask) for _ in range(10)]
        for thread in asking:
            thread.start()
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        for thread in asking:
            thread.join(timeout=20)
        process.ended()
    assert [one["results"][0]["status"] for one in answers] == ["scored"] * 10


def test_a_reader_in_another_process_sees_a_new_run_at_once(url):
    with running_server(url) as (address, _):
        assert json.loads(get(f"{address}/v1/models"))["run_id"] == "run-1"
        store = RunStore(url)
        store.publish(run_info("run-2"), *score_tables(40, seed=2))
        store.close()
        assert json.loads(get(f"{address}/v1/models"))["run_id"] == "run-2"
        answer = json.loads(get(f"{address}/v1/customers/012000"))
        assert answer["lineage"]["run_id"] == "run-2"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_is_listened_on(host):
    check_host(host, fresh_stores())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "shop.example", ""])  # noqa: S104
def test_other_machines_are_refused_with_the_reason(host):
    with pytest.raises(ConfigError, match="no API key is in force"):
        serve(host, 8000, stores=fresh_stores(), bundle_info=None)


def test_with_a_key_in_force_other_machines_may_come_and_need_one(url):
    stores = open_stores(url)
    token, key = new_key("read", name="", at=datetime.now(UTC), expires_days=1)
    stores.keys.add(key)
    with running_server(url, script=OPEN_TO_ALL) as (address, _):
        assert ask(address, "/v1/models")[0] == 401
        assert ask(address, "/v1/models", token=token)[0] == 200
        stores.keys.revoke(key.key_id, datetime.now(UTC))
        time.sleep(4.5)
        assert ask(address, "/v1/models", token=token)[0] == 401
    with pytest.raises(ConfigError, match="no API key is in force"):
        serve("0.0.0.0", 8000, stores=stores, bundle_info=None)  # noqa: S104 - refused
    stores.close()


def test_a_port_in_use_ends_the_process(url):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SystemExit):
            serve(*taken.getsockname(), stores=open_stores(url), bundle_info=None)
