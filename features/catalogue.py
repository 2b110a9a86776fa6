"""The one catalogue of feature blocks. To add a block: a file in `features/blocks`, a line here.

An installed package adds blocks of its own by the entry point `regulars.features`.
"""

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
from features.blocks.block import Block, Feature
from features.blocks.optional import (
    attributes,
    contacts,
    contract,
    interactions,
    items,
    membership,
)
from features.errors import ConfigError
from features.libraries.plug_ins import FEATURES as PLUGGED_FEATURES
from features.libraries.plug_ins import loaded, plugged
from features.settings.data import Data

OWN_BLOCKS: tuple[Block, ...] = (
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


def _plugged_blocks() -> tuple[Block, ...]:
    """The blocks of installed packages, behind ours.

    Raises
    ------
    ConfigError
        When one is no block, has nothing of its own, or a name that is taken.
    """
    taken = {block.name for block in OWN_BLOCKS}
    taken |= {feature.name for block in OWN_BLOCKS for feature in block.features}
    blocks = []
    for name, point in plugged(PLUGGED_FEATURES).items():
        block = loaded(point)
        if not isinstance(block, Block) or block.needs is not None or not block.features:
            raise ConfigError(
                f"{PLUGGED_FEATURES}: {name} is no Block with features of its own that orders "
                "alone tell (needs=None)."
            )
        names = [block.name, *(feature.name for feature in block.features)]
        if double := sorted(taken.intersection(names)):
            raise ConfigError(
                f"{PLUGGED_FEATURES}: {name} uses the name {double[0]!r}, which is taken."
            )
        taken.update(names)
        blocks.append(block)
    return tuple(blocks)


PLUGGED_BLOCKS: tuple[Block, ...] = _plugged_blocks()

BLOCKS: tuple[Block, ...] = (*OWN_BLOCKS, *PLUGGED_BLOCKS)

FEATURES: dict[str, Feature] = {
    feature.name: feature for block in BLOCKS for feature in block.features
}

OPTIONAL_BLOCKS: tuple[Block, ...] = (
    interactions.BLOCK,
    items.BLOCK,
    interactions.REFERRALS,
    contacts.BLOCK,
    membership.BLOCK,
    contract.STARTS,
    contract.TERMS,
    contract.PAYMENTS,
)
"""Blocks that need an optional table; those of `data.customers` follow from its configuration."""

OPTIONAL_FEATURES: dict[str, Feature] = {
    feature.name: feature for block in OPTIONAL_BLOCKS for feature in block.features
}


LIVE_BLOCKS: tuple[Block, ...] = (*BLOCKS, contract.PAYMENTS)
"""The blocks that orders alone tell: computed for one customer when an order comes in."""

LIVE_FEATURES: frozenset[str] = frozenset(
    feature.name for block in LIVE_BLOCKS for feature in block.features
)


def blocks_for(data: Data) -> tuple[Block, ...]:
    """The blocks that the configured tables can fill: all of `BLOCKS`, then the optional ones.

    Without an optional table these are `BLOCKS` themselves.
    """
    customers, events = data.customers, data.interactions
    have = {
        "interactions": events is not None,
        "items": events is not None and events.names_items,
        "referrals": events is not None and bool(events.other_customer_id),
        "contacts": data.contacts is not None,
        "cancellations": customers is not None and bool(customers.cancelled_on),
        "contract_starts": customers is not None and bool(customers.started_on),
        "contract_terms": customers is not None and bool(customers.term_months),
    }
    chosen = tuple(block for block in OPTIONAL_BLOCKS if block.needs and have[block.needs])
    noted = (attributes.block_of(customers),) if customers and customers.attributes else ()
    return (*BLOCKS, *chosen, *noted)


def feature_named(name: str) -> Feature:
    """The feature of this name, from any block.

    Raises
    ------
    KeyError
        When there is none.
    """
    standard = FEATURES.get(name) or OPTIONAL_FEATURES.get(name)
    return standard or attributes.feature_named(name)
