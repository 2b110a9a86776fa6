"""Orders that are plainly misread stop everything; what a shop accepts goes on."""

from dataclasses import replace

import pandas as pd
import pytest

from features.doctor.gates import gates
from features.errors import DataError, MisreadOrders
from features.orders.log import check_orders, read_orders
from features.sources import FrameSource
from tests.support.shop import COLUMNS, order_lines, shop_settings

STATED = {**COLUMNS, "status": "state"}


def sales(customers: int = 25, orders: int = 4) -> pd.DataFrame:
    """Orders of 10.00 each, one line, on different days."""
    return order_lines(
        (f"c{number:02d}", number + 30 * turn, 10.0)
        for number in range(customers)
        for turn in range(orders)
    )


def report_of(root, lines, **data):
    with check_orders(shop_settings(root, data=data), FrameSource(lines, "orders")) as report:
        return report


def stops(root, lines, **data) -> dict[str, str]:
    """Code → what is said, of the gates that stop."""
    report = report_of(root, lines, **data)
    return {one.code: f"{one.meaning} {one.advice}" for one in report.found("refuses")}


def test_honest_orders_pass(tmp_path):
    assert stops(tmp_path, sales()) == {}


def test_dates_that_cannot_be_read(tmp_path):
    lines = sales().astype({"time": str})
    some = lines.copy()
    some.loc[some.index[:20], "time"] = "31.31.2024"
    assert stops(tmp_path, some) == {}
    some.loc[some.index[:21], "time"] = "31.31.2024"
    said = stops(tmp_path, some)["unreadable_rows"]
    assert "21% of the rows cannot be read: 21 with an order date that cannot be read" in said
    assert "data.date_format" in said


def test_rows_again_and_rows_of_nobody_are_no_fault(tmp_path):
    lines = sales()
    till = lines.assign(customer=None, order="t" + lines["order"])
    many = pd.concat([lines, lines, till, till.assign(order="u" + till["order"])])
    assert stops(tmp_path, many) == {}


def test_amounts_with_the_sign_turned(tmp_path):
    said = stops(tmp_path, sales().assign(amount=-10.0))
    assert "100% of the rows are read as returns" in said["mostly_returns"]


def test_no_money_at_all(tmp_path):
    assert (
        "all orders together bring 0.00 EUR"
        in stops(tmp_path, sales().assign(amount=0.0))["no_net_money"]
    )


def test_an_id_of_nobody_with_most_of_the_orders(tmp_path):
    till = order_lines(("0", day, 5.0) for day in range(101))
    lines = pd.concat([sales(), till.assign(order="t" + till["order"])])
    said = stops(tmp_path, lines)["nobody_holds_most"]
    assert "customer '0' has 50% of all orders" in said
    assert 'data.rules.anonymous_customers = ["0"]' in said
    large = lines.replace({"customer": {"0": "Hotel Sun"}})
    assert stops(tmp_path, large) == {}
    few = pd.concat([sales(customers=18), till.assign(order="t" + till["order"])])
    report = report_of(tmp_path, few)
    assert report.refusals == ()
    assert "nobody_id" in {finding.code for finding in report.findings}


def test_orders_that_do_not_come_to_their_own_sums(tmp_path):
    lines = sales().assign(sum=10.0)
    columns = {**COLUMNS, "order_subtotal": "sum"}
    assert stops(tmp_path, lines, columns=columns) == {}
    wrong = lines.assign(sum=[14.0] * 11 + [10.0] * 89)
    said = stops(tmp_path, wrong, columns=columns)["orders_do_not_add_up"]
    assert "only 89% of the orders come to the sums" in said
    near = lines.assign(sum=10.01)
    assert stops(tmp_path, near, columns=columns) == {}


def test_a_total_holds_tax_and_shipping(tmp_path):
    columns = {**COLUMNS, "order_total": "sum", "tax": "vat", "shipping": "post"}
    lines = sales().assign(sum=16.9, vat=1.9, post=5.0)
    assert stops(tmp_path, lines, columns=columns) == {}
    assert "orders_do_not_add_up" in stops(tmp_path, lines.assign(sum=12.0), columns=columns)


def test_values_that_nobody_has_decided(tmp_path):
    rules = {"status": {"purchase": ["paid"], "none": ["void"]}}
    few = sales().assign(state=["odd"] * 5 + ["paid"] * 95)
    report = report_of(tmp_path, few, columns=STATED, rules=rules)
    (finding,) = (one for one in report.findings if one.code == "status_undecided")
    assert (finding.severity, finding.count) == ("look", 5)
    assert "'odd' in 'state' (5 rows)" in finding.meaning
    assert [(one.reason, one.rows) for one in report.quarantined] == [("status_undecided", 5)]
    figures = replace(report.reading, undecided_values=())
    kept = gates(replace(report, reading=figures), shop_settings(tmp_path).data)
    assert [one.meaning for one in kept if one.code == "status_undecided"] == [
        (
            "5.0% of the orders with 5.0% of the money have a value of which the settings do not say "
            "whether it is a purchase (`regulars check` lists them)."
        )
    ]
    many = sales().assign(state=["odd"] * 6 + ["paid"] * 94)
    assert "status_undecided" in stops(tmp_path, many, columns=STATED, rules=rules)
    dear = few.assign(amount=[20.0] * 5 + [10.0] * 95)
    assert (
        "9.5% of the money"
        in stops(tmp_path, dear, columns=STATED, rules=rules)["status_undecided"]
    )


def test_everything_that_is_wrong_is_said_at_once(tmp_path):
    lines = sales().assign(amount=-10.0, state="odd")
    rules = {"status": {"purchase": ["paid"]}}
    with (
        pytest.raises(MisreadOrders) as refused,
        read_orders(
            shop_settings(tmp_path, data={"columns": STATED, "rules": rules}), FrameSource(lines)
        ),
    ):
        pass
    assert len(refused.value.problems) == 2
    with (
        pytest.raises(MisreadOrders, match="read as returns"),
        read_orders(shop_settings(tmp_path), FrameSource(sales().assign(amount=-10.0))),
    ):
        pass


def test_what_is_accepted_goes_on_and_is_recorded(tmp_path):
    lines = sales().assign(sum=99.0)
    columns = {**COLUMNS, "order_subtotal": "sum"}
    accept = {"orders_do_not_add_up": "sums are of another system"}
    with read_orders(
        shop_settings(tmp_path, data={"columns": columns, "accept": accept}), FrameSource(lines)
    ) as log:
        (finding,) = log.report.found("accepted")
    assert (finding.code, finding.accepted) == (
        "orders_do_not_add_up",
        "sums are of another system",
    )
    other = {"mostly_returns": "no"}
    with (
        pytest.raises(DataError),
        read_orders(
            shop_settings(tmp_path, data={"columns": columns, "accept": other}), FrameSource(lines)
        ),
    ):
        pass
