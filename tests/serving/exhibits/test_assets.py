"""The ledger of customers balances, and says what a slow computation says."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.exhibits.assets.ledger import Ledger
from serving.exhibits.assets.page import whole_months
from serving.exhibits.assets.past_values import values_before
from serving.exhibits.catalogue import exhibits_of
from serving.scoring.run import score
from tests.serving.conftest import client_of
from tests.serving.exhibits.conftest import NOW, knowing_until
from tests.support.exhibits import EXHIBITS
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_runs

LINES = ("opening", "passing", "acquired", "ordered", "silent", "lost")


def money(**values: float) -> "pd.Series[float]":
    return pd.Series(values, dtype=float)


def brought(**values: tuple[int, int]) -> pd.DataFrame:
    """`value` and `orders` by customer."""
    return pd.DataFrame.from_dict(values, orient="index", columns=["value", "orders"])


def test_months_ahead_add_up_as_they_are_shown():
    amounts = [(1929.4, 10.4), (1020.3, 10.4), (3022.5, 10.4)]
    months = [{"today": {"expected": a}, "new": {"expected": b}} for a, b in amounts]
    assert whole_months({"months": months}) == {
        "today": [1929, 1021, 3022, 5972],
        "new": [10, 11, 10, 31],
        "together": [1939, 1032, 3032, 6003],
    }
    without = whole_months({"months": [{**month, "new": None} for month in months]})
    assert without["together"] == without["new"] == [None] * 4


def test_the_lines_by_hand():
    ledger = Ledger.between(
        before=money(ann=10_000, bob=4_000, cat=3_000),
        now=money(ann=9_000, bob=1_000, new=2_000),
        brought=brought(ann=(2_500, 1), new=(700, 2)),
        interest=0.1,
    )
    assert ledger == Ledger(
        opening=17_000,
        passing=1_700,
        # 700 brought and 2,000 to come
        acquired=2_700,
        # 9,000 + 2,500 − 11,000
        ordered=500,
        # 1,000 − 4,400
        silent=-3_400,
        lost=-3_300,
        realised=3_200,
        closing=12_000,
    )


amounts = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(-500, 100_000), max_size=8)
pairs = st.tuples(st.integers(-5_000, 50_000), st.integers(0, 3))


@given(amounts, amounts, st.dictionaries(st.sampled_from("abcdefgh"), pairs), st.floats(0, 0.5))
def test_the_lines_add_up_whatever_happens(before, now, since, interest):
    ledger = Ledger.between(money(**before), money(**now), brought(**since), interest=interest)
    assert sum(getattr(ledger, line) for line in LINES) - ledger.realised == ledger.closing
    assert ledger.realised == sum(value for value, _ in since.values())
    assert ledger.closing == sum(now.values())


@pytest.fixture(scope="module")
def published(trained, models):
    """Two runs 40 days apart, and the exhibit of the later one."""
    store = fresh_runs()
    early = trained.log.end - timedelta(days=40)
    first = score(trained.log, knowing_until(models, early), early, NOW)
    opening = exhibits_of(trained.log, first, models, store)["customer_assets"]["data"]
    store.publish(first.info, first.scores, first.recommendations)
    second = score(trained.log, models, None, NOW)
    found = exhibits_of(trained.log, second, models, store)["customer_assets"]["data"]
    return store, first, second, opening, found


def test_two_runs_are_joined_by_the_orders_between_them(published, trained):
    _, first, second, opening, found = published
    ledger = found["ledger"]
    total = sum(round(100 * ledger[line]) for line in LINES)
    assert total - round(100 * ledger["realised"]) == round(100 * ledger["closing"])
    assert (ledger["from"], ledger["days"]) == (first.info.as_of.isoformat(), 40)
    # what one run closes with, the next one opens with
    assert opening["ledger"] is None
    assert ledger["opening"] == opening["closing"]
    assert ledger["closing"] == found["closing"]
    assert found["closing"] == pytest.approx(second.scores["clv_lifetime"].sum(), abs=0.5)
    lines = trained.orders
    since = lines[
        (lines["time"] >= pd.Timestamp(first.info.as_of))
        & (lines["time"] < pd.Timestamp(trained.log.end))
    ]
    assert ledger["realised"] == pytest.approx(since["amount"].sum(), abs=0.005)
    new = set(second.scores["customer_id"]) - set(first.scores["customer_id"])
    assert ledger["customers_acquired"] == len(new)
    closing = second.scores.set_index("customer_id")["clv_lifetime"]
    assert ledger["acquired"] == pytest.approx(
        since.loc[since["customer"].isin(new), "amount"].sum() + closing[sorted(new)].sum(), abs=0.5
    )
    assert found["closing_low"] < found["closing"] < found["closing_high"]
    # every way of parting the acquired adds up to them, to the cent
    assert set(ledger["acquired_by"]) == {"category", "product"}
    for parts in ledger["acquired_by"].values():
        cents = sum(round(100 * part["acquired"]) for part in parts)
        assert cents == round(100 * ledger["acquired"])
        assert sum(part["customers"] for part in parts) == len(new)
    reconciled = ledger["orders"]
    assert reconciled["all"] - reconciled["of_nobody_known"] == pytest.approx(ledger["realised"])
    assert reconciled["orders"] == since["order"].nunique()


def test_cohorts_add_up_to_all(published, trained):
    _, _, second, _, found = published
    cohorts = found["cohorts"]
    assert sum(cohort["customers"] for cohort in cohorts) == len(second.scores)
    assert sum(cohort["expected"] for cohort in cohorts) == pytest.approx(found["closing"], abs=0.1)
    lines = trained.orders[trained.orders["time"] < pd.Timestamp(trained.log.end)]
    first = lines.groupby("customer")["time"].min().dt.strftime("%Y-%m")
    by_cohort = lines["amount"].groupby(lines["customer"].map(first)).sum()
    for cohort in cohorts:
        assert cohort["realised"] == pytest.approx(by_cohort[cohort["cohort"]], abs=0.005)


def test_only_runs_that_count_alike_are_joined(published):
    store, first, second, _, _ = published
    assert values_before(store, second.info).run.run_id == first.info.run_id
    for other in (
        {"horizon_days": 30},
        {"currency": "USD"},
        {"clv_basis": "margin"},
        {"discount_rate_per_year": 0.2},
        {"as_of": first.info.as_of + timedelta(days=20)},
    ):
        assert values_before(store, replace(second.info, **other)) is None


def test_values_are_those_that_were_published(published):
    store, first, _, _, _ = published
    read = dict(store.lifetimes(first.info.run_id))
    expected = first.scores.set_index("customer_id")["clv_lifetime"]
    assert set(read) == set(expected.index)
    assert np.allclose([read[name] for name in expected.index], expected, atol=0.0051)


def test_the_page_shows_one_period_after_the_other():
    store = fresh_runs()
    earlier = replace(run_info("run-0"), as_of=run_info().as_of - timedelta(days=28))
    first = json.loads(json.dumps(EXHIBITS["customer_assets"]))
    first["data"]["ledger"] |= {"run_id": "older", "opening": 77_000.0, "closing": 90_000.0}
    store.publish(earlier, *score_tables(30), {"customer_assets": first})
    store.publish(run_info(), *score_tables(30), EXHIBITS)
    page = client_of(store).get("/assets").text
    book = re.sub(
        r"<[^>]*>", " ", page[page.index("Opening value") : page.index("New models were put")]
    )
    figures = re.findall(r"[+−]?£[\d,]+", book)
    assert figures[:2] == ["£77,000", "£90,000"]
    assert "£8,000" in book
    assert "£240.00 for 12 of them" in page
    assert "Realised in the last period: £8,000.00 in 160 orders" in page
    assert "New models were put in force" in page
    # today's customers and new ones
    assert "Together" in page


def test_before_a_month_has_passed_the_page_says_when_the_ledger_begins():
    store = fresh_runs()
    first = json.loads(json.dumps(EXHIBITS["customer_assets"]))
    first["data"]["ledger"] = None
    store.publish(run_info(), *score_tables(30), {"customer_assets": first})
    page = client_of(store).get("/assets").text
    assert "The ledger begins with the next run" in page
    assert "300 customers are worth" in page


def test_customers_are_shown_by_the_way_they_came():
    store = fresh_runs()
    store.publish(run_info(), *score_tables(30), EXHIBITS)
    pages = client_of(store)
    by_channel = pages.get("/assets?by=channel").text
    row = re.sub(r"<[^>]*>", " ", by_channel[by_channel.index("<bdi>search") :])[:400].split()
    # 4,000 for 200 customers, paid back in the second month
    assert row[:10] == [
        *(
            "search",
            "200",
            "£4,500",
            "£50,000",
            "£70,000",
            "£600",
            "£20.00",
            "month",
            "2",
            "friends",
        )
    ]
    assert "all others" in by_channel
    assert "Loaf &lt;1&gt;" in pages.get("/assets?by=product").text
    assert "not yet" in pages.get("/assets?by=nonsense").text
