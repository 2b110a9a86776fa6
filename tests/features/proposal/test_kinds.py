"""Exports of no known system: kinds of columns that decide what is a purchase and what was paid.

The orders are those of `tests.cases.systems.make_systems`, and so are the right figures.
"""

from pathlib import Path

import pandas as pd
import pytest

from features.errors import DataError
from features.orders.log import check_orders
from features.proposal import Proposal, propose
from features.settings.feature_settings import FeatureSettings
from features.settings.loading import settings_from
from tests.cases.systems.make_systems import Line, Order, money, world

Row = dict[str, object]


def lines_of(orders: list[Order]) -> list[tuple[Order, Line, bool]]:
    return [(order, line, line is order.lines[0]) for order in orders for line in order.lines]


def without_refunds(orders: list[Order]) -> list[Order]:
    for order in orders:
        order.refund = 0
    return orders


def revenue(orders: list[Order]) -> float:
    return sum(order.net for order in orders if order.stands) / 100


def proposed(rows: list[Row], folder: Path, *, separator: str = ",") -> Proposal:
    pd.DataFrame(rows).to_csv(folder / "export.csv", index=False, sep=separator)
    return propose(str(folder / "export.csv"), relative_to=folder)


def read(proposal: Proposal, folder: Path) -> dict[str, object]:
    settings = settings_from(proposal.settings, FeatureSettings, root=folder)
    with check_orders(settings) as report:
        assert not report.refusals
        return report.to_dict()


def basic(order: Order, line: Line) -> Row:
    return {
        "order_no": order.number, "placed_at": f"{order.at:%Y-%m-%d %H:%M:%S}",
        "customer_id": f"K{order.person:03d}", "sku": line.sku, "qty": line.quantity,
        "line_amount": money(line.full),
    }  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        ("Bezahlt", "Storniert", "Zahlung ausstehend", "Erstattet", "Versandt"),
        ("Livrée", "Annulée", "En attente de paiement", "Remboursée", "Expédiée"),
        ("Completado", "Cancelado", "Pendiente de pago", "Reembolsado", "Enviado"),
        ("已完成", "已取消", "待付款", "已退款", "已发货"),
        ("completed", "cancelled", "failed", "refunded", "shipped"),
    ],
    ids=["de", "fr", "es", "zh", "en"],
)
def test_states_are_told_by_their_words(tmp_path, words):
    orders = without_refunds(world())
    word_of = dict(zip(("paid", "cancelled", "pending", "refunded", "part"), words, strict=True))
    rows = [basic(o, line) | {"status": word_of[o.fate]} for o, line, _ in lines_of(orders)]
    proposal = proposed(rows, tmp_path)
    rules = proposal.settings["data"]["rules"]["status"]
    assert set(rules["none"]) == {words[1], words[2], words[3]}
    figures = read(proposal, tmp_path)
    assert figures["revenue"] == pytest.approx(revenue(orders))
    assert figures["orders"] == sum(order.stands for order in orders)


def test_a_word_that_nobody_knows_is_marked(tmp_path):
    orders = without_refunds(world())
    rows = [
        basic(o, line) | {"status": "paid" if o.stands else "cancelled"}
        for o, line, _ in lines_of(orders)
    ]
    rows[3]["status"] = "blorp"
    proposal = proposed(rows, tmp_path)
    assert 'CHECK: put "blorp" (1 rows)' in proposal.toml
    assert any("nobody has decided" in note and "blorp" in note for note in proposal.notes)


def test_credit_notes_are_papers_of_their_own(tmp_path):
    orders = [order for order in world() if order.fate in ("paid", "refunded")]
    rows = []
    for order, line, _ in lines_of(orders):
        rows.append(basic(order, line) | {"doc_type": "Invoice"})
        if order.refund_at:
            day = f"{order.refund_at:%Y-%m-%d %H:%M:%S}"
            rows.append(
                basic(order, line)
                | {"order_no": f"CN{order.number}", "placed_at": day, "doc_type": "Credit note"}
            )
    proposal = proposed(rows, tmp_path)
    assert proposal.settings["data"]["rules"]["document"]["return"] == ["Credit note"]
    paid = sum(order.goods for order in orders if order.fate == "paid")
    assert read(proposal, tmp_path)["revenue"] == pytest.approx(paid / 100)


def test_a_refund_on_a_later_day_keeps_its_orders_number(tmp_path):
    orders = [order for order in world() if order.stands or order.fate == "refunded"]
    rows = []
    for order in orders:
        row: Row = {"day": f"{order.at:%Y-%m-%d %H:%M}", "order_number": order.number,
                    "buyer": order.buyer, "net_revenue": money(order.goods)}  # fmt: skip
        rows.append(row)
        if order.refund_at:
            back = {"day": f"{order.refund_at:%Y-%m-%d %H:%M}", "net_revenue": money(-order.refund)}
            rows.append(row | back)
    proposal = proposed(rows, tmp_path)
    assert proposal.settings["data"]["columns"]["order_id"] == "order_number"
    net = sum(order.net for order in orders) / 100
    assert read(proposal, tmp_path)["revenue"] == pytest.approx(net)


def test_fields_of_the_first_line_are_filled_down_and_its_money_spread(tmp_path):
    orders = without_refunds(world(order_off=True))
    rows = []
    for order, line, is_first in lines_of(orders):
        row: Row = {"Order ID": order.number, "SKU": line.sku, "Qty": line.quantity,
                    "Unit Price": money(line.price)}  # fmt: skip
        head: Row = {"Date": f"{order.at:%Y-%m-%d %H:%M:%S}", "Customer Email": order.email,
                     "Order Status": "Paid" if order.stands else "Cancelled",
                     "Coupon Discount": money(order.off), "Delivery Charge": money(order.shipping),
                     "VAT": money(order.tax), "Order Total": money(order.total)}  # fmt: skip
        rows.append(row | head if is_first else row)
    proposal = proposed(rows, tmp_path)
    data = proposal.settings["data"]
    assert set(data["fill_down"]) == {"Date", "Customer Email", "Order Status"}
    assert data["rules"]["discount"] == "to_take_off"
    assert any("100 %" in note and "'Order Total'" in note for note in proposal.notes)
    figures = read(proposal, tmp_path)
    assert figures["revenue"] == pytest.approx(revenue(orders))
    assert figures["rows_read"] == len(rows)


def test_lines_below_an_orders_number_belong_to_it(tmp_path):
    orders = without_refunds(world())
    rows = []
    for order, line, is_first in lines_of(orders):
        row: Row = {"Order No": "", "Order Date": "", "Customer": "", "Item": line.name,
                    "Quantity": line.quantity, "Net": money(line.full)}  # fmt: skip
        head: Row = {"Order No": order.number, "Order Date": f"{order.at:%Y-%m-%d}",
                     "Customer": order.buyer}  # fmt: skip
        rows.append(row | head if is_first else row)
    proposal = proposed(rows, tmp_path)
    assert {"Order No", "Order Date", "Customer"} == set(proposal.settings["data"]["fill_down"])
    assert read(proposal, tmp_path)["orders"] == len(orders)


def test_tax_that_is_inside_is_taken_off(tmp_path):
    orders = [order for order in without_refunds(world()) if order.stands]
    rows = [
        basic(o, line)
        | {"line_amount": money(line.full + round(line.full / 5)), "vat": money(round(line.full / 5)),
           "amount_excl_vat_check": money(line.full)}
        for o, line, _ in lines_of(orders)
    ]  # fmt: skip
    for row in rows:
        row["amount incl. VAT"] = row.pop("line_amount")
        row.pop("amount_excl_vat_check")
    proposal = proposed(rows, tmp_path)
    assert proposal.settings["data"]["tax"] == "included"
    assert read(proposal, tmp_path)["revenue"] == pytest.approx(revenue(orders))


def test_a_row_per_order_is_the_goods_that_lead_to_the_total(tmp_path):
    orders = without_refunds(world(order_off=True))
    rows: list[Row] = [
        {"id": o.number, "created_at": f"{o.at:%Y-%m-%d %H:%M:%S}", "customer_email": o.email,
         "subtotal": money(o.goods + o.off), "discount": money(o.off), "tax": money(o.tax),
         "shipping": money(o.shipping), "total": money(o.total),
         "status": "completed" if o.stands else "cancelled"}
        for o in orders
    ]  # fmt: skip
    proposal = proposed(rows, tmp_path)
    assert proposal.settings["data"]["columns"]["amount"] == "subtotal"
    assert read(proposal, tmp_path)["revenue"] == pytest.approx(revenue(orders))


def test_where_lines_have_no_money_the_orders_is_spread(tmp_path):
    orders = without_refunds(world())
    rows = [
        {"order_id": o.number, "date": f"{o.at:%Y-%m-%d %H:%M}", "customer_id": f"c{o.person}",
         "product": line.name, "order_total": money(o.goods)}
        for o, line, _ in lines_of(orders)
    ]  # fmt: skip
    proposal = proposed(rows, tmp_path)
    assert proposal.settings["data"]["rules"]["order_level"] == ["order_total"]
    goods = sum(order.goods for order in orders) / 100
    assert read(proposal, tmp_path)["revenue"] == pytest.approx(goods)


def test_what_is_left_after_a_fee_is_not_what_was_paid(tmp_path):
    orders = world()
    rows = [
        {"Payment ID": f"p{o.number}", "Date": f"{o.at:%Y-%m-%d %H:%M:%S}", "Payer": o.email,
         "Net": money(o.goods - round(o.goods / 30)), "Fee": money(-round(o.goods / 30)),
         "Gross": money(o.goods)}
        for o in orders
    ]  # fmt: skip
    proposal = proposed(rows, tmp_path)
    assert proposal.settings["data"]["columns"]["amount"] == "Gross"


def test_guests_under_one_name_are_nobody(tmp_path):
    orders = [order for order in world() if order.fate == "paid"]
    rows = [
        basic(o, line) | {"customer_id": "Guest" if o.person < 8 else f"K{o.person:03d}"}
        for o, line, _ in lines_of(orders)
    ]
    proposal = proposed(rows, tmp_path)
    assert proposal.settings["data"]["rules"]["anonymous_customers"] == ["Guest"]
    people = {order.person for order in orders if order.person >= 8}
    assert read(proposal, tmp_path)["customers"] == len(people)


def test_an_id_of_one_order_is_no_customer(tmp_path):
    orders = [order for order in world() if order.fate == "paid"]
    rows = [
        basic(o, line) | {"customer_id": f"g{o.number * 7}", "customer_unique_id": f"u{o.person:04d}"}
        for o, line, _ in lines_of(orders)
    ]  # fmt: skip
    proposal = proposed(rows, tmp_path)
    assert proposal.settings["data"]["columns"]["customer_id"] == "customer_unique_id"
    assert any("'customer_id' is new with every order" in note for note in proposal.notes)


def test_lines_that_are_no_goods_are_left_out_by_name(tmp_path):
    orders = [order for order in world() if order.fate == "paid"]
    rows = [basic(o, line) | {"sku": line.name} for o, line, _ in lines_of(orders)]
    rows = [{**row, "product_name": row.pop("sku")} for row in rows]
    for name in ("Versandkosten", "运费", "Sales tax", "Pfand", "Test product"):
        rows.append(rows[0] | {"product_name": name, "line_amount": "7.77"})
    proposal = proposed(rows, tmp_path)
    goods = sum(order.goods for order in orders) / 100
    assert read(proposal, tmp_path)["revenue"] == pytest.approx(goods)


def test_pieces_on_rows_of_their_own_are_no_duplicates(tmp_path):
    orders = [order for order in world() if order.fate == "paid"]
    pieces = [(o, line) for o, line, _ in lines_of(orders) for _ in range(line.quantity)]
    rows = [
        basic(o, line) | {"qty": 1, "line_id": number, "line_amount": money(line.price)}
        for number, (o, line) in enumerate(pieces)
    ]
    proposal = proposed(rows, tmp_path)
    assert proposal.settings["data"]["rules"]["duplicates"] == "keep"
    goods = sum(order.goods for order in orders) / 100
    assert read(proposal, tmp_path)["revenue"] == pytest.approx(goods)


@pytest.mark.parametrize(
    ("column", "rule"), [("cancelled_on", "none_when_filled"), ("is_cancelled", "document")]
)
def test_a_column_of_cancellations(tmp_path, column, rule):
    orders = without_refunds(world())

    def cell(order: Order) -> str:
        if column == "is_cancelled":
            return "no" if order.stands else "yes"
        return "" if order.stands else f"{order.at:%Y-%m-%d %H:%M:%S}"

    rows = [basic(o, line) | {column: cell(o)} for o, line, _ in lines_of(orders)]
    proposal = proposed(rows, tmp_path)
    assert rule in proposal.settings["data"]["rules"]
    assert read(proposal, tmp_path)["revenue"] == pytest.approx(revenue(orders))


@pytest.mark.parametrize(
    ("name", "live", "trial"), [("mode", "live", "test"), ("livemode", "true", "false")]
)
def test_payments_of_a_trial_are_none(tmp_path, name, live, trial):
    orders = without_refunds(world())
    rows = [
        {"charge_id": f"p{o.number}", "created": f"{o.at:%Y-%m-%d %H:%M:%S}", "payer": o.email,
         "amount": money(o.goods), name: live if o.stands else trial}
        for o in orders
    ]  # fmt: skip
    proposal = proposed(rows, tmp_path)
    assert read(proposal, tmp_path)["revenue"] == pytest.approx(revenue(orders))


def test_an_unread_column_of_states_beside_a_column_called_amount_is_a_finding(tmp_path):
    orders = without_refunds(world())
    rows = [
        {"order_id": o.number, "at": f"{o.at:%Y-%m-%d %H:%M:%S}", "customer_id": f"c{o.person}",
         "amount": money(o.goods), "payment_status": "paid" if o.stands else "failed",
         "order_status": "done", "channel": "completed" if o.stands else "cancelled"}
        for o in orders
    ]  # fmt: skip
    proposal = proposed(rows, tmp_path)
    values = proposal.settings
    del values["data"]["columns"]["status"], values["data"]["rules"]["status"]
    values["data"]["columns"].pop("document", None)
    values["data"]["rules"].pop("document", None)
    codes = [finding["code"] for finding in read(proposal, tmp_path)["findings"]]
    assert "unread_state" in codes


def test_days_and_months_that_changed_places_are_refused(tmp_path):
    orders = world()
    rows = [basic(o, line) for o, line, _ in lines_of(orders)]
    for row, (order, _, _) in zip(rows, lines_of(orders), strict=True):
        swapped = f"{order.at:%Y-%d-%m %H:%M:%S}"
        row["placed_at"] = swapped if order.at.day <= 12 else f"{order.at:%d/%m/%Y %H:%M:%S}"
    with pytest.raises(DataError, match=r"'placed_at' is written in two ways.*day and month"):
        proposed(rows, tmp_path)


@pytest.mark.parametrize(
    ("unit", "name"), [(86_400.0, "excel"), (1.0, "epoch_seconds"), (0.001, "epoch_milliseconds")]
)
def test_moments_written_as_numbers(tmp_path, unit, name):
    start = pd.Timestamp("1899-12-30" if name == "excel" else "1970-01-01")
    orders = [order for order in world() if order.fate == "paid"]
    rows = [
        basic(o, line) | {"placed_at": f"{(pd.Timestamp(o.at) - start).total_seconds() / unit:.6f}"}
        for o, line, _ in lines_of(orders)
    ]
    proposal = proposed(rows, tmp_path)
    assert proposal.settings["data"]["date_format"] == name
    first = min(order.at for order in orders)
    assert proposal.first_orders[0].ordered_at.date() == first.date()


def test_any_digits_beside_do_no_harm(tmp_path):
    rows = [basic(o, line) | {"postcode": "١١٠٢٤"} for o, line, _ in lines_of(world())]
    assert proposed(rows, tmp_path).settings["data"]["columns"]["order_id"] == "order_no"
