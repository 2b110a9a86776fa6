"""Product affinity: by hand, and against a slow count of every pair."""

import math
from datetime import date
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from features.orders.log import read_orders
from features.segments.affinity import affinities, describe
from features.settings.segments import Segments
from features.sources import FrameSource
from tests.support.shop import COLUMNS, busy_orders, shop_settings

AS_OF = date(2024, 3, 1)


def bought(orders, *, customer="c1", day="2024-02-01"):
    """Lines of orders, each written as its products: 'ab' is an order of a and b."""
    return pd.DataFrame(
        [
            {
                "customer": customer,
                "order": f"{customer}-{day}-{number}",
                "time": pd.Timestamp(day) + pd.Timedelta(hours=number % 24),
                "product": product,
                "name": product,
                "category": product.upper(),
                "quantity": 1,
                "amount": 1.0,
                "discount": 0.0,
            }
            for number, products in enumerate(orders)
            for product in products
        ]
    )


def found(tmp_path, lines, *, by="product", columns=None, **rules):
    affinity = {"min_support": 1e-6, "min_orders": 1, **rules}
    data = {"columns": columns} if columns else {}
    settings = shop_settings(tmp_path, data=data, segments={"affinity": affinity})
    # a log has two days at least; this order is on the date itself, and not seen
    later = bought(["xy"], day="2024-03-01")
    with read_orders(settings, FrameSource(pd.concat([lines, later]))) as log:
        return affinities(log, AS_OF, by=by)


def test_ten_orders_by_hand(tmp_path):
    """Of ten orders six hold a, five hold b, four hold both."""
    lines = bought(["ab"] * 4 + ["a"] * 2 + ["b"] + ["c"] * 3)
    result = found(tmp_path, lines)
    assert result.orders == 10
    (pair,) = result.pairs.to_dict("records")
    assert (pair["first"], pair["second"]) == ("a", "b")
    assert (pair["orders_first"], pair["orders_second"], pair["orders_both"]) == (6, 5, 4)
    assert pair["support"] == 4 / 10
    assert pair["confidence"] == pytest.approx(4 / 6)
    assert pair["confidence_back"] == pytest.approx(4 / 5)
    assert pair["lift"] == pytest.approx((4 / 10) / (6 / 10 * 5 / 10))
    assert pair["correlation"] == pytest.approx((10 * 4 - 6 * 5) / math.sqrt(6 * 4 * 5 * 5))


@pytest.mark.parametrize(
    ("orders", "correlation"),
    [
        (["ab"] * 3 + ["c"] * 3, 1.0),  # always together
        (["ab", "a", "b", "c"], 0.0),  # by chance
        (["ab"] * 3, 0.0),  # in every order: nothing varies
        (["ab"] + ["a"] * 3 + ["b"] * 3, -0.75),  # (7·1 − 4·4) ÷ √(4·3·4·3)
    ],
)
def test_the_correlation_of_extremes(tmp_path, orders, correlation):
    (value,) = found(tmp_path, bought(orders)).pairs["correlation"]
    assert value == pytest.approx(correlation)


def test_rare_pairs_are_not_told(tmp_path):
    lines = bought(["ab"] * 3 + ["ac"] * 2 + ["ad"] + ["e"] * 4)
    assert list(found(tmp_path, lines, min_orders=2).pairs["second"]) == ["b", "c"]
    assert list(found(tmp_path, lines, min_support=0.3).pairs["second"]) == ["b"]
    assert list(found(tmp_path, lines, min_support=0.301).pairs["second"]) == []
    assert list(found(tmp_path, lines, pairs=1).pairs["second"]) == ["b"]


def test_returns_old_orders_and_repeated_lines_do_not_count(tmp_path):
    twice = pd.concat([bought(["ab"]), bought(["ab"]).assign(amount=2.0)])
    back = bought(["ab"], customer="c2").assign(amount=-1.0, quantity=-1)
    old = bought(["ab"], customer="c3", day="2023-01-01")
    result = found(tmp_path, pd.concat([twice, back, old]))
    assert result.orders == 1
    assert result.pairs["orders_both"].item() == 1


def test_anonymous_orders_count_where_orders_have_ids(tmp_path):
    lines = pd.concat([bought(["ab"]), bought(["ab"], customer="x").assign(customer=None)])
    assert found(tmp_path, lines).orders == 2
    without = {name: column for name, column in COLUMNS.items() if name != "order_id"}
    lone = lines.drop(columns="order")
    settings = shop_settings(tmp_path).model_dump(mode="json", exclude_none=True)
    settings["data"]["columns"] = without
    settings["segments"]["affinity"] = {"min_orders": 1}
    with read_orders(
        _settings(settings, tmp_path), FrameSource(lone.assign(time=_days(lone)))
    ) as log:
        assert affinities(log, AS_OF).orders == 1


def _settings(values, root):
    from features.settings.loading import settings_from
    from serving.settings import Settings

    return settings_from({k: v for k, v in values.items() if k != "root"}, Settings, root=root)


def _days(lines):
    """The anonymous lines a day later, so that the log has two days."""
    return lines["time"] + pd.to_timedelta(lines["customer"].isna().astype(int), unit="D")


@pytest.mark.parametrize("by", ["product", "category"])
def test_a_busy_shop_against_a_slow_count(tmp_path, by):
    lines = busy_orders()
    settings = shop_settings(
        tmp_path, segments={"affinity": {"min_support": 0.01, "min_orders": 3, "pairs": 10_000}}
    )
    with read_orders(settings, FrameSource(lines)) as log:
        result = affinities(log, log.end, by=by)
    expected = slowly(lines, by, share=0.01, fewest=3)
    assert result.orders == expected.pop("orders")
    assert len(result.pairs) == len(expected) > 2
    for pair in result.pairs.itertuples():
        both, correlation = expected[pair.first, pair.second]
        assert pair.orders_both == both
        assert pair.correlation == pytest.approx(correlation)
    assert result.pairs["correlation"].is_monotonic_decreasing


def slowly(lines, by, *, share, fewest):
    """Every pair by its columns of zeros and ones; orders of one id and customer are one."""
    lines = lines[(lines["amount"] >= 0) & (lines["quantity"] > 0) & lines[by].notna()]
    key = lines["customer"].fillna("?") + "/" + lines["order"]
    table = pd.crosstab(key, lines[by]) > 0
    pairs = {"orders": len(table)}
    for first, second in combinations(sorted(table), 2):
        both = int((table[first] & table[second]).sum())
        if both >= max(fewest, share * len(table)):
            correlation = np.corrcoef(table[first], table[second])[0, 1]
            pairs[first, second] = (both, correlation)
    return pairs


def test_without_categories_there_are_no_pairs(tmp_path):
    lines = bought(["ab"]).assign(category=None)
    assert found(tmp_path, lines, by="category").pairs.empty


def test_the_rule_is_told():
    assert "0.1% of the orders" in describe(Segments()).rule.into("en")
