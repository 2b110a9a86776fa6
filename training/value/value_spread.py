"""How the value of buyers scatters around their expected value, and the quantiles from it."""

from typing import Any, Self

import numpy as np

from training.models.estimator import Floats

LEVELS = np.linspace(0.0, 1.0, 51)
LOW, HIGH = 0.1, 0.9
"""The ends of every 80 % interval of value."""

LEAST_MONEY = 1e-9


class ValueSpread:
    """A customer's value in the horizon: nothing, or else a multiple of what is expected then.

    F(x) = (1 − p) + p·G(x / M): with probability 1 − p there is no order and the value is 0;
    given an order, it is M times a ratio of distribution G. G is that of buyers of the past,
    as seen by models that did not know them, in bands of expected spend p·M; between the
    middles of two bands the quantiles of G are interpolated on the log of expected spend.

    Parameters
    ----------
    bands : at most this many, each of 60 buyers or more; with fewer than twice that, one
    """

    LEAST_BUYERS = 60

    def __init__(self, *, bands: int = 8) -> None:
        self.bands = bands

    def fit(self, expected: Floats, if_order: Floats, value: Floats) -> Self:
        """Learn from buyers of the past.

        Parameters
        ----------
        expected : spend that was expected of each, the chance of no order included
        if_order : what was expected given an order, M > 0
        value : what came; the sum of `if_order` is brought to that of `value` first, since the
            level of a window is no matter of single customers
        """
        if not len(value):
            self.middles_, self.quantiles_ = np.ones(1), np.ones((1, len(LEVELS)))
            return self
        level = float(value.sum()) / float(if_order.sum())
        level = level if level > 0 else 1.0
        ratio = value / (level * if_order)
        bands = int(np.clip(len(value) // self.LEAST_BUYERS, 1, self.bands))
        parts = np.array_split(np.argsort(expected, kind="stable"), bands)
        self.middles_ = np.array([np.median(expected[part]) for part in parts])
        self.quantiles_ = np.array([np.quantile(ratio[part], LEVELS) for part in parts])
        return self

    def of_all(self, p_order: Floats, if_order: Floats, expected: Floats, level: float) -> Floats:
        """The value that is not exceeded with probability `level`, no order included.

        0 where `p_order` < 1 − `level`; below 0 only where P(value < 0) > `level`.
        """
        position = self._place(expected)
        chance = np.maximum(p_order, LEAST_MONEY)
        losses = if_order * self._ratio(position, level / chance)
        gains = if_order * self._ratio(position, (level - (1 - p_order)) / chance)
        is_loss = (level < p_order) & (losses < 0)
        is_gain = (level >= 1 - p_order) & (gains > 0)
        return np.where(is_loss, losses, np.where(is_gain, gains, 0.0))

    def of_buyers(self, if_order: Floats, expected: Floats, level: float) -> Floats:
        """The same given at least one order."""
        position = self._place(expected)
        return np.asarray(if_order * self._ratio(position, np.full(len(if_order), level)))

    def _place(self, expected: Floats) -> Floats:
        """The position among the bands, 0 to their number − 1."""
        money, middles = (
            np.log(np.maximum(sums, LEAST_MONEY)) for sums in (expected, self.middles_)
        )
        return np.asarray(np.interp(money, middles, np.arange(len(middles))))

    def _ratio(self, position: Floats, level: Floats) -> Floats:
        step = np.clip(level, 0.0, 1.0) * (len(LEVELS) - 1)
        # NaN stays NaN, through `part`
        first = np.minimum(np.floor(np.nan_to_num(step)).astype(int), len(LEVELS) - 2)
        part = step - first
        below = np.floor(np.nan_to_num(position)).astype(int)
        above = np.minimum(below + 1, len(self.middles_) - 1)
        low, high = (
            (1 - part) * self.quantiles_[band, first] + part * self.quantiles_[band, first + 1]
            for band in (below, above)
        )
        weight = position - below
        return np.asarray((1 - weight) * low + weight * high)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` gives bit-identical quantiles."""
        return {"middles": self.middles_.tolist(), "quantiles": self.quantiles_.tolist()}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Self:
        spread = cls()
        spread.middles_, spread.quantiles_ = (
            np.array(value[name], dtype=float) for name in ("middles", "quantiles")
        )
        return spread
