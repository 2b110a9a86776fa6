"""A store whose file is taken away, replaced or damaged under a running server."""

import shutil

import pytest

from serving.errors import StoreError, StoreLost
from serving.runs.store import RunStore
from serving.store.database import WAL_BYTES, open_database
from tests.serving.conftest import BUNDLE, client_of
from tests.support.scores import run_info, score_tables

LINE = {
    "customer_id": "a",
    "order_id": "o1",
    "line": 1,
    "product_id": "p",
    "ordered_at": "2026-03-03T10:00:00Z",
    "quantity": 1,
    "amount": 4.5,
}


@pytest.fixture
def store(tmp_path):
    store = RunStore(open_database(f"sqlite:///{tmp_path / 'regulars.db'}"))
    store.publish(run_info(), *score_tables(30))
    yield store
    store.close()


def remove(folder):
    for file in folder.glob("regulars.db*"):
        file.unlink()


def test_no_order_is_acknowledged_and_the_server_is_not_ready_without_its_file(store, tmp_path):
    client = client_of(store, BUNDLE)
    assert client.get("/readyz").status_code == 200
    assert client.post("/v1/transactions", json={"lines": [LINE]}).status_code == 202
    read_before = client.get("/v1/customers/012000").content
    remove(tmp_path)
    answer = client.post("/v1/transactions", json={"lines": [{**LINE, "order_id": "o2"}]})
    assert answer.status_code == 503
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["type"] == "urn:regulars:problem:not-ready"
    assert not (tmp_path / "regulars.db").exists()
    # what was read before goes on
    assert client.get("/v1/customers/012000").content == read_before


def test_another_file_of_the_name_is_read_instead(store, tmp_path):
    other = RunStore(open_database(f"sqlite:///{tmp_path / 'other.db'}"))
    other.publish(run_info("run-2"), *score_tables(30, seed=2))
    other.close()
    assert store.customer("012000").run_id == "run-1"
    remove(tmp_path)
    shutil.move(tmp_path / "other.db", tmp_path / "regulars.db")
    assert store.latest_run().info.run_id == "run-2"
    assert store.customer("012000").run_id == "run-2"


def test_half_a_file_is_lost(store, tmp_path):
    client = client_of(store, BUNDLE)
    assert client.get("/readyz").status_code == 200
    file = tmp_path / "regulars.db"
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert client.get("/readyz").status_code == 200
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2)
    answer = client.post("/v1/transactions", json={"lines": [LINE]})
    assert answer.status_code >= 500
    assert client.get("/readyz").status_code == 503


def test_a_lost_store_is_a_store_that_cannot_be_used(store, tmp_path):
    remove(tmp_path)
    with pytest.raises(StoreLost, match="gone"):
        store.latest_run()
    assert issubclass(StoreLost, StoreError)


def test_what_a_long_transaction_wrote_ahead_is_cut_back(store, tmp_path):
    ahead = tmp_path / "regulars.db-wal"
    with store.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE long_transaction (bytes BLOB)")
        connection.exec_driver_sql(
            f"INSERT INTO long_transaction VALUES (zeroblob({WAL_BYTES * 3 // 2}))"
        )
    assert ahead.stat().st_size > WAL_BYTES
    for _ in range(2):
        with store.engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO long_transaction VALUES (x'00')")
    assert ahead.stat().st_size <= WAL_BYTES
