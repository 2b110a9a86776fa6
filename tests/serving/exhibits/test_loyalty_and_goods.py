"""Loss, funnel and what is bought together, each against a slow, obvious computation in pandas."""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import combinations

import pandas as pd
import pytest

from features.orders.log import read_orders
from features.sources import FrameSource
from serving.exhibits.catalogue import exhibits_of
from serving.exhibits.loyalty.arithmetic import LossArithmetic
from tests.serving.conftest import client_of
from tests.support.exhibits import EXHIBITS
from tests.support.optional_tables import settings_with, write_tables
from tests.support.scores import run_info, score_tables
from tests.support.shop import FIRST_DAY
from tests.support.stores import fresh_runs


def test_the_worked_example_of_loss_and_replacement():
    fifth = LossArithmetic(loss=0.2, customers=100, margin=50.0, rate=0.0)
    assert (fifth.lifetime, fifth.to_replace, fifth.worth) == (5.0, 20.0, 250.0)
    tenth = LossArithmetic(loss=0.1, customers=100, margin=50.0, rate=0.0)
    assert (tenth.lifetime, tenth.to_replace) == (10.0, 10.0)
    # the first shop pays for ten customers more in each period
    assert fifth.to_replace - tenth.to_replace == 10


def test_what_a_customer_is_worth_is_the_discounted_sum():
    arithmetic = LossArithmetic(loss=0.3, customers=10, margin=40.0, rate=0.1)
    summed = sum(40.0 * (0.7 / 1.1) ** period for period in range(400))
    assert arithmetic.worth == pytest.approx(summed)
    better = replace(arithmetic, loss=0.29)
    assert arithmetic.worth_of_one_point() == pytest.approx(10 * (better.worth - summed))
    assert replace(arithmetic, loss=0.01).worth_of_one_point() is None


def test_customers_of_two_periods_are_counted(made, trained):
    found = made["customer_loss"]["data"]
    lines = trained.orders[trained.orders["time"] < pd.Timestamp(trained.log.end)]
    days = (trained.log.end - trained.log.first_day).days // 2
    assert found["period_days"] == days >= 90
    middle = pd.Timestamp(trained.log.end - timedelta(days=days))
    start = middle - pd.Timedelta(days=days)
    first = lines.groupby("customer")["time"].min()
    earlier = set(lines.loc[(lines["time"] >= start) & (lines["time"] < middle), "customer"])
    later_lines = lines[lines["time"] >= middle]
    later = set(later_lines["customer"])
    assert found["active_before"] == len(earlier)
    assert found["lost"] == len(earlier - later)
    assert found["acquired"] == sum(first[one] >= middle for one in later)
    assert found["active_now"] == len(later)
    assert found["won_back"] == len(later - earlier) - found["acquired"]
    assert (
        found["active_before"] - found["lost"] + found["acquired"] + found["won_back"]
        == found["active_now"]
    )
    assert found["loss"] == pytest.approx(len(earlier - later) / len(earlier), abs=1e-4)
    assert found["loss_low"] < found["loss"] < found["loss_high"]
    assert found["margin_per_customer"] == pytest.approx(
        later_lines["amount"].sum() / len(later), abs=0.01
    )


def test_figures_of_the_loss_fit_together(made):
    found = made["customer_loss"]["data"]
    years = found["period_days"] / 365.25
    assert found["lifetime_years"] == pytest.approx(years / found["loss"], abs=0.01)
    assert found["lifetime_years_low"] <= found["lifetime_years"] <= found["lifetime_years_high"]
    assert found["to_replace"] == pytest.approx(found["loss"] * found["active_now"], abs=0.5)
    assert found["worth_per_customer"] <= found["margin_per_customer"] / found["loss"] + 0.5
    assert found["worth_of_one_point"] > 0


def test_a_shop_without_interactions_has_no_funnel(made):
    assert "no interactions" in made["funnel"]["why_not"]["en"]


def test_the_funnel_holds_buyers_and_people_who_never_bought(trained, run, models, tmp_path):
    buyers = sorted(set(trained.orders["customer"]))[:40]
    events = pd.DataFrame(
        {
            "who": [*buyers, *(f"stranger {number}" for number in range(7))],
            "when": FIRST_DAY + pd.Timedelta(hours=1),
            "what": "visit",
            "score": None,
            "brought": None,
        }
    )
    write_tables({"interactions": events}, tmp_path)
    with read_orders(settings_with(tmp_path, "interactions"), FrameSource(trained.orders)) as log:
        found = exhibits_of(replace(log, settings=_with(trained, log)), run, models)["funnel"]
    data = found["data"]
    stages = {stage["stage"]: stage for stage in data["stages"]}
    assert data["never_bought"] == 7
    assert stages["awareness"]["people"] == trained.orders["customer"].nunique() + 7
    assert stages["purchase"]["people"] == len(
        set(trained.orders.loc[trained.orders["time"] < pd.Timestamp(trained.log.end), "customer"])
    )
    # seven strangers and nobody else have bought nothing
    assert sum(group["people"] for group in data["prospects"]) == 7
    people = [stage["people"] for stage in data["stages"]]
    assert people == sorted(people, reverse=True)
    # who has reached a stage waits in it or has gone on
    for stage, following in zip(data["stages"], data["stages"][1:], strict=False):
        assert stage["people"] == stage["waiting"] + following["people"]
    assert data["bottleneck"] in stages


def _with(trained, log):
    """The settings of the trained shop, with the interactions of `log`."""
    data = trained.settings.data.model_copy(update={"interactions": log.settings.data.interactions})
    return trained.settings.model_copy(update={"data": data})


def test_pairs_are_counted_over_orders(made, trained):
    found = made["bought_together"]["data"]
    lines = trained.orders[trained.orders["time"] < pd.Timestamp(trained.log.end)]
    for item in ("product", "category"):
        baskets = lines.groupby("order")[item].agg(set)
        pairs = found["items"][item]["pairs"]
        assert found["items"][item]["orders"] == len(baskets)
        assert all(pair["correlation"] > 0 and pair["lift"] > 1 for pair in pairs)
        assert [pair["correlation"] for pair in pairs] == sorted(
            (pair["correlation"] for pair in pairs), reverse=True
        )
        for pair in pairs[:5]:
            with_first = sum(pair["first"] in basket for basket in baskets)
            with_second = sum(pair["second"] in basket for basket in baskets)
            both = sum({pair["first"], pair["second"]} <= basket for basket in baskets)
            assert (pair["orders_first"], pair["orders_second"]) == (with_first, with_second)
            assert pair["orders_both"] == both
            assert pair["confidence"] == pytest.approx(both / with_first, abs=1e-4)
            assert pair["confidence_back"] == pytest.approx(both / with_second, abs=1e-4)
            assert pair["lift"] == pytest.approx(
                both * len(baskets) / (with_first * with_second), abs=1e-3
            )
    names = dict(zip(lines["product"], lines["name"], strict=True))
    for pair in found["items"]["product"]["pairs"]:
        assert pair["first_name"] == names[pair["first"]]
    matrix = found["items"]["category"]["matrix"]
    with_item = {one: sum(one in basket for basket in baskets) for one in matrix["items"]}
    for first, row in zip(matrix["items"], matrix["lift"], strict=True):
        for second, lift in zip(matrix["items"], row, strict=True):
            both = sum({first, second} <= basket for basket in baskets)
            chance = with_item[first] * with_item[second] / len(baskets)
            assert lift == (None if first == second else pytest.approx(both / chance, abs=1e-3))
    categories = sorted(set(lines["category"]))
    told = {(pair["first"], pair["second"]) for pair in found["items"]["category"]["pairs"]}
    assert told <= set(combinations(categories, 2))


@pytest.fixture
def pages():
    store = fresh_runs()
    store.publish(run_info(), *score_tables(30), EXHIBITS)
    return client_of(store)


def test_the_page_of_loyalty_says_what_the_exhibit_says(pages):
    page = pages.get("/loyalty").text
    assert "Of 200 customers who bought in one period of 365 days, 40 did not buy" in page
    assert "a loss of 20.0%" in page
    assert "360 people have shown interest and never bought" in page
    assert "bottleneck is after the stage “awareness”" in page


def test_the_calculator_begins_with_the_shops_figures_and_takes_others(pages):
    page = pages.get("/loyalty").text
    assert 'value="225"' in page
    assert 'value="20.00"' in page
    # the same arithmetic on the same figures
    assert page.count("45 customers") == 2
    other = pages.get("/loyalty?customers=100&loss=10&margin=50&interest=0").text
    assert "10.0 periods" in other
    typed = pages.get("/loyalty?customers=1,000&loss=12,5%25&margin=27,98&interest=0").text
    assert "8.0 periods" in typed
    assert "125 customers" in typed
    assert "10 customers" in other


@pytest.mark.parametrize(
    "query",
    [
        *("loss=0", "loss=101", "loss=much", "loss=nan", "interest=-1", "margin=nan"),
        *("customers=0", "customers=abc", "customers=nan", "customers=inf", "customers=<b>"),
    ],
)
def test_what_cannot_be_calculated_is_said(pages, query):
    page = pages.get(f"/loyalty?{query}")
    assert page.status_code == 200
    assert "Enter numbers: a loss above 0" in page.text


def test_pairs_can_be_read_both_ways(pages):
    first = pages.get("/goods?by=product&item=p1").text
    second = pages.get("/goods?by=product&item=p2").text
    assert first.index("25%") < first.index("50%")
    assert second.index("50%") < second.index("25%")
    assert "Loaf &lt;1&gt;" in first
    assert "Category by category" in pages.get("/goods").text
    assert "No pair is bought together more often" in pages.get("/goods?item=nothing").text


def test_pages_show_what_was_looked_at_and_who_never_bought(pages):
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", pages.get("/goods").text))
    assert "bread 80 25.0% of 60 10 £50" in words
    assert "rye bread 12 30 50.0% of 8" in words
    loyalty = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", pages.get("/loyalty").text))
    assert "Decision 8 days 60 25.0% 15.0" in loyalty
