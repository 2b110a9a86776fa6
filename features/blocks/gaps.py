"""The customer's own rhythm: gaps between purchase days."""

from features.blocks.block import Block, Feature
from features.language.message import message

_N = "COUNT(gap_days)"
_SUM = "SUM(gap_days)"
_SQUARES = "SUM(gap_days * gap_days)"

BLOCK = Block(
    name="gaps",
    grain="customer_days",
    features=(
        Feature(
            "mean_gap_days",
            "days",
            "orders",
            f"CAST({_SUM} AS DOUBLE) / NULLIF({_N}, 0)",
            message("usual days between purchases"),
        ),
        Feature(
            "median_gap_days",
            "days",
            "orders",
            "MEDIAN(gap_days)",
            message("median days between purchases"),
        ),
        Feature(
            "std_gap_days",
            "days",
            "orders",
            # from integer sums: n Σg² − (Σg)² is exact, so the root is the same on every run
            f"CASE WHEN {_N} > 1 THEN SQRT(CAST({_N} * {_SQUARES} - {_SUM} * {_SUM} AS DOUBLE) "
            f"/ NULLIF({_N} * ({_N} - 1), 0)) END",
            message("spread of the days between purchases"),
        ),
        Feature(
            "min_gap_days",
            "days",
            "orders",
            "MIN(gap_days)",
            message("shortest gap between purchases"),
        ),
        Feature(
            "max_gap_days",
            "days",
            "orders",
            "MAX(gap_days)",
            message("longest gap between purchases"),
        ),
        Feature(
            "last_gap_days",
            "days",
            "orders",
            "MAX(CASE WHEN next_day IS NULL OR next_day >= {as_of} THEN gap_days END)",
            message("days between the last two purchases"),
        ),
    ),
)
