"""Exports of systems that nobody has described: `init` and `check` come to the figures counted apart.

The shop's orders are those of `tests.cases.systems.make_systems`; the right figures are counted from
the orders, never from the file.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import xlsxwriter

from features.doctor.report import Report
from features.orders.log import check_orders
from features.proposal import Proposal, propose
from features.settings.feature_settings import FeatureSettings
from features.settings.loading import settings_from
from tests.cases.systems.make_systems import Line, Order, Row, figures, money, table, world

ENGLISH = {"paid": "complete", "cancelled": "canceled", "pending": "pending", "refunded": "refunded",
           "part": "complete"}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A file and what is right of it: figures of `check`, or codes that refuse it."""

    name: str
    content: bytes
    right: dict[str, object] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    says: tuple[str, ...] = ()


def orders_of(fates: dict[str, str] | None = None, *, line_off: bool = False) -> list[Order]:
    """The shop's orders, without refunds in part; `fates` rename what became of them."""
    orders = world(line_off=line_off)
    for order in orders:
        order.fate = (fates or {"part": "paid"}).get(order.fate, order.fate)
        if order.stands:
            order.refund = 0
    return orders


PAID = dict.fromkeys(("cancelled", "pending", "refunded", "part"), "paid")


def lines_of(orders: list[Order], row: Callable[[Order, Line], Row]) -> list[Row]:
    return [row(order, line) for order in orders for line in order.lines]


def plain(order: Order, line: Line) -> Row:
    return {
        "Order ID": order.number, "Order Date": f"{order.at:%Y-%m-%d %H:%M}",
        "Customer ID": f"K{order.person:03d}", "SKU": line.sku, "Quantity": line.quantity,
        "Amount": money(line.net),
    }  # fmt: skip


def money_right(orders: list[Order], rows: list[Row]) -> dict[str, object]:
    right = figures(orders, rows)
    right.pop("rows_read")
    return right


def yes_and_no() -> Kind:
    """Two columns of yes and no: cancelled, and not yet paid."""
    orders = orders_of()
    rows = lines_of(orders, lambda order, line: plain(order, line) | {
        "Cancelled": "Yes" if order.fate in ("cancelled", "refunded") else "No",
        "Paid": "No" if order.fate in ("pending", "cancelled") else "Yes",
    })  # fmt: skip
    return Kind("orders.csv", table(list(rows[0]), rows).encode(), money_right(orders, rows))


def tax_inside_by_its_name() -> Kind:
    """German invoices: tax is a part of the gross amount beside it."""
    orders = orders_of(PAID)
    rows = lines_of(orders, lambda order, line: {
        "Rechnungsnummer": f"RE{order.number}", "Rechnungsdatum": f"{order.at:%d.%m.%Y}",
        "Kunde": f"K{order.person:03d}", "Artikel": line.name, "Anzahl": line.quantity,
        "Betrag brutto": money(line.net + round(line.net * 0.19), decimal=","),
        "davon MwSt": money(round(line.net * 0.19), decimal=","),
    })  # fmt: skip
    text = table(list(rows[0]), rows, ";")
    return Kind("rechnungen.csv", text.encode("cp1252"), money_right(orders, rows))


def tax_inside_by_its_rate() -> Kind:
    """Neither a name nor a sum tells, but the tax is 19 of 119."""
    orders = orders_of(PAID)
    rows = lines_of(orders, lambda order, line: plain(order, line) | {
        "Amount": money(line.net + round(line.net * 0.19)), "Tax": money(round(line.net * 0.19)),
    })  # fmt: skip
    return Kind("orders.csv", table(list(rows[0]), rows).encode(), money_right(orders, rows))


def tax_inside_by_the_price() -> Kind:
    """The price says that tax is inside; the line's total is price times pieces."""
    orders = orders_of()

    def row(order: Order, line: Line) -> Row:
        tax = round(line.price * 0.2)
        return {
            "Order ID": order.number, "Order date": f"{order.at:%Y-%m-%dT%H:%M:%SZ}",
            "Customer": f"K{order.person:03d}", "SKU": line.sku, "Quantity": line.quantity,
            "Unit price (incl. VAT)": money(line.price + tax),
            "VAT amount": money(line.quantity * tax),
            "Line total": money(line.quantity * (line.price + tax)), "Status": ENGLISH[order.fate],
        }  # fmt: skip

    rows = lines_of(orders, row)
    return Kind("orders.csv", table(list(rows[0]), rows).encode(), money_right(orders, rows))


def discount_in_percent() -> Kind:
    """A price before the discount, and the discount as text with a sign of percent."""
    orders = orders_of(PAID)
    for order in orders:
        for line in order.lines:
            line.off = line.full // 5 if order.number % 3 == 0 else 0
    rows = lines_of(orders, lambda order, line: {
        "Order": order.number, "Order Date": f"{order.at:%Y-%m-%d}", "Customer": f"K{order.person:03d}",
        "SKU": line.sku, "Qty": line.quantity, "Unit Price": money(line.price),
        "Discount %": "20%" if line.off else "0%",
    })  # fmt: skip
    return Kind("orders.csv", table(list(rows[0]), rows).encode(), money_right(orders, rows))


def time_of_day_apart() -> Kind:
    orders = orders_of(PAID)
    rows = lines_of(orders, lambda order, line: {
        "Ticket": order.number, "Date": f"{order.at:%d/%m/%Y}", "Time": f"{order.at:%I:%M %p}",
        "Client no": f"K{order.person:03d}", "Item code": line.sku, "Qty": line.quantity,
        "Net": money(line.net),
    })  # fmt: skip
    text = table(list(rows[0]), rows)
    said = "'Date' holds the day and 'Time' the time of it"
    return Kind("till.csv", text.encode(), money_right(orders, rows), says=(said,))


def pieces_of_the_order() -> Kind:
    """How many pieces the order holds stands before how many of the line; as in Wix's orders."""
    orders = orders_of()
    rows = lines_of(orders, lambda order, line: {
        "Order number": order.number, "Date created": f"{order.at:%b %d, %Y}",
        "Time": f"{order.at:%I:%M:%S %p}", "Total order quantity": order.quantity,
        "Contact email": order.email, "Item": line.name, "SKU": line.sku, "Qty": line.quantity,
        "Quantity refunded": 0, "Price": money(line.price), "Payment status": ENGLISH[order.fate],
        "Shipping rate": money(order.shipping), "Total tax": money(order.tax),
        "Total": money(order.total), "Currency": "USD",
    })  # fmt: skip
    right = money_right(orders, rows) | {"currency": "USD"}
    return Kind("orders.csv", table(list(rows[0]), rows).encode(), right)


def cancelled_on_the_first_line() -> Kind:
    """Shop fields on an order's first line, a day of cancellation among them; as in Squarespace's."""
    orders = orders_of()

    def row(order: Order, line: Line) -> Row:
        is_gone = order.fate in ("cancelled", "refunded")
        head = {
            "Financial Status": "PENDING" if order.fate == "pending" else "PAID", "Currency": "USD",
            "Created at": f"{order.at:%Y-%m-%d %H:%M:%S} -0500",
            "Cancelled at": f"{order.at:%Y-%m-%d %H:%M:%S} -0500" if is_gone else "",
            "Subtotal": money(order.goods), "Taxes": money(order.tax), "Total": money(order.total),
            "Shipping": money(order.shipping),
        }  # fmt: skip
        return {
            "Order ID": f"{order.number:05d}", "Email": order.email,
            **(head if line is order.lines[0] else dict.fromkeys(head, "")),
            "Lineitem quantity": line.quantity, "Lineitem name": line.name,
            "Lineitem price": money(line.price), "Lineitem sku": line.sku,
        }  # fmt: skip

    rows = lines_of(orders, row)
    return Kind("orders.csv", table(list(rows[0]), rows).encode(), money_right(orders, rows))


def two_states_and_tabs() -> Kind:
    """抖店: what was given back stands in a second column of states; cells end in a tab."""
    orders = orders_of()
    words = {"paid": "已完成", "cancelled": "已关闭", "pending": "待支付", "refunded": "已完成"}
    rows = lines_of(orders, lambda order, line: {
        "主订单编号": f"690000000000{order.number:07d}\t",
        "子订单编号": f"690000000000{order.number:06d}{order.lines.index(line)}\t",
        "选购商品": line.name, "商品数量": line.quantity, "商家编码": line.sku,
        "商品单价": money(line.price), "订单应付金额": money(line.net),
        "收件人手机号": f"1380000{order.person:04d}\t",
        "订单提交时间": f"{order.at:%Y-%m-%d %H:%M:%S}\t", "订单状态": words[order.fate],
        "售后状态": "退款成功" if order.fate == "refunded" else "-",
    })  # fmt: skip
    text = table(list(rows[0]), rows)
    return Kind("orders.csv", text.encode("gb18030"), money_right(orders, rows))


def header_in_cp1252() -> Kind:
    """The only letters beyond ASCII stand in the header, one of them an ordinal: Nº."""
    orders = orders_of()
    words = {"paid": "Completado", "cancelled": "Cancelado", "pending": "Pendiente de pago",
             "refunded": "Reembolsado"}  # fmt: skip
    rows = lines_of(orders, lambda order, line: {
        "Nº pedido": order.number, "Fecha": f"{order.at:%d/%m/%Y}", "Correo electrónico": order.email,
        "Producto": line.name, "Cantidad": line.quantity, "Precio": money(line.price, decimal=","),
        "Importe": money(line.net, decimal=","), "Estado del pedido": words[order.fate],
    })  # fmt: skip
    text = table(list(rows[0]), rows, ";")
    return Kind("pedidos.csv", text.encode("cp1252"), money_right(orders, rows))


def report_around_the_table() -> Kind:
    """A title and a period above the table, a sum below it."""
    orders = orders_of(PAID)
    rows = lines_of(orders, plain)
    whole = sum(order.goods for order in orders)
    text = f"Sales report\r\nPeriod,2024-01-01,2025-06-01\r\n\r\n{table(list(rows[0]), rows)}"
    right = money_right(orders, rows) | {"rows_read": len(rows) + 1}
    return Kind("report.csv", f"{text}Total,,,,,{money(whole)}\r\n".encode(), right)


def positive_refund_rows() -> Kind:
    """A till writes refunds as rows of their own with positive money, and voids beside them."""
    orders = orders_of({"part": "paid", "pending": "paid"})
    rows: list[Row] = []
    for order in orders:
        kinds = ["Void"] if order.fate == "cancelled" else ["Sale"]
        kinds += ["Refund"] if order.fate == "refunded" else []
        for kind in kinds:
            at = order.at if kind != "Refund" else order.refund_at or order.at
            rows += [
                plain(order, line) | {
                    "Order ID": order.number + (5000 if kind == "Refund" else 0),
                    "Order Date": f"{at:%Y-%m-%d %H:%M}", "Transaction type": kind,
                }
                for line in order.lines
            ]  # fmt: skip
    revenue = sum(order.goods for order in orders if order.fate == "paid") / 100
    return Kind("sales.csv", table(list(rows[0]), rows).encode(), {"revenue": revenue})


def workbook(sheets: dict[str, list[list[object]]]) -> bytes:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for place, row in enumerate(rows):
                sheet.write_row(place, 0, row)
    return stream.getvalue()


def workbook_with_a_report() -> Kind:
    """A sheet of words, a title above the table, a sum below."""
    orders = orders_of(PAID)
    rows = lines_of(orders, plain)
    cells = [
        [float(str(value)) if name == "Amount" else value for name, value in row.items()]
        for row in rows
    ]
    whole = sum(order.goods for order in orders) / 100
    sheets: dict[str, list[list[object]]] = {
        "Info": [["Export of orders"], ["made", "2025-01-01"]],
        "Orders": [["Sales report"], [], list(rows[0]), *cells, ["Total", "", "", "", "", whole]],
    }
    return Kind("shop.xlsx", workbook(sheets), money_right(orders, rows))


def states_as_numbers() -> Kind:
    """What 5, 6 and 7 mean only the shop knows: nothing is counted until it says so."""
    orders = orders_of()
    codes = {"paid": 5, "cancelled": 6, "pending": 1, "refunded": 7}
    rows = lines_of(
        orders, lambda order, line: plain(order, line) | {"current_state": codes[order.fate]}
    )
    text = table(list(rows[0]), rows)
    return Kind("orders.csv", text.encode(), refused=frozenset({"status_undecided"}))


def two_currencies() -> Kind:
    orders = orders_of(PAID)
    rows = lines_of(orders, lambda order, line: plain(order, line) | {
        "Amount": money(line.net, sign="$" if order.person % 3 else "€"),
    })  # fmt: skip
    text = table(list(rows[0]), rows)
    return Kind("orders.csv", text.encode(), refused=frozenset({"mixed_signs"}))


KINDS = [
    *(yes_and_no, tax_inside_by_its_name, tax_inside_by_its_rate, tax_inside_by_the_price),
    *(discount_in_percent, time_of_day_apart, pieces_of_the_order, cancelled_on_the_first_line),
    *(two_states_and_tabs, header_in_cp1252, report_around_the_table, positive_refund_rows),
    *(workbook_with_a_report, states_as_numbers, two_currencies),
]


def read(kind: Kind, folder: Path) -> tuple[Proposal, Report]:
    (folder / kind.name).write_bytes(kind.content)
    proposal = propose(str(folder / kind.name), relative_to=folder)
    with check_orders(settings_from(proposal.settings, FeatureSettings, root=folder)) as report:
        return proposal, report


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
def test_a_kind_of_export_is_read_as_it_was_counted_apart(make, tmp_path):
    kind = make()
    proposal, report = read(kind, tmp_path)
    assert kind.refused <= {finding.code for finding in report.found("refuses")}
    assert all(sentence in " ".join(proposal.notes) for sentence in kind.says)
    if not kind.refused:
        assert not report.refusals
        told = report.to_dict()
        assert {name: told[name] for name in kind.right} == pytest.approx(kind.right, abs=0.006)


def test_ids_without_their_last_digits_are_refused(tmp_path):
    orders = orders_of(PAID)
    rows = lines_of(orders, lambda order, line: plain(order, line) | {"Customer ID": "9.87654E+18"})
    (tmp_path / "orders.csv").write_text(table(list(rows[0]), rows), encoding="utf-8")
    proposal = propose(str(tmp_path / "orders.csv"), relative_to=tmp_path)
    assert "customer_id" in proposal.open_fields
    assert any("lost the last digits" in note for note in proposal.notes)
    data = proposal.settings["data"]
    data["columns"]["customer_id"] = "Customer ID"
    settings = settings_from(proposal.settings, FeatureSettings, root=tmp_path)
    with check_orders(settings) as report:
        assert "lost_digits" in {finding.code for finding in report.found("refuses")}
