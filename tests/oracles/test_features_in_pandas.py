"""The SQL features equal a slow recomputation, customer by customer."""

import numpy as np
import pandas as pd
import pytest

from features.build import build_features
from features.catalogue import FEATURES
from features.orders import read_orders
from features.sources import FrameSource
from tests.oracles.features_in_pandas import features_in_pandas
from tests.support.shop import FIRST_DAY, busy_orders, shop_settings

WHOLE_UNITS = {"days", "orders", "count"}


@pytest.fixture(scope="module")
def lines():
    return busy_orders()


@pytest.fixture(scope="module")
def log(lines, tmp_path_factory):
    settings = shop_settings(tmp_path_factory.mktemp("shop"))
    with read_orders(settings, FrameSource(lines)) as log:
        yield log


def test_the_shop_is_as_busy_as_it_should_be(lines, log):
    assert log.report.rows_quarantined == 0
    known = lines[lines["customer"].notna()]
    day = known["time"].dt.normalize()
    assert known["amount"].lt(0).sum() > 50
    assert (
        known.groupby("order")["time"].agg(lambda times: times.dt.normalize().nunique()).max() > 1
    )
    assert known.groupby(["customer", day])["order"].nunique().max() > 1
    assert lines[["customer", "product", "category"]].isna().any().all()
    assert known["discount"].gt(0).any()
    assert known["amount"].eq(0).any()


@pytest.mark.parametrize("days", [1, 2, 30, 91, 181, 239])
def test_every_feature_at_every_date(lines, log, days):
    as_of = FIRST_DAY + pd.Timedelta(days=days)
    ours, expected = build_features(log, as_of.date()), features_in_pandas(lines, as_of)

    assert sorted(expected.columns) == sorted(FEATURES)
    assert list(ours.index) == list(expected.index)
    for name, feature in FEATURES.items():
        ours_is_whole = ours[name].dropna().mod(1).eq(0).all()
        exact = feature.unit in WHOLE_UNITS and ours_is_whole
        np.testing.assert_allclose(
            ours[name],
            expected[name],
            rtol=0 if exact else 1e-9,
            atol=0 if exact else 1e-9,
            err_msg=name,
        )


def test_some_customer_has_a_value_for_every_feature(log):
    assert build_features(log, log.end).notna().any().all()
