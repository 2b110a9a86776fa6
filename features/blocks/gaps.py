"""The customer's own rhythm: gaps between purchase days."""

from features.blocks.block import Block, Feature

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
            "usual days between purchases",
            "平均购买间隔天数",
        ),
        Feature(
            "median_gap_days",
            "days",
            "orders",
            "MEDIAN(gap_days)",
            "median days between purchases",
            "购买间隔天数的中位数",
        ),
        Feature(
            "std_gap_days",
            "days",
            "orders",
            # from integer sums: n Σg² − (Σg)² is exact, so the root is the same on every run
            f"CASE WHEN {_N} > 1 THEN SQRT(CAST({_N} * {_SQUARES} - {_SUM} * {_SUM} AS DOUBLE) "
            f"/ NULLIF({_N} * ({_N} - 1), 0)) END",
            "spread of the days between purchases",
            "购买间隔天数的标准差",
        ),
        Feature(
            "min_gap_days",
            "days",
            "orders",
            "MIN(gap_days)",
            "shortest gap between purchases",
            "最短购买间隔天数",
        ),
        Feature(
            "max_gap_days",
            "days",
            "orders",
            "MAX(gap_days)",
            "longest gap between purchases",
            "最长购买间隔天数",
        ),
        Feature(
            "last_gap_days",
            "days",
            "orders",
            "MAX(CASE WHEN next_day IS NULL OR next_day >= {as_of} THEN gap_days END)",
            "days between the last two purchases",
            "最近两次购买的间隔天数",
        ),
    ),
)
