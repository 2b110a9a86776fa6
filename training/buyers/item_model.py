"""What was learned of one kind of items, and the chances that it gives every customer."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.special import expit

from training.buyers.item_past import ItemPast
from training.buyers.logistic import Logistic
from training.buyers.signs import (
    CERTAIN,
    NEW_SHARE,
    NEWLY_BOUGHT,
    Likeness,
    customer_columns,
    item_columns,
    own_columns,
)
from training.past.purchase_history import Floats, Ints


@dataclass(frozen=True)
class ItemModel:
    """What was learned of one kind of items: all but what the customers' purchases say themselves.

    Attributes
    ----------
    items : ids, those that most customers bought first
    own, new : P(bought | an order) of items that a customer has bought before, and of others
    reach : days of the past that count: as many as in the windows that were learned from, so that
        nothing tells how old the log is
    spread : how far an item's buyers were off from what was said, beyond chance: the standard
        deviation of log(came ÷ said)
    """

    items: tuple[str, ...]
    own: Logistic
    new: Logistic
    reach: int
    spread: float

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "items": list(self.items),
            "own": self.own.to_dict(),
            "new": self.new.to_dict(),
            "reach": self.reach,
            "spread": self.spread,
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Self:
        """What `to_dict` made."""
        own, new = (Logistic.from_dict(value[name]) for name in ("own", "new"))
        return cls(
            tuple(map(str, value["items"])), own, new, int(value["reach"]), float(value["spread"])
        )


@dataclass(frozen=True)
class ChanceTable:
    """P(item | an order) of one kind of items, for slices of the customers."""

    model: ItemModel
    past: ItemPast
    own_chance: Floats
    first_pair: Ints
    """The pairs of customer c are `first_pair[c]` to `first_pair[c + 1]`."""
    of_customer: Floats
    of_item: Floats
    likeness: "Likeness"

    @classmethod
    def of(cls, model: ItemModel, past: ItemPast) -> Self:
        return cls(
            model=model,
            past=past,
            own_chance=np.minimum(expit(model.own.raw(own_columns(past))), CERTAIN),
            first_pair=np.searchsorted(past.customer, np.arange(past.customers + 1)),
            of_customer=customer_columns(past),
            of_item=item_columns(past),
            likeness=Likeness.of(past),
        )

    def given_order(self, rows: slice) -> Floats:
        """Customers of the slice × items."""
        of_customer, new = self.of_customer[rows], self.model.new
        by_customer, by_item, by_both = np.split(new.coefficients, [of_customer.shape[1], -2])
        raw = (new.intercept + of_customer @ by_customer)[:, None] + self.of_item @ by_item
        raw += by_both[0] * self.likeness.of_rows(rows)
        # who tries many new items, of an item that many try
        raw += by_both[1] * np.outer(of_customer[:, NEWLY_BOUGHT], self.of_item[:, NEW_SHARE])
        chance = np.minimum(expit(raw), CERTAIN)
        pairs = slice(self.first_pair[rows.start], self.first_pair[rows.stop])
        owner = self.past.customer[pairs] - rows.start
        chance[owner, self.past.item[pairs]] = self.own_chance[pairs]
        return np.asarray(chance)
