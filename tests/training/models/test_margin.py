"""Value as margin: customers who buy what leaves little are worth little."""

import numpy as np
import pandas as pd
import pytest

from features.engines.build import build_features
from features.errors import DataError
from features.orders.log import read_orders
from features.orders.value_basis import ValueBasis, value_basis
from features.sources import FrameSource
from tests.support.shop import COLUMNS, FIRST_DAY, shop_settings, simulate_orders
from training.measures.metrics import normalised_gini
from training.models.baselines import RfmAverage
from training.models.boosting import Boosting
from training.past.tables import cutoff_table
from training.value.model import ValueModel, kept_share

HORIZON = 60
GROWN = Boosting(rounds=40, min_rows_in_leaf=20, seed=7, threads=1)


def costly(orders):
    """Every second customer buys goods that leave 5 %, the others goods that leave 80 %."""
    number = orders["customer"].str[1:].astype(int)
    return orders.assign(cost=(orders["amount"] * np.where(number % 2, 0.95, 0.2)).round(2))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    settings = shop_settings(
        tmp_path_factory.mktemp("margin"),
        data={"columns": {**COLUMNS, "cost": "cost"}},
        predict={"horizon_days": HORIZON, "cost_per_order": 1.0},
    )
    orders = costly(simulate_orders(customers=220, days=360, seed=2))
    with read_orders(settings, FrameSource(orders)) as log:
        basis = value_basis(log, log.end, settings.predict)
        days = [FIRST_DAY.date() + pd.Timedelta(days=day) for day in (200, 220, 240, 300)]
        *past, then = (cutoff_table(log, day, HORIZON, basis=basis) for day in days)
        return basis, past, then, build_features(log, log.end)


@pytest.fixture(scope="module")
def fitted(shop):
    basis, past, *_ = shop
    return ValueModel(horizon_days=HORIZON, basis=basis, boosting=GROWN).fit(past)


def test_the_margin_is_no_worse_ranked_than_by_its_baseline_and_of_the_right_size(shop, fitted):
    _, past, then, _ = shop
    happened = then.labels["value"].to_numpy()
    said = fitted.predict(then.features)["clv"].to_numpy()
    usual = RfmAverage().fit(past).predict(then.features)["clv"].to_numpy()
    assert normalised_gini(happened, said) >= normalised_gini(happened, usual)
    assert said.sum() == pytest.approx(happened.sum(), rel=0.35)


def test_who_buys_what_leaves_nothing_is_worth_little(shop, fitted):
    *_, features = shop
    number = features.index.str[1:].astype(int)
    said = fitted.predict(features)
    per_order = said["expected_order_value"].groupby(np.asarray(number % 2)).median()
    assert per_order[1] < 0.35 * per_order[0]
    paid = features["mean_order_value"].to_numpy()
    assert (said["expected_order_value"] < 1.2 * paid.max()).all()


def test_the_basis_is_kept(shop, fitted, tmp_path):
    *_, features = shop
    fitted.save(tmp_path)
    loaded = ValueModel.load(tmp_path)
    assert (loaded.clv_basis, loaded.basis) == ("margin", fitted.basis)
    pd.testing.assert_frame_equal(
        loaded.predict(features), fitted.predict(features), check_exact=True
    )


def test_contributions_follow_the_value(shop, fitted):
    *_, features = shop
    parts = fitted.contributions(features)
    together = np.corrcoef(
        parts.sum(axis=1).rank(), fitted.predict(features)["value_if_order"].rank()
    )[0, 1]
    assert together > 0.9
    number = np.asarray(features.index.str[1:].astype(int))
    assert (parts["margin_share"][number % 2 == 1] < 0).mean() > 0.9


def test_own_margins_are_averaged_with_the_shops():
    basis = ValueBasis(name="margin", known_share=1.0, cost_share=0.6)
    features = pd.DataFrame(
        {"margin_share": [0.8, np.nan, -3.0, 1.7], "orders": [5.0, 5, 1e9, 1e9]}
    )
    assert kept_share(features, basis).round(6).tolist() == [0.6, 0.4, 0.02, 1.0]


def test_costs_that_leave_nothing_are_refused_in_words(shop):
    basis, past, *_ = shop
    past = [
        type(table)(table.cutoff, table.features, table.labels.assign(value=-1.0)) for table in past
    ]
    with pytest.raises(DataError, match="costs leave nothing"):
        ValueModel(horizon_days=HORIZON, basis=basis, boosting=GROWN).fit(past)
