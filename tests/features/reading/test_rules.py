"""Which rows are orders: one tiny file per rule, and every row accounted for."""

import math
from collections import Counter
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.orders.log import check_orders, read_orders
from features.reading.rules import rules_for
from features.sources import FrameSource
from serving.settings import Settings
from tests.support.shop import shop_settings

COLUMNS = {
    "customer_id": "customer",
    "order_id": "order",
    "ordered_at": "time",
    "product_id": "product",
    "quantity": "quantity",
    "amount": "amount",
}
ROW = {
    "customer": "ann",
    "order": "1",
    "time": "2024-03-01 10:00",
    "product": "tea",
    "quantity": "1",
    "amount": "5.00",
}


def row(**different: object) -> dict[str, Any]:
    return {**ROW, **different}


def back(**different: object) -> dict[str, Any]:
    """The return of `row()`, a day later."""
    return {
        **row(order="C2", time="2024-03-02 10:00", quantity="-1", amount="-5.00"),
        **different,
    }


@pytest.fixture
def shop(tmp_path) -> Settings:
    return shop_with(tmp_path)


def shop_with(folder, *, columns: dict[str, str] = COLUMNS, **rules: object) -> Settings:
    common = {"cancelled_order_prefix": "C", "ignore_products": ["POST"]}
    data = {"columns": columns, "rules": {**common, **rules}}
    return shop_settings(folder, data=data)


def verdicts(shop: Settings, *rows: dict[str, Any]) -> list[str | None]:
    """The reason for each row, None where it is used."""
    frame = pd.DataFrame(rows)
    with check_orders(shop, FrameSource(frame)) as report:
        aside = pd.read_parquet(shop.path(shop.store.quarantine))
        reasons = dict(zip(aside["source_row"], aside["reason"], strict=True))
        assert report.rows_read == len(rows)
        assert report.rows_used == len(rows) - len(aside)
        assert {count.reason: count.rows for count in report.quarantined} == Counter(
            aside["reason"]
        )
    return [reasons.get(number) for number in range(1, len(rows) + 1)]


@pytest.mark.parametrize(
    ("different", "reason"),
    [
        ({"time": ""}, "missing_date"),
        ({"time": None}, "missing_date"),
        ({"time": "yesterday"}, "bad_date"),
        ({"time": "1900-01-01"}, "impossible_date"),
        ({"time": "2100-01-01"}, "impossible_date"),
        ({"time": "infinity"}, "impossible_date"),
        ({"quantity": ""}, "bad_quantity"),
        ({"quantity": "two"}, "bad_quantity"),
        ({"quantity": "nan"}, "bad_quantity"),
        ({"amount": "inf"}, "bad_amount"),
        ({"amount": "1e400"}, "bad_amount"),
        ({"amount": "5 kg"}, "bad_amount"),
        ({"amount": "-9223372036854775808"}, "bad_amount"),
        ({"product": "POST"}, "not_a_product"),
        ({"quantity": "-3", "amount": "0"}, "not_a_sale"),
        ({"customer": "", "quantity": "-3", "amount": "-15"}, "not_a_sale"),
        ({"order": "C1", "quantity": "-1", "amount": "-5"}, "return_without_purchase"),
        ({"quantity": "-1", "amount": "-5"}, "return_without_purchase"),
    ],
)
def test_each_rule(shop, different, reason):
    assert verdicts(shop, row(order="0", product="coffee"), row(**different)) == [None, reason]


@pytest.mark.parametrize(
    "different",
    [
        {},
        {"customer": None},
        {"order": None},
        {"product": None},
        {"amount": "0"},
        {"quantity": "0"},
        {"time": "1980-01-01"},
        {"time": "2099-12-31 23:59"},
        {"product": "post"},
        {"product": "POSTCARD"},
        {"customer": None, "order": "C9", "quantity": "-1", "amount": "-5"},
    ],
)
def test_rows_that_are_used(shop, different):
    assert verdicts(shop, row(order="0", product="coffee"), row(**different)) == [None, None]


def test_the_first_rule_that_matches_names_the_reason(shop):
    everything = row(time="", quantity="x", amount="x", product="POST")
    assert verdicts(shop, everything) == ["missing_date"]
    codes = [rule.code for rule in rules_for(shop.data)]
    assert len(set(codes)) == len(codes)


# The same row again


def test_an_equal_row_is_the_same_line_where_orders_have_ids(shop):
    assert verdicts(shop, row(), row(), row(order="2")) == [None, "duplicate", None]


def test_without_order_ids_an_equal_row_is_another_purchase(tmp_path):
    columns = {name: column for name, column in COLUMNS.items() if name != "order_id"}
    assert verdicts(shop_with(tmp_path, columns=columns), row(), row()) == [None, None]


@pytest.mark.parametrize(("duplicates", "second"), [("drop", "duplicate"), ("keep", None)])
def test_the_configuration_decides_about_equal_rows(tmp_path, duplicates, second):
    assert verdicts(shop_with(tmp_path, duplicates=duplicates), row(), row()) == [None, second]


@pytest.mark.parametrize("field", ["customer", "order", "time", "product", "quantity", "amount"])
def test_a_row_that_differs_anywhere_is_another_one(shop, field):
    other = {"time": "2024-03-01 10:01", "quantity": "2", "amount": "5.01"}.get(field, "other")
    assert verdicts(shop, row(), row(**{field: other})) == [None, None]


def test_overlapping_files_count_once_even_without_order_ids(tmp_path):
    columns = {name: column for name, column in COLUMNS.items() if name != "order_id"}
    shop = shop_with(tmp_path, columns=columns)
    days = [row(time=f"2024-03-0{day}") for day in (1, 1, 2, 3)]
    pd.DataFrame(days[:3]).to_csv(tmp_path / "a.csv", index=False)
    pd.DataFrame(days[1:]).to_csv(tmp_path / "b.csv", index=False)
    both = shop.model_copy(update={"data": shop.data.model_copy(update={"transactions": "*.csv"})})
    with check_orders(both) as report:
        assert report.rows_read == 6
        # the 1st was bought twice: `a` holds both, one of them again in `b`
        assert report.rows_used == 4
        assert [(count.reason, count.rows) for count in report.quarantined] == [
            ("overlapping_files", 2)
        ]


# Taken back


def test_a_cancellation_minutes_later_counts_for_nothing(shop):
    """Online Retail, invoices 581483 and C581484: 80,995 paper planes, twelve minutes apart."""
    big = {"customer": "16446", "product": "23843", "amount": "168469.60", "quantity": "80995"}
    bought = row(order="581483", time="2011-12-09 09:15", **big)
    undone = {**bought, "order": "C581484", "time": "2011-12-09 09:27"}
    undone |= {"quantity": "-80995", "amount": "-168469.60"}
    assert verdicts(shop, row(), bought, undone) == [
        None,
        "cancelled_same_day",
        "cancelled_same_day",
    ]


def test_a_later_return_leaves_the_purchase_and_is_used(shop):
    assert verdicts(shop, row(), back()) == [None, None]


@pytest.mark.parametrize(
    "different",
    [{"quantity": "-2", "amount": "-10.00"}, {"amount": "-4.00"}, {"time": "2024-03-02 00:00"}],
)
def test_a_partial_or_later_return_is_no_cancellation(shop, different):
    cancelled = back(**{"time": "2024-03-01 11:00", **different})
    assert verdicts(shop, row(), cancelled) == [None, None]


def test_each_cancellation_takes_back_one_purchase(shop):
    two = [row(order="1"), row(order="2", time="2024-03-01 10:30")]
    once = back(time="2024-03-01 11:00")
    gone = "cancelled_same_day"
    assert verdicts(shop, *two, once) == [gone, None, gone]
    assert verdicts(shop, *two, once, {**once, "order": "C3"}) == [gone] * 4


def test_a_copied_row_uses_up_no_cancellation(shop):
    """Two purchases, one of them exported twice, both taken back: nothing remains."""
    rows = [
        row(order="1"),
        row(order="1"),
        row(order="2", time="2024-03-01 10:30"),
        back(order="C3", time="2024-03-01 11:00"),
        back(order="C4", time="2024-03-01 11:00"),
    ]
    gone = "cancelled_same_day"
    assert verdicts(shop, *rows) == [gone, "duplicate", gone, gone, gone]


def test_a_return_needs_a_purchase_of_this_product_by_this_customer_before(shop):
    assert verdicts(shop, row(), back(customer="bob")) == [None, "return_without_purchase"]
    assert verdicts(shop, row(), back(product="coffee")) == [None, "return_without_purchase"]
    assert verdicts(shop, row(), back(time="2024-02-28")) == [None, "return_without_purchase"]


def test_a_return_takes_money_back_whatever_its_sign_in_the_file(shop):
    frame = pd.DataFrame([row(amount="8.00"), back(amount="3.00"), back(order="R", amount="1.00")])
    with check_orders(shop, FrameSource(frame)) as report:
        assert report.rows_used == 3
        assert report.revenue == 8 - 3 - 1
        assert report.returned == 3 + 1


@pytest.mark.parametrize(
    ("bought_at", "back_at", "reason"),
    [
        ("23:58", "00:05", "cancelled_over_midnight"),
        ("23:00", "00:00", "cancelled_over_midnight"),
        ("23:10", "00:30", None),
        ("22:59", "00:00", None),
    ],
)
def test_a_cancellation_over_midnight_within_the_hour_counts_for_nothing(
    shop, bought_at, back_at, reason
):
    bought = row(order="7", product="cake", time=f"2024-03-01 {bought_at}")
    undone = back(product="cake", time=f"2024-03-02 {back_at}")
    assert verdicts(shop, row(), bought, undone) == [None, reason, reason]


def test_a_day_takes_back_its_own_purchases_before_those_of_last_night(shop):
    late = row(order="7", time="2024-03-01 23:58")
    early = row(order="8", time="2024-03-02 00:01")
    undone = back(time="2024-03-02 00:05")
    gone = "cancelled_same_day"
    assert verdicts(shop, late, early, undone) == [None, gone, gone]
    over = "cancelled_over_midnight"
    again = {**undone, "order": "C9", "time": "2024-03-02 00:06"}
    assert verdicts(shop, late, early, undone, again) == [over, gone, gone, over]


# Ids and codes read by a rule


def test_customers_that_are_no_person_are_anonymous(tmp_path):
    shop = shop_with(tmp_path, anonymous_customers=["till", "O'Neill's card"])
    rows = [row(), row(customer="till", order="2"), row(customer="O'Neill's card", order="3")]
    with check_orders(shop, FrameSource(pd.DataFrame(rows))) as report:
        assert (report.rows_used, report.customers, report.anonymous_rows) == (3, 1, 2)


def test_product_codes_may_be_read_without_case_and_blanks(tmp_path):
    rows = [
        row(product=code, order=str(n)) for n, code in enumerate(["85099B", "85099b", "85 099b"])
    ]
    rows.append(row(product="Post", order="9"))
    with check_orders(shop_with(tmp_path), FrameSource(pd.DataFrame(rows))) as report:
        assert (report.rows_used, report.products) == (4, 4)
    merged = shop_with(tmp_path, product_code_case="upper")
    with check_orders(merged, FrameSource(pd.DataFrame(rows))) as report:
        assert (report.rows_used, report.products) == (3, 1)


# Other currencies


def paid_in(tmp_path, rates: dict[str, float], *rows: dict[str, Any]):
    data = {"columns": {**COLUMNS, "currency": "currency"}, "currency": "EUR", "rates": rates}
    return check_orders(shop_settings(tmp_path, data=data), FrameSource(pd.DataFrame(rows)))


def test_another_currency_is_converted_exactly(tmp_path):
    rows = [
        row(currency="EUR", amount="10.00"),
        row(currency="usd", amount="0.05", order="2"),
        row(currency="JPY", amount="1000", order="3", time="2024-03-02"),
        row(currency="USD", amount="-0.05", quantity="-1", order="4", time="2024-03-03"),
    ]
    with paid_in(tmp_path, {"USD": 0.9, "JPY": 0.006125}, *rows) as report:
        # 4.5 cents are 5 cents, either way from zero; ¥1,000 are €6.125, so €6.13
        assert report.revenue == pytest.approx(10 + 0.05 + 6.13 - 0.05)
        assert report.returned == 0.05
        (converted,) = [f for f in report.findings if f.code == "converted"]
        assert converted.count == 3
        assert "JPY at 0.006125" in converted.meaning


def test_a_currency_without_a_rate_stops_the_training(tmp_path):
    rows = [
        row(currency="EUR"),
        row(currency="USD", order="2"),
        row(currency="CHF", order="3", time="2024-03-02"),
        row(currency="", order="4"),
        row(currency="bucks", order="5"),
    ]
    with paid_in(tmp_path, {"CHF": 0.95}, *rows) as report:
        assert {count.reason: count.rows for count in report.quarantined} == {
            "no_rate": 1,
            "bad_currency": 2,
        }
        (sentence,) = report.refusals
    assert sentence == (
        "frame: amounts in USD (1 row) cannot be added to EUR. "
        "Set data.rates.USD: what one unit is worth in EUR."
    )


def test_a_file_in_one_other_currency_needs_another_setting(tmp_path):
    with paid_in(tmp_path, {}, row(currency="GBP"), row(currency="GBP", order="2")) as report:
        assert any('Set data.currency = "GBP".' in sentence for sentence in report.refusals)


# Every row accounted for

odd_text = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["", " ", "nan", "NaN", "inf", "1e400", "-1e400", "\0", "NULL", "0", "1", "C"]),
    st.sampled_from(["2024-01-01", "2024-02-30", "0000-00-00", "9999-12-31", "infinity", "epoch"]),
    st.sampled_from(["290309-12-22 00:00", "2024-01-01 25:61", "2024-01-01T00:00:00+14:00", "-5"]),
    st.none(),
)
odd_number = st.one_of(
    st.floats(),
    st.sampled_from([1e13, -9.3e16, 9.3e18, 0.0, -0.0, 5e-324]),
    st.integers(-3, 3).map(float),
)
few = st.sampled_from(["a", "b", "Ca", None])
mess = st.lists(
    st.fixed_dictionaries(
        {
            "customer": st.one_of(few, odd_text),
            "order": st.one_of(few, odd_text),
            "time": st.one_of(st.sampled_from(["2024-01-01 10:00", "2024-01-02"]), odd_text),
            "product": st.one_of(few, odd_text),
            "quantity": st.one_of(st.sampled_from(["1", "-1"]), odd_text),
            "amount": odd_number,
        }
    ),
    max_size=30,
)


@settings(max_examples=30)
@given(rows=mess)
def test_every_row_of_a_mess_is_used_or_put_aside_with_one_reason(rows, shop):
    frame = pd.DataFrame(rows, columns=list(ROW))
    frame = frame.astype({name: object for name in ROW if name != "amount"} | {"amount": float})
    with check_orders(shop, FrameSource(frame)) as report:
        assert report.rows_read == len(rows)
        assert report.rows_read == report.rows_used + report.rows_quarantined
        assert math.isfinite(report.revenue)
        aside = pd.read_parquet(shop.path(shop.store.quarantine))
    assert len(aside) == report.rows_quarantined
    assert aside["source_row"].is_unique
    assert Counter(aside["reason"]) == {count.reason: count.rows for count in report.quarantined}


FREE = {"order": "7", "amount": "0.00", "time": "2024-03-05 10:00"}


def test_free_lines_are_purchases_unless_the_shop_says_otherwise(shop):
    assert verdicts(shop, row(), row(**FREE)) == [None, None]


def test_an_order_of_free_lines_alone_is_no_purchase_where_the_shop_says_so(tmp_path):
    shop = shop_with(tmp_path, free_lines="no_purchase")
    gift = row(product="cup", amount="0.00")
    # the gift of a paid order goes, the order stays; a return of nothing is no gift
    rows = [row(), gift, row(**FREE), row(**FREE, quantity="0"), row(**FREE, quantity="-1")]
    assert verdicts(shop, *rows) == [None, "free_line", "free_line", "free_line", "not_a_sale"]


def test_orders_that_are_no_purchases_by_number_or_channel(tmp_path):
    columns = {**COLUMNS, "channel": "channel"}
    shop = shop_with(
        tmp_path,
        columns=columns,
        ignore_order_prefixes=["TEST-", "RMA"],
        ignore_channels=["warranty"],
    )
    rows = [
        row(channel="web"),
        row(order="TEST-1", channel="web"),
        row(order="RMA77", channel=""),
        row(order="xRMA", channel="web"),
        row(order="5", channel="warranty"),
        row(order="6", channel=None),
    ]
    none = "no_purchase_order"
    assert verdicts(shop, *rows) == [None, none, none, None, none, None]


def test_a_customer_of_free_orders_alone_is_no_customer(tmp_path):
    shop = shop_with(tmp_path, free_lines="no_purchase")
    later = row(order="2", time="2024-03-09 10:00")
    frame = pd.DataFrame([row(), later, row(**FREE), row(**{**FREE, "customer": "bob"})])
    with read_orders(shop, FrameSource(frame)) as log:
        purchases = log.purchases(before=log.end)
    assert purchases["customer_id"].tolist() == ["ann", "ann"]
