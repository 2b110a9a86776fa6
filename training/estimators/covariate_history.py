"""Purchase histories beside covariates that vary in time, as promotions and seasons do."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from features.errors import DataError
from training.estimators.covariates import read_covariates
from training.estimators.customer_summary import (
    Day,
    PurchaseColumns,
    period_of,
    purchase_periods,
)
from training.estimators.timetable import Integers, Pieces, Timetable
from training.process.purchase_summary import Floats, PurchaseCounts

EVERYBODY = "everybody"


@dataclass(frozen=True)
class CovariateHistory:
    """What `covariate_history` makes, for `VaryingParetoNBDModel`.

    Attributes
    ----------
    customers : in the order of all that models say
    counts : frequency, recency and T of each
    first : time of each customer's first purchase
    calendar : of each customer, in the timetable
    timetable : purchase covariates, then dropout covariates
    at_purchases : purchase covariates summed over each customer's repeat purchases
    purchase, dropout : names of the covariates
    unit : of time
    """

    customers: "pd.Index[str]"
    counts: PurchaseCounts
    first: Floats
    calendar: Integers
    timetable: Timetable
    at_purchases: Floats
    purchase: tuple[str, ...]
    dropout: tuple[str, ...]
    unit: str

    def __len__(self) -> int:
        return len(self.counts)

    def summary(self) -> pd.DataFrame:
        """`frequency`, `recency`, `T`, as `customer_summary` has them."""
        counts = self.counts
        columns = {"frequency": counts.x, "recency": counts.t_x, "T": counts.T}
        return pd.DataFrame(columns, index=self.customers)

    def pieces(self, begin: Floats, end: Floats) -> Pieces:
        """Each customer's time after `begin` until `end`, both from the first purchase.

        Raises
        ------
        DataError
            When the covariates of a part of it are not given.
        """
        begin, end = self.first + begin, self.first + end
        known_from, known_until = (bound[self.calendar] for bound in self.timetable.bounds())
        if (lacking := (begin < known_from) | (end > known_until)).any():
            customer = int(lacking.argmax())
            needed, given = (
                f"{day_of(start + 1, self.unit)} to {day_of(stop, self.unit)}"
                for start, stop in (
                    (begin[customer], end[customer]),
                    (known_from[customer], known_until[customer]),
                )
            )
            raise DataError(
                f"covariates: of {int(lacking.sum())} of {len(lacking)} customers some are not "
                f"given; customer {self.customers[customer]} needs {needed}, has {given}."
            )
        return self.timetable.pieces(self.calendar, begin, end)


def covariate_history(
    purchases: pd.DataFrame,
    columns: PurchaseColumns,
    *,
    purchase_covariates: pd.DataFrame | None = None,
    dropout_covariates: pd.DataFrame | None = None,
    until: Day | None = None,
    unit: str = "D",
) -> CovariateHistory:
    """The history of every customer beside covariates that vary in time.

    Parameters
    ----------
    purchases, columns, until, unit : as of `customer_summary`; a unit in which few customers buy
        twice, since that is one purchase, and effects come out too small
    purchase_covariates, dropout_covariates : numbers, one row per day (unit "D") or week ("W"),
        without a gap. Index: a day, the same for everybody; or customer and day. From each
        customer's first purchase to `until`, and on as far as predictions shall reach

    Returns
    -------
    CovariateHistory. The covariates of a day hold from the day before to that day, so that a
    purchase has those of its own day.

    Raises
    ------
    DataError
        When purchases or covariates cannot be used, or do not cover the customers' time.
    """
    counted = purchase_periods(purchases, columns, unit)
    last = (
        int(counted["period"].max())
        if until is None
        else int(period_of(pd.Series([until]), unit).iloc[0])
    )
    counted = counted[counted["period"] <= last].sort_values(["customer", "period"])
    if not len(counted):
        raise DataError("purchases: none until that day.")
    by_customer = counted.groupby("customer", sort=True)["period"]
    first, latest, days = by_customer.min(), by_customer.max(), by_customer.size()
    counts = PurchaseCounts(
        np.asarray(days - 1, dtype=np.float64),
        (latest - first).to_numpy(float),
        last - first.to_numpy(float),
    )
    given = {"purchase_covariates": purchase_covariates, "dropout_covariates": dropout_covariates}
    names, table = _both(given, unit)
    timetable, calendar = _timetable(table, first.index, unit)
    history = CovariateHistory(
        customers=first.index,
        counts=counts,
        first=first.to_numpy(float),
        calendar=calendar,
        timetable=timetable,
        at_purchases=np.zeros((len(counts), len(names[0]))),
        purchase=names[0],
        dropout=names[1],
        unit=unit,
    )
    history.pieces(np.zeros(len(counts)), counts.T)
    repeats = counted[counted["customer"].duplicated()]
    buyer = first.index.get_indexer(pd.Index(repeats["customer"]))
    at_purchases = covariates_at(history, buyer, repeats["period"].to_numpy(float))
    return replaced(history, counts, at_purchases)


def covariates_at(history: CovariateHistory, customer: Integers, moments: Floats) -> Floats:
    """Purchase covariates at the moments of repeat purchases, summed per customer."""
    table = history.timetable
    row = table.rows_at(history.calendar[customer], moments)
    values = table.rows[row, : len(history.purchase)]
    sums = np.zeros((len(history), len(history.purchase)))
    np.add.at(sums, customer, values)
    return sums


def replaced(
    history: CovariateHistory, counts: PurchaseCounts, at_purchases: Floats
) -> CovariateHistory:
    """The same customers and covariates with other purchases."""
    values = {**vars(history), "counts": counts, "at_purchases": at_purchases}
    return CovariateHistory(**values)


def day_of(period: float, unit: str) -> date:
    """The day, or the first day of the week, of a number of `period_of`."""
    epoch = date(1970, 1, 1).toordinal()
    whole = int(np.ceil(period))
    return date.fromordinal(epoch + (whole if unit == "D" else 7 * whole + 4))


def _both(
    given: dict[str, pd.DataFrame | None], unit: str
) -> tuple[list[tuple[str, ...]], pd.DataFrame]:
    """Names of either kind, and one table: `customer`, `period`, and the covariates by number."""
    names, tables = [], []
    for what, covariates in given.items():
        have: tuple[str, ...] = ()
        if covariates is not None:
            have, table = _by_period(covariates, unit, what)
            tables.append(table)
        names.append(have)
    if not tables:
        raise DataError("covariates: none; without them, take ParetoNBDModel.")
    table = tables[0]
    if len(tables) == 2:
        own = [(frame["customer"] != EVERYBODY).any() for frame in tables]
        by = ["customer", "period"] if own[0] == own[1] else ["period"]
        others = [
            frame if len(by) == 2 or is_own else frame.drop(columns="customer")
            for frame, is_own in zip(tables, own, strict=True)
        ]
        table = others[0].merge(others[1], on=by, suffixes=("_bought", "_left"))
    return names, table.sort_values(["customer", "period"], ignore_index=True)


def _by_period(
    covariates: pd.DataFrame, unit: str, what: str
) -> tuple[tuple[str, ...], pd.DataFrame]:
    index = covariates.index
    if index.nlevels > 2:
        raise DataError(f"{what}: the index holds days, or customers and days.")
    have, values = read_covariates(covariates, len(covariates), what)
    customers = EVERYBODY if index.nlevels == 1 else index.get_level_values(0)
    days = pd.Series(index.get_level_values(-1))
    if days.isna().any():
        raise DataError(f"{what}: the index has rows without a day.")
    table = pd.DataFrame(values).add_prefix(f"{what}_")
    table.insert(0, "period", period_of(days, unit).to_numpy())
    table.insert(0, "customer", np.asarray(customers))
    if (twice := table.duplicated(["customer", "period"])).any():
        raise DataError(f"{what}: several rows for {day_of(table['period'][twice].iloc[0], unit)}.")
    return have, table


def _timetable(
    table: pd.DataFrame, customers: "pd.Index[str]", unit: str
) -> tuple[Timetable, Integers]:
    """Runs of equal rows, and each customer's calendar."""
    calendars, number = np.unique(table["customer"].to_numpy(), return_inverse=True)
    calendar = np.zeros(len(customers), dtype=np.intp)
    if list(calendars) != [EVERYBODY]:
        calendar = pd.Index(calendars).get_indexer(customers)
        if (calendar < 0).any():
            name = customers[int((calendar < 0).argmax())]
            raise DataError(f"covariates: none for customer {name}.")
    period = table["period"].to_numpy()
    values = table.drop(columns=["customer", "period"]).to_numpy(float)
    rows, row = np.unique(values, axis=0, return_inverse=True)
    row = row.ravel()
    same = np.append(False, number[1:] == number[:-1])
    if (gap := same & (np.diff(period, prepend=period[0]) != 1)).any():
        missing = day_of(period[int(gap.argmax()) - 1] + 1, unit)
        raise DataError(f"covariates: no row for {missing}; every day or week needs one.")
    begins = np.flatnonzero(~same | np.append(True, row[1:] != row[:-1]))
    ends = np.append(begins[1:], len(period)) - 1
    return (
        Timetable(
            rows=rows,
            start=period[begins] - 1.0,
            end=period[ends].astype(float),
            row=row[begins],
            calendar=number[begins],
        ),
        calendar,
    )
