"""How many orders a customer places in the horizon, given at least one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import pandas as pd

from features.rows import Features
from training.models.boosting import Boosting
from training.models.estimator import Floats
from training.models.rhythm import Rhythm
from training.value.buyers import Buyers
from training.value.log_blend import LogBlend


class OrderCount:
    """E[orders in the horizon | at least one], never below 1.

    Learned from the rows of the past in which there was an order: what they ordered beyond the
    first, as a `LogBlend` that starts from what the purchase process expects of it.
    """

    beyond_: LogBlend

    def fit(self, buyers: Buyers, rhythm: Rhythm, today: pd.DataFrame, boosting: Boosting) -> Self:
        """Learn from `buyers`; the level is that of the customers of `today`."""
        self.beyond_ = LogBlend(boosting, "poisson").fit(
            buyers.features,
            buyers.orders - 1,
            buyers.each(Rhythm.orders_beyond_first),
            today,
            rhythm.orders_beyond_first(today),
            counts=rhythm.p_order(today),
        )
        return self

    def predict(self, rhythm: Rhythm, features: Features) -> Floats:
        """Orders of each customer who orders, ≥ 1."""
        return 1 + self.beyond_.predict(features, rhythm.orders_beyond_first(features))

    def out_of_fold(self, buyers: Buyers) -> Floats:
        """The same for `buyers`, each learned without the customer, at the level of its window."""
        expected_beyond = buyers.each(Rhythm.orders_beyond_first)
        return 1 + self.beyond_.out_of_fold(buyers.features, buyers.orders - 1, expected_beyond)

    def contributions(self, rhythm: Rhythm, features: Features) -> tuple[Floats, Floats]:
        """What the process and what each feature adds to the log of the orders.

        Returns
        -------
        One value per row, and rows × columns; both to first order, as the log of 1 + x is no sum.
        """
        expected_beyond = rhythm.orders_beyond_first(features)
        beyond = self.beyond_.predict(features, expected_beyond)
        part = beyond / (1 + beyond)
        process, parts = self.beyond_.contributions(features, expected_beyond)
        return part * process, part[:, None] * parts

    def save(self, directory: Path) -> dict[str, Any]:
        """Write the trees; return the rest, ready for JSON."""
        return self.beyond_.save(directory, "orders")

    @classmethod
    def load(cls, directory: Path, columns: list[str], value: dict[str, Any]) -> Self:
        """Read what `save` wrote and returned."""
        count = cls()
        count.beyond_ = LogBlend.load(directory, "orders", columns, value)
        return count
