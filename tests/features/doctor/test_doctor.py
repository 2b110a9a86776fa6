"""The doctor's report: counts that add up, money that is right, notes worth reading."""

import json
from datetime import date

import pandas as pd
import pytest

from features.errors import ConfigError
from features.orders.log import check_orders
from features.sources import FrameSource
from tests.support.shop import shop_settings, simulate_orders


def line(**different: object) -> dict[str, object]:
    usual = {"customer": "ann", "order": "1", "time": "2024-01-01 10:00", "product": "tea"}
    usual |= {"name": "Tea", "category": "drinks", "quantity": 1.0, "amount": 5.0, "discount": 0.0}
    return {**usual, **different}


LINES = pd.DataFrame(
    [
        line(),
        line(),
        line(product="milk", amount=2.5),
        line(order="2", time="2024-01-09"),
        line(order="3", time="2024-01-10", quantity=-1.0, amount=-1.5),
        line(customer="bob", order="4", time="2024-01-05", amount=10.0),
        line(customer=None, order="5", time="2024-01-06", amount=4.0),
        line(customer="eve", order="6", time=None, amount=99.0),
        line(customer="eve", order="7", amount=None),
    ]
)


@pytest.fixture
def shop(tmp_path):
    return shop_settings(tmp_path)


def examined(shop, lines: pd.DataFrame):
    with check_orders(shop, FrameSource(lines, "orders.csv")) as report:
        return report


def test_every_figure(shop):
    report = examined(shop, LINES)
    told = report.to_dict()
    findings, weeks = told.pop("findings"), told.pop("weeks")
    assert told.pop("tables") == ()
    assert told.pop("reading")["largest_customer"] == "ann"
    assert told.pop("months") == (
        {
            "month": "2024-01-01",
            "orders": 4,
            "gross": 5 + 2.5 + 5 + 10 + 4,
            "discounts": 0.0,
            "refunds": 1.5,
            "tax": None,
            "shipping": None,
            "net": 25.0,
        },
    )
    assert [finding["code"] for finding in findings if finding["severity"] == "fixed"] == [
        "missing_date",
        "bad_amount",
        "duplicate",
    ]
    assert [week["rows"] for week in weeks] == [4, 2]
    assert [week["monday"] for week in weeks] == ["2024-01-01", "2024-01-08"]
    assert told == {
        "source": "orders.csv",
        "currency": "EUR",
        "rows_read": 9,
        "rows_used": 6,
        "rows_quarantined": 3,
        "quarantined": (
            {
                "reason": "missing_date",
                "meaning": "no order date",
                "rows": 1,
                "amount": 99.0,
                "example": "orders.csv, row 8",
            },
            {
                "reason": "bad_amount",
                "meaning": "an amount of money that is missing, no number or beyond all measure",
                "rows": 1,
                "amount": 0.0,
                "example": "orders.csv, row 9",
            },
            {
                "reason": "duplicate",
                "meaning": "the same row again",
                "rows": 1,
                "amount": 5.0,
                "example": "orders.csv, row 2",
            },
        ),
        "customers": 2,
        "orders": 3,
        "products": 2,
        "first_day": "2024-01-01",
        "last_day": "2024-01-10",
        "revenue": 5 + 2.5 + 5 - 1.5 + 10 + 4,
        "anonymous_rows": 1,
        "anonymous_revenue": 4.0,
        "return_rows": 1,
        "returned": 1.5,
        "one_order_customers": 1,
    }
    assert report.first_day == date(2024, 1, 1)
    json.dumps(report.to_dict())


def test_rows_put_aside_stand_in_the_quarantine_as_they_were(shop):
    examined(shop, LINES)
    aside = pd.read_parquet(shop.path(shop.store.quarantine))
    assert list(aside.columns) == ["reason", *LINES.columns, "source_file", "source_row"]
    assert list(aside["reason"]) == ["duplicate", "missing_date", "bad_amount"]
    assert list(aside["source_row"]) == [2, 8, 9]
    assert list(aside["amount"].fillna(-1)) == [5.0, 99.0, -1]
    assert list(shop.path(shop.store.quarantine).parent.iterdir()) == [
        shop.path(shop.store.quarantine)
    ]


def test_a_clean_log_leaves_an_empty_quarantine_behind(shop):
    examined(shop, LINES)
    report = examined(shop, simulate_orders(customers=5))
    assert report.quarantined == ()
    assert [finding.code for finding in report.findings] == ["open_month"]
    assert pd.read_parquet(shop.path(shop.store.quarantine)).empty


def test_nothing_usable_is_a_report_too(shop):
    report = examined(shop, LINES.iloc[[7]])
    assert (report.rows_read, report.rows_used, report.customers) == (1, 0, 0)
    assert report.first_day is None
    assert report.to_dict()["first_day"] is None


def test_money_is_in_units_of_the_currency(tmp_path):
    report = examined(shop_settings(tmp_path, data={"currency": "JPY"}), LINES.assign(amount=1250))
    # every used row costs 1,250, the return gives 1,250 back
    assert report.revenue == 1250 * (report.rows_used - 2)
    assert report.currency == "JPY"


def test_a_quarantine_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(ConfigError, match=r"quarantine.parquet: .*Set store.quarantine"):
        examined(shop_settings(tmp_path), LINES)
    (tmp_path / "taken").mkdir()
    with pytest.raises(ConfigError, match=r"Set store.quarantine"):
        examined(shop_settings(tmp_path, store={"quarantine": "taken"}), LINES)
