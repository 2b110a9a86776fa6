"""What the first release left opens: its settings, its store, its bundle.

`tests/data/first_release.tar.xz` was written by that release: a made-up shop of 60 customers,
trained and scored, with a campaign and an order that was sent to the server.
"""

import json
import tarfile
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest

from features.errors import RegularsError
from features.settings.loading import load_settings
from serving.server.stores import open_stores
from serving.settings import Settings
from serving.store.protocol import ChurnFilter
from tests.serving.conftest import client_of
from training.bundle.publication import load_models

ARCHIVE = Path(__file__).parents[1] / "data" / "first_release.tar.xz"
NOW = datetime(2024, 8, 30, tzinfo=UTC)
KEY = "rgl_edb39e2fb013_shoXrviZ6FAdpbj6PyLOtohuvXHV7ne7UV8k-0r522c"
"""Opens nothing but the made-up shop of the archive."""


@pytest.fixture
def settings(tmp_path):
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return load_settings(tmp_path / "regulars.toml", Settings)


@pytest.fixture
def stores(settings):
    opened = open_stores(settings.database_url(settings.store.url))
    yield opened
    opened.close()


def test_its_scores_are_read(stores):
    run = stores.scores.latest_run()
    page = stores.scores.churn_list(ChurnFilter(), sort="clv", limit=100)
    assert len(page.documents) == run.summary.total.customers == 53
    # it knew no rhythm
    assert not stores.scores.churn_list(
        ChurnFilter(rhythm=("late", "on_time", "overdue")), sort="rhythm", limit=1
    ).documents
    first = json.loads(page.documents[0])
    document = json.loads(stores.scores.customer(first["customer_id"]).body)
    assert document["lineage"]["run_id"] == run.info.run_id
    assert document["recommendations"]
    assert stores.facets.counts(run.info.run_id, ChurnFilter()).matching == 53
    assert sum(group.customers for group in stores.segments.groups(run.info.run_id)) > 53


def test_its_campaign_and_the_order_that_was_sent_are_there(stores):
    (campaign,) = stores.campaigns.campaigns()
    members = stores.campaigns.members(campaign.campaign_id)
    assert len(members) == 29
    assert stores.live.counts().lines == 1
    assert stores.live.waiting(["c0001"]) == {"c0001"}


def test_the_server_answers_from_it_whoever_has_a_key(stores):
    client = client_of(stores, clock=lambda: NOW)
    paths = ("/v1/churn-list", "/v1/campaigns", "/v1/segments", "/v1/models", "/v1/exhibits")
    pages = ("/", "/churn-list", "/customers/c0001", "/segments", "/campaigns", "/models")
    assert client.get(paths[0]).status_code == 401
    signed_in = {"Authorization": f"Bearer {KEY}"}
    assert {path: client.get(path, headers=signed_in).status_code for path in paths} == (
        dict.fromkeys(paths, 200)
    )
    in_browser = {"Authorization": "Basic " + b64encode(f"_:{KEY}".encode()).decode()}
    assert {path: client.get(path, headers=in_browser).status_code for path in pages} == (
        dict.fromkeys(pages, 200)
    )


def models_or_problem(settings):
    try:
        return load_models(settings).manifest.bundle_id
    except RegularsError as error:
        return str(error)


def test_its_models_load_or_one_line_says_what_to_run(settings):
    outcome = models_or_problem(settings)
    assert outcome.startswith("2024-08-28") or "regulars train" in outcome
    assert len(outcome.splitlines()) == 1
