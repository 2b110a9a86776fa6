"""The joint predictions for customers: one column of plain numbers per figure."""

from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from features.orders.value_basis import REVENUE, ValueBasis
from features.rows import Features, Rows, column
from serving.scoring.risk import HIGH_BANDS, retention_risk, status_of
from serving.settings import Settings
from training.bundle.publication import Models
from training.models.estimator import Figures, Floats
from training.models.silence import days_until
from training.value.description import Description
from training.value.lifetime import term_columns
from training.value.order_value import kept_share

DAYS_PER_YEAR = 365

MOST_SILENT_DAYS = 730
"""The farthest day of `at_risk_on`."""

VALUE_FIGURES = (
    "p_order",
    "expected_orders",
    "expected_orders_given_order",
    "expected_order_value",
    "clv",
    "clv_low",
    "clv_median",
    "clv_high",
    "value_if_order",
    "value_if_order_low",
    "value_if_order_high",
    "clv_lifetime",
)
"""The figures of orders and money in the joint description."""


def figures_of(rows: Rows, models: Models, as_of: date, settings: Settings) -> dict[str, Any]:
    """The numbers, dates and bands of customers, as columns.

    Parameters
    ----------
    rows : features in the order that the models learned them in

    Returns
    -------
    Name → array of one value per row, or a value that all share. Days are `datetime64[D]`,
    NaT where there is none.
    """
    horizon_days = settings.predict.horizon_days
    description = description_of(models)
    described = description.figures(rows)
    churn = described["churn_probability"]
    band = retention_risk(churn, settings.predict.risk)
    status = status_of(rows, churn, horizon_days)
    terms = term_columns(models.value.lifetime)
    pace, at_pace = usual_pace(rows, models, described["expected_order_value"], horizon_days)
    return {
        "status": status,
        "horizon_days": horizon_days,
        "churn_probability": churn,
        "churn_label": models.churn.label,
        "p_alive": described["p_alive"],
        "retention_risk": band,
        "rhythm": rhythm_of(rows, models, status),
        "clv_basis": models.value.clv_basis,
        **{name: described[name] for name in VALUE_FIGURES},
        **{name: described[name] for columns in terms for name in columns},
        "unmoved_clv": described["unmoved_clv"],
        "value_at_risk": churn * at_pace,
        "value_at_risk_pace": pace,
        **{
            f"next_order_{name}": _dates(as_of, described[f"next_order_{days}"])
            for name, days in (("date", "days"), ("low", "low"), ("high", "high"))
        },
        "at_risk_on": _dates(as_of, _silent_days(rows, description, described, settings)),
        **{name: described[name] for name in ("p_order_7d", "p_order_30d", "p_order_90d")},
        "orders": rows["orders"].astype(np.int64),
        **{name: rows[name] for name in ("spend", "days_since_last_order")},
        "first_order_date": _dates(as_of, -rows["days_since_first_order"]),
        "last_order_date": _dates(as_of, -rows["days_since_last_order"]),
        "usual_gap_days": rows["mean_gap_days"],
    }


def description_of(models: Models) -> Description:
    """The models in force as one description of each customer."""
    return Description(models.churn, models.value, models.next_purchase)


def rhythm_of(rows: Rows, models: Models, status: npt.NDArray[np.str_]) -> npt.NDArray[np.object_]:
    """`on_time`, `late`, `overdue` by the days of silence; None for new customers and contracts."""
    gaps = models.next_purchase.gaps_
    if gaps is None or models.churn.label != "silence":
        return np.full(len(rows), None)
    states: npt.NDArray[np.object_] = gaps.states(rows).astype(object)
    states[status == "too_new"] = None
    return states


def is_late(rows: Rows, models: Models) -> npt.NDArray[np.bool_]:
    """Whether the silence is late or overdue by `rhythm`; nowhere for contracts."""
    gaps = models.next_purchase.gaps_
    if gaps is None or models.churn.label != "silence":
        return np.zeros(len(rows), dtype=bool)
    return np.asarray(gaps.states(rows) != "on_time")


def _silent_days(
    rows: Rows, description: Description, described: Figures, settings: Settings
) -> Floats:
    """The further days without an order until each customer is at high risk; 0: already at risk."""
    churn, bands = described["churn_probability"], settings.predict.risk
    is_high = np.isin(retention_risk(churn, bands), HIGH_BANDS)
    if not description.is_silence:
        # silence is no cancellation
        return np.where(is_high, 0.0, np.nan)
    days = days_until(bands.high, rows, churn, description.churn_probability, MOST_SILENT_DAYS)
    return np.where(is_high, 0.0, np.maximum(days, 1.0))


def usual_pace(
    rows: Rows, models: Models, order_value: Floats, horizon_days: int
) -> tuple[npt.NDArray[np.str_], Floats]:
    """The value of each customer in a horizon at the usual pace, and whose pace that is.

    Parameters
    ----------
    order_value : expected value of an order, one per row

    Returns
    -------
    `own` or `comparable` per row, and money ≥ 0: `usual_value`, and for customers who bought on
    one day only, who have no pace of their own, the orders of comparable customers who are still
    customers × the expected value of an order.
    """
    is_single = rows["repeat_purchase_days"] <= 0
    comparable = models.value.rhythm_.orders_while_customer(rows) * np.maximum(order_value, 0.0)
    own = usual_value(rows, horizon_days, models.value.basis)
    return np.where(is_single, "comparable", "own"), np.where(is_single, comparable, own)


def usual_value(features: Features, horizon_days: int, basis: ValueBasis = REVENUE) -> Floats:
    """What a customer has been worth per horizon over the last year, ≥ 0, in money.

    Spend, or on the basis of margin its `kept_share` after costs: the margins of the year itself
    lack every order with a line of unknown cost. For customers known for less than a horizon it
    is what they have brought so far.
    """
    days = np.clip(column(features, "days_since_first_order"), horizon_days, DAYS_PER_YEAR)
    worth = column(features, "spend_365d")
    if basis.name == "margin":
        left = worth * kept_share(features, basis)
        worth = left - basis.cost_per_order * column(features, "orders_365d")
    return np.asarray(np.maximum(worth, 0) * horizon_days / days)


def _dates(as_of: date, days: Floats) -> npt.NDArray[np.datetime64]:
    """`as_of` + whole days per row; NaT where the number is missing."""
    is_finite = np.isfinite(days)
    dates = np.datetime64(as_of, "D") + np.where(is_finite, days, 0).astype("timedelta64[D]")
    return np.where(is_finite, dates, np.datetime64("NaT", "D"))
