"""Cancelled orders and product codes that are no products."""

from dataclasses import dataclass

import pandas as pd

from features.proposal.draft import Draft, listed, percent
from features.reading.fees import is_fee, is_only_fee, is_regular
from features.sql import identifier

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


def find_rules(draft: Draft) -> ProposedRules:
    """Propose rules from counts over the whole file."""
    prefix, comment = _cancelled_prefix(draft)
    return ProposedRules(prefix, comment, _ignored_products(draft))


def _cancelled_prefix(draft: Draft) -> tuple[str | None, str]:
    """Letters before a few of otherwise plain order numbers, on rows that give back."""
    signed = draft.mapped.get("quantity") or draft.mapped.get("amount")
    order = draft.column("order_id")
    if order is None or signed is None or not order.is_text:
        return None, ""
    orders, value = identifier(order.name), _number(draft, signed[0])
    found = draft.log.query(f"""
        SELECT regexp_extract(trim({orders}), '^([^0-9]*)[0-9]', 1) AS prefix,
               count(DISTINCT trim({orders})) AS orders, count(*) AS lines,
               avg(CASE WHEN {value} < 0 THEN 1 ELSE 0 END) AS negative
        FROM log_lines WHERE trim({orders}) <> '' GROUP BY prefix ORDER BY orders DESC""")
    usual, total = found.iloc[0], found["orders"].sum()
    special = found.iloc[1:]
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
    column = identifier(name)
    if draft.log.columns[name].decimal_comma:
        column = f"replace(replace({column}, '.', ''), ',', '.')"
    return f"TRY_CAST({column} AS DOUBLE)"


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
    money = draft.mapped.get("unit_price") or draft.mapped["amount"]
    code = f"trim({identifier(product)}::VARCHAR)"
    return draft.log.query(f"""
        WITH lines AS (
            SELECT {code} AS code, {name} AS name, {_number(draft, money[0])} AS price
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
