"""Who can be persuaded, from a campaign's orders to the next run's expected profits."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.engines.build import build_features
from features.orders.log import read_orders
from features.settings.loading import settings_from
from serving.campaigns.measuring import measure_campaigns
from serving.campaigns.store import CampaignMember
from serving.campaigns.targeting import targeting_of
from serving.scoring.economics import assumed, with_contacts
from serving.scoring.lessons import CampaignLessons
from serving.settings import Settings
from tests.serving.campaigns.test_measuring import COLUMNS, END, LATE, START, campaign
from tests.support.stores import fresh_stores

CUSTOMERS = 2_400


def is_large(number):
    return number % 2 == 0


def orders(persuaded):
    """Customers with a large first order spend 40 more when contacted; the others do not."""
    rng = np.random.default_rng(5)
    rows = []
    for number in range(CUSTOMERS):
        rows.append(
            (name(number), date(2026, 2, int(rng.integers(1, 21))), 90.0 if is_large(number) else 9)
        )
        more = 40.0 if persuaded and is_large(number) and is_contacted(number) else 0.0
        rows.append((name(number), date(2026, 3, 8), round(20 + more + rng.gamma(2, 5), 2)))
    table = pd.DataFrame(rows, columns=["who", "at", "amount"])
    table["at"] = pd.to_datetime(table["at"]) + pd.Timedelta(hours=12)
    return table.assign(order=[f"o{number}" for number in range(len(table))])


def name(number):
    return f"c{number:04d}"


def is_contacted(number):
    return number % 5 > 1


@pytest.fixture
def store():
    arms = [
        {"arm": "treated", "contacted": True, "members": CUSTOMERS * 3 // 5},
        {"arm": "hold_out", "contacted": False, "members": CUSTOMERS * 2 // 5},
    ]
    kept = fresh_stores().campaigns
    members = [
        CampaignMember(
            customer_id=name(number),
            arm="treated" if is_contacted(number) else "hold_out",
            stratum="",
            value_at_risk=50.0,
        )
        for number in range(CUSTOMERS)
    ]
    kept.add(campaign(arms=arms), members)
    return kept


def read(folder, table):
    table.to_parquet(folder / "orders.parquet")
    data = {
        "transactions": "orders.parquet",
        "timezone": "Europe/London",
        "currency": "GBP",
        "columns": COLUMNS,
    }
    values = {"data": data, "predict": {"horizon_days": 30}}
    return read_orders(settings_from(values, Settings, root=folder))


@pytest.mark.slow
def test_who_reacted_is_what_the_next_run_expects_profits_from(store, tmp_path):
    with read(tmp_path, orders(persuaded=True)) as log:
        measure_campaigns(store, log, LATE)
        said = store.campaign("c-1").results["uplift"]
        assert said["beats_random"]
        assert said["members"] == CUSTOMERS
        found = targeting_of(store, log)
        features = build_features(log, START)
        scores = pd.DataFrame(
            {
                "customer_id": features.index,
                "value_at_risk": 50.0,
                "churn_probability": 0.5,
                "retention_risk": "high",
            }
        )
        learned = CampaignLessons(rate=assumed(log), targeting=found)
        scored, economics = with_contacts(log, scores, features, learned)
    assert economics["targeting"]["campaign_id"] == "c-1"
    large = np.array([is_large(int(one[1:])) for one in scored["customer_id"]])
    # 30 % of 40 pounds, and nothing
    assert scored["expected_profit"][large].mean() == pytest.approx(12.0, abs=2.0)
    assert scored["expected_profit"][~large].mean() == pytest.approx(0.0, abs=2.0)
    effect = scored["contact_effect"]
    profit = effect - economics["cost_per_contact"]
    assert np.array_equal(scored["expected_profit"], profit)
    assert (scored["contact_effect_low"] <= effect).all()
    assert (effect <= scored["contact_effect_high"]).all()
    # the mean effect over the members is the campaign's own: 30 % of the plain difference
    assert effect.mean() == pytest.approx(0.3 * said["line"]["mean"], abs=0.3)
    assert said["line"]["slope"] > 0
    without_line = {key: value for key, value in said.items() if key != "line"}
    results = {**store.campaign("c-1").results, "uplift": without_line}
    store.record("c-1", [], results)
    with read(tmp_path, orders(persuaded=True)) as log:
        of_an_earlier_release = targeting_of(store, log)
    assert of_an_earlier_release.line == found.line


@pytest.mark.slow
def test_where_all_react_alike_nobody_is_targeted(store, tmp_path):
    with read(tmp_path, orders(persuaded=False)) as log:
        measure_campaigns(store, log, LATE)
        assert not store.campaign("c-1").results["uplift"]["beats_random"]
        assert targeting_of(store, log) is None


def test_a_running_campaign_teaches_nothing_yet(store, tmp_path):
    with read(tmp_path, orders(persuaded=True)) as log:
        measure_campaigns(store, log, date(2026, 3, 20))
        assert store.campaign("c-1").results["uplift"] is None
        assert targeting_of(store, log) is None


def test_a_campaign_from_before_the_orders_teaches_nothing(store, tmp_path):
    store.put(replace(store.campaign("c-1"), starts_on=date(2026, 1, 1)), store.members("c-1"))
    with read(tmp_path, orders(persuaded=True)) as log:
        measure_campaigns(store, log, END)
        assert store.campaign("c-1").results["uplift"] is None
