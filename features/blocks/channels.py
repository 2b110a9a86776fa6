"""Where a customer buys; unknown where the orders carry no channel."""

from features.block import Block, Feature

BLOCK = Block(
    name="channels",
    grain="customer_channels",
    features=(
        Feature(
            "distinct_channels",
            "count",
            "counts",
            "COUNT(*)",
            "different channels used",
            "使用过的渠道数",
        ),
        Feature(
            "top_channel_share",
            "share",
            "counts",
            "CAST(MAX(times) AS DOUBLE) / NULLIF(SUM(times), 0)",
            "share of the favourite channel",
            "最常用渠道的占比",
        ),
        Feature(
            "channel_entropy",
            "nats",
            "counts",
            "GREATEST(LN(GREATEST(SUM(times), 1)) "
            "- SUM(CAST(ROUND(times * LN(GREATEST(times, 1)) * 1e6) AS BIGINT)) / 1e6 "
            "/ NULLIF(SUM(times), 0), 0e0)",
            "variety of channels",
            "渠道多样性",
        ),
    ),
)
