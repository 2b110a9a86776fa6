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
            "CAST(MAX(times) AS DOUBLE) / SUM(times)",
            "share of the favourite channel",
            "最常用渠道的占比",
        ),
        Feature(
            "channel_entropy",
            "nats",
            "counts",
            "GREATEST(LN(SUM(times)) - SUM(CAST(ROUND(times * LN(times) * 1e6) AS BIGINT)) / 1e6 "
            "/ SUM(times), 0e0)",
            "variety of channels",
            "渠道多样性",
        ),
    ),
)
