from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from features.orders.log import read_orders
from features.orders.value_basis import ValueBasis
from features.sources import FrameSource
from tests.support.shop import COLUMNS, FIRST_DAY, order_lines, shop_settings, simulate_orders
from training.past.tables import cutoff_table, labels_at

HORIZON = 30
CUTOFF = 50


def day(number):
    return FIRST_DAY.date() + timedelta(days=number)


@pytest.fixture
def labelled(tmp_path):
    def labels(orders, *, known_until=200, cutoff=CUTOFF):
        frame = order_lines(orders) if isinstance(orders, list) else orders
        with read_orders(shop_settings(tmp_path), FrameSource(frame)) as log:
            return labels_at(log, day(cutoff), HORIZON, day(known_until))

    return labels


BEFORE = [("a", 10, 20.0), ("b", 20, 30.0), ("c", 49, 5.0)]
END = ("z", 199, 1.0)


def test_by_hand(labelled):
    found = labelled(
        [
            *BEFORE,
            ("a", 50, 7.0),  # the cutoff day itself
            ("a", 50, 8.0),
            ("a", 79, 4.5),  # the last day of the window
            ("b", 80, 9.0),  # one day too late
            ("new", 55, 9.0),  # not a customer yet at the cutoff
            END,
        ]
    )
    assert list(found.index) == ["a", "b", "c"]
    assert found.loc["a"].to_dict() == {
        "orders": 3,
        "spend": 7.0 + 8.0 + 4.5,
        "value": 7.0 + 8.0 + 4.5,
        "purchase_days": 2,
        "days_to_next_order": 0,
        "followed_days": 150,
        "horizon_days": HORIZON,
    }
    assert found.loc["b", ["orders", "spend", "days_to_next_order"]].tolist() == [0, 0, 30]
    assert np.isnan(found.loc["c", "days_to_next_order"])
    assert (found.dtypes == "float64").all()


def test_a_return_lowers_the_spend_and_is_no_order(labelled):
    found = labelled([*BEFORE, ("a", 55, -20.0), ("b", 60, 12.0), ("b", 70, -5.0), END])
    assert found.loc["a", ["orders", "spend", "purchase_days"]].tolist() == [0, -20.0, 0]
    assert np.isnan(found.loc["a", "days_to_next_order"])
    assert found.loc["b", ["orders", "spend", "days_to_next_order"]].tolist() == [1, 7.0, 10]


def test_who_only_returned_before_the_cutoff_is_no_customer_yet(labelled):
    found = labelled([*BEFORE, ("r", 30, -4.0), ("r", 60, 9.0), END])
    assert "r" not in found.index


def test_what_is_not_known_yet_has_not_happened(labelled):
    orders = [*BEFORE, ("a", 60, 7.0), ("a", 61, 9.0), ("b", 65, 3.0), END]
    found = labelled(orders, known_until=61)
    assert found.loc["a", ["orders", "spend", "days_to_next_order"]].tolist() == [1, 7.0, 10]
    assert np.isnan(found.loc["b", "days_to_next_order"])
    assert (found["followed_days"] == 11).all()


def test_the_next_order_is_looked_for_beyond_the_horizon(labelled):
    found = labelled([*BEFORE, ("b", 150, 3.0), END])
    assert found.loc["b", ["orders", "days_to_next_order"]].tolist() == [0, 100]


@pytest.mark.parametrize("cutoff", [120, 150])
def test_rows_from_the_known_date_on_change_nothing(labelled, cutoff):
    shop = simulate_orders(customers=40, days=240)
    known = cutoff + HORIZON
    late = shop["time"] >= pd.Timestamp(day(known))
    changed = shop.assign(
        amount=shop["amount"].where(~late, 999.0),
        product=shop["product"].where(~late, "later"),
    )
    # customers who are new later may come before others in order of id
    changed.loc[late, "customer"] = "a-" + changed.loc[late, "customer"]
    found = [
        labelled(frame, known_until=known, cutoff=cutoff) for frame in (shop, changed, shop[~late])
    ]
    pd.testing.assert_frame_equal(found[0], found[1], check_exact=True)
    pd.testing.assert_frame_equal(found[0], found[2], check_exact=True)


def test_the_order_of_rows_changes_nothing(labelled):
    shop = simulate_orders(customers=40, days=240)
    pd.testing.assert_frame_equal(
        labelled(shop, cutoff=120), labelled(shop.sample(frac=1, random_state=2), cutoff=120)
    )


def test_features_and_labels_are_of_the_same_customers(tmp_path):
    shop = simulate_orders(customers=40, days=240)
    with read_orders(shop_settings(tmp_path), FrameSource(shop)) as log:
        table = cutoff_table(log, date(2024, 6, 1), HORIZON)
        assert table.features.index.equals(table.labels.index)
        assert table.labels["followed_days"].iloc[0] == (log.end - date(2024, 6, 1)).days
        features = table.features["days_since_last_order"]
    last = shop.loc[shop["time"] < "2024-06-01"].groupby("customer")["time"].max()
    expected = (pd.Timestamp("2024-06-01") - last.dt.normalize()).dt.days
    np.testing.assert_array_equal(features, expected.loc[features.index])


def test_value_is_what_costs_leave(tmp_path):
    frame = order_lines([*BEFORE, ("a", 50, 7.0), ("a", 60, 8.0), ("b", 61, -4.0), END])
    frame["cost"] = pd.array([1.0, 1.0, 1.0, 3.0, None, 1.5, 0.0], dtype="Float64")
    settings = shop_settings(tmp_path, data={"columns": {**COLUMNS, "cost": "cost"}})
    basis = ValueBasis(name="margin", known_share=0.95, cost_share=0.25, cost_per_order=0.5)
    with read_orders(settings, FrameSource(frame)) as log:
        found = labels_at(log, day(CUTOFF), HORIZON, day(200), basis)
    # of a line without a cost a quarter is cost; a return brings its cost back and is no order
    assert found["value"].to_dict() == {
        "a": (7.0 - 3.0) + 8.0 * 0.75 - 2 * 0.5,
        "b": -4.0 + 1.5,
        "c": 0.0,
    }
    assert found["spend"].to_dict() == {"a": 15.0, "b": -4.0, "c": 0.0}
