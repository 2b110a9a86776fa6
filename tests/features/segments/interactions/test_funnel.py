"""The funnel of people whose way to the order is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.engines.build import build_features
from features.errors import ConfigError
from features.orders.log import read_orders
from features.segments.catalogue import assign_all
from features.segments.interactions.funnel import STAGES, Funnel, funnel
from features.settings.segments import Segments
from features.sources import FrameSource
from tests.features.segments.customers import customers
from tests.support.optional_tables import settings_with, write_tables
from tests.support.shop import FIRST_DAY, order_lines, shop_settings

WAY = [
    # who, day, what: ann goes all the way, with 5, 10 and 15 days between the stages
    ("ann", 0, "visit"),
    ("ann", 5, "enquiry"),
    ("ann", 15, "cart"),
    # bob visits and stays away until long after; cat visits on the day before the last
    ("bob", 0, "visit"),
    ("cat", 198, "visit"),
    # eve buys first and looks around afterwards: no way to the order
    ("eve", 60, "visit"),
    # dan asks and buys within the day
    ("dan", 20, "enquiry"),
    # a complaint leads nowhere
    ("fay", 3, "complaint"),
]
ORDERS = order_lines(
    [
        *(("ann", day, 40.0) for day in (30, 90, 180)),
        *(("eve", day, 60.0) for day in (10, 70)),
        ("dan", 20, 20.0),
        ("zoe", 199, 80.0),
    ]
)


@pytest.fixture
def log(tmp_path):
    events = pd.DataFrame(
        [
            {"who": who, "when": FIRST_DAY + pd.Timedelta(days=day, hours=8), "what": what}
            for who, day, what in WAY
        ]
    ).assign(score=np.nan, brought=None)
    write_tables({"interactions": events}, tmp_path)
    with read_orders(settings_with(tmp_path, "interactions"), FrameSource(ORDERS)) as log:
        yield log


def test_the_funnel_by_hand(log):
    found = funnel(log, log.end)
    assert tuple(found.index) == STAGES
    assert found["people"].to_dict() == {
        "awareness": 6,  # all but fay: who bought has known the shop
        "interest": 4,
        "decision": 4,
        "purchase": 4,
        "loyalty": 1,
    }
    assert found["waiting"].to_list() == [2, 0, 0, 3, 1]
    # ann and bob a while ago; cat has not had the time, eve bought before
    assert found.loc["awareness", ["entered", "conversion", "median_days"]].to_list() == [2, 0.5, 5]
    assert found.loc["interest", ["entered", "conversion", "median_days"]].to_list() == [2, 1, 5]
    assert found.loc["decision", ["entered", "conversion", "median_days"]].to_list() == [1, 1, 15]
    # of ann, eve and dan none has bought on three days within 90: ann took 150
    assert found.loc["purchase", ["entered", "conversion"]].to_list() == [3, 0.0]
    assert found.loc["loyalty", ["conversion", "median_days"]].isna().all()


def test_expected_sales_are_of_those_on_the_way(log):
    """One visitor of late, of whom half buy, for what a first purchase brings on average."""
    found = funnel(log, log.end)
    assert found["on_the_way"].to_list() == [1, 0, 0, 1, 1]
    assert found.loc["awareness", "expected_sales"] == 1 * 0.5 * (40 + 60 + 20 + 80) / 4
    assert found["expected_sales"].isna().to_list() == [False, False, False, True, True]


def test_the_past_does_not_know_what_came_later(log):
    early = funnel(log, (FIRST_DAY + pd.Timedelta(days=16)).date())
    assert early["people"].to_list() == [3, 2, 2, 1, 0]
    assert early["waiting"].to_list() == [1, 0, 1, 1, 0]
    assert early["entered"].to_list() == [0] * 5
    assert early["conversion"].isna().all()


def test_the_stages_are_configured(log):
    changed = log.settings.model_copy(
        update={
            "segments": Segments.model_validate(
                {"funnel": {"awareness": ["visit", "enquiry"], "interest": [], "within_days": 200}}
            )
        }
    )
    found = funnel(replace(log, settings=changed), log.end)
    assert found.loc["interest", "entered"] == 0
    assert found["people"].to_list() == [6, 4, 4, 4, 1]
    with pytest.raises(ValueError, match="belongs to one stage"):
        Segments.model_validate({"funnel": {"interest": ["visit"]}})


def test_without_interactions_there_is_no_funnel(tmp_path):
    with (
        read_orders(shop_settings(tmp_path), FrameSource(ORDERS)) as log,
        pytest.raises(ConfigError, match=r"data\.interactions"),
    ):
        funnel(log, log.end)


def test_the_furthest_stage_of_each_customer():
    nothing = {"orders_90d": 0.0, "visits_90d": 0.0, "enquiries_90d": 0.0}
    table = customers(
        orders_90d=[0.0, 0, 0, 0, 0, 1, 1],
        repeat_purchase_days=[9.0, 9, 9, 9, 9, 1, 2],
        visits_90d=[0.0, 3, 3, 3, 0, 0, 0],
        enquiries_90d=[0.0, 0, 1, 1, 0, 0, 0],
        carts_90d=[0.0, 0, 0, 0, 2, 2, 0],
        quotes_90d=[0.0, 0, 0, 1, 0, 0, 0],
    )
    expected = ["outside", "awareness", "interest", "decision", "decision", "purchase", "loyalty"]
    assert list(Funnel().assign(table)["funnel_stage"]) == expected
    assert set(Funnel().assign(customers(3, **nothing))["funnel_stage"]) == {"outside"}


def test_the_features_of_a_shop_with_interactions_have_a_stage(log):
    found = assign_all(build_features(log, log.end), settings=log.settings.segments)
    assert found.groups["funnel_stage"].to_dict() == {
        "ann": "loyalty",  # the third purchase day, 20 days ago
        "dan": "outside",
        "eve": "outside",
        "zoe": "purchase",
    }
