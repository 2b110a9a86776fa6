"""Where a customer buys; unknown where the orders carry no channel."""

from features.blocks.block import Block, Feature

BLOCK = Block(
    name="channels",
    grain="customer_orders",
    features=(
        Feature(
            "distinct_channels",
            "count",
            "counts",
            "SUM(new_channel)",
            "different channels used",
            "使用过的渠道数",
        ),
        Feature(
            "top_channel_share",
            "share",
            "counts",
            "CAST(MAX(most_channel) AS DOUBLE) / NULLIF(SUM(channel_times), 0)",
            "share of the favourite channel",
            "最常用渠道的占比",
        ),
        Feature(
            "channel_entropy",
            "nats",
            "counts",
            "CASE WHEN SUM(channel_times) > 0 THEN GREATEST(LN(GREATEST(SUM(channel_times), 1)) "
            "- SUM(channel_n_log_n) / 1e6 / NULLIF(SUM(channel_times), 0), 0e0) END",
            "variety of channels",
            "渠道多样性",
        ),
    ),
)
