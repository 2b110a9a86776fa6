"""Moves between two dates and margins of cohorts, on a handful of customers."""

from datetime import date

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.orders.log import read_orders
from features.segments.migration import cohort_margin, margin_trend, matrix, transitions
from features.sources import FrameSource
from tests.support.shop import COLUMNS, shop_settings

BEFORE = pd.Series({"c1": "A", "c2": "A", "c3": "B", "c4": "B"})
AFTER = pd.Series({"c1": "A", "c2": "B", "c3": "B", "c5": "A"})


def test_moves_by_hand():
    moved = transitions(
        BEFORE,
        AFTER,
        value_before=pd.Series({"c1": 10.0, "c2": 20, "c3": 5, "c4": 1}),
        value_after=pd.Series({"c1": 11.0, "c2": 2, "c3": 5, "c5": 7}),
    )
    rows = moved.set_index(["source", "target"])
    assert rows["customers"].to_dict() == {
        ("A", "A"): 1,
        ("A", "B"): 1,
        ("B", "B"): 1,
        ("B", "gone"): 1,
        ("new", "A"): 1,
    }
    assert (rows["share"] == [1 / 2, 1 / 2, 1 / 2, 1 / 2, 1]).all()
    assert rows["value_change"].to_dict() == {
        ("A", "A"): 1,
        ("A", "B"): -18,
        ("B", "B"): 0,
        ("B", "gone"): -1,
        ("new", "A"): 7,
    }


def test_as_a_matrix():
    wide = matrix(transitions(BEFORE, AFTER))
    assert wide.to_dict("index") == {
        "A": {"A": 1, "B": 1, "gone": 0},
        "B": {"A": 0, "B": 1, "gone": 1},
        "new": {"A": 1, "B": 0, "gone": 0},
    }
    shares = matrix(transitions(BEFORE, AFTER), "share")
    assert (shares.sum(axis=1) == 1).all()


def test_without_values_none_are_told():
    assert list(transitions(BEFORE, AFTER)) == ["source", "target", "customers", "share"]


@given(
    st.dictionaries(st.integers(0, 20), st.sampled_from("ABC"), min_size=1),
    st.dictionaries(st.integers(0, 20), st.sampled_from("ABC"), min_size=1),
)
def test_everybody_of_either_date_is_in_one_cell(before, after):
    moved = transitions(pd.Series(before, dtype="str"), pd.Series(after, dtype="str"))
    assert moved["customers"].sum() == len(before | after)
    assert moved.groupby("source")["share"].sum().to_numpy() == pytest.approx(1)


@pytest.fixture
def log(tmp_path):
    """One customer of January, two of February, and April, which is not over."""
    rows = [
        ("c1", "2024-01-10", 100.0, 60.0),
        ("c1", "2024-02-10", 50.0, None),  # unknown cost: its revenue
        ("c1", "2024-03-10", -50.0, -20.0),  # 30 lost
        ("c2", "2024-02-01", 10.0, 4.0),
        ("c2", "2024-03-01", 20.0, 8.0),
        ("c3", "2024-02-29", 30.0, 10.0),
        ("c3", "2024-04-02", 99.0, 9.0),
        (None, "2024-03-03", 1000.0, 0.0),
    ]
    lines = pd.DataFrame(rows, columns=["customer", "time", "amount", "cost"])
    lines = lines.assign(
        order=[f"o{number}" for number in range(len(lines))],
        product="p",
        name="p",
        category="k",
        quantity=(lines["amount"] > 0) * 2 - 1,
        discount=0.0,
        time=pd.to_datetime(lines["time"]),
    )
    settings = shop_settings(tmp_path, data={"columns": {**COLUMNS, "cost": "cost"}})
    with read_orders(settings, FrameSource(lines)) as found:
        yield found


def margins(table):
    return {(row.cohort.month, row.month.month): row.margin for row in table.itertuples()}


def test_margins_by_hand(log):
    found = cohort_margin(log, date(2024, 4, 3))
    assert margins(found) == {
        (1, 1): 100 - 60,
        (1, 2): 50,
        (1, 3): -50 + 20,
        (2, 2): (10 - 4) + (30 - 10),
        (2, 3): 20 - 8,
    }
    assert list(found["cohort_customers"]) == [1, 1, 1, 2, 2]
    assert list(found["customers"]) == [1, 1, 1, 2, 1]
    assert found["margin_per_customer"].iloc[-1] == 12 / 2


def test_groups_part_a_cohort(log):
    found = cohort_margin(log, date(2024, 3, 1), group=pd.Series({"c1": "A", "c2": "B"}))
    assert margins(found[found["group"] == "B"]) == {(2, 2): 6}
    assert margins(found[found["group"] == "gone"]) == {(2, 2): 20}


def test_a_month_without_orders_counts_as_nothing(log):
    found = cohort_margin(log, date(2024, 4, 3), group=pd.Series({"c2": "B", "c3": "C"}))
    assert margins(found[found["group"] == "C"]) == {(2, 2): 20, (2, 3): 0}


def test_only_what_was_known_is_seen(log):
    assert margins(cohort_margin(log, date(2024, 3, 5))) == {(1, 1): 40, (1, 2): 50, (2, 2): 26}
    assert cohort_margin(log, date(2024, 1, 20)).empty


def test_the_trend_by_hand(log):
    found = margin_trend(cohort_margin(log, date(2024, 4, 3)))
    (january,) = found.to_dict("records")  # February's has a single later month
    assert january == {
        "cohort": date(2024, 1, 1),
        "group": "all",
        "months": 2,
        "mean_per_month": (50 - 30) / 2,
        "change_per_month": -30 - 50,
    }


def test_the_trend_is_the_line_of_least_squares():
    months = [date(2024, month, 1) for month in range(1, 6)]
    table = pd.DataFrame(
        {
            "cohort": months[0],
            "group": "A",
            "month": months,
            "margin_per_customer": [999.0, 1, 4, 4, 7],
        }
    )
    # of 1, 4, 4, 7: Σ(x − 1.5)(y) ÷ Σ(x − 1.5)² = (−1.5 − 2 + 2 + 10.5) ÷ 5
    assert margin_trend(table)["change_per_month"].item() == pytest.approx(9 / 5)
