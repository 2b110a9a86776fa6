"""The measures of a split, and how sure the difference to a peer is."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from benchmarks.accuracy.splits import SEED
from training.measures.metrics import (
    churn_metrics,
    log_loss_per_row,
    next_order_metrics,
    value_metrics,
)

ROUNDS = 200
Floats = np.ndarray


def measures(labels: pd.DataFrame, said: pd.DataFrame, horizon_days: int) -> dict[str, float]:
    """All measures that the columns of `said` allow; see docs/accuracy.md."""
    spent = labels["spend"].to_numpy()
    churned = (labels["purchase_days"] == 0).to_numpy(dtype=float)
    found: dict[str, float] = {}
    if "clv" in said:
        ends = [said[name].to_numpy() if name in said else None for name in ("clv_low", "clv_high")]
        found |= value_metrics(spent, said["clv"].to_numpy(), *ends)
    if "clv_median" in said:
        found["mae_of_median"] = float(np.abs(spent - said["clv_median"]).mean())
    if "value_if_order" in said:
        found |= interval_metrics(labels, said)
    churn = churn_metrics(churned, said["churn_probability"].to_numpy())
    found |= {name: churn[name] for name in ("auc", "log_loss", "brier", "calibration_error")}
    days = labels["purchase_days"].to_numpy()
    found["count_mae"] = float(np.abs(days - said["expected_orders"]).mean())
    found["count_bias"] = float(said["expected_orders"].sum() / days.sum())
    if "next_order_days" in said:
        waited = labels["days_to_next_order"].to_numpy()
        columns = ("next_order_days", "expected_wait_days", "next_order_low", "next_order_high")
        day, wait, low, high = (said[name].to_numpy() for name in columns)
        dates = next_order_metrics(waited, day, wait, horizon_days, low, high)
        found |= {f"date_{name.removeprefix('date_')}": value for name, value in dates.items()}
    return found


def interval_metrics(labels: pd.DataFrame, said: pd.DataFrame) -> dict[str, float]:
    """How the 80 % interval of value, the one given an order and the median fare.

    Returns
    -------
    `above_high`, the share who brought more than `clv_high`, beside `above_ideal`, the mean of
    min(0.1, P(order)); `buyers_inside`, of those who ordered; `worst_tenth`, by how much the
    share above differs from the ideal in the worst tenth of expectation; `interval_score` of
    Gneiting & Raftery (2007); `pinball_median`.
    """
    spent = labels["value"].to_numpy()
    low, high, order = (said[name].to_numpy() for name in ("clv_low", "clv_high", "p_order"))
    bought = labels["orders"].to_numpy() > 0
    ends = [said[f"value_if_order_{end}"].to_numpy() for end in ("low", "high")]
    inside = (spent >= ends[0] - 0.005) & (spent <= ends[1] + 0.005)
    beyond = (spent > high + 0.005) - np.minimum(0.1, order)
    tenths = np.array_split(np.argsort(said["clv"].to_numpy(), kind="stable"), 10)
    outside = np.maximum(low - spent, 0) + np.maximum(spent - high, 0)
    return {
        "above_high": float((spent > high + 0.005).mean()),
        "above_ideal": float(np.minimum(0.1, order).mean()),
        "buyers_inside": float(inside[bought].mean()),
        "worst_tenth": max((float(beyond[tenth].mean()) for tenth in tenths), key=abs),
        "interval_score": float((high - low + 10 * outside).mean()),
        "pinball_median": float(np.abs(spent - said["clv_median"]).mean() / 2),
    }


def differences(
    labels: pd.DataFrame, ours: pd.DataFrame, peer: pd.DataFrame
) -> dict[str, tuple[float, float, float]]:
    """Ours − peer with the 95 % interval of a paired bootstrap over customers."""
    spent = labels["spend"].to_numpy()
    churned = (labels["purchase_days"] == 0).to_numpy(dtype=float)
    losses = [
        log_loss_per_row(churned, each["churn_probability"].to_numpy()) for each in (ours, peer)
    ]
    errors = [np.abs(spent - each["clv"].to_numpy()) for each in (ours, peer)]
    ranks = [_Line(spent, each["clv"].to_numpy()) for each in (ours, peer)]
    drawn = np.random.default_rng(SEED).multinomial(
        len(spent), np.full(len(spent), 1 / len(spent)), size=ROUNDS
    )
    perfect = _Line(spent, spent)

    def gini(weight: Floats) -> float:
        best = perfect.area(weight)
        return (ranks[0].area(weight) - ranks[1].area(weight)) / best

    return {
        "gini": _interval(gini, drawn),
        "mae": _interval(lambda w: float(w @ (errors[0] - errors[1]) / w.sum()), drawn),
        "log_loss": _interval(lambda w: float(w @ (losses[0] - losses[1]) / w.sum()), drawn),
    }


class _Line:
    """Customers lined up once, so that a resample is a weight per customer."""

    def __init__(self, spent: Floats, predicted: Floats) -> None:
        self.order = np.argsort(-predicted, kind="stable")
        self.spent = spent[self.order]

    def area(self, weight: Floats) -> float:
        """Area between the curve of cumulative spend and the diagonal."""
        counts = weight[self.order]
        gained = np.cumsum(counts * self.spent)
        middle = gained - counts * self.spent / 2
        return float((counts @ middle) / counts.sum() / gained[-1] - 0.5)


def _interval(statistic: Callable[[Floats], float], drawn: Floats) -> tuple[float, float, float]:
    whole = statistic(np.ones(drawn.shape[1]))
    low, high = np.quantile([statistic(each) for each in drawn], [0.025, 0.975])
    return whole, float(low), float(high)
