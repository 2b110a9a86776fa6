"""The SQL features equal a slow recomputation, customer by customer."""

import numpy as np
import pandas as pd
import pytest

from features.catalogue import FEATURES
from features.engines.build import build_features
from features.orders.log import read_orders
from features.sources import FrameSource
from tests.oracles.features_in_pandas import features_in_pandas
from tests.support.shop import COLUMNS, FIRST_DAY, busy_orders, shop_settings

WHOLE_UNITS = {"days", "orders", "count"}


COLUMNS_TOO = {**COLUMNS, "channel": "channel", "cost": "cost"}


@pytest.fixture(scope="module")
def lines():
    lines = busy_orders(days=430)
    rng = np.random.default_rng(5)
    late = rng.choice([0, 1, 9, 60], size=len(lines), p=[0.7, 0.1, 0.1, 0.1])
    return lines.assign(
        channel=rng.choice(["shop", "web", None], size=len(lines)),
        cost=np.where(
            rng.random(len(lines)) < 0.1, np.nan, lines["amount"].abs().mul(0.6).round(2)
        ),
        arrived=lines["time"] + pd.to_timedelta(late, unit="D"),
    )


@pytest.fixture(scope="module", params=["ordered_at", "ingested_at"])
def log(lines, tmp_path_factory, request):
    arrival = {"ingested_at": "arrived"} if request.param == "ingested_at" else {}
    settings = shop_settings(
        tmp_path_factory.mktemp("shop"), data={"columns": {**COLUMNS_TOO, **arrival}}
    )
    with read_orders(settings, FrameSource(lines)) as log:
        yield log


def known_lines(lines, log, as_of):
    """The lines that were in the file before `as_of`."""
    if log.settings.data.columns.ingested_at is None:
        return lines
    return lines[lines["arrived"] < as_of]


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


@pytest.mark.parametrize("days", [2, 30, 91, 239, 391, 428])
def test_every_feature_at_every_date(lines, log, days):
    as_of = FIRST_DAY + pd.Timedelta(days=days)
    ours, expected = (
        build_features(log, as_of.date()),
        features_in_pandas(known_lines(lines, log, as_of), as_of),
    )

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
