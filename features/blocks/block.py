"""What a feature is: a named SQL expression over one grain of the visible past."""

from dataclasses import dataclass
from typing import Literal

from features.language.message import Message

Grain = Literal[
    "customer_orders",
    "customer_days",
    "customer_interactions",
    "customer_items",
    "customer_referrals",
    "customer_contacts",
    "customer_attributes",
]
"""The grouped step an expression runs over; see `features.engines.build.GRAINS`."""

State = Literal["sum", "extreme", "window", "orders", "counts", "derived", "table"]
"""What must be kept of a customer to go on computing a feature without the log.

`sum`: running sums of whole numbers, mergeable. `extreme`: smallest, largest, first or last,
mergeable while nothing is taken back. `window`: a year of orders. `orders`: all orders (a
median, a late order between two others). `counts`: a number per product, category or channel,
mergeable. `derived`: nothing, it follows from other features. `table`: the rows of an optional
table, which no order of the customer changes.
"""

Unit = Literal[
    "days", "orders", "money", "share", "ratio", "count", "hour", "nats", "points", "yes_no"
]

Needs = Literal[
    "interactions",
    "items",
    "referrals",
    "contacts",
    "customers",
    "cancellations",
    "contract_starts",
    "contract_terms",
]
"""Which optional table a block is computed from; `items`: interactions that name products or
categories; `referrals`: interactions that say whom they
brought; `cancellations`: customers with the date of their cancellation; `contract_starts` and
`contract_terms`: those with the day on which the contract began, and with its term as well."""


@dataclass(frozen=True)
class Feature:
    """One column of the feature table.

    Attributes
    ----------
    name : column name, unit inside (`days_since_last_order`)
    unit : what a value counts
    state : what must be kept to update it; see `State`
    sql : expression; aggregates over the block's grain, or, in a derived block, plain
        arithmetic on columns of earlier blocks. `{as_of}` is the day number of the date.
        Only integers are summed, so that threads cannot change a bit of the result.
    meaning : what it is, as a noun phrase for reasons and documentation
    """

    name: str
    unit: Unit
    state: State
    sql: str
    meaning: Message


@dataclass(frozen=True)
class Block:
    """Features that belong together and are computed over the same grain.

    A block without a grain is derived: its expressions see the columns of the blocks
    before it in the catalogue. A block that `needs` an optional table is there only when the
    configuration names the table.
    """

    name: str
    features: tuple[Feature, ...]
    grain: Grain | None = None
    needs: Needs | None = None
