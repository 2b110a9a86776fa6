"""Exports of shop systems: Shopify, WooCommerce, Magento, BigCommerce, PrestaShop, Odoo, ERPNext."""

from tests.cases.systems.make_systems import (
    Export,
    Maker,
    Order,
    Row,
    figures,
    figures_with_refund_rows,
    header,
    money,
    table,
    world,
)

SHOPIFY = header(
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,"
    "Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,"
    "Lineitem name,Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,"
    "Lineitem taxable,Lineitem fulfillment status,Billing Name,Billing Street,Billing Address1,"
    "Billing Address2,Billing Company,Billing City,Billing Zip,Billing Province,Billing Country,Billing Phone,"
    "Shipping Name,Shipping Street,Shipping Address1,Shipping Address2,Shipping Company,Shipping City,"
    "Shipping Zip,Shipping Province,Shipping Country,Shipping Phone,Notes,Note Attributes,Cancelled at,"
    "Payment Method,Payment Reference,Refunded Amount,Vendor,Outstanding Balance,Employee,Location,Device ID,"
    "Id,Tags,Risk Level,Source,Lineitem discount,Tax 1 Name,Tax 1 Value,Tax 2 Name,Tax 2 Value,Tax 3 Name,"
    "Tax 3 Value,Tax 4 Name,Tax 4 Value,Tax 5 Name,Tax 5 Value,Phone,Receipt Number,Duties,"
    "Billing Province Name,Shipping Province Name,Payment ID,Payment Terms Name,Next Payment Due At,"
    "Payment References"
)


def shopify() -> Export:
    """Fields of the order on its first line; one order is paid and cancelled."""
    orders = world(order_off=True)
    words = {"paid": "paid", "cancelled": "voided", "pending": "pending", "refunded": "refunded",
             "part": "partially_refunded"}  # fmt: skip
    late = [order for order in orders if order.fate == "paid"][5]
    rows: list[Row] = []
    for order in reversed(orders):
        for position, line in enumerate(order.lines):
            row: Row = {
                "Name": f"#{order.number}", "Email": order.email,
                "Created at": f"{order.at:%Y-%m-%d %H:%M:%S} +0100",
                "Lineitem quantity": line.quantity, "Lineitem name": line.name,
                "Lineitem price": money(line.price), "Lineitem sku": line.sku,
                "Lineitem discount": "0.00", "Lineitem requires shipping": "true",
                "Lineitem taxable": "true", "Vendor": "Our Shop",
            }  # fmt: skip
            if position == 0:
                row |= {
                    "Financial Status": words[order.fate], "Currency": "EUR",
                    "Subtotal": money(order.goods), "Shipping": money(order.shipping),
                    "Taxes": money(order.tax), "Total": money(order.total),
                    "Discount Amount": money(order.off), "Refunded Amount": money(order.refund),
                    "Discount Code": "TEN" if order.off else "", "Id": f"50000000{order.number}",
                    "Billing Name": order.buyer, "Billing Country": "DE", "Source": "web",
                    "Cancelled at": f"{order.at:%Y-%m-%d %H:%M:%S} +0100" if order is late else "",
                }  # fmt: skip
            rows.append(row)
    late.fate = "cancelled"
    return Export(
        "orders_export_1.csv", table(SHOPIFY, rows), figures(orders, rows, currency="EUR")
    )


ANALYTICS = header(
    "Date,Order #,N. Revenue (formatted),Status,Customer,Customer type,Product(s),Items sold,Coupon(s),"
    "Net Sales,Attribution"
)


def woocommerce_analytics() -> Export:
    """A refund is a row of its own under its order's number."""
    orders = world(order_off=True)
    words = {"paid": "completed", "cancelled": "cancelled", "pending": "pending",
             "refunded": "refunded", "part": "completed"}  # fmt: skip
    rows: list[Row] = []
    for order in orders:
        sold: Row = {
            "Date": f"{order.at:%Y-%m-%d %H:%M:%S}", "Order #": order.number,
            "N. Revenue (formatted)": f"€{money(order.goods)}", "Status": words[order.fate],
            "Customer": order.buyer, "Customer type": "returning",
            "Product(s)": ", ".join(f"{line.quantity}× {line.name}" for line in order.lines),
            "Items sold": order.quantity, "Net Sales": money(order.goods),
        }  # fmt: skip
        rows.append(sold)
        if order.refund and order.refund_at:
            rows.append(sold | {
                "Date": f"{order.refund_at:%Y-%m-%d %H:%M:%S}", "Items sold": 0, "Product(s)": "",
                "N. Revenue (formatted)": f"-€{money(order.refund)}", "Net Sales": money(-order.refund),
            })  # fmt: skip
    text = table(ANALYTICS, rows)
    return Export("wc-orders-report.csv", text, figures_with_refund_rows(orders, rows))


ADVANCED = header(
    "Order Number,Order Status,Order Date,Customer Note,First Name (Billing),Last Name (Billing),"
    "Company (Billing),Address 1&2 (Billing),City (Billing),State Code (Billing),Postcode (Billing),"
    "Country Code (Billing),Email (Billing),Phone (Billing),First Name (Shipping),Last Name (Shipping),"
    "Address 1&2 (Shipping),City (Shipping),State Code (Shipping),Postcode (Shipping),"
    "Country Code (Shipping),Payment Method Title,Cart Discount Amount,Order Subtotal Amount,"
    "Shipping Method Title,Order Shipping Amount,Order Refund Amount,Order Total Amount,"
    "Order Total Tax Amount,SKU,Item #,Item Name,Quantity (- Refund),Item Cost,Coupon Code,Discount Amount,"
    "Discount Amount Tax"
)


def woocommerce_advanced() -> Export:
    """Money of the order on every line; pieces given back are off the quantity already."""
    orders = world(order_off=True)
    words = {"paid": "Completed", "cancelled": "Cancelled", "pending": "Pending payment",
             "refunded": "Refunded", "part": "Completed"}  # fmt: skip
    rows: list[Row] = []
    for order in orders:
        if order.fate == "part":
            order.refund = 0
        for position, line in enumerate(order.lines):
            rows.append({
                "Order Number": order.number, "Order Status": words[order.fate],
                "Order Date": f"{order.at:%Y-%m-%d %H:%M:%S}", "Email (Billing)": order.email,
                "First Name (Billing)": f"Given{order.person:02d}", "Country Code (Billing)": "DE",
                "Cart Discount Amount": money(order.off),
                "Order Subtotal Amount": money(order.goods + order.off),
                "Order Shipping Amount": money(order.shipping), "Order Refund Amount": money(order.refund),
                "Order Total Amount": money(order.total), "Order Total Tax Amount": money(order.tax),
                "SKU": line.sku, "Item #": position + 1, "Item Name": line.name,
                "Quantity (- Refund)": line.quantity, "Item Cost": money(line.price),
                "Coupon Code": "TEN" if order.off and position == 0 else "",
                "Discount Amount": money(order.off) if order.off and position == 0 else "",
            })  # fmt: skip
    return Export("orders-export.csv", table(ADVANCED, rows), figures(orders, rows))


CSV_ITEMS = header(
    "order_id,order_number,order_number_formatted,date,status,shipping_total,shipping_tax_total,fee_total,"
    "fee_tax_total,tax_total,discount_total,order_total,refunded_total,order_currency,payment_method,"
    "shipping_method,customer_id,billing_first_name,billing_last_name,billing_full_name,billing_email,"
    "billing_country,customer_note,item_id,item_product_id,item_name,item_sku,item_quantity,item_subtotal,"
    "item_subtotal_tax,item_total,item_total_tax,item_refunded,item_refunded_qty,item_meta"
)


def _spread(order: Order) -> list[int]:
    """The order's discount over its lines, in cents; the last line takes what is left."""
    full = sum(line.full for line in order.lines)
    shares = [order.off * line.full // full for line in order.lines[:-1]]
    return [*shares, order.off - sum(shares)]


def woocommerce_csv_items() -> Export:
    """Guests are customer 0; the item's total is after coupons."""
    orders = world(order_off=True)
    words = {"paid": "completed", "cancelled": "cancelled", "pending": "on-hold",
             "refunded": "refunded", "part": "processing"}  # fmt: skip
    rows: list[Row] = []
    for order in orders:
        for line, off in zip(order.lines, _spread(order), strict=True):
            first = line is order.lines[0]
            given = order.refund if order.fate == "part" and first else 0
            rows.append({
                "order_id": order.number, "order_number": order.number, "status": words[order.fate],
                "date": f"{order.at:%Y-%m-%d %H:%M:%S}", "shipping_total": money(order.shipping),
                "tax_total": money(order.tax), "discount_total": money(order.off),
                "order_total": money(order.total), "refunded_total": money(order.refund),
                "order_currency": "GBP", "customer_id": order.person if order.person % 4 else 0,
                "billing_email": order.email, "item_name": line.name, "item_sku": line.sku,
                "item_quantity": line.quantity, "item_subtotal": money(line.full),
                "item_total": money(line.full - off), "item_refunded": money(given),
                "item_total_tax": money(round((line.full - off) * 0.2)),
            })  # fmt: skip
    return Export("orders-items.csv", table(CSV_ITEMS, rows), figures(orders, rows, currency="GBP"))


GRID = header(
    "ID,Purchase Point,Purchase Date,Bill-to Name,Ship-to Name,Grand Total (Base),Grand Total (Purchased),"
    "Status,Billing Address,Shipping Address,Shipping Information,Customer Email,Customer Group,Subtotal,"
    "Shipping and Handling,Customer Name,Payment Method,Total Refunded"
)


def magento_grid() -> Export:
    """One row per order without lines: its subtotal is the goods."""
    orders = world()
    words = {"paid": "Complete", "cancelled": "Canceled", "pending": "Pending Payment",
             "refunded": "Closed", "part": "Complete"}  # fmt: skip
    rows: list[Row] = [
        {
            "ID": f"{order.number:09d}", "Purchase Point": "Main Website",
            "Purchase Date": f"{order.at:%Y-%m-%d %H:%M:%S}", "Bill-to Name": order.buyer,
            "Grand Total (Base)": money(order.total), "Grand Total (Purchased)": money(order.total),
            "Status": words[order.fate], "Customer Email": order.email, "Customer Group": "General",
            "Subtotal": money(order.goods), "Shipping and Handling": money(order.shipping),
            "Customer Name": order.buyer, "Total Refunded": money(order.refund),
        }
        for order in orders
    ]  # fmt: skip
    return Export("orders.csv", table(GRID, rows), figures(orders, rows))


MAGENTO_ITEMS = header(
    "item_id,order_id,parent_item_id,store_id,created_at,updated_at,product_id,product_type,sku,name,"
    "qty_canceled,qty_invoiced,qty_ordered,qty_refunded,qty_shipped,base_cost,price,base_price,"
    "original_price,tax_percent,tax_amount,base_tax_amount,discount_percent,discount_amount,"
    "base_discount_amount,amount_refunded,base_amount_refunded,row_total,base_row_total,price_incl_tax,"
    "row_total_incl_tax,increment_id,status,customer_id,customer_email,order_currency_code"
)


def magento_items() -> Export:
    """The table of order items joined with the orders; the row's total is before its discount."""
    orders = world(line_off=True)
    words = {"paid": "complete", "cancelled": "canceled", "pending": "pending_payment",
             "refunded": "closed", "part": "complete"}  # fmt: skip
    rows: list[Row] = []
    for order in orders:
        for line in order.lines:
            given = order.refund if order.fate == "part" and line is order.lines[0] else 0
            tax = round(line.net * 0.2)
            rows.append({
                "item_id": 90_000 + len(rows), "order_id": order.number - 2000, "product_id": 7,
                "created_at": f"{order.at:%Y-%m-%d %H:%M:%S}", "product_type": "simple",
                "sku": line.sku, "name": line.name, "qty_ordered": f"{line.quantity}.0000",
                "price": f"{money(line.price)}00", "base_price": f"{money(line.price)}00",
                "tax_amount": f"{money(tax)}00", "discount_amount": f"{money(line.off)}00",
                "base_discount_amount": f"{money(line.off)}00", "row_total": f"{money(line.full)}00",
                "base_row_total": f"{money(line.full)}00", "amount_refunded": f"{money(given)}00",
                "row_total_incl_tax": f"{money(line.full + tax)}00",
                "increment_id": f"{order.number:09d}", "status": words[order.fate],
                "customer_id": order.person + 1, "customer_email": order.email,
                "order_currency_code": "USD",
            })  # fmt: skip
    right = figures(orders, rows, currency="USD")
    return Export("sales_order_item.csv", table(MAGENTO_ITEMS, rows), right)


BIGCOMMERCE = header(
    "Order ID,Customer ID,Customer Name,Customer Email,Customer Phone,Order Date,Order Status,"
    "Subtotal (inc tax),Subtotal (ex tax),Tax Total,Shipping Cost (inc tax),Shipping Cost (ex tax),"
    "Ship Method,Handling Cost (inc tax),Handling Cost (ex tax),Order Total (inc tax),"
    "Order Total (ex tax),Payment Method,Total Quantity,Total Shipped,Date Shipped,Order Currency Code,"
    "Exchange Rate,Order Notes,Customer Message,Billing Email,Product Details,Coupon Details,Refund Amount"
)


def bigcommerce() -> Export:
    """All goods of the order in one cell; dates are day first."""
    orders = world()
    words = {"paid": "Completed", "cancelled": "Cancelled", "pending": "Awaiting Payment",
             "refunded": "Refunded", "part": "Partially Refunded"}  # fmt: skip
    rows: list[Row] = [
        {
            "Order ID": order.number, "Customer ID": order.person + 1, "Customer Name": order.buyer,
            "Customer Email": order.email, "Order Date": f"{order.at:%d/%m/%Y}",
            "Order Status": words[order.fate], "Subtotal (inc tax)": money(order.goods + order.tax),
            "Subtotal (ex tax)": money(order.goods), "Tax Total": money(order.tax),
            "Shipping Cost (inc tax)": money(order.shipping),
            "Shipping Cost (ex tax)": money(order.shipping), "Order Total (inc tax)": money(order.total),
            "Order Total (ex tax)": money(order.goods + order.shipping),
            "Total Quantity": order.quantity, "Order Currency Code": "GBP",
            "Product Details": "|".join(
                f"Product ID: {len(line.sku)}, Product Qty: {line.quantity}, Product SKU: {line.sku}, "
                f"Product Name: {line.name}" for line in order.lines
            ),
            "Refund Amount": money(order.refund),
        }
        for order in orders
    ]  # fmt: skip
    return Export("orders.csv", table(BIGCOMMERCE, rows), figures(orders, rows, currency="GBP"))


def prestashop() -> Export:
    """The list of orders: a name is all that is known of the buyer, the total holds tax and shipping."""
    orders = world()
    words = {"paid": "Delivered", "cancelled": "Canceled", "pending": "Awaiting bank wire payment",
             "refunded": "Refunded", "part": "Payment accepted"}  # fmt: skip
    rows: list[Row] = [
        {
            "ID": order.number, "Reference": f"XK{order.number}QP", "New client": "No",
            "Delivery": "Germany", "Customer": f"G. Family{order.person:02d}",
            "Total": money(order.total), "Payment": "Bank transfer", "Status": words[order.fate],
            "Date": f"{order.at:%Y-%m-%d %H:%M:%S}",
        }
        for order in orders
    ]  # fmt: skip
    names = header(
        "ID;Reference;New client;Delivery;Customer;Total;Payment;Status;Date", separator=";"
    )
    paid = sum(order.total for order in orders if order.stands) / 100
    right = figures(orders, rows) | {"revenue": paid}
    return Export("order_export.csv", table(names, rows, ";"), right)


ODOO = header(
    "Order Reference,Order Date,Customer,Status,Currency,Untaxed Amount,Taxes,Total,Order Lines/Product,"
    "Order Lines/Description,Order Lines/Quantity,Order Lines/Unit Price,Order Lines/Discount (%),"
    "Order Lines/Subtotal,Order Lines/Total"
)


def odoo() -> Export:
    """The order's number stands on its first line only; quotations are no purchases."""
    orders = world(line_off=True)
    words = {"paid": "Sales Order", "cancelled": "Cancelled", "pending": "Quotation",
             "refunded": "Cancelled", "part": "Locked"}  # fmt: skip
    rows: list[Row] = []
    for order in orders:
        order.refund = 0
        for position, line in enumerate(order.lines):
            row: Row = {
                "Order Lines/Product": line.name, "Order Lines/Description": f"[{line.sku}] {line.name}",
                "Order Lines/Quantity": f"{line.quantity}.00", "Order Lines/Unit Price": money(line.price),
                "Order Lines/Discount (%)": "15.00" if line.off else "0.00",
                "Order Lines/Subtotal": money(line.net),
                "Order Lines/Total": money(line.net + round(line.net * 0.2)),
            }  # fmt: skip
            if position == 0:
                row |= {
                    "Order Reference": f"S{order.number:05d}", "Customer": order.buyer,
                    "Order Date": f"{order.at:%Y-%m-%d %H:%M:%S}", "Status": words[order.fate],
                    "Currency": "EUR", "Untaxed Amount": money(order.goods), "Taxes": money(order.tax),
                    "Total": money(order.goods + order.tax),
                }  # fmt: skip
            rows.append(row)
    return Export("sale.order.csv", table(ODOO, rows), figures(orders, rows, currency="EUR"))


ODOO_POS = header(
    "Order Ref,Receipt Number,Date,Customer,Session,Point of Sale,Status,Taxes,Total,Order Lines/Product,"
    "Order Lines/Quantity,Order Lines/Unit Price,Order Lines/Discount (%),Order Lines/Tax Excl.,"
    "Order Lines/Tax Incl."
)


def odoo_pos() -> Export:
    """A till: a refund is an order of its own with negative quantities."""
    orders = [order for order in world(line_off=True) if order.fate in ("paid", "refunded")]
    rows: list[Row] = []

    def add(order: Order, sign: int, name: str, at: str) -> None:
        for position, line in enumerate(order.lines):
            row: Row = {
                "Order Lines/Product": line.name, "Order Lines/Quantity": f"{sign * line.quantity}.0",
                "Order Lines/Unit Price": money(line.price),
                "Order Lines/Discount (%)": "15.0" if line.off else "0.0",
                "Order Lines/Tax Excl.": money(sign * line.net),
                "Order Lines/Tax Incl.": money(sign * (line.net + round(line.net * 0.2))),
            }  # fmt: skip
            if position == 0:
                row |= {
                    "Order Ref": name, "Receipt Number": f"Order {len(rows):05d}-001", "Date": at,
                    "Customer": order.buyer, "Session": "POS/1", "Point of Sale": "Shop",
                    "Status": "Posted", "Taxes": money(sign * order.tax),
                    "Total": money(sign * (order.goods + order.tax)),
                }  # fmt: skip
            rows.append(row)

    for order in orders:
        name = f"Shop/{order.number}"
        add(order, 1, name, f"{order.at:%Y-%m-%d %H:%M:%S}")
        if order.refund_at:
            add(order, -1, f"{name} REFUND", f"{order.refund_at:%Y-%m-%d %H:%M:%S}")
    return Export("pos.order.csv", table(ODOO_POS, rows), figures_with_refund_rows(orders, rows))


INVOICE = header(
    "ID,Customer,Customer Name,Date,Posting Time,Is Return (Credit Note),Return Against,Currency,Status,"
    "Net Total,Total Taxes and Charges,Grand Total,Additional Discount Amount,ID (Items),Item (Items),"
    "Item Name (Items),Quantity (Items),Rate (Items),Amount (Items),Net Amount (Items)"
)


def erpnext_invoice() -> Export:
    """Invoices with their items below; a credit note is a paper of its own."""
    orders = world()
    words = {"paid": "Paid", "cancelled": "Cancelled", "pending": "Draft",
             "refunded": "Credit Note Issued", "part": "Overdue"}  # fmt: skip
    rows: list[Row] = []

    def add(order: Order, sign: int, name: str, status: str, day: str) -> None:
        for position, line in enumerate(order.lines):
            row: Row = {
                "ID (Items)": f"{name}-{position}", "Item (Items)": line.sku,
                "Item Name (Items)": line.name, "Quantity (Items)": sign * line.quantity,
                "Rate (Items)": money(line.price), "Amount (Items)": money(sign * line.full),
                "Net Amount (Items)": money(sign * line.full),
            }  # fmt: skip
            if position == 0:
                row |= {
                    "ID": name, "Customer": order.buyer, "Customer Name": order.buyer, "Date": day,
                    "Posting Time": "10:00:00", "Is Return (Credit Note)": int(sign < 0),
                    "Currency": "INR", "Status": status, "Net Total": money(sign * order.goods),
                    "Total Taxes and Charges": money(sign * order.tax),
                    "Grand Total": money(sign * (order.goods + order.tax)),
                    "Additional Discount Amount": "0.00",
                }  # fmt: skip
            rows.append(row)

    for order in orders:
        if order.fate == "part":
            order.refund = 0
        name = f"ACC-SINV-2024-{order.number:05d}"
        add(order, 1, name, words[order.fate], f"{order.at:%Y-%m-%d}")
        if order.fate == "refunded" and order.refund_at:
            back = f"ACC-SINV-RET-2024-{order.number:05d}"
            add(order, -1, back, "Return", f"{order.refund_at:%Y-%m-%d}")
    right = figures_with_refund_rows(orders, rows, currency="INR")
    return Export("sales-invoice.csv", table(INVOICE, rows), right)


SHOPS: dict[str, Maker] = {
    "shopify": shopify,
    "woocommerce-analytics": woocommerce_analytics,
    "woocommerce-advanced-order-export": woocommerce_advanced,
    "woocommerce-csv-export-items": woocommerce_csv_items,
    "magento-order-grid": magento_grid,
    "magento-order-items": magento_items,
    "bigcommerce": bigcommerce,
    "prestashop": prestashop,
    "odoo-sale-orders": odoo,
    "odoo-point-of-sale": odoo_pos,
    "erpnext-sales-invoice": erpnext_invoice,
}
