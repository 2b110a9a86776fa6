"""The rules that decide which rows are orders; one catalogue, first match wins.

Every row of the source ends either in the orders or in the quarantine, with exactly
one reason. A rule reads `typed_lines` (see `features.reading.mapping`) and the flags that
`flagged_lines` adds for rules that must look at other rows. No rule lets a later day
change an earlier one: what is known about a row depends on its own day and the past,
so a feature at `as_of` never learns from rows after it. A purchase that a later day
takes back over midnight keeps the mornings between (`gone_on`): then nobody knew.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from babel.numbers import list_currencies

from features.reading.ids import nobody_ids
from features.reading.states import (
    CANCELLED_COLUMN,
    DOCUMENT_NONE,
    GIVEN_BACK,
    RETURN,
    STATUS_NONE,
    UNDECIDED,
)
from features.settings.data import Data
from features.settings.rules import Rules
from features.sql_text import literal
from features.vocabulary.words import folded, folded_sql

DUPLICATES = "duplicates"
"""The first step of judging; amounts are settled after it (`features.reading.order_money`)."""

MIDNIGHT_MINUTES = 60
"""A cancellation over midnight belongs to a purchase at most this long before."""


@dataclass(frozen=True)
class Rule:
    """A reason to put rows aside.

    Attributes
    ----------
    code : name in reports and in the quarantine file
    meaning : one sentence for the person who reads the report
    condition : SQL predicate over `flagged_lines`
    advice : what the owner of the file may do about it
    """

    code: str
    meaning: str
    condition: str
    advice: str = ""


def rules_for(data: Data) -> tuple[Rule, ...]:
    """The rules in force for a configuration, in the order in which they apply."""
    return (*_STATE_RULES, *_unreadable(data), *_no_orders(data))


def _state_rule(code: str, meaning: str, advice: str = "") -> Rule:
    return Rule(code, meaning, f"verdict = {literal(code)}", advice)


_STATE_RULES = (
    _state_rule(
        CANCELLED_COLUMN,
        "no purchase: a column that says so is filled or empty (data.rules.none_when_filled, "
        "none_when_empty)",
    ),
    _state_rule(
        DOCUMENT_NONE, "a paper that is no purchase, such as a quotation (data.rules.document)"
    ),
    _state_rule(
        STATUS_NONE, "no purchase by its status: cancelled, failed, pending (data.rules.status)"
    ),
    _state_rule(
        UNDECIDED,
        "a status or a kind of paper of which the settings do not say whether it is a purchase",
        "Put each value into a list of data.rules.status or data.rules.document.",
    ),
    _state_rule(GIVEN_BACK, "a purchase that became a return: all of it was given back"),
)
"""Before all others: of a cancelled row nothing else matters, not even whether it can be read."""

REFUNDED = "refunded"
_IS_REFUNDED = "refunded > 0 AND amount = 0"
_OF_STATE = frozenset({*(rule.code for rule in _STATE_RULES), REFUNDED})
"""Rules of what became of an order, from a day on where the shop says from when."""

SAME_DAY, OVER_MIDNIGHT = TAKEN_BACK = ("cancelled_same_day", "cancelled_over_midnight")
"""Rules of pairs, from the day on which the purchase was taken back."""


def _unreadable(data: Data) -> tuple[Rule, ...]:
    return (
        Rule("missing_date", "no order date", "NOT has_date"),
        Rule(
            "bad_date",
            "an order date that cannot be read; data.date_format says how it is written",
            "ordered_at IS NULL",
        ),
        Rule(
            "impossible_date",
            "an order date before 1980 or after 2099",
            "ordered_at < TIMESTAMP '1980-01-01' OR ordered_at >= TIMESTAMP '2100-01-01'",
        ),
        Rule("bad_quantity", "a quantity that is missing or no number", "quantity IS NULL"),
        *_currency_rules(data),
        Rule(
            "bad_amount",
            "an amount of money that is missing, no number or beyond all measure",
            "amount IS NULL",
        ),
    )


def _currency_rules(data: Data) -> tuple[Rule, ...]:
    if data.columns.currency is None:
        return ()
    currencies = ", ".join(literal(code) for code in sorted(list_currencies()))
    rated = ", ".join(literal(code) for code in (data.currency, *data.rates))
    return (
        Rule(
            "bad_currency",
            "a currency that is missing or no ISO 4217 code",
            f"currency IS NULL OR currency NOT IN ({currencies})",
        ),
        Rule(
            "no_rate",
            f"an amount in another currency than {data.currency}, without a rate in data.rates",
            f"currency NOT IN ({rated})",
        ),
    )


def ignored_codes(data: Data) -> list[str]:
    """The codes that are no products, as lines carry them once they are read."""
    return sorted(
        {
            code if data.rules.product_code_case == "keep" else "".join(code.upper().split())
            for code in data.rules.ignore_products
        }
    )


PRODUCT_WORDS = folded_sql("product_name")
"""SQL over typed lines: the name of the product, as words are compared."""


def no_goods(data: Data) -> str:
    """SQL predicate over typed lines: fees, postage and whatever else the settings say is no product."""
    codes = ignored_codes(data)
    names = sorted({folded(name) for name in data.rules.ignore_product_names})
    parts = []
    if codes:
        parts.append(f"product_id IN ({', '.join(map(literal, codes))})")
    if names:
        parts.append(f"{PRODUCT_WORDS} IN ({', '.join(map(literal, names))})")
    return " OR ".join(f"coalesce({part}, false)" for part in parts) or "false"


def _no_purchase_orders(rules: Rules) -> tuple[Rule, ...]:
    parts = [f"starts_with(order_id, {literal(prefix)})" for prefix in rules.ignore_order_prefixes]
    if rules.ignore_channels:
        parts.append(f"channel IN ({', '.join(map(literal, rules.ignore_channels))})")
    if not parts:
        return ()
    meaning = (
        "an order that is no purchase, such as a test or a replacement "
        "(data.rules.ignore_order_prefixes, ignore_channels)"
    )
    condition = " OR ".join(f"coalesce({part}, false)" for part in parts)
    return (Rule("no_purchase_order", meaning, condition),)


def _free_lines(rules: Rules) -> tuple[Rule, ...]:
    if rules.free_lines == "purchase":
        return ()
    meaning = "a line without money: a gift, sample, test or replacement (data.rules.free_lines)"
    return (Rule("free_line", meaning, "amount = 0 AND NOT is_return"),)


def _no_orders(data: Data) -> tuple[Rule, ...]:
    return (
        Rule(
            "duplicate",
            "the same row again",
            "is_duplicate AND NOT is_overlap",
            'If equal rows are sales of their own, set data.rules.duplicates = "keep".',
        ),
        Rule("overlapping_files", "the same row in another file as well", "is_duplicate"),
        Rule(
            "not_a_product",
            "fees, postage, adjustments (data.rules.ignore_products, ignore_product_names)",
            no_goods(data),
        ),
        Rule(
            REFUNDED,
            "a line of which all the money was given back (data.columns.refunded)",
            _IS_REFUNDED,
        ),
        Rule(
            "not_a_sale",
            "goods moved without money or customer: stock adjustments, write-offs",
            "quantity < 0 AND amount = 0 OR customer_id IS NULL AND is_return AND NOT is_cancellation",
        ),
        *_no_purchase_orders(data.rules),
        *_free_lines(data.rules),
        Rule(
            SAME_DAY,
            "a purchase and its cancellation within one day count for nothing",
            "is_cancelled_pair AND NOT is_over_midnight",
        ),
        Rule(
            OVER_MIDNIGHT,
            "a purchase and its cancellation within the hour, over midnight, count for nothing",
            "is_cancelled_pair",
        ),
        Rule(
            "return_without_purchase",
            "a return of something that this customer is not known to have bought",
            "is_return AND NOT has_earlier_purchase",
            "If the purchases lie before the file, export from an earlier day.",
        ),
    )


def duplicates_dropped(data: Data) -> bool:
    """Whether equal rows within one file count once.

    With order ids, an equal row is the same line exported twice. Without them it may be
    a second purchase of the same kind. Equal rows of *different* files always count
    once: files overlap.
    """
    if data.rules.duplicates is not None:
        return data.rules.duplicates == "drop"
    return data.columns.order_id is not None


def has_states(data: Data) -> bool:
    """Whether the files say of orders what became of them."""
    columns = data.columns
    state_columns = (columns.status, columns.document, columns.refunded)
    by_columns = data.rules.none_when_filled or data.rules.none_when_empty
    return bool(by_columns) or any(name is not None for name in state_columns)


def judging_steps(data: Data) -> dict[str, str]:
    """The SQL steps from `kinds` to `put_aside`, by the name of the table that each makes.

    `put_aside` holds `source_file`, `source_row`, `reason` of every row that is no order, and
    `gone_on` of what was a purchase until this day and not only within its own.
    """
    return {
        DUPLICATES: _duplicates(data),
        # who returns nothing has no pairs, and needs none of the steps that look for them
        "returners": """
            SELECT DISTINCT customer_id FROM kinds WHERE is_return AND customer_id IS NOT NULL""",
        "their_lines": f"""
            SELECT * FROM kinds
            SEMI JOIN returners USING (customer_id)
            ANTI JOIN duplicates USING (source_file, source_row)
            WHERE {STANDS}""",
        "day_pairs": _day_pairs(),
        "midnight_pairs": _midnight_pairs(),
        "cancelled": _cancelled(),
        "first_purchases": """
            SELECT customer_id, product_id, min(ordered_at) AS first_purchase_at
            FROM their_lines WHERE NOT is_return GROUP BY customer_id, product_id""",
        "put_aside": _put_aside(data),
    }


STANDS = f"(verdict IS NULL OR verdict = {literal(RETURN)}) AND NOT ({_IS_REFUNDED})"
"""SQL predicate: the state of the row does not put it aside."""


def kinds(rules: Rules) -> str:
    """SQL for `typed_lines` with what kind they are, and the day on which they were ordered.

    A return takes money back, whatever its sign in the file.
    """
    names = ", ".join(map(literal, nobody_ids(rules)))
    person = (
        f", CASE WHEN customer_id NOT IN ({names}) THEN customer_id END AS customer_id"
        if names
        else ""
    )
    return f"""
        WITH told AS (
            SELECT *, {is_cancellation(rules)} AS is_cancellation, {is_return(rules)} AS is_return
            FROM typed_lines
        )
        SELECT * REPLACE ({SIGNED_AMOUNT} AS amount{person}),
               CAST(ordered_at AS DATE) AS ordered_on
        FROM told"""


def is_cancellation(rules: Rules) -> str:
    """SQL predicate over `typed_lines`: the order takes another one back."""
    prefix = rules.cancelled_order_prefix
    return f"coalesce(starts_with(order_id, {literal(prefix)}), false)" if prefix else "false"


def is_return(rules: Rules) -> str:
    """SQL predicate over `typed_lines`: the line takes money back."""
    is_negative = f"quantity < 0 OR amount < 0 OR verdict = {literal(RETURN)}"
    return f"coalesce({is_cancellation(rules)} OR {is_negative}, false)"


SIGNED_AMOUNT = "CASE WHEN is_return THEN -abs(amount) ELSE amount END"
"""SQL over `typed_lines` and `is_return`: the amount, whatever sign a return has in the file."""


_CONTENT = "customer_id, order_id, product_id, ordered_at, quantity, amount, discount, channel"
_REST = "category, product_name, cost"
"""What may differ between rows of equal content: a later export renames a product. Which of
them is kept is told by these, never by the place in the file."""


def _duplicates(data: Data) -> str:
    """The rows that say again what another row said, within its file or over files."""
    within_file = "occurrence_in_file > 1 OR " if duplicates_dropped(data) else ""
    # of an order exported twice in two states, the later file knows better
    latest = "ingested_at DESC NULLS LAST, source_file DESC, " if has_states(data) else ""
    return f"""
        WITH fingerprints AS (
            SELECT source_file, source_row, hash({_CONTENT}) AS content_hash FROM kinds
        ), suspects AS (
            SELECT content_hash FROM fingerprints GROUP BY content_hash HAVING count(*) > 1
        ), numbered AS (
            SELECT kinds.*, row_number() OVER (
                       PARTITION BY {_CONTENT}, source_file
                       ORDER BY verdict, refunded DESC, changed_at, {_REST}, source_row
                   ) AS occurrence_in_file
            FROM kinds
            JOIN fingerprints USING (source_file, source_row)
            JOIN suspects USING (content_hash)
        ), counted AS (
            SELECT source_file, source_row, occurrence_in_file, row_number() OVER (
                       PARTITION BY {_CONTENT}, occurrence_in_file
                       ORDER BY {latest}{_REST}, source_file
                   ) AS occurrence_over_files
            FROM numbered
        )
        SELECT source_file, source_row, occurrence_over_files > 1 AS is_overlap FROM counted
        WHERE {within_file}occurrence_over_files > 1"""


_SAME_GOODS = "customer_id, product_id, abs(quantity), abs(amount)"


def _day_pairs() -> str:
    """Both rows of each purchase that its own day took back: the k-th with the k-th."""
    candidates = """
        SELECT *, ordered_on AS pair_day FROM their_lines WHERE amount <> 0"""
    return _paired(candidates, "bought.ordered_at <= back.ordered_at")


def _midnight_pairs() -> str:
    """Purchases late at night that were taken back early on the next day, and by no day alone."""
    candidates = """
        SELECT theirs.*, CASE WHEN is_return THEN ordered_on ELSE ordered_on + 1 END AS pair_day
        FROM their_lines AS theirs
        ANTI JOIN day_pairs ON theirs.source_file = bought_file AND theirs.source_row = bought_row
        ANTI JOIN day_pairs AS taken ON theirs.source_file = back_file AND theirs.source_row = back_row
        WHERE amount <> 0
          AND hour(ordered_at) = CASE WHEN is_return THEN 0 ELSE 23 END"""
    within = f"back.ordered_at - bought.ordered_at <= INTERVAL {MIDNIGHT_MINUTES} MINUTE"
    return _paired(candidates, within)


def _paired(candidates: str, condition: str) -> str:
    """Purchases and returns of the same goods on the same `pair_day`, one to one."""
    return f"""
        WITH numbered AS (
            SELECT *, row_number() OVER (
                       PARTITION BY {_SAME_GOODS}, pair_day, is_return
                       ORDER BY ordered_at, {_CONTENT}, {_REST}, source_file, source_row
                   ) AS turn
            FROM ({candidates})
        )
        SELECT bought.source_file AS bought_file, bought.source_row AS bought_row,
               back.source_file AS back_file, back.source_row AS back_row,
               greatest(back.ordered_on, CAST(back.ingested_at AS DATE)) AS gone_on
        FROM numbered AS back
        JOIN numbered AS bought
          ON back.customer_id = bought.customer_id
         AND back.product_id IS NOT DISTINCT FROM bought.product_id
         AND abs(back.quantity) = abs(bought.quantity)
         AND back.amount = -bought.amount
         AND back.pair_day = bought.pair_day
         AND back.turn = bought.turn
         AND back.is_return AND NOT bought.is_return
         AND {condition}"""


def _cancelled() -> str:
    """One row per row of a pair; a purchase knows from which day on it is gone."""
    return " UNION ALL ".join(
        f"""SELECT bought_file AS source_file, bought_row AS source_row, gone_on,
                   {over_midnight} AS is_over_midnight FROM {pairs}
            UNION ALL SELECT back_file, back_row, NULL, {over_midnight} FROM {pairs}"""
        for pairs, over_midnight in (("day_pairs", "false"), ("midnight_pairs", "true"))
    )


_KNOWN_ON = "greatest(ordered_on, CAST(ingested_at AS DATE))"
"""SQL for the day on which a row was both ordered and in the file."""


def reason_sql(rules: Iterable[Rule]) -> str:
    """SQL over `flagged_lines`: the code of the first rule that puts a row aside, NULL: none."""
    cases = " ".join(f"WHEN {rule.condition} THEN {literal(rule.code)}" for rule in rules)
    return f"CASE {cases} END"


def is_changed(data: Data) -> str:
    """SQL predicate over `flagged_lines`: a purchase that counted until what became of its order."""
    without_state = reason_sql(rule for rule in rules_for(data) if rule.code not in _OF_STATE)
    return (
        f"changed_at IS NOT NULL AND {without_state} IS NULL AND NOT is_return "
        "AND (verdict IS NOT NULL OR refunded > 0)"
    )


def _put_aside(data: Data) -> str:
    taken_back = ", ".join(map(literal, TAKEN_BACK))
    return f"""
        WITH flagged_lines AS (
            SELECT kinds.*,
                   duplicates.source_row IS NOT NULL AS is_duplicate,
                   coalesce(is_overlap, false) AS is_overlap,
                   cancelled.source_row IS NOT NULL AS is_cancelled_pair,
                   coalesce(is_over_midnight, false) AS is_over_midnight,
                   coalesce(first_purchase_at <= ordered_at, kinds.customer_id IS NULL)
                       AS has_earlier_purchase,
                   gone_on
            FROM kinds
            LEFT JOIN duplicates USING (source_file, source_row)
            LEFT JOIN cancelled USING (source_file, source_row)
            LEFT JOIN first_purchases
              ON is_return AND kinds.customer_id = first_purchases.customer_id
             AND kinds.product_id IS NOT DISTINCT FROM first_purchases.product_id
        ), told AS (
            SELECT *, {reason_sql(rules_for(data))} AS reason, {is_changed(data)} AS is_changed
            FROM flagged_lines
        ), dated AS (
            SELECT source_file, source_row, reason,
                   CASE WHEN is_changed AND CAST(changed_at AS DATE) > {_KNOWN_ON}
                        THEN CAST(changed_at AS DATE)
                        WHEN reason IN ({taken_back}) AND gone_on > {_KNOWN_ON}
                        THEN gone_on END AS gone_on
            FROM told
        )
        SELECT * FROM dated WHERE reason IS NOT NULL OR gone_on IS NOT NULL"""
