"""What the models say of customers, put together: one column of plain numbers per figure."""

from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from features.orders.value_basis import REVENUE, ValueBasis
from features.rows import Features, Rows, column
from serving.scoring.risk import HIGH_BANDS, alive, retention_risk, status_of
from serving.settings import Settings
from training.bundle.publication import Models
from training.models.estimator import Figures, Floats
from training.models.silence import days_until
from training.models.value import kept_share

DAYS_PER_YEAR = 365

LEAST_CHANCE = 1e-6
"""Of an order: what nobody orders could not be split into parts."""

MOST_SILENT_DAYS = 730
"""`at_risk_on` is not looked for further ahead."""

VALUE_FIGURES = (
    "expected_orders",
    "expected_order_value",
    "clv",
    "clv_low",
    "clv_high",
    "clv_lifetime",
    "clv_median",
)
"""What the value model says."""


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
    said = _predicted(rows, models, settings)
    churn = said["churn_probability"]
    band = retention_risk(rows, churn, settings.predict.risk)
    return {
        "status": status_of(rows, churn, horizon_days),
        "horizon_days": horizon_days,
        "churn_probability": churn,
        "p_alive": said["p_alive"],
        "retention_risk": band,
        "clv_basis": models.value.clv_basis,
        **{name: said[name] for name in (*VALUE_FIGURES, "p_order", "expected_orders_given_order")},
        "value_at_risk": churn * usual_value(rows, horizon_days, models.value.basis),
        **{
            f"next_order_{name}": _dates(as_of, said[f"next_order_{days}"])
            for name, days in (("date", "days"), ("low", "low"), ("high", "high"))
        },
        "at_risk_on": _dates(as_of, np.where(np.isin(band, HIGH_BANDS), 0, said["silent_days"])),
        **{name: said[name] for name in ("p_order_7d", "p_order_30d", "p_order_90d")},
        "orders": rows["orders"].astype(np.int64),
        **{name: rows[name] for name in ("spend", "days_since_last_order")},
        "first_order_date": _dates(as_of, -rows["days_since_first_order"]),
        "last_order_date": _dates(as_of, -rows["days_since_last_order"]),
        "usual_gap_days": rows["mean_gap_days"],
    }


def _predicted(rows: Rows, models: Models, settings: Settings) -> Figures:
    """What the models say of some customers, and after how many more silent days they are at risk."""
    risk = models.churn.figures(rows)
    churn = risk["churn_probability"]
    # where churn is a cancellation, orders have a probability of their own, and silence none
    is_silence = models.churn.label == "silence"
    dates = models.next_purchase.figures(rows, churn if is_silence else None)
    silent = np.full(len(rows), np.nan)
    if is_silence:
        level = settings.predict.risk.high
        silent = days_until(level, rows, churn, models.churn.probability, MOST_SILENT_DAYS)
    return {
        "churn_probability": churn,
        "p_alive": alive(risk),
        **dates,
        **in_agreement(models.value.figures(rows), 1 - churn if is_silence else dates["p_order"]),
        "silent_days": silent,
    }


def in_agreement(value: Figures, p_order: Floats) -> Figures:
    """`value` with its parts: `clv` = `p_order` × `expected_orders_given_order` × order value.

    The probability of an order comes from another model than the number of orders; expected
    orders are at least P(order), since a customer who orders at all orders once. `clv` stays;
    the order value follows from it.

    Returns
    -------
    `VALUE_FIGURES`, `p_order` > 0 and `expected_orders_given_order` ≥ 1, same rows.
    """
    chance = np.maximum(p_order, LEAST_CHANCE)
    orders = np.maximum(value["expected_orders"], chance)
    return {
        **{name: value[name] for name in VALUE_FIGURES},
        "expected_orders": orders,
        "expected_order_value": value["clv"] / orders,
        "p_order": chance,
        "expected_orders_given_order": orders / chance,
    }


def usual_value(features: Features, horizon_days: int, basis: ValueBasis = REVENUE) -> Floats:
    """What a customer has been worth per horizon over the last year, ≥ 0, in money.

    Spend, or on the basis of margin what costs leave of it by `kept_share`: the margins of the
    year itself lack every order with a line of unknown cost. Someone known for less than a
    horizon has brought what was brought.
    """
    known = np.clip(column(features, "days_since_first_order"), horizon_days, DAYS_PER_YEAR)
    worth = column(features, "spend_365d")
    if basis.name == "margin":
        left = worth * kept_share(features, basis)
        worth = left - basis.cost_per_order * column(features, "orders_365d")
    return np.asarray(np.maximum(worth, 0) * horizon_days / known)


def _dates(as_of: date, days: Floats) -> npt.NDArray[np.datetime64]:
    """`as_of` + whole days per row; NaT where the number is missing."""
    known = np.isfinite(days)
    found = np.datetime64(as_of, "D") + np.where(known, days, 0).astype("timedelta64[D]")
    return np.where(known, found, np.datetime64("NaT", "D"))
