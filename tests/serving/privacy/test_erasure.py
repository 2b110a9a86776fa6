"""Erasure end to end: bytes of the database and files, over HTTP and the command line."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from serving.changes.schemas import Changes
from serving.privacy.erasure import CustomerFiles, erase
from serving.privacy.schemas import Erasure
from serving.runs.store import RunStore
from serving.server.stores import open_stores
from serving.store.protocol import ChurnFilter
from serving.store.rules import PublishRules
from tests.serving.conftest import client_of
from tests.serving.server.test_api import problem
from tests.support.scores import AS_OF, run_info, score_tables

AT = datetime(2026, 3, 4, tzinfo=UTC)
GONE = [f"kanarienvogel-{number}" for number in range(100)]
STAY = [f"stays-{number}" for number in range(100)]


@pytest.fixture
def shop(tmp_path):
    """Stores with a pruned run behind them, files beside them."""
    url = f"sqlite:///{tmp_path}/regulars.db"
    store = RunStore(url, PublishRules(keep_runs=2))
    for number in (1, 2, 3, 4):
        tables = score_tables(ids=[*GONE, *STAY], seed=number)
        store.publish(run_info(f"run-{number}", as_of=AS_OF + timedelta(days=number)), *tables)
    store.close()
    for name in ("quarantine.parquet", "quarantine-2.parquet", "log.duckdb", "log.duckdb.wal"):
        (tmp_path / name).write_text(GONE[0])
    files = CustomerFiles(
        key=tmp_path / "erasure.key",
        derived=(tmp_path / "quarantine*.parquet", tmp_path / "log.duckdb*"),
    )
    stores = open_stores(url)
    yield stores, files
    stores.close()


def hits(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.name for path in files if b"kanarienvogel" in path.read_bytes()}


def test_no_byte_of_a_hundred_customers_is_left(shop, tmp_path):
    stores, files = shop
    out = tmp_path / "out"
    out.mkdir()
    scores, recommendations = score_tables(ids=[*GONE, *STAY])
    scores.to_parquet(out / "scores.parquet")
    recommendations.to_parquet(out / "recommendations.parquet")
    assert "regulars.db" in hits(tmp_path)
    proof = erase(GONE, stores.erasures, files, AT, exports=[out])
    assert hits(tmp_path) == set()
    assert proof.files_rewritten[str(out / "scores.parquet")] == 100
    assert len(proof.files_removed) == 4
    assert pd.read_parquet(out / "scores.parquet")["customer_id"].tolist() == STAY
    whole = stores.scores.churn_list(ChurnFilter(), sort="clv", limit=1_000)
    assert len(whole.documents) == 100


def test_a_call_erases_and_proves_it(shop, tmp_path):
    stores, files = shop
    client = client_of(stores, customer_files=files)
    address = f"/v1/customers/{GONE[0]}"
    assert client.get(address).status_code == 200
    answer = client.delete(address)
    proof = Erasure.model_validate_json(answer.content)
    assert proof.rows["scores"] > 0
    assert "not changed" in proof.not_changed
    problem(client.get(address), 404, "unknown-customer")
    assert client.delete(address).status_code == 200
    entries = stores.audit.entries(10)
    assert [(one.action, one.count) for one in entries] == [("erase", 1)] * 2
    assert GONE[0].encode() + b'"' not in (tmp_path / "regulars.db").read_bytes()
    changes = client.get("/v1/changes?limit=1000").json()["changes"]
    assert changes[-1]["kind"] == "erased"
    Changes.model_validate_json(client.get("/v1/changes").content)


def test_only_one_whole_part_of_a_path_is_erased(shop):
    stores, files = shop
    client = client_of(stores, customer_files=files)
    for path in (f"{GONE[0]}/history", f"{GONE[0]}/recommendations", f"{GONE[0]}/", ""):
        assert client.delete(f"/v1/customers/{path}").status_code in {404, 405}
    assert client.get(f"/v1/customers/{GONE[0]}").status_code == 200
    assert client.delete("/v1/customers/kanarienvogel%2F1").status_code == 200


def test_a_server_without_the_files_erases_nothing(shop):
    stores, _ = shop
    problem(client_of(stores).delete(f"/v1/customers/{GONE[0]}"), 503, "not-ready")
    assert stores.erasures.key_ids() == set()
