"""What OpenAPI says of every route is true, for thousands of requests made up from it."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from serving.commands.main import main
from serving.imports.jobs import ImportFolder
from serving.people.api_keys.keys import new_key
from serving.privacy.erasure import CustomerFiles
from serving.scoring.answers import encode
from serving.server.app import create_app
from serving.server.observed import Observed
from serving.server.stores import open_stores
from serving.settings import Serve, Settings
from serving.web.access import ACCESS
from tests.flow.test_live_orders import Inline
from tests.support.openapi_cases import send_cases
from tests.support.shop import write_config
from tests.support.trained import copy_of

CASES = 2_000
RARELY_FULFILLED = {
    "POST /v1/score",
    "POST /v1/campaigns",
    "POST /v1/campaigns/proposals",
    "POST /v1/audiences",
    "POST /v1/audiences/counts",
    "GET /v1/audiences/{audience_id}",
    "PUT /v1/audiences/{audience_id}",
    "DELETE /v1/audiences/{audience_id}",
    "GET /v1/audiences/{audience_id}/members",
    "GET /v1/accounts/{account_id}",
    "GET /v1/experiments/{name}",
}
"""Made-up wishes seldom make a campaign or a rule, or name what this shop has none of."""


class Piped(Inline):
    """Its answers have been JSON, as those out of the pipe of the process that scores."""

    def ask(self, body):
        return json.loads(encode(super().ask(body)))


@contextmanager
def scored_shop(settings: Settings) -> Iterator[tuple[Observed, str]]:
    """The application of a shop that is scored, and a key that may do everything."""
    told = CliRunner().invoke(main, ["score", "--config", str(write_config(settings))])
    assert told.exit_code == 0, told.output
    stores = open_stores(settings.database_url(settings.store.url))
    at = datetime.now(UTC)
    token, key = new_key("admin", name="", at=at, expires_days=None)
    stores.keys.add(key)
    app = create_app(
        stores,
        {"bundle_id": "b", "models": {"regulars-churn": {"version": "1", "grade": "A"}}},
        clock=lambda: at,
        settings=Serve(requests_per_second=100_000),
        scorer=Piped(settings),
        customer_files=CustomerFiles.of(settings),
        imports=ImportFolder(settings.path(settings.store.imports)),
    )
    yield app, token
    stores.close()


@pytest.mark.timeout(900)
# the history of a customer is long, and part of the cases that are made from it
@pytest.mark.filterwarnings("ignore:Generating overly large repr")
def test_answers_are_what_openapi_says(trained, tmp_path, caplog):
    caplog.set_level(logging.ERROR)
    with scored_shop(copy_of(trained, tmp_path).settings) as (app, token):
        found = send_cases(app, token, examples=12, seed=11)
    assert not found.failures, "\n\n".join(f"{key}: {text}" for key, text in found.failures.items())
    assert found.cases >= CASES
    declared = {
        f"{method} {path.replace(':path', '')}" for method, path in ACCESS if "/v1/" in path
    }
    assert declared <= found.operations()
    unfulfilled = declared - found.operations(200, 201, 202, 204)
    assert unfulfilled <= RARELY_FULFILLED
