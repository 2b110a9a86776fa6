"""A shop whose value model is refused at its first training: everything else goes on."""

import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from features.orders.log import read_orders
from serving.campaigns.service import CampaignService
from serving.commands.main import main
from serving.runs.job import score_shop
from serving.server.stores import open_stores
from serving.store.rules import PublishRules
from tests.serving.conftest import client_of
from tests.support.bad_tasks import BadTask
from tests.support.shop import shop_settings, simulate_orders, write_config
from tests.support.trained import SECTIONS, SHOP
from training.job import train
from training.tasks.catalogue import TASKS

NOW = datetime(2025, 1, 1, tzinfo=UTC)
STANDS_IN = "value: RFM average"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Settings, what the training did, and the run that was published of it."""
    settings = shop_settings(tmp_path_factory.mktemp("refused"), **SECTIONS)
    simulate_orders(**SHOP).to_parquet(settings.root / "orders.parquet", index=False)
    write_config(settings)
    tasks = tuple(BadTask(task, "constant") if task.name == "value" else task for task in TASKS)
    with read_orders(settings) as log:
        result = train(log, None, tasks=tasks)
    published = score_shop(settings, created_at=NOW, output=settings.root / "out")
    return settings, result, published


@pytest.fixture
def client(shop):
    settings, _, published = shop
    rules = PublishRules.of(settings)
    stores = open_stores(settings.database_url(settings.store.url), rules)
    bundle = {"bundle_id": "b", "models": published.run.info.models}
    with client_of(stores, bundle) as client:
        yield client


def regulars(settings, *arguments):
    config = str(settings.root / "regulars.toml")
    done = CliRunner().invoke(main, [*arguments, "--config", config])
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_only_the_refused_model_is_replaced(shop):
    _, result, published = shop
    assert set(result.refused) == {"value"}
    models = published.run.info.models
    assert models["value"] == {"version": "baseline", "grade": "D", "stands_in": "RFM average"}
    assert {models[name]["version"] for name in ("churn", "next_purchase", "recommendation")} == {
        "1"
    }


def test_the_figures_are_whole_and_agree(shop):
    scores = shop[2].run.scores
    assert np.isfinite(scores[["clv", "clv_low", "clv_high", "clv_lifetime"]]).all(axis=None)
    product = scores["p_order"] * scores["expected_orders_given_order"]
    np.testing.assert_allclose(scores["clv"], product * scores["expected_order_value"], rtol=1e-9)
    assert len(shop[2].run.recommendations) > len(scores)


def test_files_say_so(shop):
    settings = shop[0]
    scores = pd.read_parquet(settings.root / "out" / "scores.parquet")
    assert set(scores["stand_ins"]) == {STANDS_IN}
    listed = settings.root / "list.csv"
    regulars(settings, "list", "--output", str(listed))
    table = pd.read_csv(listed)
    assert len(table) == len(scores)
    assert set(table["stand_ins"]) == {STANDS_IN}


def test_the_api_says_so(shop, client):
    someone = shop[2].run.scores["customer_id"][0]
    lineage = client.get(f"/v1/customers/{someone}").json()["lineage"]
    assert lineage["models"]["value"]["stands_in"] == "RFM average"
    assert client.get("/v1/churn-list").json()["stand_ins"] == STANDS_IN
    assert client.get("/v1/segments").json()["stand_ins"] == STANDS_IN
    models = client.get("/v1/models").json()["models"]
    assert models["value"]["stands_in"] == "RFM average"
    assert models["churn"]["stands_in"] is None
    products = client.get(f"/v1/customers/{someone}/recommendations").json()
    assert products["recommendations"]


def test_pages_say_so(shop, client):
    someone = shop[2].run.scores["customer_id"][0]
    for path in ("/", "/churn-list", f"/customers/{someone}", "/models"):
        page = client.get(path).text
        assert "the baseline “RFM average”" in page, path
    chinese = client.get("/", headers={"Accept-Language": "zh"}).text
    assert "由它代替" in chinese


def test_the_command_line_says_so(shop):
    settings = shop[0]
    assert "regulars-value version none, RFM average stands in" in regulars(settings, "models")
    listed = json.loads(regulars(settings, "list", "--json"))
    assert listed["stand_ins"] == STANDS_IN
    assert "Baselines stand in: value: RFM average." in regulars(settings, "list")


def test_campaigns_do_not_wait(client):
    proposal = client.post("/v1/campaigns/proposals", json={"name": "spring", "contacts": 10})
    assert proposal.status_code == 200, proposal.text
    assert proposal.json()["preview"]


def test_campaigns_are_read_without_any_run(tmp_path):
    stores = open_stores(f"sqlite:///{tmp_path / 'empty.db'}", PublishRules())
    with client_of(stores, None) as client:
        assert client.get("/v1/campaigns").json() == {"campaigns": [], "pooled": []}
        assert client.get("/campaigns").status_code == 200
    assert CampaignService(stores.campaigns, lambda: NOW).campaigns() == []
