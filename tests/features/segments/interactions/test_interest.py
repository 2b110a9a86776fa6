"""Interest in items, and people who have bought nothing: data whose answer is obvious."""

from datetime import timedelta

import pandas as pd
import pytest

from features.errors import ConfigError
from features.orders.log import read_orders
from features.segments.interactions.interest import interest
from features.segments.interactions.prospects import PRIOR_PEOPLE, prospects
from features.segments.interactions.search_words import search_words
from features.sources import FrameSource
from tests.support.optional_tables import settings_with, write_tables
from tests.support.shop import FIRST_DAY, order_lines, shop_settings

ITEMS = {"product_id": "product", "category": "category", "words": "words"}


def events(*rows):
    """Interactions from (who, day, what, product, category)."""
    return pd.DataFrame(
        [
            {
                "who": who,
                "when": FIRST_DAY + pd.Timedelta(days=day, hours=9),
                "what": what,
                "score": None,
                "brought": None,
                "product": product,
                "category": category,
                "words": None,
            }
            for who, day, what, product, category in rows
        ]
    )


@pytest.fixture
def log_of(tmp_path):
    """Reads orders beside interactions with items."""

    def read(orders, table):
        write_tables({"interactions": table}, tmp_path)
        settings = settings_with(tmp_path, "interactions", interactions=ITEMS)
        return read_orders(settings, FrameSource(order_lines(orders)))

    return read


def test_of_two_who_looked_one_bought_in_time(log_of):
    looked = events(
        ("ann", 1, "visit", "p000", None),
        ("ann", 2, "cart", "p000", None),
        ("a stranger", 1, "visit", "p000", None),
        # whose time is not over
        ("eve", 190, "visit", None, "category 0"),
        # bought before the first sign, which does not count
        ("bob", 150, "visit", None, "category 0"),
    )
    orders = [("ann", 5, 10.0), ("bob", 100, 20.0), ("eve", 199, 30.0), ("eve", 60, 30.0)]
    with log_of(orders, looked) as log:
        table = interest(log, log.end - timedelta(days=1), "category")
        by_product = interest(log, log.end, "product")
    (row,) = table.to_dict("records")
    assert table.index.to_list() == ["category 0"]
    assert (row["people"], row["entered"], row["on_the_way"]) == (4, 2, 2)
    assert row["conversion"] == 1 / 2
    # two on the way, half of them buy, at the mean of four orders less the last one
    assert row["expected_sales"] == pytest.approx(2 * 0.5 * (10 + 20 + 30) / 3)
    assert by_product.loc["p000", "people"] == 2


def test_the_propensity_is_what_became_of_people_like_them(log_of):
    # at day 100, ten people had a cart of the day before; four of them bought within 90 days
    carts = [(f"then {number}", 98, "cart", "p000", None) for number in range(10)]
    today = [("now 1", 189, "cart", "p000", None), ("now 2", 187, "visit", None, None)]
    buyers = [(f"then {number}", 120, 10.0) for number in range(4)]
    orders = [*buyers, ("somebody", 189, 5.0), ("somebody", 0, 5.0)]
    with log_of(orders, events(*carts, *today)) as log:
        assert (log.end - log.first_day).days == 190
        people = prospects(log, log.end)
    assert set(people.index) == {*(f"then {number}" for number in range(4, 10)), "now 1", "now 2"}
    assert people.index[0] == "now 1"
    now = people.loc["now 1"]
    assert (now["stage"], now["silent_days"], now["product_id"]) == ("decision", 1, "p000")
    assert now["group"] == "decision:0"
    # 4 of 10 in the group, and the mean of all such people as if of ten more
    assert now["propensity"] == pytest.approx((4 + PRIOR_PEOPLE * 0.4) / (10 + PRIOR_PEOPLE))
    assert people.loc["now 2", "propensity"] == pytest.approx(0.4)


def test_who_searched_and_bought_anything_in_time(log_of):
    searches = [("ann", 1), ("ann", 3), ("bob", 2), ("a stranger", 150), ("eve", 5)]
    looked = events(*((who, day, "search", None, None) for who, day in searches))
    looked["words"] = ["Lamp", "lamp", "LAMP", "lamp", "a name of her own"]
    orders = [("ann", 2, 10.0), ("bob", 100, 20.0), ("eve", 199, 30.0)]
    with log_of(orders, looked) as log:
        table = search_words(log, log.end)
    (row,) = table.to_dict("records")
    # what one person alone searched for may say who that is
    assert table.index.to_list() == ["lamp"]
    assert (row["people"], row["searches"], row["entered"]) == (3, 4, 2)
    assert row["conversion"] == 1 / 2


def test_rows_to_come_change_nothing(log_of):
    table = events(("x", 1, "visit", None, None), ("x", 80, "cart", None, None))
    orders = [("ann", 0, 1.0), ("x", 90, 5.0), ("ann", 99, 1.0)]
    with log_of(orders, table) as log:
        early = prospects(log, log.first_day + timedelta(days=50))
    assert early["stage"].to_dict() == {"x": "awareness"}
    assert early["propensity"].isna().all()


def test_without_interactions_there_is_nobody(tmp_path):
    orders = order_lines([("ann", 0, 1.0), ("ann", 9, 1.0)])
    with read_orders(shop_settings(tmp_path), FrameSource(orders)) as log:
        for ask in (
            lambda: prospects(log, log.end),
            lambda: interest(log, log.end, "product"),
            lambda: search_words(log, log.end),
        ):
            with pytest.raises(ConfigError, match="interactions"):
                ask()
