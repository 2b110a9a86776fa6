"""Outcomes are counted in the orders that a score run reads."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from features.orders.log import read_orders
from features.settings.loading import settings_from
from serving.campaigns.measuring import measure_campaigns, measured_save_rate, outcomes_of
from serving.campaigns.service import CampaignService, status_of
from serving.campaigns.store import CampaignMember, CampaignRecord
from serving.privacy.store import Tombstone
from serving.settings import Settings
from tests.support.stores import fresh_stores

ERASED_AT = datetime(2026, 4, 1, tzinfo=UTC)
START, END, LATE = date(2026, 3, 1), date(2026, 3, 31), date(2026, 4, 10)
CUSTOMERS = 400
COLUMNS = {"customer_id": "who", "order_id": "order", "ordered_at": "at", "amount": "amount"}


def name(number):
    return f"c{number:03d}"


def is_held_out(number):
    return number % 4 == 0


def shop(folder, orders, *, cost=None, contacts=None, visits=None):
    """Everybody bought once in February; `orders` are (customer, day, amount) of later."""
    first = [(name(number), date(2026, 2, 10), 20.0) for number in range(CUSTOMERS)]
    table = pd.DataFrame([*first, *orders], columns=["who", "at", "amount"])
    table["at"] = pd.to_datetime(table["at"]) + pd.Timedelta(hours=12)
    table["order"] = [f"o{number}" for number in range(len(table))]
    data = {
        "transactions": "orders.parquet",
        "timezone": "Europe/London",
        "currency": "GBP",
        "columns": COLUMNS,
    }
    if cost is not None:
        table["cost"] = table["amount"] * cost
        data["columns"] = {**COLUMNS, "cost": "cost"}
    table.to_parquet(folder / "orders.parquet")
    if contacts is not None:
        contacts.to_parquet(folder / "contacts.parquet")
        data["contacts"] = {
            **dict.fromkeys(("customer_id", "contacted_at", "campaign", "arm", "cost"), ""),
            "path": "contacts.parquet",
            "customer_id": "who",
            "contacted_at": "at",
            "campaign": "campaign",
            "arm": "arm",
            "cost": "cost",
        }
    if visits is not None:
        visits.to_parquet(folder / "visits.parquet")
        data["interactions"] = {
            "path": "visits.parquet",
            "customer_id": "who",
            "occurred_at": "at",
            "kind": "kind",
        }
    values = {"data": data, "predict": {"horizon_days": 30}}
    return read_orders(settings_from(values, Settings, root=folder))


def bought(treated, held_out, day=date(2026, 3, 5)):
    """Each member of an arm buys for so much, two pounds up or down."""
    return [
        (name(number), day, (held_out if is_held_out(number) else treated) + 2 * (-1) ** number)
        for number in range(CUSTOMERS)
    ]


def campaign(**changes):
    sizes = {"treated": CUSTOMERS * 3 // 4, "hold_out": CUSTOMERS // 4}
    plan = {
        "name": "Win back",
        "origin": "regulars",
        "choose": "best",
        "currency": "GBP",
        "clv_basis": "revenue",
        "assumptions": {
            "cost_per_contact": 0.5,
            "margin_share": 0.4,
            "net_profit_per_sale": 5.0,
        },
        "arms": [
            {"arm": arm, "contacted": arm == "treated", "members": size}
            for arm, size in sizes.items()
        ],
    }
    return CampaignRecord(campaign_id="c-1", starts_on=START, ends_on=END, plan={**plan, **changes})


def members():
    return [
        CampaignMember(
            customer_id=name(number),
            arm="hold_out" if is_held_out(number) else "treated",
            stratum="high/low",
            retention_risk="high" if number % 2 else "low",
            rfm_cell="555" if number % 2 else "111",
            clv=10.0,
            value_at_risk=100.0,
            usual_value=float(number % 7),
        )
        for number in range(CUSTOMERS)
    ]


@pytest.fixture
def stores():
    opened = fresh_stores()
    opened.campaigns.add(campaign(), members())
    return opened


@pytest.fixture
def store(stores):
    return stores.campaigns


def measured(store, as_of=LATE):
    results = store.campaign("c-1").results
    assert results["measured_until"] == min(as_of, END).isoformat()
    return {one["measure"]: one for one in results["effects"]}


def test_the_effect_is_what_the_treated_bought_more(store, tmp_path):
    orders = bought(treated=30.0, held_out=20.0)
    with shop(tmp_path, [*orders, ("c001", END, 999.0), ("c002", LATE, 999.0)]) as log:
        measure_campaigns(store, log, LATE)
    effects = measured(store)
    revenue, profit = effects["revenue"], effects["profit"]
    # odd customers are all treated: the arms' means differ by their two pounds as well
    plain = 30 + 2 * (100 - 200) / 300 - (20 + 2)
    assert revenue["per_contact"]["value"] == pytest.approx(plain, abs=0.2)
    assert revenue["verdict"] == "positive"
    assert profit["per_contact"]["value"] == pytest.approx(
        0.4 * revenue["per_contact"]["value"] - 0.5
    )
    assert profit["total"]["value"] == pytest.approx(300 * profit["per_contact"]["value"])
    assert status_of(store.campaign("c-1")) == "ended"
    first = store.members("c-1")[1]
    assert (first.orders, first.revenue, first.margin, first.visits) == (1, 28.0, None, None)


def test_before_its_end_a_campaign_is_measured_so_far(store, tmp_path):
    half = date(2026, 3, 10)
    orders = [*bought(30.0, 20.0), *bought(500.0, 0.0, day=date(2026, 3, 20))]
    with shop(tmp_path, orders) as log:
        measure_campaigns(store, log, half)
        assert measured(store, half)["revenue"]["per_contact"]["value"] < 20
        assert not store.campaign("c-1").results["is_final"]
        assert status_of(store.campaign("c-1")) == "running"
        measure_campaigns(store, log, LATE)
        assert measured(store)["revenue"]["per_contact"]["value"] > 400
        measure_campaigns(store, log, half)
        assert store.campaign("c-1").results["is_final"]


@pytest.mark.parametrize("as_of", [date(2026, 2, 20), START])
def test_before_its_start_nothing_is_measured(store, tmp_path, as_of):
    with shop(tmp_path, bought(1.0, 1.0)) as log:
        measure_campaigns(store, log, as_of)
    assert store.campaign("c-1").results is None


def test_a_cancelled_campaign_is_not_measured(store, tmp_path):
    store.cancel("c-1", datetime(2026, 3, 2, tzinfo=UTC))
    with shop(tmp_path, bought(1.0, 1.0)) as log:
        measure_campaigns(store, log, LATE)
    assert store.campaign("c-1").results is None


def test_long_after_its_end_it_is_measured_no_more(store, tmp_path):
    with shop(tmp_path, [*bought(30.0, 20.0), ("c000", date(2026, 6, 1), 1.0)]) as log:
        measure_campaigns(store, log, LATE)
        measured_later = []
        measure_campaigns(store, log, date(2026, 5, 30), measured_later.append)
        assert measured_later == []


def test_where_costs_are_known_profit_is_the_margin(store, tmp_path):
    with shop(tmp_path, bought(30.0, 20.0), cost=0.9) as log:
        measure_campaigns(store, log, LATE)
    effects = measured(store)
    assert effects["profit"]["per_contact"]["value"] == pytest.approx(
        0.1 * effects["revenue"]["per_contact"]["value"] - 0.5
    )


def test_two_arms_that_bought_alike_are_too_small_to_tell(store, tmp_path):
    rng = np.random.default_rng(2)
    orders = [(name(number), date(2026, 3, 5), amount) for number, amount in enumerate(
        rng.lognormal(3, 1, CUSTOMERS).round(2))]  # fmt: skip
    with shop(tmp_path, orders) as log:
        measure_campaigns(store, log, LATE)
    assert measured(store)["revenue"]["verdict"] == "too_small_to_tell"


def test_groups_are_read_apart_and_drawn_together(store, tmp_path):
    with shop(tmp_path, bought(30.0, 20.0)) as log:
        measure_campaigns(store, log, LATE)
    # all odd members are treated: the high band has no hold-out of its own
    segments = store.campaign("c-1").results["segments"]
    assert [(one["system"], one["value"]) for one in segments] == [("retention_risk", "low")]
    assert segments[0]["shrunken"] is None


def test_the_cells_of_a_test_are_read_back(store, tmp_path):
    store.put(campaign(choose="every_nth"), members())
    orders = [(name(number), date(2026, 3, 5), 10.0) for number in range(1, CUSTOMERS, 10)]
    with shop(tmp_path, orders) as log:
        measure_campaigns(store, log, LATE)
    cells = {one["cell"]: one for one in store.campaign("c-1").results["cells"]}
    # every tenth bought, all of them odd: 40 of 200; break-even is 0.5 ÷ 5
    assert (cells["555"]["responses"], cells["555"]["contacts"]) == (40, 200)
    assert (cells["555"]["roll_out"], cells["111"]["roll_out"]) == (True, False)
    assert cells["555"]["break_even_index"] == pytest.approx(100)


def test_a_measured_save_rate_takes_the_place_of_the_assumed_one(store, tmp_path):
    with shop(tmp_path, bought(30.0, 20.0)) as log:
        assert measured_save_rate(store, log).campaigns == 0
        assert measured_save_rate(store, log).value == 0.05
        measure_campaigns(store, log, LATE)
        rate = measured_save_rate(store, log)
    seen = store.campaign("c-1").results["save_rate"]
    # an effect of about 7 pounds of 100 at risk
    assert rate.campaigns == 1
    assert min(0.05, seen["value"]) < rate.value < max(0.05, seen["value"])
    assert rate.low < rate.value < rate.high


def test_margin_at_risk_is_saved_by_margin(store, tmp_path):
    orders = bought(30.0, 20.0)
    with shop(tmp_path, orders) as log:
        measure_campaigns(store, log, LATE)
    of_revenue = store.campaign("c-1").results["save_rate"]["value"]
    store.put(campaign(clv_basis="margin"), members())
    with shop(tmp_path, orders) as log:
        measure_campaigns(store, log, LATE)
    # without costs margin is the assumed share of revenue
    assert store.campaign("c-1").results["save_rate"]["value"] == pytest.approx(of_revenue * 0.4)


def test_who_was_erased_is_missing_and_counted(stores, tmp_path):
    store = stores.campaigns
    stores.erasures.erase({"c000": Tombstone(digest="d", key_id="k", erased_at=ERASED_AT)})
    with shop(tmp_path, bought(30.0, 20.0)) as log:
        measure_campaigns(store, log, LATE)
    assert store.campaign("c-1").results["erased"] == {"treated": 0, "hold_out": 1}


def contacted():
    return pd.DataFrame(
        {
            "who": [name(number) for number in range(CUSTOMERS)],
            "at": pd.Timestamp(START) + pd.Timedelta(hours=9),
            "campaign": "Spring mail",
            "arm": ["control" if is_held_out(number) else "mail" for number in range(CUSTOMERS)],
            "cost": [0.0 if is_held_out(number) else 0.25 for number in range(CUSTOMERS)],
        }
    )


def test_a_campaign_of_the_table_of_contacts_is_read_in(tmp_path):
    store = fresh_stores().campaigns
    visits = pd.DataFrame(
        {
            "who": [name(number) for number in range(0, CUSTOMERS, 2)],
            "at": pd.Timestamp(START) + timedelta(days=2),
            "kind": "visit",
        }
    )
    with shop(tmp_path, bought(30.0, 20.0), contacts=contacted(), visits=visits) as log:
        measure_campaigns(store, log, LATE)
    service = CampaignService(store, lambda: datetime(2026, 4, 11, tzinfo=UTC))
    (found,) = service.campaigns()
    assert (found["name"], found["origin"], found["status"]) == (
        "Spring mail",
        "contacts",
        "ended",
    )
    results = service.results(found["campaign_id"])["measured"]
    arms = {one["arm"]: one for one in results["arms"]}
    assert (arms["mail"]["members"], arms["control"]["members"]) == (300, 100)
    assert arms["mail"]["cost"] == 75.0
    # all of the control and a third of the others are even
    assert (arms["control"]["visit_rate"], arms["mail"]["visit_rate"]) == (1.0, 1 / 3)
    effects = {one["measure"]: one for one in results["effects"]}
    assert effects["visited"]["verdict"] == "negative"
    assert effects["revenue"]["verdict"] == "positive"


def test_who_was_erased_is_not_brought_back_by_the_table_of_contacts(tmp_path):
    store = fresh_stores().campaigns
    with shop(tmp_path, bought(30.0, 20.0), contacts=contacted()) as log:
        measure_campaigns(store, log, LATE, erased=lambda ids: {"c000"} & set(ids))
    (found,) = store.campaigns()
    assert "c000" not in {one.customer_id for one in store.members(found.campaign_id)}


def test_a_campaign_without_a_control_arm_is_no_experiment(tmp_path):
    store = fresh_stores().campaigns
    with shop(tmp_path, bought(30.0, 20.0), contacts=contacted().assign(arm="mail")) as log:
        measure_campaigns(store, log, LATE)
    assert store.campaigns() == []


def test_returns_are_taken_off(tmp_path):
    orders = [("c001", date(2026, 3, 5), 50.0), ("c001", date(2026, 3, 8), -20.0)]
    with shop(tmp_path, orders) as log:
        found = outcomes_of(log, START, END)
    assert (found.loc["c001", "orders"], found.loc["c001", "revenue"]) == (1, 30.0)
