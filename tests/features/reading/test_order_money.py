"""Money of whole orders is spread over their lines, exact to the cent, and refunds are taken off."""

from collections import defaultdict
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.reading.loading import load_lines
from features.sources import FrameSource
from features.sql import engine
from tests.support.shop import shop_settings

COLUMNS = {
    "customer_id": "who",
    "order_id": "order",
    "ordered_at": "at",
    "product_id": "sku",
    "amount": "paid",
}


def judged(root, lines, *, columns=None, **data) -> pd.DataFrame:
    """The judged lines, in the order of the file."""
    shop = shop_settings(root, data={"columns": {**COLUMNS, **(columns or {})}, **data})
    frame = pd.DataFrame(lines)
    with engine(shop.engine) as connection:
        load_lines(connection, shop, FrameSource(frame.assign(**_usual(frame))))
        return connection.execute("""
            SELECT order_id, amount, discount, refunded, reason FROM judged_lines
            ORDER BY source_row""").df()


def _usual(frame: pd.DataFrame) -> dict[str, object]:
    usual = {"who": "ann", "order": "1", "at": "2024-01-05", "sku": [f"s{n}" for n in frame.index]}
    return {name: value for name, value in usual.items() if name not in frame}


def test_a_discount_of_the_order_is_taken_off_once_in_proportion(tmp_path):
    lines = {"paid": [30.0, 10.0, 10.0], "off": [5.0, 5.0, 5.0]}
    told = judged(
        tmp_path, lines, columns={"order_discount": "off"}, rules={"discount": "to_take_off"}
    )
    assert list(told["amount"]) == [2700, 900, 900]
    assert list(told["discount"]) == [300, 100, 100]
    kept = judged(tmp_path, lines, columns={"order_discount": "off"})
    assert list(kept["amount"]) == [3000, 1000, 1000]
    assert list(kept["discount"]) == [300, 100, 100]


def test_what_rounding_leaves_goes_to_the_largest_lines(tmp_path):
    lines = {"paid": [10.0, 10.01, 10.0], "off": [1.0, None, None]}
    told = judged(
        tmp_path, lines, columns={"order_discount": "off"}, rules={"discount": "to_take_off"}
    )
    assert list(told["discount"]) == [33, 34, 33]


@settings(max_examples=25)
@given(
    orders=st.lists(
        st.tuples(st.lists(st.integers(0, 5_000), min_size=1, max_size=6), st.integers(0, 9_000)),
        min_size=1,
        max_size=8,
    )
)
def test_shares_add_up_and_are_fair(orders, tmp_path_factory):
    rows = [
        {"order": f"o{number}", "paid": amount / 100, "off": off / 100, "sku": f"s{line}"}
        for number, (amounts, off) in enumerate(orders)
        for line, amount in enumerate(amounts)
    ]
    told = judged(
        tmp_path_factory.getbasetemp(),
        rows,
        columns={"order_discount": "off"},
        rules={"discount": "to_take_off"},
    )
    shares = defaultdict(list)
    for order, discount in zip(told["order_id"], told["discount"], strict=True):
        shares[order].append(int(discount))
    for number, (amounts, off) in enumerate(orders):
        whole, taken = sum(amounts), shares[f"o{number}"]
        due = min(off, whole)
        assert sum(taken) == due
        for amount, share in zip(amounts, taken, strict=True):
            fair = Fraction(due * amount, whole) if whole else 0
            assert abs(share - fair) <= 1
            assert share <= amount


def test_rows_again_returns_fees_and_cancelled_lines_bear_nothing(tmp_path):
    lines = {
        "paid": [10.0, 10.0, -3.0, 20.0, 10.0],
        "sku": ["tea", "tea", "tea", "POST", "milk"],
        "off": [6.0] * 5,
        "state": ["paid", "paid", "paid", "paid", "void"],
    }
    told = judged(
        tmp_path,
        lines,
        columns={"order_discount": "off", "status": "state"},
        rules={
            "discount": "to_take_off",
            "ignore_products": ["POST"],
            "status": {"purchase": ["paid"], "none": ["void"]},
        },
    )
    assert list(told["amount"]) == [400, 1000, -300, 2000, 1000]
    assert [reason if isinstance(reason, str) else None for reason in told["reason"]] == [
        *(None, "duplicate", None, "not_a_product", "status_none")
    ]


def test_an_order_that_was_cancelled_bears_its_own_discount(tmp_path):
    lines = {"paid": [10.0, 10.0], "off": [4.0, 4.0], "state": ["void", "void"]}
    told = judged(
        tmp_path,
        lines,
        columns={"order_discount": "off", "status": "state"},
        rules={"discount": "to_take_off", "status": {"none": ["void"]}},
    )
    assert list(told["amount"]) == [800, 800]


@pytest.mark.parametrize(
    ("given_back", "amounts", "reasons"),
    [
        ([0.0, 0.0], [3000, 1000], [None, None]),
        ([10.0, 10.0], [2250, 750], [None, None]),
        ([40.0, None], [0, 0], ["refunded", "refunded"]),
        ([99.0, 99.0], [0, 0], ["refunded", "refunded"]),
        ([39.99, 0.0], [0, 1], ["refunded", None]),
    ],
)
def test_a_refund_of_the_order(tmp_path, given_back, amounts, reasons):
    told = judged(
        tmp_path,
        {"paid": [30.0, 10.0], "back": given_back},
        columns={"refunded": "back"},
        rules={"order_level": ["back"]},
    )
    assert list(told["amount"]) == amounts
    assert [reason if isinstance(reason, str) else None for reason in told["reason"]] == reasons


def test_a_refund_of_a_line_is_no_more_than_the_line(tmp_path):
    told = judged(
        tmp_path, {"paid": [30.0, 10.0], "back": [4.5, 12.0]}, columns={"refunded": "back"}
    )
    assert list(told["amount"]) == [2550, 0]
    assert list(told["refunded"]) == [450, 1000]


def test_discounts_of_lines_rates_and_tax(tmp_path):
    lines = {"paid": [100.0, -50.0], "off": [10.0, 5.0], "vat": [15.0, -7.5]}
    told = judged(
        tmp_path,
        lines,
        columns={"discount": "off", "tax": "vat"},
        tax="included",
        rules={"discount": "to_take_off"},
    )
    assert list(told["amount"]) == [7500, -3750]
    rates = {"paid": ["80", "80", "80"], "rate": ["20%", "5", "0"]}
    to_take = judged(
        tmp_path, rates, columns={"discount_rate": "rate"}, rules={"discount": "to_take_off"}
    )
    assert list(to_take["amount"]) == [6400, 7600, 8000]
    assert list(to_take["discount"]) == [1600, 400, 0]
    taken = judged(tmp_path, {"paid": [80.0], "rate": [0.2]}, columns={"discount_rate": "rate"})
    assert list(taken["amount"]) == [8000]
    assert list(taken["discount"]) == [2000]


def test_tax_of_the_whole_order_inside_the_prices(tmp_path):
    told = judged(
        tmp_path,
        {"paid": [60.0, 60.0], "vat": [20.0, None]},
        columns={"tax": "vat"},
        tax="included",
        rules={"order_level": ["vat"]},
    )
    assert list(told["amount"]) == [5000, 5000]


def test_columns_that_an_order_fills_once(tmp_path):
    lines = {
        "order": ["1", None, "2", None, None],
        "who": ["ann", None, None, None, None],
        "at": ["2024-01-05", None, "2024-01-06", None, None],
        "paid": [1.0, 2.0, 3.0, 4.0, 5.0],
    }
    shop = shop_settings(tmp_path, data={"columns": COLUMNS, "fill_down": ["order", "who", "at"]})
    frame = pd.DataFrame(lines).assign(sku=list("abcde"))
    with engine(shop.engine) as connection:
        load_lines(connection, shop, FrameSource(frame))
        rows = connection.execute("""
            SELECT customer_id, order_id, CAST(ordered_on AS VARCHAR), reason
            FROM judged_lines ORDER BY source_row""").fetchall()
    assert rows == [
        *[("ann", "1", "2024-01-05", None)] * 2,
        # an order of nobody known takes no name from the one before
        *[(None, "2", "2024-01-06", None)] * 3,
    ]


def test_of_an_order_exported_twice_the_later_file_knows_what_became_of_it(tmp_path):
    for name, state in (("2024-01.csv", "paid"), ("2024-02.csv", "void")):
        (tmp_path / name).write_text(
            f"who,order,at,sku,paid,state\nann,1,2024-01-05,tea,10.00,{state}\n"
            "bob,2,2024-01-06,tea,10.00,paid\n",
            encoding="utf-8",
        )
    shop = shop_settings(
        tmp_path,
        data={
            "transactions": "2024-*.csv",
            "columns": {**COLUMNS, "status": "state"},
            "rules": {"status": {"purchase": ["paid"], "none": ["void"]}},
        },
    )
    with engine(shop.engine) as connection:
        load_lines(connection, shop, None)
        rows = connection.execute("""
            SELECT parse_filename(CAST(source_file AS VARCHAR)), order_id, reason FROM judged_lines
            ORDER BY ALL""").fetchall()
    assert rows == [
        ("2024-01.csv", "1", "overlapping_files"),
        ("2024-01.csv", "2", "overlapping_files"),
        ("2024-02.csv", "1", "status_none"),
        ("2024-02.csv", "2", None),
    ]
