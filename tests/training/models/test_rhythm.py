"""Which purchase process a shop gets, and windows of their own length."""

import numpy as np
import pandas as pd
import pytest

from training.models.rhythm import Rhythm, Rhythms
from training.past.tables import CutoffTable

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
