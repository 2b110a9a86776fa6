"""Exports of tills, payments, market places and Chinese platforms."""

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

SQUARE = header(
    "Date,Time,Time Zone,Category,Item,Qty,Price Point Name,SKU,Modifiers Applied,Gross Sales,Discounts,"
    "Net Sales,Tax,Transaction ID,Payment ID,Device Name,Notes,Details,Event Type,Location,Dining Option,"
    "Customer ID,Customer Name,Customer Reference ID,Unit,Count,GTIN,Itemization Type,Commission,Employee,"
    "Fulfillment Note,Channel,Token,Card Brand,PAN Suffix"
)


def square_items() -> Export:
    """All money with a sign; every third sale is of nobody; refunds are rows."""
    orders = [order for order in world(line_off=True) if order.fate in ("paid", "refunded")]
    rows: list[Row] = []

    def add(order: Order, sign: int, event: str, day: str, clock: str) -> None:
        for line in order.lines:
            known = order.person % 3 > 0
            rows.append({
                "Date": day, "Time": clock, "Time Zone": "Eastern Time (US & Canada)",
                "Category": "None", "Item": line.name, "Qty": f"{sign * line.quantity}.0",
                "Price Point Name": "Regular", "SKU": line.sku,
                "Gross Sales": money(sign * line.full, sign="$"),
                "Discounts": money(-sign * line.off, sign="$"),
                "Net Sales": money(sign * line.net, sign="$"),
                "Tax": money(sign * round(line.net * 0.2), sign="$"),
                "Transaction ID": f"T{order.number}aZ{'R' if sign < 0 else ''}",
                "Payment ID": f"p{order.number}", "Event Type": event, "Location": "Main Street",
                "Customer ID": f"CUST{order.person:03d}" if known else "",
                "Customer Name": order.buyer if known else "", "Unit": "ea", "Count": line.quantity,
                "Itemization Type": "Physical Good", "Channel": "Our Shop", "Token": f"TK{line.sku}",
            })  # fmt: skip

    for order in orders:
        add(order, 1, "Payment", f"{order.at:%Y-%m-%d}", f"{order.at:%H:%M:%S}")
        if order.refund_at and order.person % 3 > 0:
            day, clock = f"{order.refund_at:%Y-%m-%d}", f"{order.refund_at:%H:%M:%S}"
            add(order, -1, "Refund", day, clock)
    revenue = sum(order.goods for order in orders if order.fate == "paid" or order.person % 3 == 0)
    right: dict[str, object] = {
        "customers": len({order.person for order in orders if order.person % 3 > 0}),
        "revenue": revenue / 100,
        "rows_read": len(rows),
    }
    return Export("items.csv", table(SQUARE, rows), right)


SQUARE_SALES = header(
    "Date,Time,Time Zone,Gross Sales,Discounts,Service Charges,Net Sales,Gift Card Sales,Tax,Tip,"
    "Partial Refunds,Total Collected,Source,Card,Card Entry Methods,Cash,Square Gift Card,Other Tender,"
    "Other Tender Type,Tender Note,Fees,Net Total,Transaction ID,Payment ID,Card Brand,PAN Suffix,"
    "Device Name,Staff Name,Staff ID,Details,Description,Event Type,Location,Dining Option,Customer ID,"
    "Customer Name,Customer Reference ID,Transaction Status"
)


def square_transactions() -> Export:
    """One row per sale; what is left after fees is not what was paid."""
    orders = world(order_off=True)
    words = {"paid": "Complete", "cancelled": "Voided", "pending": "Open", "refunded": "Voided",
             "part": "Complete"}  # fmt: skip
    rows: list[Row] = []
    for order in orders:
        order.refund = 0
        fee = round(order.total * 0.026) + 10
        rows.append({
            "Date": f"{order.at:%Y-%m-%d}", "Time": f"{order.at:%H:%M:%S}",
            "Time Zone": "Eastern Time (US & Canada)",
            "Gross Sales": money(order.goods + order.off, sign="$"),
            "Discounts": money(-order.off, sign="$"), "Net Sales": money(order.goods, sign="$"),
            "Tax": money(order.tax, sign="$"), "Tip": "$0.00",
            "Total Collected": money(order.goods + order.tax, sign="$"), "Source": "Register",
            "Card": money(order.goods + order.tax, sign="$"), "Cash": "$0.00",
            "Fees": money(-fee, sign="$"), "Net Total": money(order.goods + order.tax - fee, sign="$"),
            "Transaction ID": f"T{order.number}aZ", "Event Type": "Payment",
            "Description": ", ".join(f"{line.name} x {line.quantity}" for line in order.lines),
            "Location": "Main Street", "Customer ID": f"CUST{order.person:03d}",
            "Customer Name": order.buyer, "Transaction Status": words[order.fate],
        })  # fmt: skip
    return Export("transactions.csv", table(SQUARE_SALES, rows), figures(orders, rows))


STRIPE = header(
    "id,Description,Seller Message,Created (UTC),Amount,Amount Refunded,Currency,Converted Amount,"
    "Converted Amount Refunded,Fee,Tax,Converted Currency,Mode,Status,Statement Descriptor,Customer ID,"
    "Customer Description,Customer Email,Captured,Card ID,Invoice ID,Payment Source Type,Transfer"
)
STRIPE_UNIFIED = header(
    "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,"
    "Converted Amount Refunded,Converted Currency,Description,Fee,Is Link,Link Funding,Mode,"
    "PaymentIntent ID,Payment Source Type,Refunded date (UTC),Statement Descriptor,Status,Seller Message,"
    "Taxes On Fee,Card ID,Card Name,Customer ID,Customer Description,Customer Email,Invoice ID,Transfer"
)


def _stripe(names: list[str], created: str, file: str) -> Export:
    """Payments of the whole total; guests get a new customer id each time."""
    orders = world()
    words = {"paid": "Paid", "cancelled": "Failed", "pending": "requires_payment_method",
             "refunded": "Refunded", "part": "Paid"}  # fmt: skip
    rows: list[Row] = []
    for order in orders:
        given = order.total if order.fate == "refunded" else order.refund
        rows.append({
            "id": f"ch_{order.number}x", "Description": f"Order {order.number}",
            created: f"{order.at:%Y-%m-%d %H:%M:%S}", "Amount": money(order.total),
            "Amount Refunded": money(given), "Currency": "usd", "Converted Amount": money(order.total),
            "Converted Currency": "usd", "Fee": money(round(order.total * 0.029) + 30), "Mode": "Live",
            "Status": words[order.fate], "Customer ID": f"cus_{order.number}",
            "Customer Email": order.email, "Captured": "true", "Payment Source Type": "card",
        })  # fmt: skip
    paid = sum(order.total - order.refund for order in orders if order.stands) / 100
    right = figures(orders, rows, currency="USD") | {"revenue": paid}
    return Export(file, table(names, rows), right)


def stripe_payments() -> Export:
    return _stripe(STRIPE, "Created (UTC)", "payments.csv")


def stripe_unified() -> Export:
    return _stripe(STRIPE_UNIFIED, "Created date (UTC)", "unified_payments.csv")


PAYPAL = header(
    "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,Fee,Net,From Email Address,To Email Address,"
    "Transaction ID,Shipping Address,Address Status,Item Title,Item ID,Shipping and Handling Amount,"
    "Sales Tax,Reference Txn ID,Invoice Number,Custom Number,Quantity,Balance,Country,Balance Impact"
)


def paypal() -> Export:
    """Gross is what was paid; refunds and withdrawals are rows; the shop itself is no customer."""
    orders = world()
    shop = "sales@shop.test"
    rows: list[Row] = []

    def add(
        order: Order, at: str, clock: str, kind: str, status: str, gross: int, **more: str
    ) -> None:
        fee = -round(gross * 0.034) if gross > 0 else 0
        rows.append({
            "Date": at, "Time": clock, "TimeZone": "CET", "Name": order.buyer, "Type": kind,
            "Status": status, "Currency": "EUR", "Gross": _german(gross), "Fee": _german(fee),
            "Net": _german(gross + fee), "Invoice Number": f"WC-{order.number}",
            **{name.replace("_", " "): value for name, value in more.items()},
        })  # fmt: skip

    for order in orders:
        day, clock = f"{order.at:%d/%m/%Y}", f"{order.at:%H:%M:%S}"
        status = {"cancelled": "Denied", "pending": "Pending", "refunded": "Refunded",
                  "part": "Partially Refunded"}.get(order.fate, "Completed")  # fmt: skip
        ids = {"From_Email_Address": order.email, "To_Email_Address": shop}
        add(order, day, clock, "Express Checkout Payment", status, order.goods,
            Transaction_ID=f"TX{order.number}", Balance_Impact="Credit", **ids)  # fmt: skip
        if order.refund_at:
            ids = {"From_Email_Address": shop, "To_Email_Address": order.email}
            add(order, f"{order.refund_at:%d/%m/%Y}", f"{order.refund_at:%H:%M:%S}", "Payment Refund",
                "Completed", -order.refund, Transaction_ID=f"RX{order.number}",
                Reference_Txn_ID=f"TX{order.number}", Balance_Impact="Debit", **ids)  # fmt: skip
    rows += [
        {
            "Date": f"28/{month:02d}/2024", "Time": "06:00:00", "TimeZone": "CET", "Name": "",
            "Type": "General Withdrawal", "Status": "Completed", "Currency": "EUR",
            "Gross": "-1.000,00", "Fee": "0,00", "Net": "-1.000,00", "From Email Address": shop,
            "Transaction ID": f"WX{month}", "Balance Impact": "Debit",
        }
        for month in range(2, 9)
    ]  # fmt: skip
    right = figures_with_refund_rows(orders, rows, currency="EUR")
    return Export("Download.CSV", table(PAYPAL, rows), right, encoding="utf-8-sig")


def _german(cents: int) -> str:
    text = money(cents, decimal=",")
    whole, _, rest = text.partition(",")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return f"{sign}{int(digits):,}".replace(",", ".") + "," + rest


AMAZON = header(
    "amazon-order-id\tmerchant-order-id\tpurchase-date\tlast-updated-date\torder-status\t"
    "fulfillment-channel\tsales-channel\torder-channel\tship-service-level\tproduct-name\tsku\tasin\t"
    "item-status\tquantity\tcurrency\titem-price\titem-tax\tshipping-price\tshipping-tax\tgift-wrap-price\t"
    "gift-wrap-tax\titem-promotion-discount\tship-promotion-discount\tship-city\tship-state\t"
    "ship-postal-code\tship-country\tpromotion-ids\tis-business-order\tbuyer-email",
    separator="\t",
)


def amazon() -> Export:
    """The price is of the line, before its promotion; cancelled rows have no money."""
    orders = world(line_off=True)
    words = {"paid": "Shipped", "cancelled": "Cancelled", "pending": "Pending",
             "refunded": "Shipped - Returned to Seller", "part": "Shipped"}  # fmt: skip
    rows: list[Row] = []
    for order in orders:
        order.refund = 0
        for line in order.lines:
            empty = order.fate == "cancelled"
            rows.append({
                "amazon-order-id": f"302-{order.number:07d}-1234567",
                "purchase-date": f"{order.at:%Y-%m-%dT%H:%M:%S}+00:00",
                "order-status": words[order.fate], "fulfillment-channel": "Merchant",
                "sales-channel": "Amazon.de", "product-name": line.name, "sku": line.sku,
                "item-status": "Cancelled" if empty else "Shipped", "quantity": 0 if empty else line.quantity,
                "currency": "" if empty else "EUR", "item-price": "" if empty else money(line.full),
                "item-tax": "" if empty else money(round(line.net * 0.2)),
                "item-promotion-discount": money(line.off) if line.off and not empty else "",
                "ship-country": "DE", "buyer-email": f"m{order.person:02d}k@marketplace.test",
            })  # fmt: skip
    right = figures(orders, rows, currency="EUR")
    return Export("all-orders.txt", table(AMAZON, rows, "\t"), right)


ETSY_ITEMS = header(
    "Sale Date,Item Name,Buyer,Quantity,Price,Coupon Code,Coupon Details,Discount Amount,"
    "Shipping Discount,Order Shipping,Order Sales Tax,Item Total,Currency,Transaction ID,Listing ID,"
    "Date Paid,Date Shipped,Ship Name,Ship Address1,Ship Address2,Ship City,Ship State,Ship Zipcode,"
    "Ship Country,Order ID,Variations,Order Type,Listings Type,Payment Type,InPerson Discount,"
    "InPerson Location,VAT Paid by Buyer,SKU"
)
ETSY_ORDERS = header(
    "Sale Date,Order ID,Buyer User ID,Full Name,First Name,Last Name,Number of Items,Payment Method,"
    "Date Shipped,Street 1,Street 2,Ship City,Ship State,Ship Zipcode,Ship Country,Currency,Order Value,"
    "Coupon Code,Coupon Details,Discount Amount,Shipping Discount,Shipping,Sales Tax,Order Total,Status,"
    "Card Processing Fees,Order Net,Adjusted Order Total,Adjusted Card Processing Fees,"
    "Adjusted Net Order Amount,Buyer,Order Type,Payment Type,InPerson Discount,InPerson Location,SKU"
)


def etsy_items() -> Export:
    """Two-digit years, month first; the item's total is before its discount; no states."""
    orders = [order for order in world(line_off=True) if order.fate == "paid"]
    rows: list[Row] = [
        {
            "Sale Date": f"{order.at:%m/%d/%y}", "Item Name": line.name,
            "Buyer": f"{order.buyer} (user{order.person})", "Quantity": line.quantity,
            "Price": money(line.price), "Discount Amount": money(line.off), "Order Shipping": "4.50",
            "Order Sales Tax": "0", "Item Total": money(line.full), "Currency": "USD",
            "Transaction ID": 400_000 + order.number * 10 + position, "Listing ID": f"77{len(line.name)}3",
            "Date Paid": f"{order.at:%m/%d/%Y}", "Ship Country": "United States",
            "Order ID": order.number, "SKU": line.sku,
        }
        for order in orders
        for position, line in enumerate(order.lines)
    ]  # fmt: skip
    right = figures(orders, rows, currency="USD")
    return Export("EtsySoldOrderItems2024.csv", table(ETSY_ITEMS, rows), right)


def etsy_orders() -> Export:
    """One row per order: its value is before the discount, what is left after fees is no price."""
    orders = world(order_off=True)
    words = {"paid": "Completed", "cancelled": "Canceled", "pending": "Unpaid", "refunded": "Refunded",
             "part": "Completed"}  # fmt: skip
    rows: list[Row] = []
    for order in orders:
        order.refund = 0
        fee = round(order.goods * 0.04)
        rows.append({
            "Sale Date": f"{order.at:%m/%d/%y}", "Order ID": order.number,
            "Buyer User ID": f"user{order.person}", "Full Name": order.buyer,
            "Number of Items": order.quantity, "Payment Method": "Credit Card", "Currency": "USD",
            "Ship Country": "United States", "Order Value": money(order.goods + order.off),
            "Discount Amount": money(order.off), "Shipping": money(order.shipping), "Sales Tax": "0.00",
            "Order Total": money(order.goods + order.shipping), "Status": words[order.fate],
            "Card Processing Fees": money(fee), "Order Net": money(order.goods + order.shipping - fee),
            "Adjusted Order Total": "0.00", "SKU": ",".join(line.sku for line in order.lines),
        })  # fmt: skip
    right = figures(orders, rows, currency="USD")
    return Export("EtsySoldOrders2024.csv", table(ETSY_ORDERS, rows), right)


EBAY = header(
    "Sales Record Number,Order Number,Buyer Username,Buyer Name,Buyer Email,Buyer Note,Item Number,"
    "Item Title,Custom Label,Sold Via Promoted Listings,Quantity,Sold For,Shipping And Handling,"
    "Seller Collected Tax,eBay Collected Tax,Total Price,Payment Method,Sale Date,Paid On Date,"
    "Ship By Date,Shipped On Date,Transaction ID,Variation Details"
)


def ebay() -> Export:
    """A blank line before the header, words below the table; several items have a row above them."""
    orders = world()
    rows: list[Row] = []
    for order in orders:
        order.refund = 0
        # the report holds what was sold: unpaid orders have no day of payment
        order.fate = "cancelled" if order.fate in ("cancelled", "pending", "refunded") else "paid"
        paid = f"{order.at:%b-%d-%y}" if order.fate == "paid" else ""
        head: Row = {
            "Sales Record Number": order.number, "Order Number": f"12-{order.number}-7",
            "Buyer Username": f"buyer_{order.person}", "Buyer Name": order.buyer,
            "Shipping And Handling": money(order.shipping, sign="$"), "Seller Collected Tax": "$0.00",
            "Total Price": money(order.goods + order.shipping, sign="$"),
            "Sale Date": f"{order.at:%b-%d-%y}", "Paid On Date": paid,
        }  # fmt: skip
        items: list[Row] = [
            {
                "Sales Record Number": order.number, "Item Number": f"11{len(line.name)}55",
                "Item Title": line.name, "Custom Label": line.sku, "Quantity": line.quantity,
                "Sold For": money(line.price, sign="$"), "Transaction ID": f"{order.number}{line.sku}",
            }
            for line in order.lines
        ]  # fmt: skip
        if len(items) == 1:
            rows.append(head | items[0])
        else:
            sold: Row = {"Quantity": order.quantity, "Sold For": money(order.goods, sign="$")}
            rows += [head | sold, *items]
    below = f'\r\n{len(orders)},record(s) downloaded,"from Jan-01-24 to Feb-28-25"\r\nSeller ID : shop\r\n'
    right = figures(orders, [*rows, {}, {}])
    text = "\r\n" + table(EBAY, rows) + below
    return Export("eBay-OrdersReport.csv", text, right, encoding="utf-8-sig")


OLIST = header(
    "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value,customer_id,"
    "order_status,order_purchase_timestamp,customer_unique_id,product_category_name"
)


def olist() -> Export:
    """The public tables joined: a row is a piece, and customer_id is new with every order."""
    orders = world()
    words = {"paid": "delivered", "cancelled": "canceled", "pending": "created",
             "refunded": "canceled", "part": "shipped"}  # fmt: skip
    rows: list[Row] = []
    for order in orders:
        order.refund = 0
        pieces = [line for line in order.lines for _ in range(line.quantity)]
        rows += [
            {
                "order_id": f"{order.number:032x}", "order_item_id": position,
                "product_id": f"{sum(map(ord, line.sku)):032x}", "seller_id": f"{7:032x}",
                "shipping_limit_date": f"{order.at:%Y-%m}-28 10:00:00", "price": money(line.price),
                "freight_value": "4.95", "customer_id": f"{order.number + 9_000_000:032x}",
                "order_status": words[order.fate],
                "order_purchase_timestamp": f"{order.at:%Y-%m-%d %H:%M:%S}",
                "customer_unique_id": f"{order.person + 500:032x}",
                "product_category_name": "casa",
            }
            for position, line in enumerate(pieces, start=1)
        ]  # fmt: skip
    return Export("olist.csv", table(OLIST, rows), figures(orders, rows))


TAOBAO = header(
    "订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,买家支付积分,总金额,返点积分,买家实际支付金额,"
    "买家实际支付积分,订单状态,买家留言,收货人姓名,收货地址 ,运送方式,联系电话 ,联系手机,订单创建时间,订单付款时间 ,"
    "宝贝标题 ,宝贝种类 ,物流单号 ,物流公司,订单备注,宝贝总数量,店铺Id,店铺名称,订单关闭原因,卖家服务费,买家服务费,"
    "发票抬头,是否手机订单,分阶段订单信息,定金排名,修改后的sku,修改后的收货地址,异常信息,天猫卡券抵扣,集分宝抵扣,"
    "是否是O2O交易,退款金额"
)


def taobao() -> Export:
    """GBK, numbers of 19 digits kept from spreadsheets by a formula, goods as a list."""
    orders = world()
    words = {"paid": "交易成功", "cancelled": "交易关闭", "pending": "等待买家付款",
             "refunded": "交易关闭", "part": "卖家已发货，等待买家确认"}  # fmt: skip
    rows: list[Row] = [
        {
            "订单编号": f'="10000000000000{order.number}7"', "买家会员名": f"会员{order.person:02d}",
            "买家应付货款": money(order.goods), "买家应付邮费": "0.00", "总金额": money(order.goods),
            "买家实际支付金额": money(order.goods), "订单状态": words[order.fate],
            "订单创建时间": f"{order.at:%Y-%m-%d %H:%M:%S}",
            "宝贝标题 ": "，".join(line.name for line in order.lines), "宝贝种类 ": len(order.lines),
            "宝贝总数量": order.quantity, "退款金额": money(order.refund),
        }
        for order in orders
    ]  # fmt: skip
    right = figures(orders, rows, currency="CNY")
    return Export("ExportOrderList.csv", table(TAOBAO, rows), right, encoding="gbk")


JD = header(
    "订单号,商品ID,商品名称,订购数量,支付方式,下单时间,京东价,订单金额,结算金额,余额支付,应付金额,订单状态,订单类型,"
    "下单帐号,客户姓名,客户地址,联系电话,订单备注,发票类型,发票抬头,发票内容,商家备注,运费金额,付款确认时间,"
    "增值税发票,货号,订单完成时间,订单来源,订单渠道"
)


def jd() -> Export:
    """Money of the order on every line; what is deleted was cancelled."""
    orders = world()
    words = {"paid": "完成", "cancelled": "(删除)等待出库", "pending": "等待付款", "refunded": "已取消",
             "part": "等待出库"}  # fmt: skip
    rows: list[Row] = []
    for order in orders:
        order.refund = 0
        rows += [
            {
                "订单号": f"2900{order.number}", "商品ID": f"88{sum(map(ord, line.sku))}",
                "商品名称": line.name, "订购数量": line.quantity, "支付方式": "在线支付",
                "下单时间": f"{order.at:%Y-%m-%d %H:%M:%S}", "京东价": money(line.price),
                "订单金额": money(order.goods), "结算金额": money(order.goods), "余额支付": "0.00",
                "应付金额": money(order.goods), "订单状态": words[order.fate],
                "下单帐号": f"jd_{order.person:02d}u", "运费金额": "0.00", "货号": line.sku,
                "付款确认时间": "0001-01-01 00:00:00",
            }
            for line in order.lines
        ]  # fmt: skip
    right = figures(orders, rows, currency="CNY")
    return Export("jd-orders.csv", table(JD, rows), right, encoding="gbk")


YOUZAN_ITEMS = header(
    "订单号,外部订单号,订单商品状态,订单创建时间,买家付款时间,交易成功时间,商品名称,商品类型,商品类目,商品规格,规格编码,"
    "商品编码,商品单价,商品优惠方式,商品优惠后价格,商品数量,商品金额小计,店铺优惠（分摊）,商品实际成交金额,商品抵用积分数,"
    "商品留言,收货人/提货人,收货人手机号/提货人手机号,收货人省份,收货人城市,买家备注,商品发货状态,商品退款状态,"
    "商品已退款金额,商家订单备注"
)


def youzan_items() -> Export:
    """The line's money is after the shop's discount, which stands beside it."""
    orders = world(line_off=True)
    words = {"paid": "交易完成", "cancelled": "已取消", "pending": "等待买家付款",
             "refunded": "交易关闭", "part": "已发货"}  # fmt: skip
    rows: list[Row] = []
    for order in orders:
        for line in order.lines:
            given = order.refund if order.fate == "part" and line is order.lines[0] else 0
            rows.append({
                "订单号": f"E{order.at:%Y%m%d%H%M%S}{order.number}", "订单商品状态": words[order.fate],
                "订单创建时间": f"{order.at:%Y-%m-%d %H:%M:%S}", "商品名称": line.name, "商品类目": "家居",
                "规格编码": line.sku, "商品编码": line.sku, "商品单价": money(line.price),
                "商品数量": line.quantity, "商品金额小计": money(line.full),
                "店铺优惠（分摊）": money(line.off), "商品实际成交金额": money(line.net),
                "收货人手机号/提货人手机号": f"1380000{order.person:04d}", "商品已退款金额": money(given),
            })  # fmt: skip
    right = figures(orders, rows, currency="CNY")
    return Export("youzan-items.csv", table(YOUZAN_ITEMS, rows), right)


YOUZAN = header(
    "订单号,销售渠道,归属店铺,订单类型,订单状态,推广方式,订单来源,订单创建时间,买家付款时间,交易成功时间,付款方式,"
    "支付流水号,商品金额合计,运费,店铺优惠合计,应收订单金额,订单实付金额,支付优惠合计,订单实收金额,全部商品名称,"
    "商品种类数,订单配送方式,收货人/提货人,收货人手机号/提货人手机号,买家备注,买家昵称,买家是否会员,买家手机号,"
    "分销员,订单退款状态,订单已退款金额,商家订单备注,分销员,分销员手机号"
)


def youzan_orders() -> Export:
    """Two columns of one name; goods as a list; blanks are dashes."""
    orders = world(order_off=True)
    words = {"paid": "交易完成", "cancelled": "交易关闭", "pending": "待付款", "refunded": "交易关闭",
             "part": "已发货"}  # fmt: skip
    rows: list[Row] = [
        {
            "订单号": f"E{order.at:%Y%m%d%H%M%S}{order.number}", "销售渠道": "网店", "归属店铺": "本店",
            "订单状态": words[order.fate], "订单创建时间": f"{order.at:%Y-%m-%d %H:%M:%S}",
            "商品金额合计": money(order.goods + order.off), "运费": "0.00",
            "店铺优惠合计": money(order.off), "应收订单金额": money(order.goods),
            "订单实付金额": money(order.goods), "全部商品名称": "; ".join(
                f"{line.name}(数量：{line.quantity})" for line in order.lines
            ),
            "买家昵称": "-", "买家手机号": f"1380000{order.person:04d}", "分销员": "——",
            "订单已退款金额": money(order.refund),
        }
        for order in orders
    ]  # fmt: skip
    right = figures(orders, rows, currency="CNY")
    return Export("youzan-orders.csv", table(YOUZAN, rows), right)


ELSEWHERE: dict[str, Maker] = {
    "square-items": square_items,
    "square-transactions": square_transactions,
    "stripe-payments": stripe_payments,
    "stripe-unified-payments": stripe_unified,
    "paypal": paypal,
    "amazon": amazon,
    "etsy-items": etsy_items,
    "etsy-orders": etsy_orders,
    "ebay": ebay,
    "olist": olist,
    "taobao-orders": taobao,
    "jd": jd,
    "youzan-items": youzan_items,
    "youzan-orders": youzan_orders,
}
