"""The proposal as commented TOML."""

import tomlkit
from tomlkit.items import Array, Table

from features.proposal.cards import ProposedIdentities
from features.proposal.draft import Draft, ProposedContracts, ProposedVerdicts, listed
from features.proposal.first_lines import filled_columns
from features.proposal.place import Place
from features.proposal.rules import ProposedRules
from features.settings.columns import Columns
from features.settings.data import POSTGRES, Data
from features.settings.predict import Predict

_MEANING = {
    "customer_id": "Who bought.",
    "ordered_at": "When.",
    "time": "The time of day, where the column above holds the day alone.",
    "order_id": "Which order; its lines share it.",
    "product_id": "What was bought.",
    "product_name": "The product's name for people.",
    "category": "What kind of product.",
    "quantity": "How many.",
    "amount": "Money paid for the line, discounts taken off.",
    "unit_price": "Price of one piece; the amount is quantity × price.",
    "discount": "Money taken off the line; one column or several.",
    "cost": "What the line cost the shop: values become margins instead of revenue.",
    "channel": "Where it was sold: shop, web, app.",
    "ingested_at": "When the row arrived in the file, if late rows matter.",
    "card_id": "Card or account: who bought where no customer is named.",
    "currency": "What the row is paid in, if not all in one currency.",
    "status": "What state the order is in; data.rules.status says which states are purchases.",
    "status_at": "From when the status holds.",
    "document": "What kind of paper the row is; data.rules.document says which are purchases.",
    "refunded": "Money given back later; it is taken off.",
    "refunded_at": "When it was given back.",
    "discount_rate": "Share of the line taken off: 0.15, 15 or 15%.",
    "order_discount": "Money taken off the whole order; spread over its lines.",
    "tax": "Tax, for the sums that `regulars check` prints.",
    "shipping": "Shipping, for the same.",
    "order_subtotal": "The order's goods, to prove that its lines add up.",
    "order_total": "What the order cost in all, for the same.",
}
_ALWAYS_OFFERED = ("customer_id", "ordered_at", "order_id", "product_id", "product_name", "category",
                   "quantity", "amount", "unit_price", "discount", "cost", "channel", "status",
                   "refunded", "card_id", "currency")  # fmt: skip
"""Fields for which a commented line is left where no column was found."""
assert set(_MEANING) == set(Columns.model_fields), "every field is explained"  # noqa: S101


def render(
    draft: Draft,
    *,
    source: dict[str, str],
    shop: Place,
    rules: ProposedRules,
    identities: ProposedIdentities | None,
    horizon: tuple[int, str],
) -> str:
    """The commented file, `[data]` and `[predict]`; the TOML library escapes names and values.

    `source` holds the settings that say where the orders are.
    """
    document = tomlkit.document()
    _say(document, f"How Regulars reads {draft.log.name} ({draft.log.rows:,} rows).")
    if draft.layout is not None:
        _say(document, draft.layout.introduction)
    _say(document, "Proposed by looking at the file: read it through, mend what says CHECK,")
    _say(document, "then run `regulars check`.")
    document.add(tomlkit.nl())
    data = _data(draft, source, shop)
    data.add("columns", _columns(draft))
    data.add("rules", _rules(draft, rules))
    if shop.other_currencies:
        data.add("rates", _rates(shop))
    if draft.contracts is not None:
        data.add("customers", _customers(source["transactions"], draft, draft.contracts))
    if identities is not None:
        data.add("identities", _identities(source["transactions"], identities))
    document.add("data", data)
    document.add("predict", _predict(horizon, draft))
    return tomlkit.dumps(document)


_WHERE = {
    "transactions": "The orders: a file or a glob, counted from this file's folder.",
    "table": "The table or view.",
    "query": "The query.",
    "encoding": "The characters of the file.",
    "sheet": "The sheet of the workbook, or a pattern for several.",
}


def _data(draft: Draft, source: dict[str, str], shop: Place) -> Table:
    data = tomlkit.table()
    for name, value in source.items():
        is_url = name == "transactions" and value.startswith(POSTGRES)
        _set(data, name, value, "The database of the orders." if is_url else _WHERE[name])
    _set(data, "timezone", shop.timezone, "The shop's time zone. " + shop.timezone_comment)
    local = 'What a timestamp without offset means: "local", the shop\'s wall clock, or "utc". '
    clock = Data.model_fields["naive_timestamps"].default
    _set(data, "naive_timestamps", shop.clock or clock, local + shop.clock_comment)
    when = draft.column("ordered_at")
    if when is not None and when.date_format:
        check = f"CHECK: it may also be {when.other_format}. " if when.other_format else ""
        _set(data, "date_format", when.date_format, f"How dates are written. {check}".strip())
    if draft.decimal == ",":
        _set(data, "decimal", ",", "The decimal mark of numbers: 12,50.")
    if draft.thousands:
        _set(data, "thousands", draft.thousands, "The mark between groups of digits.")
    filled = filled_columns(draft)
    if filled:
        _set(data, "fill_down", filled, "Columns that an order fills on its first line only.")
    if draft.tax is not None:
        _set(data, "tax", draft.tax, 'Whether tax is inside the money: "included" is taken off.')
    if draft.shipping == "included":
        _set(data, "shipping", draft.shipping, "Shipping is inside the money, and taken off.")
    if draft.money_digits is not None:
        _set(data, "money_digits", draft.money_digits, "Digits that amounts keep after the mark.")
    _set(
        data,
        "currency",
        shop.currency,
        "The one currency of all amounts. " + shop.currency_comment,
    )
    data.add(tomlkit.nl())
    return data


def _rates(shop: Place) -> Table:
    table = tomlkit.table()
    _say(
        table,
        f"What one unit of another currency is worth in {shop.currency}. CHECK: remove the # and",
    )
    _say(table, "fill in; rows in a currency without a rate are refused.")
    for code, rows in shop.other_currencies.items():
        _say(table, f"{code} = 1.0  # {rows:,} rows")
    table.add(tomlkit.nl())
    return table


def _identities(path: str, proposed: ProposedIdentities) -> Table:
    table = tomlkit.table()
    _say(table, f"Whose card it is, from the same rows: {proposed.comment}")
    table.add("path", path)
    table.add("card_id", proposed.card_id)
    table.add("customer_id", proposed.customer_id)
    if proposed.is_contradictory:
        _set(table, "conflicts", "apart", "A card of two customers is left a customer of its own.")
    table.add(tomlkit.nl())
    return table


def _customers(path: str, draft: Draft, contracts: ProposedContracts) -> Table:
    table = tomlkit.table()
    _say(table, "The contracts, from the same rows; a row per customer is used.")
    table.add("path", path)
    table.add("customer_id", draft.mapped["customer_id"][0])
    ended = f"The day on which a contract was cancelled ({contracts.comment})."
    _set(table, "cancelled_on", contracts.cancelled_on, ended)
    if contracts.started_on:
        _set(table, "started_on", contracts.started_on, "The day on which it began.")
    if contracts.term_months:
        _set(table, "term_months", contracts.term_months, "Its agreed term in months.")
    if contracts.date_format:
        _set(table, "date_format", contracts.date_format, "How these days are written.")
    table.add(tomlkit.nl())
    return table


def _columns(draft: Draft) -> Table:
    table = tomlkit.table()
    _say(table, "Our name for it = the column of your file.")
    for field, meaning in _MEANING.items():
        if field in draft.mapped:
            names = draft.mapped[field]
            value = list(names) if field == "discount" or len(names) > 1 else names[0]
            why = draft.why.get(field, "")
            _set(table, field, value, meaning + (f" ({why})" if why else ""))
    _unmapped(table, draft)
    unused = [column.name for column in draft.free()]
    if unused:
        _say(table, f"Columns that nothing is read from: {listed(unused)}.")
    table.add(tomlkit.nl())
    return table


def _unmapped(table: Table, draft: Draft) -> None:
    """A commented line for each field that no column was found for."""
    for field, what in draft.open_fields.items():
        _say(table, f"CHECK, needed: {what}")
        _say(table, f'{field} = ""  # {_MEANING[field]}')
    _say(table, "Not found; remove the # and name a column if the file has it:")
    for field, meaning in _MEANING.items():
        if field in _ALWAYS_OFFERED and field not in {*draft.mapped, *draft.open_fields}:
            candidates = draft.candidates.get(field, ())
            first = tomlkit.item(candidates[0] if candidates else "").as_string()
            maybe = f" Perhaps {listed(candidates)}." if candidates else ""
            _say(table, f"{field} = {first}  # {meaning}{maybe}")


def _rules(draft: Draft, rules: ProposedRules) -> Table:
    table = tomlkit.table()
    if rules.cancelled_order_prefix:
        _set(
            table,
            "cancelled_order_prefix",
            rules.cancelled_order_prefix,
            f"Cancelled orders: {rules.prefix_comment}.",
        )
    else:
        _say(
            table,
            'cancelled_order_prefix = "C"  # if ids of cancelled orders begin with a sign of their own',
        )
    _add_money_rules(table, draft)
    _add_customer_rules(table, draft)
    _say(
        table, "Product codes that are fees, postage or corrections; their lines are no purchases."
    )
    table.add(
        "ignore_products", _commented({ignored.code: ignored.comment for ignored in rules.ignored})
    )
    if rules.ignored_names:
        _say(table, "The same by the product's name.")
        names = {ignored.code: ignored.comment for ignored in rules.ignored_names}
        table.add("ignore_product_names", _commented(names))
    if rules.keeps_duplicates:
        _set(table, "duplicates", "keep", "Equal rows of one file are lines of their own.")
    for field in ("none_when_filled", "none_when_empty"):
        columns = getattr(draft, field)
        if columns:
            content = "something" if field == "none_when_filled" else "nothing"
            _set(table, field, columns, f"Rows with {content} here are no purchases.")
    table.add(tomlkit.nl())
    for field, proposed in draft.verdicts.items():
        table.add(field, _verdicts(draft.mapped[field][0], proposed))
    return table


def _add_money_rules(table: Table, draft: Draft) -> None:
    if draft.discount is not None:
        _set(
            table,
            "discount",
            draft.discount,
            'Whether discounts are off the money already ("taken_off") or not yet ("to_take_off").',
        )
    money = {name for field, names in draft.mapped.items() if field in _SPREAD for name in names}
    columns = [name for name in draft.order_level if name in money]
    if columns:
        _set(table, "order_level", columns, "Money of the whole order, on one or all of its lines.")


_SPREAD = ("amount", "discount", "order_discount", "refunded", "tax", "shipping", "order_subtotal",
           "order_total")  # fmt: skip
"""Fields whose money may be of the whole order."""


def _add_customer_rules(table: Table, draft: Draft) -> None:
    if draft.anonymous:
        _say(table, "Customer ids that are nobody; their rows count as anonymous sales.")
        table.add("anonymous_customers", _commented(draft.anonymous))
    if draft.folds_emails:
        _set(
            table,
            "email_ids",
            "fold",
            "Customers are e-mail addresses: case and blanks do not count.",
        )


def _commented(values: dict[str, str]) -> Array:
    """A list with a comment beside each value."""
    array: Array = tomlkit.array()
    for value, comment in values.items():
        array.add_line(value, comment=_clean(comment))
    if values:
        array.add_line(indent="")
    return array


def _verdicts(column: str, proposed: ProposedVerdicts) -> Table:
    """Which words of a column are purchases, none, or returns."""
    table = tomlkit.table()
    _say(table, f"What '{column}' says of a row: a purchase, none, or money given back.")
    for verdict in ("purchase", "none", "return"):
        listed_words = proposed.words(verdict)
        table.add(
            verdict,
            _commented({word: _counted(proposed, word) for word in listed_words}),
        )
    for word, meaning in proposed.undecided.items():
        quoted = tomlkit.item(word).as_string()
        _say(
            table,
            f"CHECK: put {quoted} ({proposed.rows.get(word, 0):,} rows) into one of the lists"
            + (f": {meaning}" if meaning else ""),
        )
    table.add(tomlkit.nl())
    return table


def _counted(proposed: ProposedVerdicts, word: str) -> str:
    rows = proposed.rows.get(word, 0)
    return f"{rows:,} rows" if rows else "not in this file"


def _predict(horizon: tuple[int, str], draft: Draft) -> Table:
    table = tomlkit.table()
    days, why = horizon
    _set(table, "horizon_days", days, f"How far ahead is predicted: {why}.")
    if draft.contracts is not None:
        _set(table, "churn", "cancellation", "Churn is that a contract is cancelled.")
        period = draft.contracts.contract_days
        _set(table, "contract_days", period, "Length of its period, after which it is renewed.")
    rate = Predict.model_fields["discount_rate_per_year"].default
    _set(table, "discount_rate_per_year", rate, "Interest by which later money counts less.")
    table.add(tomlkit.nl())
    return table


def _set(table: Table, key: str, value: str | float | list[str], comment: str = "") -> None:
    if comment:
        _say(table, comment)
    table.add(key, value)


def _say(container: "Table | tomlkit.TOMLDocument", sentence: str) -> None:
    container.add(tomlkit.comment(_clean(sentence)))


def _clean(text: str) -> str:
    """`text` on one line: comments cannot hold control characters."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()
