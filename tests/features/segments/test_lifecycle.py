"""Each stage on a customer in whom it is obvious."""

import pandas as pd
import pytest

from features.segments.lifecycle import Lifecycle
from features.segments.trend import daily_trend, two_periods
from features.settings.segments import Segments
from tests.features.segments.customers import customers

ONE_ORDER = {
    "repeat_purchase_days": 0.0,
    "first_to_last_days": 0.0,
    "mean_gap_days": float("nan"),
    "max_gap_days": float("nan"),
    "last_gap_days": float("nan"),
}
YOUNG = {
    # six orders in 50 days
    "days_since_first_order": 55.0,
    "repeat_purchase_days": 5.0,
    "first_to_last_days": 50.0,
    "spend_180d": 300.0,
    "spend_365d": 300.0,
}


def stage(*, settings=None, **columns):
    """The stage of a customer among two steady ones, whose usual gap is 10 days."""
    table = customers(3)
    for name, value in columns.items():
        table.loc["c0000", name] = value
    return Lifecycle(settings or Segments()).assign(table)["lifecycle"].iloc[0]


@pytest.mark.parametrize(
    ("expected", "columns"),
    [
        # 900 in the last 180 days, 925 in the 185 days before: 5 a day, then and now
        ("stable", {}),
        ("growth", {"spend_365d": 900.0 + 185 * 4.0}),  # 5 ÷ 4 = 1.25
        ("stable", {"spend_365d": 900.0 + 185 * 4.1}),
        ("decline", {"spend_180d": 180 * 2.0, "spend_365d": 180 * 2.0 + 185 * 5.0}),  # 2 ÷ 5
        ("stable", {"spend_180d": 180 * 2.5, "spend_365d": 180 * 2.5 + 185 * 5.0}),  # half
        # silent for more than two usual gaps of 10 days and longer than ever (14)
        ("decline", {"days_since_last_order": 21.0}),
        ("stable", {"days_since_last_order": 20.0}),
        ("stable", {"days_since_last_order": 21.0, "max_gap_days": 30.0}),
        # four usual gaps are 40 days; nobody is lost before 90
        ("decline", {"days_since_last_order": 90.0}),
        ("lost", {"days_since_last_order": 91.0}),
        ("decline", {"days_since_last_order": 91.0, "max_gap_days": 91.0, "spend_180d": 100.0}),
        # a slow rhythm: four gaps of 60 days
        ("decline", {"days_since_last_order": 240.0, "mean_gap_days": 60.0}),
        ("lost", {"days_since_last_order": 241.0, "mean_gap_days": 60.0}),
        # a year is the end, whatever the rhythm
        ("lost", {"days_since_last_order": 366.0, "mean_gap_days": 300.0, "max_gap_days": 400.0}),
        # came back after 100 days, with an order every ten days before
        ("reactivated", {"last_gap_days": 100.0, "first_to_last_days": 100.0 + 71 * 10}),
        ("stable", {"last_gap_days": 90.0, "first_to_last_days": 90.0 + 71 * 10}),
        ("exploration", {**ONE_ORDER, "days_since_first_order": 5.0}),
        ("exploration", {**YOUNG, "repeat_purchase_days": 1.0}),
        ("lost", {**ONE_ORDER, "days_since_last_order": 91.0, "days_since_first_order": 91.0}),
        # a second order after 100 days, where others come back after ten
        (
            "reactivated",
            {"repeat_purchase_days": 1.0, "first_to_last_days": 100.0, "last_gap_days": 100.0},
        ),
        ("growth", YOUNG),
        ("decline", {**YOUNG, "days_since_last_order": 25.0}),
    ],
)
def test_the_stage_is_obvious(expected, columns):
    assert stage(**columns) == expected


def test_the_cut_points_of_the_configuration_move_the_stages():
    loose = Segments.model_validate({"lifecycle": {"lost_after_days_min": 30, "lost_gaps": 3}})
    assert stage(settings=loose, days_since_last_order=31.0) == "lost"
    patient = Segments.model_validate({"lifecycle": {"exploration_days": 6}})
    assert stage(settings=patient, **YOUNG) == "exploration"


def test_a_shop_without_any_rhythm_knows_no_usual_gap():
    found = Lifecycle().cut_points(customers(2, **ONE_ORDER))
    assert found == {"usual_gap_days": [90 / 4]}


def test_the_usual_gap_is_the_median_of_those_with_a_rhythm():
    table = customers(mean_gap_days=[10.0, 20, 90, 1], repeat_purchase_days=[5.0, 2, 3, 1])
    assert Lifecycle().cut_points(table) == {"usual_gap_days": [20.0]}


def trend(period=180, **columns):
    return daily_trend(customers(1, **columns), period).item()


def test_the_trend_by_hand():
    assert trend() == pytest.approx((900 / 180) / (925 / 185))
    # known for 100 days before the last 180: 925 in 100 days
    assert trend(days_since_first_order=280.0) == pytest.approx((900 / 180) / (925 / 100))
    assert trend(90) == pytest.approx((450 / 90) / (450 / 90))
    assert trend(spend_365d=900.0) == float("inf")
    assert trend(spend_180d=0.0, spend_365d=0.0) == 1
    assert pd.isna(trend(days_since_first_order=180.0 + 89))
    assert not pd.isna(trend(days_since_first_order=180.0 + 90))


def test_the_period_before_is_scaled_to_the_same_length():
    recent, before = two_periods(customers(1), 180)
    assert (recent.item(), before.item()) == (900, pytest.approx(925 * 180 / 185))
