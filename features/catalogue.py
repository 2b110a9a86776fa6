"""The one catalogue of feature blocks. To add a block: a file in `features/blocks`, a line here."""

from features.block import Block, Feature
from features.blocks import (
    basket,
    calendar,
    categories,
    channels,
    discounts,
    gaps,
    margin,
    process,
    products,
    returns,
    rfm,
    season,
    spend,
    trend,
)

BLOCKS: tuple[Block, ...] = (
    rfm.BLOCK,
    gaps.BLOCK,
    process.BLOCK,
    spend.BLOCK,
    basket.BLOCK,
    products.BLOCK,
    categories.BLOCK,
    channels.BLOCK,
    discounts.BLOCK,
    returns.BLOCK,
    calendar.BLOCK,
    season.BLOCK,
    margin.BLOCK,
    trend.BLOCK,
)

FEATURES: dict[str, Feature] = {
    feature.name: feature for block in BLOCKS for feature in block.features
}
