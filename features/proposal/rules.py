"""Cancelled orders and product codes that are no products."""

import re
from dataclasses import dataclass

import pandas as pd

from features.proposal.draft import Draft, listed, percent
from features.proposal.names import spaced
from features.reading.fees import is_fee, is_only_fee, is_regular
from features.reading.values.numbers import number_sql
from features.sql_text import identifier
from features.vocabulary.words import folded, no_product_words

_MOST_CODES_LISTED = 50
# of the orders that a rule looks at as "usual"
_USUAL = 0.9
_FEW = 0.3


@dataclass(frozen=True)
class Ignored:
    """A product code proposed as no product, and why."""

    code: str
    comment: str


@dataclass(frozen=True)
class ProposedRules:
    """Rules with what spoke for them; see `features.settings.rules.Rules`."""

    cancelled_order_prefix: str | None
    prefix_comment: str
    ignored: tuple[Ignored, ...]
    ignored_names: tuple[Ignored, ...] = ()
    keeps_duplicates: bool = False


def find_rules(draft: Draft) -> ProposedRules:
    """Propose rules from counts over the whole file."""
    prefix, comment = _cancelled_prefix(draft)
    ignored = _ignored_products(draft)
    codes, names = _ignored_names(draft, ignored)
    ignored = (*ignored, *codes)
    if "product_name" not in draft.mapped:
        # names stand for codes
        ignored, names = (*ignored, *names), ()
    return ProposedRules(prefix, comment, ignored, names, _keeps_duplicates(draft))


_LINE_NUMBER = re.compile(
    r"(order ?)?(line|item|detail|row|position|pos|transaction|lineitem|子订单)s? ?(id|no|nr|num|number|#|编号)?$"
    r"|\bdetail ?id$|^#$|行号|序号",
)
_CONTENT_FIELDS = ("order_id", "customer_id", "product_id", "ordered_at", "quantity", "amount",
                   "unit_price", "discount", "channel")  # fmt: skip


def _keeps_duplicates(draft: Draft) -> bool:
    """Whether rows that are equal in all that is read are told apart by a number of the line.

    Pieces of one thing, each on a row of its own, are no duplicates then.
    """
    if draft.layout is not None and draft.layout.duplicates == "keep":
        draft.note("Equal lines of an order are pieces of their own (data.rules.duplicates).")
        return True
    if "order_id" not in draft.mapped:
        return False
    columns = draft.log.columns
    names = [name for field in _CONTENT_FIELDS for name in draft.mapped.get(field, ())]
    content = pd.DataFrame({name: columns[name].codes for name in names})
    repeated = content.duplicated(keep=False).to_numpy()
    if not repeated.any():
        return False
    for column in draft.free():
        if not column.can_identify or not _LINE_NUMBER.search(spaced(column.name)):
            continue
        numbered = content[repeated].assign(**{"line number": column.codes[repeated]})
        if (column.codes[repeated] >= 0).all() and not numbered.duplicated().any():
            draft.note(
                f"Rows that are equal but for '{column.name}' are lines of their own, no duplicates "
                "(data.rules.duplicates)."
            )
            return True
    return False


_NO_GOODS = ("shipping", "tax", "deposit", "fee", "tip", "test")
_TEST_NAME = re.compile(
    r"(this is a |ein )?(test|dummy|demo)([ -]?(product|item|article|artikel|produkt|order|sku))?[\s.\d!-]*",
    re.IGNORECASE,
)


def _ignored_names(
    draft: Draft, by_code: tuple[Ignored, ...]
) -> tuple[tuple[Ignored, ...], tuple[Ignored, ...]]:
    """Products whose names say shipping, tax, deposit, fee or test and nothing else.

    Returns
    -------
    By code, where all names of the code say so, which costs a reader least; else by name.
    """
    names = draft.mapped.get("product_name") or draft.mapped.get("product_id")
    if names is None:
        return (), ()
    counted = _names_with_money(draft, names[0])
    is_none = [_is_no_product(draft, name) for name in counted["product"].astype(str)]
    goods = counted[[not none for none in is_none]]
    sold_codes = {code for codes in goods["codes"] for code in codes}
    ignored_codes = {ignored.code for ignored in by_code}
    codes: dict[str, Ignored] = {}
    words: dict[str, Ignored] = {}
    for _, row in counted[is_none].head(_MOST_CODES_LISTED).iterrows():
        name, lines = str(row["product"]), f"{int(row['lines']):,} lines"
        its_codes = {str(code) for code in row["codes"]} - ignored_codes
        if "product_name" in draft.mapped and "" not in its_codes and not its_codes & sold_codes:
            codes |= {code: Ignored(code, f"{name}: {lines}") for code in sorted(its_codes)}
        elif its_codes:
            words.setdefault(folded(name), Ignored(name, lines))
    products = [
        *(f"{ignored.code} ({ignored.comment})" for ignored in codes.values()),
        *(ignored.code for ignored in words.values()),
    ]
    if products:
        draft.note(
            f"{listed(products)} are no goods by their names and are ignored: check the list."
        )
    return tuple(codes.values()), tuple(words.values())


def _names_with_money(draft: Draft, column: str) -> pd.DataFrame:
    """Each product's name with its lines and codes, of those that bring money: others need no rule."""
    code = draft.mapped.get("product_id", (column,))[0]
    money = draft.mapped.get("amount") or draft.mapped.get("unit_price")
    value = _number(draft, money[0]) if money else "1"
    return draft.log.query(f"""
        SELECT product, count(*) AS lines, list(DISTINCT code) AS codes
        FROM (SELECT trim({identifier(column)}::VARCHAR) AS product,
                     coalesce(trim({identifier(code)}::VARCHAR), '') AS code, {value} AS value
              FROM log_lines)
        WHERE product <> '' GROUP BY product HAVING max(abs(value)) > 0
        ORDER BY lines DESC, product""")


def _is_no_product(draft: Draft, name: str) -> bool:
    of_layout = draft.layout.no_product_names if draft.layout else ()
    text = folded(name)
    kinds = no_product_words()
    return (
        text in map(folded, of_layout)
        or any(text in kinds[kind] for kind in _NO_GOODS)
        or _TEST_NAME.fullmatch(name) is not None
        or (is_only_fee(name) and text not in kinds["discount"])
    )


def _cancelled_prefix(draft: Draft) -> tuple[str | None, str]:
    """Letters before a few of otherwise plain order numbers, on rows that give back."""
    signed = draft.mapped.get("quantity") or draft.mapped.get("amount")
    order = draft.column("order_id")
    if order is None or signed is None or not order.is_text:
        return None, ""
    if any("return" in proposed.verdicts.values() for proposed in draft.verdicts.values()):
        # another column says which rows give back
        return None, ""
    orders, value = identifier(order.name), _number(draft, signed[0])
    prefixes = draft.log.query(f"""
        SELECT regexp_extract(trim({orders}), '^([^0-9]*)[0-9]', 1) AS prefix,
               count(DISTINCT trim({orders})) AS orders, count(*) AS lines,
               avg(CASE WHEN {value} < 0 THEN 1 ELSE 0 END) AS negative
        FROM log_lines WHERE trim({orders}) <> '' GROUP BY prefix ORDER BY orders DESC""")
    usual, total = prefixes.iloc[0], prefixes["orders"].sum()
    special = prefixes.iloc[1:]
    special = special[
        (special["prefix"] != "")
        & (special["orders"] / total <= _FEW)
        & (special["negative"] >= _USUAL)
    ]
    if special.empty or usual["orders"] / total < 1 - _FEW or usual["negative"] > 0.5:
        return None, ""
    chosen = special.iloc[0]
    comment = (
        f"{int(chosen['orders']):,} orders begin with it; {percent(float(chosen['negative']))} of their "
        "lines are negative"
    )
    draft.note(f"Orders that begin with '{chosen['prefix']}' are read as cancellations: {comment}.")
    return str(chosen["prefix"]), comment


def _number(draft: Draft, name: str) -> str:
    column = draft.log.columns[name]
    if not column.is_text:
        return f"TRY_CAST({identifier(name)} AS DOUBLE)"
    return number_sql(f"({identifier(name)}::VARCHAR)", column.style)


def _ignored_products(draft: Draft) -> tuple[Ignored, ...]:
    product = draft.column("product_id")
    if product is None or product.is_prose:
        return ()
    codes = _codes(draft, product.name)
    codes["regular"] = is_regular(codes["code"], codes["lines"])
    price = float(codes["price"].median())
    suspects = codes[~codes["regular"] | codes["name"].map(is_only_fee)]
    chosen = suspects[[_is_ignored(row, price) for _, row in suspects.iterrows()]]
    spared = suspects.drop(chosen.index)["code"].head(5).tolist()
    chosen = chosen.head(_MOST_CODES_LISTED)
    if len(chosen):
        draft.note(
            f"{listed(tuple(chosen['code']))} look like fees, postage or corrections rather than products "
            "and are ignored: check the list."
        )
    if spared:
        draft.note(f"{listed(spared)} have unusual codes but look like products, and are kept.")
    return tuple(Ignored(row["code"], _describe(row)) for _, row in chosen.iterrows())


def _codes(draft: Draft, product: str) -> pd.DataFrame:
    """One row per product code: lines, commonest name (or ''), usual price."""
    names = draft.mapped.get("product_name")
    name = f"coalesce(trim({identifier(names[0])}::VARCHAR), '')" if names else "''"
    money = draft.mapped.get("unit_price") or draft.mapped.get("amount")
    price = _number(draft, money[0]) if money else "NULL::DOUBLE"
    code = f"trim({identifier(product)}::VARCHAR)"
    return draft.log.query(f"""
        WITH lines AS (
            SELECT {code} AS code, {name} AS name, {price} AS price
            FROM log_lines WHERE {code} <> ''
        ), names AS (
            SELECT code, first(name ORDER BY lines DESC, name) AS name
            FROM (SELECT code, name, count(*) AS lines FROM lines WHERE name <> '' GROUP BY code, name)
            GROUP BY code
        )
        SELECT code, count(*) AS lines, median(price) AS price,
               coalesce(any_value(names.name), '') AS name
        FROM lines LEFT JOIN names USING (code)
        GROUP BY code ORDER BY lines DESC, code""")


def _is_ignored(row: "pd.Series", usual_price: float) -> bool:
    """Whether a code of unusual form, or a name that is only a fee, is no product."""
    if is_fee(row["code"], row["name"]):
        return True
    if row["regular"]:
        return False
    worthless = abs(row["price"]) < usual_price / 100
    return bool(worthless or (len(row["code"]) <= 2 and not row["name"]))


def _describe(row: "pd.Series") -> str:
    lines = f"{int(row['lines']):,} line" + ("s" if row["lines"] != 1 else "")
    return f"{row['name']}: {lines}" if row["name"] else lines
