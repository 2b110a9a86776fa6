"""Exports with a row per order, sales orders, and tables that lack something another one holds."""

from tests.cases.systems.make_systems import (
    Export,
    Maker,
    Row,
    figures,
    header,
    money,
    table,
    world,
)

SALES_ORDER = header(
    "ID,Customer,Customer Name,Date,Delivery Date,Order Type,Company,Currency,Status,Net Total,"
    "Total Taxes and Charges,Grand Total,Additional Discount Amount,ID (Items),Item Code (Items),"
    "Item Name (Items),Item Group (Items),Quantity (Items),Rate (Items),Amount (Items),Net Amount (Items)"
)


def erpnext_sales_order() -> Export:
    """The order's fields stand on its first line; what is delivered and billed does not matter."""
    orders = world()
    words = {"paid": "Completed", "cancelled": "Cancelled", "pending": "Draft",
             "refunded": "Cancelled", "part": "To Deliver and Bill"}  # fmt: skip
    rows: list[Row] = []
    for order in orders:
        order.refund = 0
        for position, line in enumerate(order.lines):
            row: Row = {
                "ID (Items)": f"r{order.number}{position}", "Item Code (Items)": line.sku,
                "Item Name (Items)": line.name, "Item Group (Items)": "Kitchen",
                "Quantity (Items)": line.quantity, "Rate (Items)": money(line.price),
                "Amount (Items)": money(line.full), "Net Amount (Items)": money(line.full),
            }  # fmt: skip
            if position == 0:
                row |= {
                    "ID": f"SAL-ORD-2024-{order.number:05d}", "Customer": order.buyer,
                    "Customer Name": order.buyer, "Date": f"{order.at:%Y-%m-%d}",
                    "Delivery Date": f"{order.at:%Y-%m}-28", "Order Type": "Sales", "Currency": "INR",
                    "Status": words[order.fate], "Net Total": money(order.goods),
                    "Total Taxes and Charges": money(order.tax),
                    "Grand Total": money(order.goods + order.tax), "Additional Discount Amount": "0.00",
                }  # fmt: skip
            rows.append(row)
    right = figures(orders, rows, currency="INR")
    return Export("sales-order.csv", table(SALES_ORDER, rows), right)


CSV_ORDERS = header(
    "order_id,order_number,date,status,shipping_total,shipping_tax_total,fee_total,tax_total,discount_total,"
    "order_total,refunded_total,order_currency,payment_method,shipping_method,customer_id,billing_first_name,"
    "billing_last_name,billing_email,billing_country,customer_note,line_items,shipping_items,coupon_items"
)
WOO_WORDS = {"paid": "completed", "cancelled": "cancelled", "pending": "on-hold",
             "refunded": "refunded", "part": "processing"}  # fmt: skip


def woocommerce_csv_orders() -> Export:
    """All lines of an order in one cell: the total is read, less tax and shipping."""
    orders = world(order_off=True)
    rows: list[Row] = [
        {
            "order_id": order.number, "order_number": order.number,
            "date": f"{order.at:%Y-%m-%d %H:%M:%S}", "status": WOO_WORDS[order.fate],
            "shipping_total": money(order.shipping), "tax_total": money(order.tax),
            "discount_total": money(order.off), "order_total": money(order.total),
            "refunded_total": money(order.refund), "order_currency": "EUR", "customer_id": 0,
            "billing_email": order.email, "billing_country": "DE",
            "line_items": "; ".join(
                f"name:{line.name}|sku:{line.sku}|quantity:{line.quantity}" for line in order.lines
            ),
        }
        for order in orders
    ]  # fmt: skip
    right = figures(orders, rows, currency="EUR")
    return Export("orders.csv", table(CSV_ORDERS, rows), right)


WEBTOFFEE = header(
    "order_id,order_number,order_date,paid_date,status,shipping_total,shipping_tax_total,fee_total,tax_total,"
    "cart_discount,order_discount,discount_total,order_total,order_subtotal,order_currency,payment_method,"
    "customer_id,customer_user,customer_email,billing_first_name,billing_last_name,billing_email,"
    "wt_import_key,line_item_1,line_item_2,line_item_3"
)


def webtoffee() -> Export:
    """Lines side by side; nothing is said of refunds in part."""
    orders = world(order_off=True)
    rows: list[Row] = []
    for order in orders:
        if order.fate == "part":
            order.refund = 0
        row: Row = {
            "order_id": order.number, "order_number": order.number,
            "order_date": f"{order.at:%Y-%m-%d %H:%M:%S}", "status": WOO_WORDS[order.fate],
            "shipping_total": money(order.shipping), "tax_total": money(order.tax),
            "discount_total": money(order.off), "order_total": money(order.total),
            "order_subtotal": money(order.goods + order.off), "order_currency": "GBP",
            "customer_id": order.person + 2, "billing_email": order.email,
            "wt_import_key": order.number,
        }  # fmt: skip
        for position, line in enumerate(order.lines, start=1):
            row[f"line_item_{position}"] = (
                f"name:{line.name}|sku:{line.sku}|total:{money(line.full)}"
            )
        rows.append(row)
    return Export("order_export.csv", table(WEBTOFFEE, rows), figures(orders, rows, currency="GBP"))


OLIST_ORDERS = header(
    "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,"
    "order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date"
)


def olist_orders() -> Export:
    """Neither money nor a customer who comes back: both are in tables beside it."""
    rows: list[Row] = [
        {
            "order_id": f"{order.number:032x}", "customer_id": f"{order.number + 9_000_000:032x}",
            "order_status": "delivered", "order_purchase_timestamp": f"{order.at:%Y-%m-%d %H:%M:%S}",
            "order_approved_at": f"{order.at:%Y-%m-%d %H:%M:%S}",
        }
        for order in world()
    ]  # fmt: skip
    right = {"refused": ["unit_price"], "says": ["customer_unique_id", "the items for the money"]}
    return Export("olist_orders_dataset.csv", table(OLIST_ORDERS, rows), right)


TAOBAO_ITEMS = header(
    "订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码"
)


def taobao_items() -> Export:
    """Goods without buyer and day: the list of orders has them."""
    rows: list[Row] = [
        {
            "订单编号": f'="10000000000000{order.number}7"', "标题": line.name,
            "价格": money(line.price), "购买数量": line.quantity, "订单状态": "交易成功",
            "商家编码": line.sku,
        }
        for order in world()
        for line in order.lines
    ]  # fmt: skip
    right = {"refused": ["customer_id", "ordered_at"], "says": ["订单编号", "order list"]}
    return Export("ExportOrderDetailList.csv", table(TAOBAO_ITEMS, rows), right, encoding="gbk")


ORDERS_ALONE: dict[str, Maker] = {
    "erpnext-sales-order": erpnext_sales_order,
    "woocommerce-csv-export-orders": woocommerce_csv_orders,
    "woocommerce-webtoffee": webtoffee,
    "olist-orders-alone": olist_orders,
    "taobao-items": taobao_items,
}
