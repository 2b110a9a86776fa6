"""What column names tell, in the languages and habits of shop exports."""

import re
from functools import cache

# Patterns are tried on the name in lower case with single blanks ("InvoiceNo" →
# "invoice no"); the highest weight that matches counts, every doubt is subtracted.
_HINTS: dict[str, tuple[tuple[float, str], ...]] = {
    "ordered_at": (
        (
            3,
            r"(order|purchase|invoice|transaction|sale|sold|receipt|bill)\w* ?(date|time|dt|at|ts|on|day)",
        ),
        (
            3,
            r"(bestell|kauf|auftrags|rechnungs|beleg)\w*(datum|zeit)|(下单|订单|交易|购买).*(时间|日期)",
        ),
        (2, r"^(date|time|datetime|timestamp|datum|fecha|data|日期|时间)$|^created( at| on)?$"),
        (1, r"date|time|datum|fecha|日期|时间|\bdt\b|\bday\b|\bat$"),
    ),
    "customer_id": (
        (
            4,
            r"(customer|client|consumer|shopper|buyer|member|household|user|account|person|contact) ?(id|no|nr|num|number|key|code|ref)\b",
        ),
        (
            4,
            r"(kunden?|klant) ?(id|nr|no|nummer)|(会员|客户|顾客|用户)(编号|号|id)|^cust ?(id|no|nr)?$",
        ),
        (
            3,
            r"^(customer|client|shopper|buyer|member|household|user|kunde|cliente|会员|客户|顾客|用户)$",
        ),
        (2, r"loyalty|\bcard\b|e ?mail|customer|client|member|household|\bcust\b|kunde|cliente"),
        (0.5, r"\bid$"),
    ),
    "order_id": (
        (
            4,
            r"(order|invoice|basket|transaction|receipt|bill|ticket|purchase|check) ?(id|no|nr|num|number|key|code|ref)\b",
        ),
        (
            4,
            r"(bestell|auftrags?|rechnungs?|beleg|bon) ?(id|nr|no|nummer)|(订单|交易|小票)(编号|号|id)",
        ),
        (3, r"^(order|invoice|basket|transaction|receipt|ticket|trans ?id|订单)$"),
    ),
    "product_id": (
        (
            4,
            r"(product|item|article|stock|material|sku|upc|ean|plu|gtin|asin|isbn) ?(id|code|no|nr|num|number|key|ref)\b",
        ),
        (4, r"(artikel|produkt) ?(id|nr|no|nummer|code)|(商品|产品|货品)(编号|编码|号|id)"),
        (
            3,
            r"\b(sku|upc|ean|plu|gtin|asin|isbn)\b|^(product|item|article|artikel|produkt|商品|产品)$",
        ),
    ),
    "product_name": (
        (
            4,
            r"(product|item|article|lineitem|stock) ?(name|title|desc\w*)|(artikel|produkt) ?(name|bezeichnung)|(商品|产品)名称?",
        ),
        (3, r"^(description|beschreibung|bezeichnung|descripcion|title)$"),
        (2, r"^(product|item|article|artikel|produkt|商品|产品)$"),
    ),
    "category": (
        (4, r"categor|kategorie|warengruppe|品类|类别|分类"),
        (
            3,
            r"sub ?class|department|\bdept\b|commodity|product ?(type|group|class|line|family)|abteilung",
        ),
    ),
    "quantity": (
        (4, r"quantity|\bqty\b|quantit|cantidad|menge|anzahl|stückzahl|数量|件数"),
        (3, r"^(units|pieces|pcs|count|items|volume)$|units? ?sold|number of (items|units)"),
        (1, r"^amount$"),
    ),
    "amount": (
        (
            4,
            r"net ?(amount|sales|total|revenue|price|value)|(line|item|sales) ?(total|amount|value|revenue)|(netto|zeilen)\w*(betrag|umsatz)",
        ),
        (
            3,
            r"^(amount|sales|revenue|total|turnover|spend|spent|betrag|umsatz|montant|importe|金额|销售额)$",
        ),
        (
            2,
            r"amount|sales|revenue|total|turnover|spen[dt]|value|paid|betrag|umsatz|summe|金额|销售额",
        ),
    ),
    "unit_price": (
        (4, r"(unit|item|list|retail|per piece) ?(price|cost)|(einzel|stück)\w*preis|单价"),
        (3, r"price|preis|\bprix\b|precio|价格"),
    ),
    "cost": (
        (
            3,
            r"\bcosts?\b|\bcogs\b|wholesale|einkaufs?\w*preis|\bek\b|(wareneinsatz|kosten)|成本|进价",
        ),
        (2, r"^asset$"),
    ),
    "discount": (
        (3, r"disc|rabatt|remise|descuento|rebate|折扣|优惠"),
        (2, r"coupon|voucher ?(amount|value)|promo\w* ?(amount|value)"),
    ),
    "channel": (
        (4, r"channel|kanal|渠道"),
        (3, r"^(store|shop|outlet|branch|filiale|门店|店铺)( ?(id|no|nr|code|name|number))?$"),
    ),
    "card_id": (
        (
            3,
            r"(loyalty|club|bonus|membership|customer|store|discount|fidelity) ?card|^card$",
        ),
        (3, r"\b(card|account) ?(id|no|nr|num|number|key)\b"),
        (3, r"kundenkarte|karten ?(id|nr|nummer)|会员卡|卡号"),
    ),
    "currency": (
        (4, r"currenc|währung|\bdevise\b|moneda|valuta|货币|币种"),
        (3, r"^(ccy|curr?)( ?code)?$"),
    ),
    "ingested_at": ((3, r"ingest|(loaded|imported|inserted|etl) ?(at|on|date|time)"),),
}

_DOUBTS: dict[str, tuple[tuple[float, str], ...]] = {
    "ordered_at": (
        (
            4,
            r"ship|deliver|due|paid|payment|fulfil|cancel|return|refund|birth|dob\b|expir|liefer|versand|zahl",
        ),
        (
            4,
            r"update|modif|change|regist|sign ?up|join|ingest|load|import|insert|week|geburt|first|last|valid",
        ),
    ),
    "customer_id": (
        (
            3,
            r"name|type|segment|group|country|city|state|zip|age|gender|phone|order|product|item|store",
        ),
    ),
    "order_id": ((3, r"date|time|type|status|line|total|amount|store"),),
    "product_id": ((3, r"category|class|price|type|group|order"),),
    "product_name": ((3, r"category|class|price|quantity|customer"),),
    "category": ((3, r"customer|price|age"),),
    "quantity": ((3, r"price|stock|on hand"),),
    "amount": (
        (3, r"tax|vat|mwst|shipping|cost|discount|refund|outstanding|balance|steuer|versand"),
        (1, r"gross|list|brutto"),
    ),
    "unit_price": ((3, r"tax|vat|shipping|compare"), (1, r"list|compare|old|regular")),
    "cost": ((3, r"customer|shipping|centre|center"),),
    "discount": ((4, r"code|name|type|reason|percent|pct|%|rate|\bid\b"),),
    "channel": ((2, r"type|city|state"),),
    "card_id": ((4, r"gift|credit|debit|payment|type|brand|expir|balance|amount"),),
}

# numbers that are no money, whatever their size
_NO_MONEY = re.compile(
    r"\b(id|no|nr|age|zip|postcode|pin|phone|week|month|year|day|hour|quarter|lat|lon|latitude|longitude"
    r"|index|line|row|rank|rating|score|weight|tax|vat|percent|pct|rate|flag|points|size|number|code)\b"
)


@cache
def spaced(name: str) -> str:
    """`name` as lower-case words: ``InvoiceNo`` and ``INVOICE_NO`` are both ``invoice no``."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return " ".join(re.sub(r"[\W_]+", " ", parted).split()).casefold()


@cache
def likeness(field: str, name: str) -> float:
    """How much a column's name speaks for a field: 0 nothing, 4 plainly, below 0 against."""
    text = spaced(name)
    hints = (weight for weight, pattern in _HINTS[field] if re.search(pattern, text))
    doubts = (weight for weight, pattern in _DOUBTS.get(field, ()) if re.search(pattern, text))
    return max(hints, default=0.0) - sum(doubts)


def may_be_money(name: str) -> bool:
    """Whether a numeric column of this name can hold money or a count of goods."""
    return not _NO_MONEY.search(spaced(name))
