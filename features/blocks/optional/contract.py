"""The contract: how old it is, when it may end, and which payments did not come.

A year is 365 and a quarter days, so that anniversaries stay where they are in the calendar. Shops
whose table does not say when a contract began have the anniversary of the first payment instead.
"""

from features.blocks.block import Block, Feature
from features.language.message import message

CONTRACT_AGE = "contract_age_days"

_QUARTERS_PER_YEAR = 4 * 365 + 1
"""Quarters of a day."""

DAYS_PER_YEAR = _QUARTERS_PER_YEAR / 4
"""Of a contract: anniversaries stay where they are in the calendar."""

_MONTHS = 12

_TO_ANNIVERSARY = f"({_QUARTERS_PER_YEAR} - ({{age}} * 4) % {_QUARTERS_PER_YEAR}) / 4e0"

_AGE = "({as_of} - MAX(CASE WHEN began_day < {as_of} THEN began_day END))"

_TERM = f"(MAX(term_months) * {_QUARTERS_PER_YEAR} / {4 * _MONTHS}e0)"
"""In days."""

_TERMS_OVER = f"GREATEST(ROUND({_AGE} / NULLIF({_TERM}, 0) - 1 / 2e0), 0)"

STARTS = Block(
    name="contract",
    grain="customer_attributes",
    needs="contract_starts",
    features=(
        Feature(CONTRACT_AGE, "days", "table", _AGE, message("days since the contract began")),
        Feature(
            "days_to_anniversary",
            "days",
            "table",
            _TO_ANNIVERSARY.format(age=_AGE),
            message("days to the contract's anniversary"),
        ),
    ),
)

TERMS = Block(
    name="contract_term",
    grain="customer_attributes",
    needs="contract_terms",
    features=(
        Feature(
            "contract_term_months",
            "count",
            "table",
            "MAX(term_months)",
            message("agreed term of the contract in months"),
        ),
        Feature(
            "days_to_term_end",
            "days",
            "table",
            f"{_TERM} * ({_TERMS_OVER} + 1) - {_AGE}",
            message("days to the end of the contract's term"),
        ),
    ),
)

PAYMENTS = Block(
    name="payments",
    needs="cancellations",
    features=(
        Feature(
            "days_to_payment_anniversary",
            "days",
            "derived",
            _TO_ANNIVERSARY.format(age="days_since_first_order"),
            message("days to the anniversary of the first payment"),
        ),
        Feature(
            "payments_missed",
            "count",
            "derived",
            # one is missed from a quarter of a gap beyond its day on
            "GREATEST(ROUND(days_since_last_order / NULLIF(median_gap_days, 0) - 3 / 4e0), 0)",
            message("payments missed since the last one"),
        ),
        Feature(
            "payments_missed_365d",
            "count",
            "derived",
            "GREATEST(ROUND(LEAST(days_since_first_order, 365) / NULLIF(median_gap_days, 0)) "
            "- orders_365d, 0)",
            message("payments missed in the last 365 days"),
        ),
        Feature(
            "longest_gap_ratio",
            "ratio",
            "derived",
            "max_gap_days / NULLIF(median_gap_days, 0)",
            message("longest gap between payments compared with the usual one"),
        ),
        Feature(
            "last_payment_ratio",
            "ratio",
            "derived",
            "CASE WHEN orders > 1 THEN last_order_value * (orders - 1) "
            "/ NULLIF(orders * mean_order_value - last_order_value, 0) END",
            message("last payment compared with those before it"),
        ),
        Feature(
            "last_payment_ratio_365d",
            "ratio",
            "derived",
            "last_order_value * orders_365d / NULLIF(spend_365d, 0)",
            message("last payment compared with those of the last 365 days"),
        ),
    ),
)
"""Of the orders alone: the live path computes them whether or not a shop has contracts."""
