"""Pictures of purchase models, each with the table behind it.

Every `plot_…` draws the table of the function beside it on `axes` (a new figure by default) and
returns the axes.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from training.estimators.customer_summary import PurchaseColumns, repeats_by_period
from training.estimators.purchase_model import PurchaseModel
from training.process.purchase_summary import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_FREQUENT = 7
"""From so many repeat purchases on, customers are one group of the calibration."""


def frequency_recency_matrix(
    model: PurchaseModel, t: float | None = 1.0, *, T: float, most_orders: int = 20, steps: int = 40
) -> pd.DataFrame:
    """Expected purchases in the next `t`, or P(alive) where `t` is None, of every history.

    Returns
    -------
    Rows: `recency`, from 0 to `T` in `steps`; columns: `frequency`, 0 to `most_orders`. NaN where
    no customer can be: repeat purchases without time for them.
    """
    recency = np.linspace(0, T, steps + 1)
    frequency = np.arange(most_orders + 1.0)
    pairs = [(x, t_x) for t_x in recency for x in frequency if (x > 0) == (t_x > 0)]
    x, t_x = (np.array(values) for values in zip(*pairs, strict=True))
    observed = np.full(len(x), float(T))
    says = model.p_alive(x, t_x, observed)
    if t is not None:
        says = model.expected_orders(t, x, t_x, observed)
    table = pd.DataFrame({"recency": t_x, "frequency": x, "says": says})
    return table.pivot_table(index="recency", columns="frequency", values="says")


def plot_frequency_recency(
    model: PurchaseModel,
    t: float | None = 1.0,
    *,
    T: float,
    most_orders: int = 20,
    axes: "Axes | None" = None,
) -> "Axes":
    """`frequency_recency_matrix` in colours."""
    table = frequency_recency_matrix(model, t, T=T, most_orders=most_orders)
    axes = _axes(axes)
    shown = axes.pcolormesh(table.columns, table.index, table.to_numpy(), shading="nearest")
    words = "P(alive)" if t is None else f"expected purchases in the next {t:g}"
    axes.figure.colorbar(shown, ax=axes, label=words)
    axes.set(xlabel="repeat purchases (frequency)", ylabel="time of the last one (recency)")
    return axes


def p_alive_history(
    model: PurchaseModel, purchase_times: ArrayLike, until: float, *, step: float = 1.0
) -> "pd.Series[float]":
    """P(alive) of one customer at every `step` since the first purchase.

    Parameters
    ----------
    purchase_times : in the unit of the model; the earliest is the first purchase
    until : time since the first purchase at which the history ends
    """
    times = np.unique(np.asarray(purchase_times, dtype=float))
    times = times - times[0]
    now = np.arange(0.0, until + step / 2, step)
    bought = np.searchsorted(times, now, side="right") - 1
    return pd.Series(
        model.p_alive(bought.astype(float), times[bought], now),
        index=pd.Index(now, name="T"),
        name="p_alive",
    )


def plot_p_alive_history(
    model: PurchaseModel,
    purchase_times: ArrayLike,
    until: float,
    *,
    step: float = 1.0,
    axes: "Axes | None" = None,
) -> "Axes":
    """`p_alive_history`, with a line at each purchase."""
    history = p_alive_history(model, purchase_times, until, step=step)
    axes = _axes(axes)
    axes.plot(history.index, history.to_numpy())
    times = np.unique(np.asarray(purchase_times, dtype=float))
    axes.vlines(times - times[0], 0, 1, linestyles="dashed", linewidth=0.8)
    axes.set(xlabel="time since the first purchase", ylabel="P(alive)", ylim=(0, 1.02))
    return axes


def holdout_calibration(model: PurchaseModel, table: pd.DataFrame) -> pd.DataFrame:
    """What was expected of a hold-out beside what came, by purchases before it.

    Parameters
    ----------
    model : fitted to the calibration part of the table
    table : see `training.estimators.customer_summary.calibration_and_holdout`

    Returns
    -------
    Index `frequency` (7: seven or more): `customers`, `expected` and `came`, means per customer.
    """
    expected = model.expected_orders(
        table["holdout"].to_numpy(), table["frequency"], table["recency"], table["T"]
    )
    rows = pd.DataFrame({"expected": expected, "came": table["holdout_frequency"].to_numpy()})
    groups = rows.groupby(np.minimum(table["frequency"].to_numpy(), MOST_FREQUENT).astype(int))
    result = groups.mean().assign(customers=groups.size())[["customers", "expected", "came"]]
    return result.rename_axis("frequency")


def plot_holdout_calibration(
    model: PurchaseModel, table: pd.DataFrame, *, axes: "Axes | None" = None
) -> "Axes":
    """`holdout_calibration` as two lines."""
    rows = holdout_calibration(model, table)
    axes = _axes(axes)
    axes.plot(rows.index, rows["came"], marker="o", label="came")
    axes.plot(rows.index, rows["expected"], marker="o", label="expected")
    axes.set(xlabel="repeat purchases before", ylabel="purchases in the hold-out, mean")
    axes.legend()
    return axes


def tracking(
    model: PurchaseModel, purchases: pd.DataFrame, columns: PurchaseColumns, *, unit: str = "D"
) -> pd.DataFrame:
    """Repeat purchases of everybody by period: as counted, and as the model expects of newcomers.

    Returns
    -------
    One row per period since the very first purchase: `came`, `expected`, and both summed up,
    `came_so_far`, `expected_so_far`.
    """
    first, came = repeats_by_period(purchases, columns, unit=unit)
    ages = np.arange(len(came) + 1.0)
    expected_at_age = model.expected_orders_of_newcomer(ages)
    newcomers = np.bincount(first.astype(int), minlength=len(came))
    so_far = np.convolve(newcomers, expected_at_age[1:])[: len(came)]
    # who came in a period has been there for no time at its end: a purchase of that very day
    # is the first one
    expected_so_far = np.concatenate([[0.0], so_far[:-1]])
    table = pd.DataFrame({"came": came, "expected": np.diff(expected_so_far, prepend=0.0)})
    return table.assign(came_so_far=came.cumsum(), expected_so_far=expected_so_far).rename_axis(
        "period"
    )


def plot_tracking(
    model: PurchaseModel,
    purchases: pd.DataFrame,
    columns: PurchaseColumns,
    *,
    unit: str = "D",
    cumulative: bool = True,
    calibrated_until: float | None = None,
    axes: "Axes | None" = None,
) -> "Axes":
    """`tracking`, summed up or by period, with a line where the calibration ended."""
    table = tracking(model, purchases, columns, unit=unit)
    end = "_so_far" if cumulative else ""
    axes = _axes(axes)
    axes.plot(table.index, table[f"came{end}"], label="came")
    axes.plot(table.index, table[f"expected{end}"], linestyle="dashed", label="expected")
    if calibrated_until is not None:
        axes.axvline(calibrated_until, linestyle="dotted", color="black")
    axes.set(xlabel=f"periods ({unit})", ylabel="repeat purchases")
    axes.legend()
    return axes


def heterogeneity(model: PurchaseModel, *, points: int = 200) -> pd.DataFrame:
    """The density of the purchase rate across customers, without covariates: `rate`, `density`."""
    from scipy import stats

    shape, rate = model.params_["r"], model.params_["alpha"]
    gamma = stats.gamma(shape, scale=1 / rate)
    rates: Floats = np.linspace(gamma.ppf(0.01), gamma.ppf(0.99), points)
    return pd.DataFrame({"rate": rates, "density": gamma.pdf(rates)})


def plot_heterogeneity(model: PurchaseModel, *, axes: "Axes | None" = None) -> "Axes":
    """`heterogeneity` as a line."""
    table = heterogeneity(model)
    axes = _axes(axes)
    axes.plot(table["rate"], table["density"])
    axes.set(xlabel="purchases per unit of time while alive", ylabel="density")
    return axes


def _axes(axes: Any) -> Any:
    if axes is not None:
        return axes
    from matplotlib import pyplot as plt

    return plt.subplots()[1]
