from datetime import UTC, date, datetime

import pytest
from starlette.testclient import TestClient

from serving.server.app import create_app
from serving.server.stores import Stores, memory_stores
from serving.store.memory import MemoryStore
from tests.support.economics import ECONOMICS
from tests.support.exhibits import EXHIBITS
from tests.support.scores import run_info, score_tables

BUNDLE = {"bundle_id": "b-1", "models": {"regulars-churn": {"version": "5", "grade": "A"}}}


NOW = datetime(2026, 3, 4, tzinfo=UTC)


def client_of(store, bundle=BUNDLE, **options):
    """A client that sees a 500 as an answer, as a caller would."""
    stores = store if isinstance(store, Stores) else memory_stores(store)
    options = {"clock": lambda: NOW, **options}
    app = create_app(stores, bundle, **options)
    return TestClient(app, raise_server_exceptions=False, follow_redirects=False)


@pytest.fixture(scope="session")
def store():
    kept = MemoryStore()
    kept.publish(run_info(), *score_tables(120))
    return kept


@pytest.fixture
def client(store):
    return client_of(store)


@pytest.fixture
def empty_client():
    return client_of(MemoryStore(), None)


def shown(*, earlier=False, **options):
    """A client of a store with everything that pages show."""
    store = MemoryStore()
    scores, recommendations = score_tables(60)
    if earlier:
        before = run_info("run-0", as_of=date(2026, 2, 1), economics=ECONOMICS)
        store.publish(before, scores, recommendations)
    store.publish(run_info(economics=ECONOMICS), scores, recommendations, EXHIBITS)
    return client_of(store, **options)
