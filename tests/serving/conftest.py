from datetime import UTC, date, datetime

import pytest
from starlette.testclient import TestClient

from features.errors import ConfigError
from serving.scoring.risk_moves import RISK_MOVE_RULE, risk_moves
from serving.server.app import create_app
from serving.server.stores import Stores
from serving.settings import Serve
from serving.store.moves import RISK_MOVE
from tests.support.economics import ECONOMICS
from tests.support.exhibits import EXHIBITS
from tests.support.scores import run_info, score_tables
from tests.support.stores import copied, fresh_runs, stores_beside

BUNDLE = {"bundle_id": "b-1", "models": {"regulars-churn": {"version": "5", "grade": "A"}}}


NOW = datetime(2026, 3, 4, tzinfo=UTC)


def client_of(store, bundle=BUNDLE, **options):
    """A client that sees a 500 as an answer, as a caller would."""
    stores = store if isinstance(store, Stores) else stores_beside(store)
    options = {"clock": lambda: NOW, **options}
    app = create_app(stores, bundle, **options)
    return TestClient(app, raise_server_exceptions=False, follow_redirects=False)


@pytest.fixture(scope="session")
def published():
    """A published run; tests must leave it as it is."""
    runs = fresh_runs()
    runs.publish(run_info(), *score_tables(120))
    return runs


@pytest.fixture
def store(published):
    """A published run in a database of the test's own."""
    return copied(published).scores


@pytest.fixture
def client(store):
    return client_of(store)


@pytest.fixture(scope="session")
def reader(published):
    """A client for calls that change no score: an application takes longer to make than to ask.

    Its database is its own: exports are written down in it.
    """
    return client_of(copied(published), settings=Serve(requests_per_second=100_000))


@pytest.fixture
def empty_client():
    return client_of(fresh_runs(), None)


def shown(*, earlier=False, **options):
    """A client of a store with everything that pages show."""
    store = fresh_runs()
    scores, recommendations = score_tables(60)
    latest = run_info(economics=ECONOMICS)
    if earlier:
        before = run_info("run-0", as_of=date(2026, 2, 1), economics=ECONOMICS)
        store.publish(before, scores, recommendations)
        latest = run_info(
            economics=ECONOMICS,
            segment_columns=(*latest.segment_columns, RISK_MOVE),
            segment_rules={RISK_MOVE: RISK_MOVE_RULE},
        )
        scores = with_moves(scores)
    store.publish(latest, scores, recommendations, EXHIBITS)
    return client_of(store, **options)


def no_audience(name):
    """Where nothing is saved under any name."""
    raise ConfigError(f"audience: there is no {name}.")


def with_moves(scores):
    """As if each customer had been in the band of the one before; nothing was known of the first."""
    bands = scores.set_index("customer_id")["retention_risk"]
    return scores.assign(**{RISK_MOVE: risk_moves(bands.shift(), bands).to_numpy()})
