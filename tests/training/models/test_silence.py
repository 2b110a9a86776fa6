from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from features.catalogue import FEATURES, OPTIONAL_FEATURES
from features.engines.build import build_features
from features.orders.log import read_orders
from features.sources import FrameSource
from tests.support.shop import order_lines, shop_settings, simulate_orders
from training.models.silence import TRAILING_DAYS, aged, days_until

AS_OF = date(2024, 6, 1)
EXACT = ["days_since_last_order", "days_since_first_order", "silence_ratio"]


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """A shop in which nobody orders after `AS_OF` but one late newcomer."""
    orders = simulate_orders(customers=80, days=400, seed=5)
    quiet = orders[orders["time"] < pd.Timestamp(AS_OF)]
    newcomer = order_lines([("newcomer", 600, 10.0)]).assign(order="last")
    settings = shop_settings(tmp_path_factory.mktemp("quiet"))
    with read_orders(settings, FrameSource(pd.concat([quiet, newcomer]))) as opened:
        yield opened


@pytest.fixture(scope="module")
def features(log):
    return build_features(log, AS_OF)


@pytest.mark.parametrize("silent_days", [0, 3, 30, 200, 300])
def test_aging_is_what_the_log_says_of_a_later_date(log, features, silent_days):
    found = table_of_rows(aged(features, silent_days), features.index)
    later = build_features(log, AS_OF + timedelta(days=silent_days)).loc[features.index]
    assert list(found) == list(later)
    spread = [name for name in found if is_spread(name)]
    exact = found.columns.difference(spread) if silent_days else found.columns
    pd.testing.assert_frame_equal(found[exact], later[exact], check_dtype=False)
    # what left a window lies between the next smaller window and this one
    off = (found["orders_365d"] - later["orders_365d"]).abs()
    assert (off <= features["orders_365d"]).all()
    assert off.mean() < 0.25 * max(features["orders_365d"].mean(), 1)


def table_of_rows(rows, index):
    return pd.DataFrame(rows.numbers, columns=rows.columns, index=index)


def is_spread(name):
    stem = name.rsplit("_", 1)[0]
    return stem.removesuffix("_year_ago").removesuffix("_trend") in TRAILING_DAYS


def test_after_a_year_of_silence_the_windows_are_empty(features):
    found = table_of_rows(aged(features, 366), features.index)
    names = [f"{what}_{days}d" for what in ("orders", "spend") for days in TRAILING_DAYS[what]]
    assert (found[names] == 0).all(axis=None)
    assert found["margin_365d"].isna().all()


def test_every_feature_that_looks_at_the_date_grows_older():
    aging = {
        name
        for name, feature in {**FEATURES, **OPTIONAL_FEATURES}.items()
        if "{as_of}" in feature.sql
    }
    trailing = {f"{what}_{days}d" for what, windows in TRAILING_DAYS.items() for days in windows}
    year_ago = {"orders_year_ago_90d", "spend_year_ago_90d"}
    since = {name for name in aging if name.startswith("days_since_")}
    contract = {"contract_age_days", "days_to_anniversary", "days_to_term_end"}
    # a mean stays until its last answer leaves, and what was last stays last
    stays = {"mean_satisfaction_365d", "last_gap_days", "last_order_value", "is_cancelled"}
    assert aging - trailing - year_ago - since - contract <= stays
    assert trailing <= aging


@pytest.mark.parametrize(
    ("age", "term", "silent", "year", "left"),
    [
        (100, 12, 10, 255.25, 255.25),
        (360, 24, 10, 360.5, 360.5),  # the first year is over, the first term is not
        (725, 24, 10, 360.75, 726.0),  # both are: the second term has begun
        (40, np.nan, 10, 315.25, np.nan),
    ],
)
def test_the_days_left_of_a_contract_pass(features, age, term, silent, year, left):
    contract = {
        "contract_age_days": float(age),
        "days_to_anniversary": 0.0,
        "contract_term_months": float(term),
        "days_to_term_end": 0.0,
    }
    rows = aged(features.iloc[:1].assign(**contract), silent)
    assert rows["contract_age_days"].tolist() == [age + silent]
    assert rows["days_to_anniversary"] == pytest.approx(year)
    assert rows["days_to_term_end"] == pytest.approx(left, nan_ok=True)


def logistic(half_after, slope=0.01):
    """A risk that reaches one half after so many silent days."""

    def probability_of(features):
        return 1 / (1 + np.exp(slope * (half_after - features["days_since_last_order"])))

    return lambda features: np.asarray(probability_of(features))


def test_the_day_of_risk_where_log_odds_are_a_straight_line(features):
    for half_after in (5, 60, 100, 500):
        risk = logistic(half_after)
        found = days_until(0.5, features, risk(features), risk, 730)
        left = half_after - features["days_since_last_order"].to_numpy()
        np.testing.assert_array_equal(found, np.maximum(left, 0))


def test_few_customers_are_asked_about_at_once_and_told_the_same(features, monkeypatch):
    risk = logistic(200)
    together = days_until(0.5, features, risk(features), risk, 730)
    monkeypatch.setattr("training.models.silence.AT_ONCE", 0)
    np.testing.assert_array_equal(days_until(0.5, features, risk(features), risk, 730), together)


def test_a_row_may_have_a_silence_of_its_own(features):
    days = np.arange(len(features), dtype=float)
    found = aged(features, days)
    for row in (0, 7, len(features) - 1):
        alone = aged(features.iloc[[row]], days[row])
        np.testing.assert_array_equal(found.numbers[row], alone.numbers[0])


def test_what_never_comes_or_comes_too_late_is_not_said(features):
    risk = logistic(5_000)
    assert np.isnan(days_until(0.5, features, risk(features), risk, 730)).all()
    risk = logistic(300)
    few = features[features["days_since_last_order"] < 100]
    assert np.isnan(days_until(0.5, few, risk(few), risk, 150)).all()
    nobody = features.iloc[:0]
    assert len(days_until(0.5, nobody, risk(nobody), risk, 730)) == 0
