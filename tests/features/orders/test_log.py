"""The order log: what is an order on which day, what it is known by, what is too little."""

from datetime import date, timedelta

import pandas as pd
import pytest

from features.engines.build import build_features
from features.errors import ConfigError, DataError, NotEnoughData
from features.orders.log import day_date, day_number, read_orders
from features.sources import FrameSource, open_source
from tests.support.shop import (
    COLUMNS,
    busy_orders,
    order_lines,
    shop_settings,
    simulate_orders,
)

LINES = simulate_orders(customers=20, days=90)


@pytest.fixture
def shop(tmp_path):
    return shop_settings(tmp_path)


def line(**different: object) -> dict[str, object]:
    usual = {"customer": "ann", "order": "o1", "time": "2024-01-01 10:00", "product": "tea"}
    usual |= {"name": "Tea", "category": "drinks", "quantity": 1, "amount": 5.0, "discount": 0.0}
    return {**usual, **different}


def opened(shop, *rows):
    return read_orders(shop, FrameSource(pd.DataFrame(rows)))


def fingerprint(shop, lines: pd.DataFrame) -> str:
    with read_orders(shop, FrameSource(lines)) as log:
        return log.fingerprint


# Grain


def test_a_later_line_of_an_old_order_is_not_seen_before_its_day(shop):
    first = [line(), line(customer="bob", order="o2", time="2024-01-03")]
    later = line(time="2024-01-03 09:00", product="coffee", category="more", amount=7.0)
    with opened(shop, *first) as log:
        before = build_features(log, date(2024, 1, 3))
    with opened(shop, *first, later) as log:
        pd.testing.assert_frame_equal(build_features(log, date(2024, 1, 3)), before)
        after = build_features(log, date(2024, 1, 4)).loc["ann"]
    assert after["spend"] == 5 + 7
    assert after["distinct_products"] == 2
    assert after["days_since_last_order"] == 1


def test_an_order_id_used_by_two_customers_is_two_orders(shop):
    with opened(shop, line(), line(customer="bob", time="2024-01-02")) as log:
        assert log.report.orders == 2
        assert list(build_features(log, log.end)["orders"]) == [1, 1]


def test_without_order_id_a_day_is_an_order(shop):
    rows = [
        line(order=None, product="tea"),
        line(order=None, product="milk", time="2024-01-01 18:00"),
        line(order=None, time="2024-01-02"),
    ]
    with opened(shop, *rows) as log:
        assert log.report.orders == 2
        assert build_features(log, log.end).loc["ann", "orders"] == 2


def test_the_day_is_the_day_of_the_shop(tmp_path):
    """23:30 UTC on New Year's Eve is already January in Paris."""
    shop = shop_settings(tmp_path, data={"timezone": "Europe/Paris"})
    rows = [line(time="2023-12-31T23:30:00Z"), line(order="o2", time="2024-01-05T12:00:00Z")]
    with opened(shop, *rows) as log:
        assert log.first_day == date(2024, 1, 1)


# Dates


def test_day_numbers_go_there_and_back():
    for day in (date(1969, 12, 31), date(1970, 1, 1), date(2024, 2, 29), date(2099, 12, 31)):
        assert day_date(day_number(day)) == day
    assert day_number(date(2024, 2, 29)) - day_number(date(2023, 2, 28)) == 366


def test_as_of_must_lie_within_the_log(shop):
    with opened(shop, line(), line(order="o2", time="2024-01-10 23:59")) as log:
        assert (log.first_day, log.last_day, log.end) == (
            date(2024, 1, 1),
            date(2024, 1, 10),
            date(2024, 1, 11),
        )
        for inside in (log.first_day + timedelta(days=1), log.end):
            log.check_as_of(inside)
            assert len(build_features(log, inside)) == 1
        for outside in (log.first_day, log.end + timedelta(days=1), date(1900, 1, 1)):
            with pytest.raises(ConfigError, match="from 2024-01-02 to 2024-01-11"):
                build_features(log, outside)


def test_before_the_first_known_customer_the_table_is_empty(shop):
    rows = [line(customer=None), line(order="o2", time="2024-01-10")]
    with opened(shop, *rows) as log:
        empty = build_features(log, date(2024, 1, 5))
    assert empty.shape[0] == 0
    assert empty.shape[1] > 40


# Fingerprint


def test_the_fingerprint_knows_neither_row_order_nor_files(shop, tmp_path):
    expected = fingerprint(shop, LINES)
    assert fingerprint(shop, LINES.sample(frac=1, random_state=5)) == expected
    for number, part in enumerate((LINES[:100], LINES[60:200], LINES[200:], LINES[:100])):
        part.to_parquet(tmp_path / f"{number}.parquet")
    with read_orders(shop, open_source("*.parquet", tmp_path)) as log:
        assert log.fingerprint == expected


@pytest.mark.parametrize("column", ["customer", "order", "product", "name", "category"])
def test_the_fingerprint_knows_every_text(shop, column):
    assert fingerprint(shop, LINES) != fingerprint(
        shop, LINES.assign(**{column: LINES[column].where(LINES.index != 7, "other")})
    )


@pytest.mark.parametrize("column", ["quantity", "amount", "discount"])
def test_the_fingerprint_knows_every_number(shop, column):
    changed = LINES[column].astype(float).where(LINES.index != 7, 1234.0)
    assert fingerprint(shop, LINES) != fingerprint(shop, LINES.assign(**{column: changed}))


def test_the_fingerprint_tells_apart_what_stands_in_which_column(shop):
    rows = pd.DataFrame([line(), line(order="o2", time="2024-01-03")])
    shifted = [
        rows.assign(product="a|b", category="c"),
        rows.assign(product="a", category="b|c"),
        rows.assign(product="a", category=None, name="c"),
        rows.assign(product="a", category="c", name=None),
        rows.assign(product="a", category="c", name="NULL"),
        rows.assign(product="a, c", category=None, name=None),
    ]
    assert len({fingerprint(shop, frame) for frame in shifted}) == len(shifted)


# For the recommender


def test_purchases_leave_out_returns_anonymous_rows_and_the_future(shop):
    lines = busy_orders(customers=15)
    as_of = date(2024, 4, 1)
    seen = lines[
        (lines["time"] < pd.Timestamp(as_of))
        & (lines["amount"] >= 0)
        & lines["customer"].notna()
        & lines["product"].notna()
    ]
    with read_orders(shop, FrameSource(lines)) as log:
        purchases = log.purchases(before=as_of)
        products = log.products()
    assert len(purchases) == len(seen[["customer", "order", "product"]].drop_duplicates())
    assert sorted(set(purchases["customer_id"])) == sorted(seen["customer"].unique())
    assert purchases.groupby("order_id")["customer_id"].nunique().max() == 1
    assert purchases["day"].max() < day_number(as_of)
    assert list(products["product_id"]) == sorted(lines["product"].dropna().unique())
    by_id = products.set_index("product_id")["category"]
    for product, category in zip(purchases["product_id"], purchases["category"], strict=True):
        assert by_id[product] == category or (pd.isna(by_id[product]) and pd.isna(category))


def test_a_product_is_called_as_it_was_last(shop):
    rows = [line(), line(order="o2", time="2024-02-01", name="Green tea"), line(order="o3")]
    rows.append(line(order="o4", time="2024-03-01", name=None, category=None))
    with opened(shop, *rows) as log:
        assert log.products().to_dict("records") == [
            {"product_id": "tea", "product_name": "Green tea", "category": "drinks"}
        ]


# Taken back over midnight


def test_a_purchase_taken_back_over_midnight_is_there_on_the_morning_between(tmp_path):
    shop = shop_settings(tmp_path)
    known = [line(), line(customer="bob", order="o2", time="2024-01-20")]
    bought = line(order="o3", time="2024-01-09 23:58", product="cake", amount=900.0)
    undone = line(order="o4", time="2024-01-10 00:05", product="cake", amount=-900.0, quantity=-1)
    morning, next_morning = date(2024, 1, 10), date(2024, 1, 11)
    with opened(shop, *known, bought) as log:
        unaware = build_features(log, morning)
    with opened(shop, *known) as log:
        never = build_features(log, next_morning)
    with opened(shop, *known, bought, undone) as log:
        pd.testing.assert_frame_equal(build_features(log, morning), unaware)
        pd.testing.assert_frame_equal(build_features(log, next_morning), never)
        assert log.report.revenue == 5 + 5
        assert len(log.purchases(before=morning)) == 2
        assert len(log.purchases(before=next_morning)) == 1
    assert unaware.loc["ann", "orders"] == 2


def test_a_cancellation_that_came_into_the_file_later_is_not_known_before(tmp_path):
    columns = {**COLUMNS, "ingested_at": "ingested"}
    shop = shop_settings(tmp_path, data={"columns": columns})
    rows = [line(), line(order="o2", time="2024-01-20")]
    rows.append(line(order="o3", time="2024-01-09 10:00", product="cake"))
    rows.append(line(order="o4", time="2024-01-09 11:00", product="cake", amount=-5.0, quantity=-1))
    frame = pd.DataFrame(rows).assign(ingested=lambda rows: rows["time"].str[:10])
    frame.loc[3, "ingested"] = "2024-01-12"
    with read_orders(shop, FrameSource(frame)) as log:
        seen = [
            build_features(log, date(2024, 1, day)).loc["ann", "orders"] for day in (9, 10, 12, 13)
        ]
    assert seen == [1, 2, 2, 1]


# Too little


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([line(), line(order="o2", time="2024-01-01 20:00")], "every order is of one day, 2024-01-01"),
        ([line(customer=None)], "is an order of a known customer"),
        ([line(time=None), line(time=None), line(amount=None)], "no order date (2 rows)"),
        ([line(quantity=-1, amount=-5.0)], "most often: a return of something"),
    ],
)  # fmt: skip
def test_too_little_to_learn_from(shop, rows, said):
    with pytest.raises(NotEnoughData) as caught, opened(shop, *rows):
        pass
    assert said in str(caught.value)
    assert len(caught.value.problems) == 1


def test_no_row_at_all(shop):
    nothing = pd.DataFrame([line()]).head(0)
    with pytest.raises(NotEnoughData, match=r"frame: no rows. Export the orders again"):
        read_orders(shop, FrameSource(nothing)).__enter__()


def test_not_enough_data_is_a_data_error():
    assert issubclass(NotEnoughData, DataError)


def test_what_a_product_is_called_and_where_it_belongs(tmp_path):
    """Tea becomes a gift in March; a remark on a line without money renames nothing."""
    lines = order_lines([("ann", 0, 5.0), ("ann", 10, 5.0), ("bob", 60, 5.0), ("bob", 70, 0.0)])
    lines["category"] = ["drinks", "drinks", "gifts", "gifts"]
    lines["name"] = ["Tea", "Tea", "Green tea", "check"]
    with read_orders(shop_settings(tmp_path), FrameSource(lines)) as log:
        assert log.products()["product_name"].tolist() == ["Green tea"]
        early = log.purchases(before=date(2024, 2, 1))
        late = log.purchases(before=log.end)
    assert early["category"].tolist() == ["drinks"] * 2
    assert late["category"].tolist() == ["gifts"] * 4
