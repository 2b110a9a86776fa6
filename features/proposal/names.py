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
        (3, r"^(placed|ordered|bought|purchased)( at| on)?$"),
        (2, r"^(date|time|datetime|timestamp|datum|fecha|data|日期|时间)$|^created( at| on)?$"),
        (1, r"date|time|datum|fecha|日期|时间|\bdt\b|\bday\b|\bat$"),
    ),
    "time": (
        (4, r"(order|sale|purchase|transaction|created|receipt|sold)\w* ?time"),
        (3, r"^(time|time of day|clock|uhrzeit|zeit|heure|hora|ora|时间|时刻)$"),
        (
            3,
            r"(bestell|kauf|beleg)(uhr)?zeit|heure (de )?(la )?(commande|vente)|hora (del? )?(pedido|venta)",
        ),
        (2, r"(下单|订单|交易)时间"),
        (1, r"\btime\b|uhrzeit"),
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
        (
            3,
            r"^(payer|purchaser|acheteur|comprador|买家)$|buyer ?(user ?)?(name|id)|买家(会员名|昵称|账号)",
        ),
        (2, r"loyalty|\bcard\b|e ?mail|customer|client|member|household|\bcust\b|kunde|cliente"),
        (2, r"courriel|correo|邮箱|\bbuyer\b|\bpayer\b"),
        (1, r"手机号|联系电话|\b(phone|mobile|telefon|téléphone|teléfono)\b"),
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
        (4, r"(payment|charge|txn|trx|document|doc|sale) ?(id|no|nr|num|number|key|code|ref)\b"),
        (4, r"\b(n|no|nr|num[ée]ro|id) ?(de )?(la )?(commande|facture|pedido|factura|ticket)\b"),
        (
            3,
            r"^(order|invoice|basket|transaction|receipt|ticket|trans ?id|commande|facture|pedido|factura|订单)$",
        ),
        (1, r"^id$"),
    ),
    "product_id": (
        (
            4,
            r"(product|item|article|stock|material|sku|upc|ean|plu|gtin|asin|isbn) ?(id|code|no|nr|num|number|key|ref(erence)?)\b",
        ),
        (4, r"商家编码|商品货号"),
        (4, r"(artikel|produkt) ?(id|nr|no|nummer|code)|(商品|产品|货品)(编号|编码|号|id)"),
        (
            4,
            r"(code|réf(érence)?|referencia|código) ?(de |du |del )?(l )?(article|produit|producto|artículo)",
        ),
        (3, r"^(réf(érence)?|referencia|货号|款号|条码)$"),
        (
            3,
            r"\b(sku|upc|ean|plu|gtin|asin|isbn)\b|^(product|item|article|artikel|produkt|produit|producto|商品|产品)$",
        ),
        (2, r"选购商品"),
    ),
    "product_name": (
        (
            4,
            r"(product|item|article|lineitem|stock) ?(name|title|desc\w*)|(artikel|produkt) ?(name|bezeichnung)|(商品|产品)名称?",
        ),
        (
            3,
            r"^(description|beschreibung|bezeichnung|descripci[oó]n|title|désignation|libellé|宝贝标题)$",
        ),
        (2, r"^(product|item|article|artikel|produkt|produit|producto|art[ií]culo|商品|产品)$"),
    ),
    "category": (
        (4, r"categor|kategorie|warengruppe|品类|类别|分类"),
        (
            3,
            r"sub ?class|department|\bdept\b|commodity|product ?(type|group|class|line|family)|abteilung",
        ),
    ),
    "quantity": (
        (4, r"quantity|\bqty\b|quantit|\bqt[ée]\b|cantidad|menge|anzahl|stückzahl|数量|件数"),
        (3, r"^(units|pieces|pcs|count|items|volume)$|units? ?sold|number of (items|units)"),
        (1, r"^amount$"),
    ),
    "amount": (
        (
            4,
            r"net ?(amount|sales|total|revenue|price|value)|(line|item|sales) ?(total|amount|value|revenue)|(netto|zeilen)\w*(betrag|umsatz)",
        ),
        (
            4,
            r"row ?total|total (de )?(la )?(ligne|línea|linea|riga)|(positions|artikel)(summe|betrag)|(行|小计)金额|小计",
        ),
        (
            4,
            r"(total|line|row|extended|ext) ?price|(gesamt|positions|zeilen)preis|(prix|precio|prezzo) tot|总价",
        ),
        (
            3,
            r"^(amount|sales|revenue|total|turnover|spend|spent|betrag|umsatz|montant|importe|gross|brutto|金额|销售额)$",
        ),
        (3, r"实付(金额)?$|成交金额"),
        (2, r"^(net|netto|neto)$"),
        (
            2,
            r"amount|sales|revenue|total|turnover|spen[dt]|value|paid|betrag|umsatz|summe|金额|销售额",
        ),
    ),
    "unit_price": (
        (4, r"(unit|item|list|retail|per piece) ?(price|cost)|(einzel|stück)\w*preis|单价"),
        (4, r"\bpu\b|prix unitaire|precio unitario|prezzo unitario"),
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
    "status": (
        (
            4,
            r"(order|financial|payment|transaction|sale|invoice|pay(ment)?|bestell|zahl(ungs?)?|auftrags?|rechnungs?) ?(status|state)",
        ),
        (4, r"^(current|order|invoice) ?(status|state)( ?(id|code|no))?$"),
        (4, r"(订单|交易|支付|付款)状态|(statut|état) (de la )?commande|estado del? pedido"),
        (3, r"^(status|state|zustand|statut|état|etat|estado|stato|状态)$"),
        (2, r"status|\bstate\b|statut|estado|stato\b|状态"),
    ),
    "document": (
        (
            4,
            r"(document|doc|voucher|paper|beleg|invoice|transaction|event|entry|record|order) ?(type|kind|art|class)\b",
        ),
        (4, r"belegart|vorgangsart|(单据|交易|订单)类型|type de document|tipo de documento"),
        (3, r"^(type|kind|typ|art|tipo|类型|is return)$"),
    ),
    "refunded": (
        (
            4,
            r"(refund(ed)?|returned|credited) ?(amount|total|value|sum)|(amount|total) ?refunded",
        ),
        (
            4,
            r"(rück)?erstattet|erstattungs?(betrag)?$|montant remboursé|importe reembolsado|退款(金额|总额)",
        ),
        (3, r"refund|remboursement|reembolso|rimborso|erstattung|退款"),
    ),
    "refunded_at": ((4, r"refund\w* ?(at|on|date|time)$|退款(时间|日期)|erstattungs?datum"),),
    "status_at": ((4, r"(status|state) ?(changed|updated|since)? ?(at|on|date|time|since)$"),),
    "tax": (
        (
            4,
            r"\b(tax(es)?|vat|gst|hst|mwst|ust|tva|iva|icms)\b|umsatzsteuer|mehrwertsteuer|\bsteuer|税额|税费|税金",
        ),
    ),
    "shipping": (
        (
            4,
            r"shipping|postage|freight|delivery|carriage|versand|\bporto\b|livraison|frais de port|env[ií]o|\bportes\b|运费|邮费|快递费",
        ),
    ),
    "order_subtotal": (
        (4, r"sub ?total|zwischensumme|sous total|商品(金额|总额)|untaxed amount|^net total$"),
    ),
    "order_total": (
        (
            4,
            r"(order|grand|invoice|basket) ?total|total ?(order|invoice|price|paid|collected)|gesamt(betrag|summe|preis)",
        ),
        (4, r"montant total|importe total|订单(总)?(金额|额)|总金额|应付金额|实付金额"),
        (3, r"^(total|合计|总额|summe)( amount)?$"),
    ),
    "order_discount": (
        (
            4,
            r"(cart|order|coupon|basket|voucher) ?(discounts?|amount|value)|discounts? ?total|total ?discounts?",
        ),
        (4, r"订单优惠|优惠券金额|gutscheinbetrag"),
    ),
    "discount_rate": (
        (4, r"disc\w* ?(rate|percent\w*|pct)|rabatt ?(satz|prozent)|折扣率"),
        (3, r"disc|rabatt|remise|descuento|折扣"),
    ),
    "fee": ((4, r"\bfees?\b|gebühr|\bcommission\b|provision|comisi[oó]n|手续费|服务费|佣金"),),
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
    "time": (
        (
            3,
            r"ship|deliver|paid|payment|fulfil|cancel|refund|updat|modif|zone|prep|duration|liefer|pick",
        ),
    ),
    "customer_id": (
        (
            3,
            r"name|type|segment|group|country|city|state|zip|age|gender|order|product|item|store",
        ),
    ),
    "order_id": ((3, r"date|time|type|status|line|total|amount|store"),),
    "product_id": ((3, r"category|class|price|type|group|order|订单"),),
    "product_name": ((3, r"category|class|price|quantity|customer"),),
    "category": ((3, r"customer|price|age"),),
    "quantity": (
        (3, r"price|stock|on hand"),
        (4, r"refunded|returned|total order|order (quantity|items|qty)|retour|退款|退货"),
    ),
    "amount": (
        (
            3,
            r"tax|vat|mwst|shipping|cost|discount|refund|outstanding|balance|steuer|versand|运费|税",
        ),
        (3, r"\bfees?\b|gebühr|commission|provision|手续费|佣金|converted"),
        (1, r"gross|list|brutto"),
    ),
    "unit_price": ((3, r"tax|vat|shipping|compare"), (1, r"list|compare|old|regular")),
    "cost": ((3, r"customer|shipping|centre|center"),),
    "discount": ((4, r"code|name|type|reason|percent|pct|%|rate|\bid\b"),),
    "channel": ((2, r"type|city|state"),),
    "card_id": ((4, r"gift|credit|debit|payment|type|brand|expir|balance|amount"),),
    "status": (
        (
            3,
            r"fulfil|ship|deliver|versand|liefer|tax|risk|address|billing|province|customer|country|subscri|物流|发货|配送",
        ),
        (4, r"changed|updated|date|time|\bat$|since"),
    ),
    "document": ((3, r"customer|product|item|payment|price|card|discount"),),
    "refunded": (
        (
            4,
            r"date|time|reason|\bid\b|status|qty|quantity|ref(erence)?\b|\bat$|\bon$|note|tax|shipping|数量|状态|时间|原因",
        ),
    ),
    "tax": (
        (
            4,
            r"rate|percent|pct|class|\bid\b|number|\bno\b|name|code|excl|\bex\b|incl|without|w o|line total|free|able\b|satz|税率|税号|shipping|method",
        ),
    ),
    "shipping": (
        (
            4,
            r"address|date|method|name|country|city|zip|state|phone|street|status|company|province|carrier|\bat$|time|requires|service|option|tax|discount|code|\bid\b|地址|方式|公司|单号",
        ),
    ),
    "order_subtotal": ((4, r"tax|count|line|item"),),
    "order_total": ((4, r"tax(es)?$|count|quantity|line|item|discount|refund|shipping|数量"),),
    "order_discount": ((4, r"code|name|type|reason|percent|pct|rate|\bid\b|tax"),),
    "discount_rate": ((4, r"code|name|type|reason|\bid\b"),),
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
    words = " ".join(re.sub(r"[\W_]+", " ", parted).split()).casefold()
    # capitals inside an abbreviation begin no word
    return re.sub(r"\bmw st\b", "mwst", re.sub(r"\bu st\b", "ust", words))


_TAX = r"(vat|tax(es)?|gst|mwst|ust|mehrwertsteuer|umsatzsteuer|steuer|tva|iva|btw)"
_WITHOUT_TAX = re.compile(
    rf"\b(excl(\.|uding|usive)?|ex|without|w o|net of|before|ohne|exkl|zzgl|hors|sin|senza|sem)( of)? {_TAX}\b"
    rf"|\b{_TAX} (excl(uded|usive)?|exkl)\b|\bht\b|不含税|未税"
)
_WITH_TAX = re.compile(
    rf"\b(incl(\.|uding|usive)?|inc|with|inkl|mit|ttc|con|com)( of)? {_TAX}\b|\b{_TAX} (incl(uded|usive)?|inkl)\b"
    r"|\bttc\b|含税"
)


@cache
def is_without_tax(name: str) -> bool:
    """Whether a name says that tax is not inside.

    >>> is_without_tax("Total excl. VAT"), is_without_tax("Total incl. VAT")
    (True, False)
    """
    return bool(_WITHOUT_TAX.search(spaced(name)))


@cache
def is_with_tax(name: str) -> bool:
    """Whether a name says that tax is inside.

    >>> is_with_tax("Betrag inkl. MwSt"), is_with_tax("Amount")
    (True, False)
    """
    return not is_without_tax(name) and bool(_WITH_TAX.search(spaced(name)))


_NET_OF_TAX = re.compile(r"\bnetto\w*|\w{4,}netto\b|不含税|未税")
_GROSS_OF_TAX = re.compile(r"\bbrutto\w*|\w{4,}brutto\b|价税合计")
_TAX_INSIDE = re.compile(
    rf"^(davon|darin|enthaltene?|dont|incl\w*|inkl\w*|of which|di cui|de los cuales)\b.*\b{_TAX}\b|enthalten"
)


@cache
def says_taxed(name: str) -> bool | None:
    """Whether a name of money says that tax is inside; None where it says nothing of it.

    >>> says_taxed("Betrag brutto"), says_taxed("Nettobetrag"), says_taxed("Price excl. tax")
    (True, False, False)
    """
    if is_without_tax(name) or _NET_OF_TAX.search(spaced(name)):
        return False
    return True if is_with_tax(name) or _GROSS_OF_TAX.search(spaced(name)) else None


@cache
def is_tax_inside(name: str) -> bool:
    """Whether the name of a tax says that it is a part of the money beside it.

    >>> is_tax_inside("davon MwSt"), is_tax_inside("MwSt")
    (True, False)
    """
    return bool(_TAX_INSIDE.search(spaced(name)))


_MONEY_FIELDS = ("amount", "unit_price")


@cache
def likeness(field: str, name: str) -> float:
    """How much a column's name speaks for a field: 0 nothing, 4 plainly, below 0 against."""
    text = spaced(name)
    if field in _MONEY_FIELDS:
        # "Total excl. VAT" is a total, and no tax
        text = " ".join(_WITH_TAX.sub(" ", _WITHOUT_TAX.sub(" ", text)).split())
    hints = (weight for weight, pattern in _HINTS[field] if re.search(pattern, text))
    doubts = (weight for weight, pattern in _DOUBTS.get(field, ()) if re.search(pattern, text))
    return max(hints, default=0.0) - sum(doubts)


def may_be_money(name: str) -> bool:
    """Whether a numeric column of this name can hold money or a count of goods.

    A name that plainly says money beats a word that speaks against it: ``row_total``.
    """
    if max(likeness(field, name) for field in _MONEY_FIELDS) >= 3:
        return True
    return not _NO_MONEY.search(spaced(name))
