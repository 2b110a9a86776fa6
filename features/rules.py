"""The rules that decide which rows are orders; one catalogue, first match wins.

Every row of the source ends either in the orders or in the quarantine, with exactly
one reason. A rule reads `typed_lines` (see `features.mapping`) and the flags that
`flagged_lines` adds for rules that must look at other rows. No rule lets a later day
change an earlier one: what is known about a row depends on its own day and the past,
so a feature at `as_of` never learns from rows after it.
"""

from dataclasses import dataclass

from features.config import Data, Rules
from features.sql import literal


@dataclass(frozen=True)
class Rule:
    """A reason to put rows aside.

    Attributes
    ----------
    code : name in reports and in the quarantine file
    meaning : one sentence for the person who reads the report
    condition : SQL predicate over `flagged_lines`
    """

    code: str
    meaning: str
    condition: str


def rules_for(data: Data) -> tuple[Rule, ...]:
    """The rules in force for a configuration, in the order in which they apply."""
    ignored = ", ".join(literal(product) for product in data.rules.ignore_products)
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
        Rule(
            "bad_amount",
            "an amount of money that is missing, no number or beyond all measure",
            "amount IS NULL",
        ),
        Rule("duplicate", "the same row again", "is_duplicate"),
        Rule(
            "not_a_product",
            "fees, postage, adjustments (data.rules.ignore_products)",
            f"product_id IN ({ignored})" if ignored else "false",
        ),
        Rule(
            "not_a_sale",
            "goods moved without money or customer: stock adjustments, write-offs",
            "quantity < 0 AND amount = 0 OR customer_id IS NULL AND is_return AND NOT is_cancellation",
        ),
        Rule(
            "cancelled_same_day",
            "a purchase and its cancellation within one day count for nothing",
            "is_cancelled_pair",
        ),
        Rule(
            "return_without_purchase",
            "a return of something that this customer is not known to have bought",
            "is_return AND NOT has_earlier_purchase",
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


def line_steps(data: Data) -> list[tuple[str, str]]:
    """The SQL steps from `typed_lines` to `judged_lines` (name, query), in order."""
    return [
        ("kinds", _kinds(data.rules)),
        ("duplicates", _duplicates(data)),
        ("pairs", _pairs()),
        ("first_purchases", _first_purchases()),
        ("judged_lines", _judged(data)),
    ]


def _kinds(rules: Rules) -> str:
    """Lines with what kind they are; a return takes money back, whatever its sign in the file."""
    prefix = rules.cancelled_order_prefix
    cancelled = f"coalesce(starts_with(order_id, {literal(prefix)}), false)" if prefix else "false"
    return f"""
        WITH told AS (
            SELECT *, {cancelled} AS is_cancellation,
                   coalesce({cancelled} OR quantity < 0 OR amount < 0, false) AS is_return
            FROM typed_lines
        )
        SELECT * REPLACE (CASE WHEN is_return THEN -abs(amount) ELSE amount END AS amount),
               CAST(ordered_at AS DATE) AS ordered_on
        FROM told"""


_CONTENT = "customer_id, order_id, product_id, ordered_at, quantity, amount, discount, channel"
_REST = "category, product_name, cost"
"""What may differ between rows of equal content: a later export renames a product. Which of
them is kept is told by these, never by the place in the file."""


def _duplicates(data: Data) -> str:
    """The rows that say again what another row said, within its file or over files."""
    within_file = "occurrence_in_file > 1 OR " if duplicates_dropped(data) else ""
    return f"""
        WITH fingerprints AS (
            SELECT source_file, source_row, hash({_CONTENT}) AS content_hash FROM kinds
        ), suspects AS (
            SELECT content_hash FROM fingerprints GROUP BY content_hash HAVING count(*) > 1
        ), numbered AS (
            SELECT kinds.*, row_number() OVER (
                       PARTITION BY {_CONTENT}, source_file ORDER BY {_REST}, source_row
                   ) AS occurrence_in_file
            FROM kinds
            JOIN fingerprints USING (source_file, source_row)
            JOIN suspects USING (content_hash)
        ), counted AS (
            SELECT source_file, source_row, occurrence_in_file, row_number() OVER (
                       PARTITION BY {_CONTENT}, occurrence_in_file ORDER BY {_REST}, source_file
                   ) AS occurrence_over_files
            FROM numbered
        )
        SELECT source_file, source_row FROM counted
        WHERE {within_file}occurrence_over_files > 1"""


def _pairs() -> str:
    """Both rows of each purchase that its own day took back: the k-th with the k-th."""
    key = "customer_id, product_id, abs(quantity), abs(amount), ordered_on"
    return f"""
        WITH numbered AS (
            SELECT *, row_number() OVER (
                       PARTITION BY {key}, is_return
                       ORDER BY ordered_at, {_CONTENT}, {_REST}, source_file, source_row
                   ) AS turn
            FROM kinds
            ANTI JOIN duplicates USING (source_file, source_row)
            WHERE customer_id IS NOT NULL AND amount <> 0
        )
        SELECT bought.source_file AS bought_file, bought.source_row AS bought_row,
               back.source_file AS back_file, back.source_row AS back_row
        FROM numbered AS back
        JOIN numbered AS bought
          ON back.customer_id = bought.customer_id
         AND back.product_id IS NOT DISTINCT FROM bought.product_id
         AND abs(back.quantity) = abs(bought.quantity)
         AND back.amount = -bought.amount
         AND back.ordered_on = bought.ordered_on
         AND back.turn = bought.turn
         AND back.is_return AND NOT bought.is_return
         AND bought.ordered_at <= back.ordered_at"""


def _first_purchases() -> str:
    return """
        SELECT customer_id, product_id, min(ordered_at) AS first_purchase_at
        FROM kinds
        WHERE NOT is_return AND customer_id IN (SELECT customer_id FROM kinds WHERE is_return)
        GROUP BY customer_id, product_id"""


def _judged(data: Data) -> str:
    cases = " ".join(f"WHEN {rule.condition} THEN {literal(rule.code)}" for rule in rules_for(data))
    return f"""
        WITH flagged_lines AS (
            SELECT kinds.*,
                   duplicates.source_row IS NOT NULL AS is_duplicate,
                   paired.source_row IS NOT NULL AS is_cancelled_pair,
                   coalesce(first_purchase_at <= ordered_at, kinds.customer_id IS NULL)
                       AS has_earlier_purchase
            FROM kinds
            LEFT JOIN duplicates USING (source_file, source_row)
            LEFT JOIN (
                SELECT bought_file AS source_file, bought_row AS source_row FROM pairs
                UNION ALL SELECT back_file, back_row FROM pairs
            ) AS paired USING (source_file, source_row)
            LEFT JOIN first_purchases
              ON is_return AND kinds.customer_id = first_purchases.customer_id
             AND kinds.product_id IS NOT DISTINCT FROM first_purchases.product_id
        )
        SELECT *, CASE {cases} END AS reason FROM flagged_lines"""
