"""What the values of columns tell about one another."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.proposal.columns import Column

_LEAST_GROUPS = 10
_LEAST_ROWS = 30


def determines(key: Column, value: Column) -> float | None:
    """Share of the keys with several rows that have one `value`; None: too few to tell."""
    frame = pd.DataFrame({"key": key.codes, "value": value.codes})
    frame = frame[(frame["key"] >= 0) & (frame["value"] >= 0)]
    rows = frame.groupby("key").size()
    values = frame.drop_duplicates().groupby("key").size()
    several = values[rows > 1]
    return float((several == 1).mean()) if len(several) >= _LEAST_GROUPS else None


def within_a_day(key: Column, times: "pd.Series[Any]") -> float | None:
    """Share of the keys with several rows whose rows lie within 24 hours; None: too few."""
    grouped = times[key.codes >= 0].groupby(key.codes[key.codes >= 0])
    spread = (grouped.max() - grouped.min())[grouped.size() > 1]
    if len(spread) < _LEAST_GROUPS:
        return None
    return float((spread <= pd.Timedelta(days=1)).mean())


def comes_back(key: Column, times: "pd.Series[Any]") -> float:
    """Share of the keys seen on more than one day."""
    days = times.dt.normalize()[key.codes >= 0].groupby(key.codes[key.codes >= 0]).nunique()
    return float((days > 1).mean()) if len(days) else 0.0


@dataclass(frozen=True)
class QuantityTrend:
    """How money moves with quantity for the same product.

    Attributes
    ----------
    slope : of log money on log quantity, both less their product's mean: 0 a unit price, 1 a line
        total
    error : standard error of the slope
    deviation : median size of log money less its product's median, over lines whose quantity is
        not their product's usual one; near 0 where a price hardly varies
    """

    slope: float
    error: float
    deviation: float

    @property
    def is_growing(self) -> bool:
        """Whether money grows with quantity by more than chance."""
        return self.slope > 2 * self.error


def quantity_trend(money: Column, quantity: Column, product: Column | None) -> QuantityTrend | None:
    """None where quantities vary too little to tell."""
    logs = _logs(money, quantity, product)
    varied = None if logs is None else _varied(logs)
    if logs is None or varied is None:
        return None
    slope = _slope(varied)
    left = varied["money"] - slope * varied["quantity"]
    freedom = max(len(varied) - varied.index.nunique() - 1, 1)
    squares = float((varied["quantity"] ** 2).sum())
    from_usual = logs - logs.groupby(level=0).transform("median")
    unusual = from_usual[from_usual["quantity"].abs() > 1e-9]
    return QuantityTrend(
        slope=slope,
        error=float(np.sqrt((left**2).sum() / freedom / squares)),
        deviation=float(unusual["money"].abs().median()),
    )


def elasticity(money: Column, quantity: Column, product: Column | None) -> float | None:
    """The slope of `quantity_trend`; None where quantities vary too little to tell."""
    logs = _logs(money, quantity, product)
    varied = None if logs is None else _varied(logs)
    return None if varied is None else _slope(varied)


def _logs(money: Column, quantity: Column, product: Column | None) -> pd.DataFrame | None:
    """The logarithms of `money` and `quantity` where both are above 0; the index is the product."""
    if money.numbers is None or quantity.numbers is None:
        return None
    frame = pd.DataFrame({"money": money.numbers, "quantity": quantity.numbers})
    frame["product"] = product.codes if product else 0
    frame = frame[(frame["money"] > 0) & (frame["quantity"] > 0) & (frame["product"] >= 0)]
    return frame.set_index("product").apply(np.log)


def _varied(logs: pd.DataFrame) -> pd.DataFrame | None:
    """Less their product's mean, where the quantity varies; None: in too few rows."""
    centred = logs - logs.groupby(level=0).transform("mean")
    varied = centred[centred["quantity"].abs() > 1e-9]
    return varied if len(varied) >= _LEAST_ROWS else None


def _slope(varied: pd.DataFrame) -> float:
    return float((varied["money"] * varied["quantity"]).sum() / (varied["quantity"] ** 2).sum())
