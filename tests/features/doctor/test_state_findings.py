"""Findings on states that nobody reads, and on ids of nobody."""

import pandas as pd

from features.orders.log import check_orders
from features.sources import FrameSource
from tests.support.shop import COLUMNS, order_lines, shop_settings


def sales(customers: int = 10) -> pd.DataFrame:
    return order_lines(
        (f"c{number:02d}", number + 30 * turn, 10.0)
        for number in range(customers)
        for turn in range(4)
    )


def found(root, lines: pd.DataFrame, **data):
    with check_orders(shop_settings(root, data=data), FrameSource(lines, "orders")) as report:
        return {finding.code: finding for finding in report.findings}


def test_a_column_that_speaks_of_cancelled_orders_and_is_not_read(tmp_path):
    states = ["completed"] * 30 + ["Cancelled"] * 4 + ["failed"] * 3 + ["processing"] * 3
    finding = found(tmp_path, sales().assign(status=states))["unread_state"]
    assert (finding.count, finding.share_of_revenue) == (7, 7 / 40)
    assert "column 'status' speaks of orders that are no purchases" in finding.meaning
    assert "'Cancelled' (4 rows), 'failed' (3 rows)" in finding.meaning
    assert 'data.columns.status = "status"' in finding.advice


def test_a_column_that_is_read_or_speaks_of_other_things_is_no_finding(tmp_path):
    states = ["completed"] * 30 + ["cancelled"] * 10
    read = found(
        tmp_path,
        sales().assign(state=states),
        columns={**COLUMNS, "status": "state"},
        rules={"status": {"purchase": ["completed"], "none": ["cancelled"]}},
    )
    assert "unread_state" not in read
    assert "unread_state" not in found(tmp_path, sales().assign(how=["paid"] * 20 + ["done"] * 20))
    colours = ["red", "green", "blue", "new"] * 10
    assert "unread_state" not in found(tmp_path, sales().assign(colour=colours))


def test_guests_under_one_id(tmp_path):
    guests = order_lines(("Guest", day, 5.0) for day in range(3))
    lines = pd.concat([sales(4), guests.assign(order="g" + guests["order"])])
    finding = found(tmp_path, lines)["nobody_id"]
    assert (finding.count, finding.share_of_revenue) == (1, 15 / 175)
    assert 'data.rules.anonymous_customers = ["Guest"]' in finding.advice
    told = found(tmp_path, lines, rules={"anonymous_customers": ["Guest"]})
    assert "nobody_id" not in told


def test_addresses_that_differ_in_capital_letters(tmp_path):
    names = ["Ann@Shop.test", "ann@shop.test", "bob@shop.test", "cy@shop.test"]
    lines = sales().assign(customer=names * 10)
    finding = found(tmp_path, lines)["id_case"]
    assert finding.count == 2
    assert 'data.rules.email_ids = "fold"' in finding.advice
    folded = found(tmp_path, lines, rules={"email_ids": "fold"})
    assert "id_case" not in folded
    assert folded["id_blanks"].count == 1


def test_a_clerks_card_is_no_reseller(tmp_path):
    """Hundreds of orders of usual size, spread over the year."""
    people = order_lines((f"p{number}", number % 300, 10.0) for number in range(150))
    clerk = order_lines(("clerk", day, 9.0) for day in range(300))
    lines = pd.concat([people, clerk.assign(order="k" + clerk["order"])])
    told = found(tmp_path, lines)
    assert "wholesale_like" not in told
    assert told["staff_like"].example == "customer clerk"
    dealer = clerk.iloc[:20].assign(amount=200.0, order="k" + clerk["order"].iloc[:20])
    told = found(tmp_path, pd.concat([people, dealer]))
    assert told["wholesale_like"].example == "customer clerk"
    assert "staff_like" not in told


def test_a_state_that_is_said_of_purchases_only_is_said_of_months_too(tmp_path):
    lines = sales().assign(
        state=["paid"] * 36 + ["void"] * 4, vat=2.0, post=1.0, back=[4.0] + [0.0] * 39
    )
    columns = {**COLUMNS, "status": "state", "tax": "vat", "shipping": "post", "refunded": "back"}
    rules = {"status": {"purchase": ["paid"], "none": ["void"]}, "order_level": ["vat"]}
    settings = shop_settings(tmp_path, data={"columns": columns, "rules": rules})
    with check_orders(settings, FrameSource(lines)) as report:
        months = report.months
    assert sum(month.orders for month in months) == 36
    assert sum(month.gross for month in months) == 360.0
    assert sum(month.refunds for month in months) == 4.0
    assert sum(month.net for month in months) == report.revenue == 356.0
    assert sum(month.tax for month in months) == 72.0
    assert sum(month.shipping for month in months) == 36.0
