"""The main job knows the earlier runs and what campaigns have taught, whoever calls it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from serving.campaigns.store import CampaignRecord, CampaignStore
from serving.commands.frame import Speaker
from serving.commands.shop.demo import Steps, train_and_publish
from serving.exhibits.store import ExhibitStore
from serving.runs.job import score_shop
from serving.runs.store import RunStore
from serving.store.database import open_database
from tests.support.scores import run_info, score_tables
from tests.support.trained import copy_of

NOW = datetime(2026, 3, 4, tzinfo=UTC)
MEASURED = {"value": 0.42, "standard_error": 0.001, "low": 0.4, "high": 0.44}


@pytest.fixture
def shop(trained, tmp_path):
    """A shop with an earlier run, and a campaign that has been measured to its end."""
    copy = copy_of(trained, tmp_path)
    engine = open_database(copy.settings.database_url(copy.settings.store.url))
    earlier = copy.log.end - timedelta(days=14)
    customers = sorted(copy.orders["customer"].dropna().unique())
    info = run_info(
        "earlier",
        as_of=earlier,
        currency=copy.settings.data.currency,
        horizon_days=copy.settings.predict.horizon_days,
    )
    RunStore(engine).publish(info, *score_tables(ids=customers))
    CampaignStore(engine).put(measured_campaign(earlier), [])
    engine.dispose()
    return copy


def measured_campaign(ended):
    return CampaignRecord(
        campaign_id="c-1",
        starts_on=ended - timedelta(days=120),
        ends_on=ended - timedelta(days=60),
        plan={"name": "Spring", "origin": "regulars", "arms": []},
        results={
            "measured_until": (ended - timedelta(days=60)).isoformat(),
            "save_rate": MEASURED,
            "uplift": None,
        },
    )


def check_latest(shop):
    """The latest run compares with the earlier one, and expects what the campaign has shown."""
    engine = open_database(shop.settings.database_url(shop.settings.store.url))
    runs = RunStore(engine)
    latest = runs.latest_run().info
    documents = [
        json.loads(runs.customer(customer_id).body)
        for customer_id, *_ in runs.figures(latest.run_id)
    ]
    engine.dispose()
    assert latest.run_id != "earlier"
    assert {one["since_last_run"]["run_id"] for one in documents if one["since_last_run"]} == {
        "earlier"
    }
    assert latest.economics["save_rate_campaigns"] == 1
    assert latest.economics["save_rate"] == pytest.approx(MEASURED["value"], abs=0.01)


def test_a_run_knows_earlier_runs_and_measured_campaigns(shop):
    published = score_shop(shop.settings, created_at=NOW)
    assert published.files == ()
    check_latest(shop)


def test_a_run_keeps_the_interval_of_its_total(shop):
    published = score_shop(shop.settings, created_at=NOW)
    url = shop.settings.database_url(shop.settings.store.url)
    run = RunStore(url).latest_run()
    body = ExhibitStore(open_database(url)).exhibit(run.info.run_id, "expected_revenue")
    expected = json.loads(body)["data"]
    assert run.info == published.run.info
    level = run.info.level
    assert (level["low"], level["high"]) == (expected["low"], expected["high"])
    assert level["low"] < level["total"] < level["high"]


@pytest.mark.slow
def test_so_does_the_demo(shop):
    train_and_publish(shop.settings, Steps(Speaker(as_json=True)))
    check_latest(shop)


def test_who_scores_may_write_the_tables_too(shop, tmp_path):
    published = score_shop(shop.settings, created_at=NOW, output=tmp_path / "out")
    assert [file.name for file in published.files] == [
        "scores.parquet",
        "recommendations.parquet",
    ]
