"""From purchases to the columns that the models of purchase histories take."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from features.errors import DataError
from training.process.purchase_summary import Floats

FREQUENCIES = {"D": 1.0, "W": 7.0}
"""Unit of time → days."""

Day = date | str | pd.Timestamp


@dataclass(frozen=True)
class PurchaseColumns:
    """The columns of a table of purchases; without `value`, purchases have none."""

    customer: str
    day: str
    value: str | None = None


def customer_summary(
    purchases: pd.DataFrame,
    columns: PurchaseColumns,
    *,
    until: Day | None = None,
    unit: str = "D",
) -> pd.DataFrame:
    """The history of every customer in a row.

    Parameters
    ----------
    purchases : one row per purchase or per line of one; those of a customer on one day, or in one
        week where that is the unit, are one
    columns : which column is what
    until : the last day that counts; None: that of the last purchase
    unit : of time, "D" or "W"

    Returns
    -------
    Index customer: `frequency` (purchase days after the first), `recency` (time from the first to
    the last), `T` (time from the first to `until`); with a value `monetary_value`, the mean of
    the purchases after the first, 0 without one.

    Raises
    ------
    DataError
        When a column is missing or no purchase is left.
    """
    counted = purchase_periods(purchases, columns, unit)
    last = counted["period"].max() if until is None else period_of(pd.Series([until]), unit).iloc[0]
    counted = counted[counted["period"] <= last]
    if not len(counted):
        raise DataError("purchases: none until that day.")
    counted = counted.sort_values(["customer", "period"])
    by_customer = counted.groupby("customer", sort=True)["period"]
    first, latest = by_customer.min(), by_customer.max()
    summary = pd.DataFrame(
        {
            "frequency": by_customer.size() - 1.0,
            "recency": (latest - first).astype(float),
            "T": (last - first).astype(float),
        }
    )
    if columns.value is None:
        return summary
    repeats = counted[counted["customer"].duplicated()]
    means = repeats.groupby("customer")["value"].mean()
    return summary.assign(monetary_value=means.reindex(summary.index, fill_value=0.0))


def calibration_and_holdout(
    purchases: pd.DataFrame,
    columns: PurchaseColumns,
    *,
    calibrated_until: Day,
    until: Day | None = None,
    unit: str = "D",
) -> pd.DataFrame:
    """`customer_summary` of a first part of time, and what was bought in the rest of it.

    Returns
    -------
    The columns of the summary of the customers until `calibrated_until`, `holdout_frequency`
    (purchases after it) and `holdout` (its length), and with a value `holdout_value`, their sum.
    """
    counted = purchase_periods(purchases, columns, unit)
    start = period_of(pd.Series([calibrated_until]), unit).iloc[0]
    end = counted["period"].max() if until is None else period_of(pd.Series([until]), unit).iloc[0]
    table = customer_summary(purchases, columns, until=calibrated_until, unit=unit)
    later = counted[(counted["period"] > start) & (counted["period"] <= end)]
    sizes = later.groupby("customer").size().reindex(table.index, fill_value=0)
    table = table.assign(holdout_frequency=sizes.astype(float), holdout=float(end - start))
    if columns.value is None:
        return table
    sums = later.groupby("customer")["value"].sum().reindex(table.index, fill_value=0.0)
    return table.assign(holdout_value=sums)


def repeats_by_period(
    purchases: pd.DataFrame, columns: PurchaseColumns, *, unit: str = "D"
) -> tuple[Floats, Floats]:
    """When customers came first, and how many repeat purchases there were in each period.

    Returns
    -------
    Periods from the first of all to each customer's first purchase, and one count per period.
    """
    counted = purchase_periods(purchases, columns, unit).sort_values(["customer", "period"])
    periods = (counted["period"] - counted["period"].min()).to_numpy()
    is_repeat = counted["customer"].duplicated().to_numpy()
    repeats = np.bincount(periods[is_repeat], minlength=int(periods.max()) + 1)
    return periods[~is_repeat].astype(float), repeats.astype(float)


def purchase_periods(purchases: pd.DataFrame, columns: PurchaseColumns, unit: str) -> pd.DataFrame:
    """One row per customer and period: `customer`, `period` (a whole number), `value`."""
    if unit not in FREQUENCIES:
        raise DataError(f"unit: 'D' or 'W', not {unit!r}.")
    needed = [name for name in (columns.customer, columns.day, columns.value) if name is not None]
    if missing := [name for name in needed if name not in purchases.columns]:
        raise DataError([f"purchases: no column '{name}'." for name in missing])
    value = 0.0 if columns.value is None else purchases[columns.value]
    table = pd.DataFrame(
        {
            "customer": purchases[columns.customer],
            "period": period_of(purchases[columns.day], unit),
            "value": value,
        }
    ).dropna(subset=["customer", "period"])
    if not len(table):
        raise DataError("purchases: none has a customer and a day.")
    table["period"] = table["period"].astype(np.int64)
    return table.groupby(["customer", "period"], sort=True)["value"].sum().reset_index()


def period_of(days: "pd.Series[pd.Timestamp]", unit: str) -> "pd.Series[int]":
    try:
        moments = pd.to_datetime(days, format="ISO8601")
    except (TypeError, ValueError) as error:
        raise DataError(f"purchases: a day cannot be read ({error}).") from None
    if moments.dt.tz is not None:
        moments = moments.dt.tz_localize(None)
    since = (moments - pd.Timestamp(0)) // pd.Timedelta(days=1)
    # weeks begin on Mondays, as those of calendars do; 1970-01-05 is one
    return since if unit == "D" else (since - 4) // 7
