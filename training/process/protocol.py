"""The methods of every purchase process."""

from __future__ import annotations

from typing import Any, Protocol, Self

import pandas as pd
from numpy.typing import ArrayLike

from training.process.purchase_summary import Floats


class PurchaseProcess(Protocol):
    """A model of when customers buy and when they stop.

    `summary` holds one row per customer with `x`, `t_x`, `T` (see
    `training.process.purchase_summary`); every answer is float64 of shape (rows,) in its order.
    Times are in the unit of the summary that was fitted, days throughout the product.
    """

    model: str
    converged_: bool
    diagnosis_: str
    log_likelihood_: float

    def fit(self, summary: pd.DataFrame) -> Self:
        """Learn from customers and their purchases before `as_of`."""
        ...

    def p_alive(self, summary: pd.DataFrame) -> Floats:
        """P(not dropped out by T), in [0, 1]."""
        ...

    def expected_orders(self, summary: pd.DataFrame, days: ArrayLike) -> Floats:
        """Expected purchase days in (T, T + days], ≥ 0."""
        ...

    def p_no_order(self, summary: pd.DataFrame, days: ArrayLike) -> Floats:
        """P(no purchase in (T, T + days]), in [0, 1]."""
        ...

    def discounted_orders(self, summary: pd.DataFrame, *, discount_rate: float) -> Floats:
        """Expected purchases after T, one t later counting e^(−discount_rate · t), ≥ 0."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe values; `training.process.choice.process_from_dict` restores them."""
        ...
