"""How customers move between groups, and what cohorts bring month by month."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from features.language.message import message
from features.orders.log import OrderLog, day_number
from features.segments.profit import MARGIN_SQL
from features.segments.ranks import Floats
from features.segments.system import SystemDescription

TREND_LEVEL = 0.8
"""Of the interval of a slope."""

NEW, GONE = "new", "gone"
"""Where customers of only one of the two dates come from or go to."""


def transitions(
    before: "pd.Series[str]",
    after: "pd.Series[str]",
    *,
    value_before: "pd.Series[float] | None" = None,
    value_after: "pd.Series[float] | None" = None,
) -> pd.DataFrame:
    """How many customers moved from group to group between two dates.

    Parameters
    ----------
    before, after : group of each customer, indexed by customer id
    value_before, value_after : their value, same index; None: left out

    Returns
    -------
    One row per pair of groups with customers, sorted: `source`, `target`, `customers`, `share`
    (of the source's customers) and, where values are given, `value_before`, `value_after`,
    `value_change`. Customers of one date alone come from `new` or go to `gone`.
    """
    moves = pd.DataFrame({"source": before, "target": after}).fillna(
        {"source": NEW, "target": GONE}
    )
    measures = {"value_before": value_before, "value_after": value_after}
    values = {name: value for name, value in measures.items() if value is not None}
    for name, value in values.items():
        moves[name] = value.reindex(moves.index).fillna(0.0)
    cells = moves.groupby(["source", "target"], as_index=False)
    table = cells.size().rename(columns={"size": "customers"})
    table["share"] = table["customers"] / table.groupby("source")["customers"].transform("sum")
    for name in values:
        table[name] = cells[name].sum()[name]
    if len(values) == len(measures):
        table["value_change"] = table["value_after"] - table["value_before"]
    return table


def matrix(moved: pd.DataFrame, measure: str = "customers") -> pd.DataFrame:
    """`transitions` as a matrix: sources down, targets across, 0 where nobody moved."""
    wide = moved.pivot_table(index="source", columns="target", values=measure, fill_value=0)
    return wide.astype(moved[measure].dtype)


def cohort_margin(
    log: OrderLog, as_of: date, *, group: "pd.Series[str] | None" = None
) -> pd.DataFrame:
    """Margin over time per cohort (month of the first order) and group.

    Parameters
    ----------
    log : the orders; margin is revenue where costs are unknown
    as_of : whole months before it are counted
    group : a group of each customer, indexed by customer id; None: all are one

    Returns
    -------
    One row per cohort, group and month from the cohort's own to the last whole one, sorted:
    `cohort` and `month` (first day of the month), `group`, `cohort_customers` (size),
    `customers` (who ordered or returned), `margin` (money), `margin_per_customer` (of the
    cohort's). The cohort of the log's first month also holds all earlier customers.
    """
    monthly = log.frame(f"{_monthly(log, as_of)} SELECT * FROM monthly ORDER BY ALL")
    groups = "all" if group is None else monthly["customer_id"].map(group).fillna(GONE)
    monthly = monthly.assign(group=groups)
    keys = ["cohort", "group"]
    sizes = monthly.groupby(keys)["customer_id"].nunique().rename("cohort_customers")
    sums = monthly.groupby([*keys, "month"])["margin"].agg(["size", "sum"])
    months = sorted(set(monthly["cohort"]) | set(monthly["month"]))
    grid = [(*key, month) for key in sizes.index for month in months if month >= key[0]]
    index = pd.MultiIndex.from_tuples(grid, names=[*keys, "month"])
    table = sums.set_axis(["customers", "margin"], axis=1).reindex(index, fill_value=0)
    table = table.reset_index().merge(sizes.reset_index(), on=keys)
    table["margin_per_customer"] = table["margin"] / table["cohort_customers"]
    for name in ("cohort", "month"):
        table[name] = pd.to_datetime(table[name]).dt.date
    order = [*keys, "month", "cohort_customers", "customers", "margin", "margin_per_customer"]
    return table[order]


def cohort_sums(log: OrderLog, as_of: date) -> pd.DataFrame:
    """The same of all customers together, summed by the engine; months without orders are left out.

    Returns
    -------
    `cohort`, `month` (as ISO text), `cohort_customers`, `customers`, `margin`, in order.
    """
    return log.frame(f"""
        {_monthly(log, as_of)}, sizes AS (
            SELECT cohort, count(DISTINCT customer_id) AS cohort_customers
            FROM monthly GROUP BY cohort)
        SELECT cohort, month, cohort_customers, count(*) AS customers, sum(margin) AS margin
        FROM monthly JOIN sizes USING (cohort) GROUP BY ALL ORDER BY ALL""")


def _monthly(log: OrderLog, as_of: date) -> str:
    """A WITH clause: `monthly`, per customer and month what lines brought, in money."""
    visible = log.visible(as_of)
    money = f"{log.settings.data.minor_units}e0"
    return f"""
        WITH monthly AS (
            SELECT customer_id, CAST({_month("first_day")} AS VARCHAR) AS cohort,
                   CAST({_month("day")} AS VARCHAR) AS month, SUM({MARGIN_SQL}) / {money} AS margin
            FROM {visible["lines"]} AS known_lines JOIN customers USING (customer)
            JOIN {visible["first_days"]} AS firsts USING (customer)
            WHERE day < {day_number(as_of.replace(day=1))} AND day >= first_day
            GROUP BY ALL)"""


def margin_trend(margins: pd.DataFrame) -> pd.DataFrame:
    """The trend of what `cohort_margin` gave, per cohort and group.

    The cohort's own month is left out: everybody orders in it.

    Returns
    -------
    One row per cohort and group with two later months or more: `months`, `mean_per_month`
    (margin per customer and month) and `change_per_month` (slope of the line of least
    squares, same unit).
    """
    later = margins[margins["month"] > margins["cohort"]].sort_values("month")
    rows = [
        (
            *key,
            len(part),
            part["margin_per_customer"].mean(),
            slope(part["margin_per_customer"].tolist()),
        )
        for key, part in later.groupby(["cohort", "group"])
        if len(part) > 1
    ]
    columns = ["cohort", "group", "months", "mean_per_month", "change_per_month"]
    return pd.DataFrame(rows, columns=columns)


def slope(values: Sequence[float]) -> float:
    """Change per step; at least two values.

    >>> slope([1.0, 3.0, 5.0])
    2.0
    """
    steps = _steps(len(values))
    return float(steps @ np.asarray(values, dtype=float) / (steps @ steps))


def slope_interval(values: Sequence[float]) -> tuple[float, float]:
    """The 80 % interval of `slope`, errors being independent and normal; at least three values."""
    from scipy.stats import t

    steps, series = _steps(len(values)), np.asarray(values, dtype=float)
    change = slope(values)
    rest = series - series.mean() - change * steps
    error = np.sqrt((rest @ rest) / (len(series) - 2) / (steps @ steps))
    reach = float(t.ppf((1 + TREND_LEVEL) / 2, len(series) - 2) * error)
    return change - reach, change + reach


def _steps(number: int) -> Floats:
    return np.arange(number, dtype=np.float64) - (number - 1) / 2


def describe() -> SystemDescription:
    """The rule of the migration."""
    return SystemDescription(
        name="migration",
        title=message("Migration"),
        rule=message(
            "How many customers went from which group to which between two dates, and what value they "
            "took along; margin per customer and month for those who first ordered in a month."
        ),
        groups={NEW: message("new"), GONE: message("gone")},
    )


def _month(day: str) -> str:
    return f"date_trunc('month', DATE '1970-01-01' + {day})"
