"""Referrals as value, and categories as columns: by hand."""

import json
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from features.orders.log import read_orders
from features.orders.referrals import first_referrals
from features.sources import FrameSource
from serving.scoring.outlook import categories_of, category_columns, referral_value
from tests.support.shop import FIRST_DAY, order_lines, shop_settings

ORDERS = [("ann", 1, 9.0), ("bob", 20, 9.0), ("cid", 30, 9.0), ("dan", 40, 9.0), ("z", 90, 1.0)]
REFERRALS = [
    ("ann", 10, "bob"),
    ("dan", 12, "bob"),  # second to refer bob
    ("ann", 25, "cid"),
    ("bob", 25, "cid"),  # in the same minute
    ("bob", 30, "nobody"),  # has not bought
    ("stranger", 31, "dan"),  # of somebody who has not bought
    ("ann", 80, "z"),
]


@pytest.fixture
def log(tmp_path):
    events = pd.DataFrame(REFERRALS, columns=["who", "day", "whom"])
    events["when"] = FIRST_DAY + pd.to_timedelta(events["day"], unit="D")
    events.assign(what="referral").to_parquet(tmp_path / "events.parquet")
    table = {
        "path": "events.parquet",
        "customer_id": "who",
        "occurred_at": "when",
        "kind": "what",
        "other_customer_id": "whom",
    }
    settings = shop_settings(
        tmp_path, data={"interactions": table}, predict={"referral_share": 0.5}
    )
    with read_orders(settings, FrameSource(order_lines(ORDERS))) as opened:
        yield opened


def day(number):
    return FIRST_DAY.date() + timedelta(days=number)


def test_who_was_first_to_refer_whom(log):
    found = first_referrals(log, day(80))
    assert found.to_numpy().tolist() == [
        ["ann", "bob", 1.0],
        ["ann", "cid", 0.5],
        ["bob", "cid", 0.5],
    ]
    # nothing of the date itself or later, and nobody before the first order
    assert len(first_referrals(log, day(25))) == 1
    assert len(first_referrals(log, day(91))) == 4


def test_a_share_of_what_the_referred_are_worth(log):
    scores = pd.DataFrame(
        {"customer_id": ["ann", "bob", "cid", "dan"], "clv": [100.0, 30.0, 8.0, 5.0]}
    )
    worth = referral_value(log, scores, day(80))
    assert worth.tolist() == [0.5 * (30 + 0.5 * 8), 0.5 * 0.5 * 8, 0.0, 0.0]


def test_without_a_table_nothing_is_known(tmp_path):
    scores = pd.DataFrame({"customer_id": ["ann"], "clv": [1.0]})
    with read_orders(shop_settings(tmp_path), FrameSource(order_lines(ORDERS))) as log:
        assert first_referrals(log, day(80)) is None
        assert np.isnan(referral_value(log, scores, day(80))).all()


def test_the_columns_of_categories():
    columns = category_columns([[('tea & "cake"', 0.123456), ("milk", 0.1)], []])
    assert columns["next_category"].tolist()[0] == 'tea & "cake"'
    assert columns["p_next_category"].tolist()[0] == 0.123456
    assert [json.loads(text) for text in columns["next_categories"]] == [
        [
            {"category": 'tea & "cake"', "probability": 0.1235},
            {"category": "milk", "probability": 0.1},
        ],
        [],
    ]
    assert pd.isna(columns["next_category"][1])


def test_nothing_is_said_without_a_model_or_orders():
    assert categories_of(None, [{"p1"}], {"p1": "tea"}) == []
