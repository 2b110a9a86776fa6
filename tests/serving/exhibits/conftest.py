import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from serving.exhibits.catalogue import exhibits_of
from serving.scoring.run import score
from tests.serving.conftest import client_of
from tests.support.stores import fresh_runs
from training.bundle.publication import load_models

NOW = datetime(2024, 9, 1, 4, 30, tzinfo=UTC)


@pytest.fixture(scope="package")
def models(trained):
    return load_models(trained.settings)


@pytest.fixture(scope="package")
def run(trained, models):
    return score(trained.log, models, None, NOW)


@pytest.fixture(scope="package")
def made(trained, models, run):
    found = exhibits_of(trained.log, run, models)
    # as a store keeps it: whatever is no JSON fails here
    return json.loads(json.dumps(found, allow_nan=False))


@pytest.fixture(scope="package")
def two_runs(run, made):
    """A store with two runs: one of a month ago, whose customers stood elsewhere."""
    store = fresh_runs()
    stages = run.scores["lifecycle"].sample(frac=1, random_state=1).to_numpy()
    earlier = run.scores.assign(lifecycle=stages)
    info = replace(run.info, run_id="before", as_of=run.info.as_of - timedelta(days=30))
    store.publish(info, earlier, run.recommendations)
    store.publish(run.info, run.scores, run.recommendations, made)
    return store


@pytest.fixture
def shown(two_runs):
    """A client of that store, which has chosen no language yet."""
    return client_of(two_runs)


@pytest.fixture(scope="package")
def orders(trained):
    lines = trained.orders.assign(
        day=trained.orders["time"].dt.normalize(),
        month=trained.orders["time"].dt.strftime("%Y-%m"),
    )
    return lines[lines["time"] < pd.Timestamp(trained.log.end)]


def knowing_until(models, day):
    """The models as if they knew the orders only up to a day."""
    manifest = replace(models.manifest, as_of=day.isoformat())
    return replace(models, manifest=manifest, recommendation=None)
