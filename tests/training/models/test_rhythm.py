"""Which purchase process a shop gets, and windows of their own length."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from training.models.calibration import expit
from training.models.rhythm import DOUBT, Rhythm, Rhythms, purchase_summary
from training.past.tables import CutoffTable, Slot

AS_OF, WINDOW = 360, 60


def table(rng, *, spread, customers=400):
    """Customers whose gaps of 30 days vary by `spread` of their mean, some of whom have left."""
    rows = []
    for _ in range(customers):
        shape = 1 / spread**2
        days = np.cumsum(rng.gamma(shape, 30 / shape, 40)) + rng.uniform(0, 60)
        days = np.unique(np.floor(days[days < rng.exponential(700) + 60]))
        before, after = days[days < AS_OF], days[(days >= AS_OF) & (days < AS_OF + WINDOW)]
        if len(before):
            rows.append((before, len(after)))
    features = pd.DataFrame(
        {
            "repeat_purchase_days": [len(days) - 1 for days, _ in rows],
            "first_to_last_days": [days[-1] - days[0] for days, _ in rows],
            "days_since_first_order": [AS_OF - days[0] for days, _ in rows],
        },
        dtype=float,
    )
    labels = pd.DataFrame({"orders": [orders for _, orders in rows]}, dtype=float)
    return CutoffTable(None, features, labels.assign(horizon_days=float(WINDOW)))


@pytest.mark.parametrize(("spread", "stages"), [(0.4, 2), (1.0, 1)])
def test_regular_gaps_get_the_process_of_regular_gaps(spread, stages):
    rhythms = Rhythms.fit([table(np.random.default_rng(1), spread=spread)], None, WINDOW)
    assert rhythms.today.stages == stages


def test_each_past_window_is_asked_about_its_own_length():
    whole = table(np.random.default_rng(2), spread=1.0)
    short = CutoffTable(None, whole.features, whole.labels.assign(horizon_days=20.0))
    rhythms = Rhythms.fit([whole, short], None, WINDOW)
    long_window, short_window = rhythms.each(Rhythm.expected_orders)
    assert (short_window < long_window).all()


def test_predictions_start_from_todays_customers():
    rng = np.random.default_rng(3)
    past, now = table(rng, spread=1.0), table(rng, spread=1.0)
    rhythms = Rhythms.fit([past], now.features, WINDOW)
    alone = Rhythm(horizon_days=WINDOW, stages=rhythms.today.stages).fit(now.features)
    np.testing.assert_array_equal(
        rhythms.today.no_order_logit(now.features), alone.no_order_logit(now.features)
    )


@pytest.mark.parametrize("rows_at_once", [1, 1_000, 20_000])
def test_orders_within_many_windows_are_those_of_each(rows_at_once, monkeypatch):
    monkeypatch.setattr("training.models.rhythm.ROWS_AT_ONCE", rows_at_once)
    shop = table(np.random.default_rng(4), spread=1.0)
    rhythm = Rhythm(horizon_days=WINDOW).fit(shop.features)
    ends = np.arange(1, 6) * 60.0
    each = [rhythm.expected_orders(shop.features, end) for end in ends]
    found = rhythm.expected_orders_within(shop.features, ends)
    np.testing.assert_array_equal(found, np.column_stack(each))
    (alone,) = rhythm.expected_orders_within(shop.features.iloc[:1], ends)
    np.testing.assert_array_equal(alone, found[0])


def test_a_busy_horizon_counts_for_more_days():
    shop = table(np.random.default_rng(5), spread=1.0).features
    usual = Rhythm(horizon_days=WINDOW).fit(shop)
    busy = Rhythm.from_dict({**usual.to_dict(), "pace": 1.5})
    assert busy.to_dict()["pace"] == 1.5
    for says in (Rhythm.expected_orders, Rhythm.no_order_logit):
        np.testing.assert_array_equal(says(busy, shop), says(usual, shop, 1.5 * WINDOW))
        np.testing.assert_array_equal(says(busy, shop, 20.0), says(usual, shop, 20.0))


def test_the_season_of_the_shop_tells_the_pace():
    shop = table(np.random.default_rng(6), spread=1.0)
    # nobody is expected to buy so often as in the two slots that return every year
    busy = np.tile(np.where(np.arange(13) < 2, 3.0, 1.0), 2)
    summary = purchase_summary(shop.features)
    until = date(2026, 1, 1)
    slots = [
        Slot(until - timedelta(days=28 * (25 - at)), summary, round(200 * factor))
        for at, factor in enumerate(busy)
    ]
    rhythms = Rhythms.fit([replace(shop, cutoff=until - timedelta(days=90))], None, WINDOW, slots)
    assert 1.5 < rhythms.today.pace < 3.0
    (said,) = rhythms.each(Rhythm.expected_orders)
    assert (said < rhythms.today.expected_orders(shop.features)).all()


def test_nobody_is_given_up_for_certain():
    known = table(np.random.default_rng(4), spread=1.0).features
    rhythm = Rhythm(horizon_days=WINDOW).fit(known)
    # forty orders, one a week, then nothing for a year
    silent = pd.DataFrame({"repeat_purchase_days": [40.0], "first_to_last_days": [280.0]}).assign(
        days_since_first_order=645.0
    )
    process, summary = rhythm.process_, purchase_summary(silent)
    assert process.p_no_order(summary, WINDOW)[0] > 0.999
    assert rhythm.p_alive(silent)[0] == pytest.approx(DOUBT, rel=0.02)
    expected = 1 - rhythm.p_alive(silent) * process.p_order_alive(summary, WINDOW)
    np.testing.assert_allclose(expit(rhythm.no_order_logit(silent)), expected, rtol=1e-6)
    # means are the process's own
    np.testing.assert_array_equal(
        rhythm.expected_orders(known), process.expected_orders(purchase_summary(known), WINDOW)
    )


def test_who_surely_is_alive_is_told_what_the_process_says():
    known = table(np.random.default_rng(5), spread=1.0).features
    rhythm = Rhythm(horizon_days=WINDOW).fit(known)
    process, summary = rhythm.process_, purchase_summary(known)
    told, alive = expit(rhythm.no_order_logit(known)), process.p_alive(summary)
    said = process.p_no_order(summary, WINDOW)
    assert (told <= said + 1e-9).all()
    assert np.abs(told - said)[alive > 0.9].max() < DOUBT * 0.1
