"""Columns that say of themselves that the settings misread them."""

from datetime import datetime, timedelta

import pandas as pd
import pytest

from features.errors import DataError
from features.orders.log import check_orders, read_orders
from tests.support.shop import shop_settings

DAYS = [datetime(2024, 1, 1) + timedelta(days=3 * n) for n in range(100)]  # noqa: DTZ001
COLUMNS = {
    "customer_id": "customer",
    "order_id": "order",
    "ordered_at": "Order Date",
    "amount": "Paid",
}


def settings(folder, dates, amounts, **data):
    frame = pd.DataFrame(
        {
            "customer": [f"c{n % 9}" for n in range(100)],
            "order": [f"o{n}" for n in range(100)],
            "Order Date": dates,
            "Paid": amounts,
        }
    )
    frame.to_csv(folder / "orders.csv", index=False, sep=";")
    return shop_settings(folder, data={"transactions": "orders.csv", "columns": COLUMNS, **data})


def refusals(configuration):
    with check_orders(configuration) as report:
        return {finding.code: finding for finding in report.found("refuses")}


def test_swapped_dates_are_refused_with_both_ways_of_writing(tmp_path):
    dates = [
        f"2024-{day.day:02d}-{day.month:02d}" if day.day <= 12 else day.strftime("%d/%m/%Y")
        for day in DAYS
    ]
    configuration = settings(tmp_path, dates, [5] * 100)
    sentence = refusals(configuration)["swapped_dates"].meaning
    assert "'Order Date'" in sentence
    assert "day and month" in sentence
    assert "2024-" in sentence and "/2024" in sentence  # noqa: PT018
    with pytest.raises(DataError, match="Order Date"), read_orders(configuration):
        pass


def test_groups_that_the_settings_take_for_decimals_are_refused(tmp_path):
    amounts = [f"{n}.{100 + n}" if n else "950" for n in range(100)]
    dates = [day.isoformat() for day in DAYS]
    finding = refusals(settings(tmp_path, dates, amounts))["number_marks"]
    assert "'Paid'" in finding.meaning
    assert finding.advice == "Set data.decimal = ',' and data.thousands = '.' in regulars.toml."
    assert not refusals(settings(tmp_path, dates, amounts, decimal=",", thousands="."))


def test_decimals_that_the_settings_take_for_groups_are_refused(tmp_path):
    amounts = [f"0.{100 + n}" for n in range(100)]
    dates = [day.isoformat() for day in DAYS]
    finding = refusals(settings(tmp_path, dates, amounts, decimal=","))["number_marks"]
    assert finding.advice == "Set data.decimal = '.' in regulars.toml."
    assert not refusals(settings(tmp_path, dates, amounts))


def test_usual_columns_are_not_refused(tmp_path):
    dates = [day.strftime("%d/%m/%Y") for day in DAYS]
    for amounts in ([f"{n}.50" for n in range(100)], [str(5 + n) for n in range(100)]):
        assert not refusals(settings(tmp_path, dates, amounts, date_format="%d/%m/%Y"))
