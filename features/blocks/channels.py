"""Where a customer buys; unknown where the orders carry no channel."""

from features.blocks.block import Block, Feature
from features.language.message import message

BLOCK = Block(
    name="channels",
    grain="customer_orders",
    features=(
        Feature(
            "distinct_channels",
            "count",
            "counts",
            "SUM(new_channel)",
            message("different channels used"),
        ),
        Feature(
            "top_channel_share",
            "share",
            "counts",
            "CAST(MAX(most_channel) AS DOUBLE) / NULLIF(SUM(channel_times), 0)",
            message("share of the favourite channel"),
        ),
        Feature(
            "channel_entropy",
            "nats",
            "counts",
            "CASE WHEN SUM(channel_times) > 0 THEN GREATEST(LN(GREATEST(SUM(channel_times), 1)) "
            "- SUM(channel_n_log_n) / 1e6 / NULLIF(SUM(channel_times), 0), 0e0) END",
            message("variety of channels"),
        ),
    ),
)
