"""A simulated year of a decision: honest rounds, and no lesson for the shop."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from features.orders.log import read_orders
from features.settings.loading import settings_from
from serving.campaigns.decisions.measured_treatment import measured_treatment
from serving.campaigns.decisions.next_rounds import make_next_rounds
from serving.campaigns.decisions.rehearsal import LEAST_CUSTOMERS, ROUNDS, rehearse
from serving.campaigns.measuring import measure_campaigns, measured_save_rate
from serving.settings import Settings
from tests.serving.campaigns.test_measuring import COLUMNS
from tests.serving.conftest import client_of
from tests.support.economics import ECONOMICS
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_runs, stores_beside

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def orders(customers):
    """One order of everybody each 40 days or so of 2025."""
    rng = np.random.default_rng(3)
    days = rng.integers(0, 364, customers * 9)
    return pd.DataFrame(
        {
            "who": [f"c{number % customers:04d}" for number in range(len(days))],
            "at": pd.Timestamp(2025, 1, 1, 12) + pd.to_timedelta(np.sort(days), unit="D"),
            "amount": rng.gamma(2, 20, len(days)).round(2),
            "order": [f"o{number}" for number in range(len(days))],
        }
    )


def log_of(folder, customers):
    orders(customers).to_parquet(folder / "orders.parquet")
    data = {
        "transactions": "orders.parquet",
        "timezone": "Europe/London",
        "currency": "GBP",
        "columns": COLUMNS,
    }
    return read_orders(settings_from({"data": data}, Settings, root=folder))


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory):
    runs = fresh_runs()
    runs.publish(run_info(economics=ECONOMICS), *score_tables(20))
    stores = stores_beside(runs)
    with log_of(tmp_path_factory.mktemp("shop"), LEAST_CUSTOMERS + 40) as log:
        yield runs, stores.campaigns, log, rehearse(stores.campaigns, log)


def test_rounds_follow_one_another_until_the_rule_stops_them(rehearsed):
    _, store, log, rounds = rehearsed
    assert 1 < len(rounds) <= ROUNDS
    for before, after in pairwise(rounds):
        assert before.ends_on == after.starts_on
        reading = before.results["decision"]
        assert reading["stop"] is None
        assert after.plan["decision"]["shares"] == reading["next"][0]["shares"]
    assert rounds[-1].ends_on <= log.end
    assert rounds[-1].results["decision"]["stop"] is not None
    for number, campaign in enumerate(rounds, start=1):
        read = campaign.results["decision"]["rounds"]
        assert [row["round"] for row in read] == list(range(1, number + 1))
        sizes = {arm["arm"]: arm["members"] for arm in campaign.plan["arms"]}
        assert read[-1]["members"] == sizes
        assert len(store.members(campaign.campaign_id)) == sum(sizes.values())
        # what each arm did is of the same members
        assert {row["arm"]: row["members"] for row in campaign.results["arms"]} == sizes


def test_members_outside_the_offers_brought_what_they_really_ordered(rehearsed):
    _, store, _, rounds = rehearsed
    first = rounds[0]
    table = orders(LEAST_CUSTOMERS + 40)
    inside = (table["at"].dt.date >= first.starts_on) & (table["at"].dt.date < first.ends_on)
    spent = table[inside].groupby("who")["amount"].sum()
    for member in store.members(first.campaign_id, arm="hold_out"):
        assert member.revenue == pytest.approx(spent.get(member.customer_id, 0.0), abs=0.005)


def test_nothing_is_learned_from_it(rehearsed):
    _, store, log, rounds = rehearsed
    before = [campaign.results for campaign in store.campaigns()]
    assert measured_treatment(store) is None
    assert measured_save_rate(store, log).campaigns == 0
    assert make_next_rounds(store, lambda: NOW) == []
    measure_campaigns(store, log, log.end)
    assert [campaign.results for campaign in store.campaigns()] == before
    last = rounds[-1]
    left_over = replace(last, campaign_id="simulated-year-99", request_key=None)
    store.put(left_over, [])
    again = rehearse(store, log)
    assert [campaign.results for campaign in again] == [campaign.results for campaign in rounds]
    assert len(store.campaigns()) == len(rounds)


def test_its_page_says_that_it_is_made_up(rehearsed):
    runs, _, _, rounds = rehearsed
    with client_of(runs) as client:
        text = client.get(f"/campaigns/{rounds[-1].campaign_id}").text
        listed = client.get("/v1/campaigns").json()["campaigns"]
    assert "Simulated: real customers and orders" in text
    reading = rounds[-1].results["decision"]
    for row in reading["rounds"][0]["effects"]:
        assert f"{abs(row['effect']['value']):,.2f}" in text
    assert {campaign["origin"] for campaign in listed} == {"simulated"}


def test_a_small_shop_has_none(tmp_path):
    store = stores_beside(fresh_runs()).campaigns
    with log_of(tmp_path, 50) as log:
        assert log.end - timedelta(days=1) <= date(2026, 1, 1)
        assert rehearse(store, log) == []
    assert store.campaigns() == []
