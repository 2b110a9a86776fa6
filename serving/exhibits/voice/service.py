"""How fast service answers and solves what customers ask and complain about."""

from datetime import timedelta
from typing import Any

from scipy.stats import binomtest

from features.language.message import Phrase, message
from features.orders.log import day_number
from features.periods import between, period_sql
from features.tables.optional_tables import visible_tables
from features.tables.table_readings import SERVICE_MINUTES
from serving.exhibits.exhibit import ExhibitMaker, Scene

KINDS = ("enquiry", "complaint")
DAYS = 365
MINUTES_PER_DAY = 24 * 60
LEVEL = 0.8


def _make(scene: Scene) -> dict[str, object] | Phrase:
    table = scene.log.settings.data.interactions
    measured = [
        column for name, column in SERVICE_MINUTES.items() if table and getattr(table, name)
    ]
    if not measured:
        return message("The interactions do not say when service answered or solved anything.")
    start = scene.as_of - timedelta(days=DAYS)
    months = between(start, scene.as_of - timedelta(days=1), "month")
    every = "TRUE"
    return {
        "days": DAYS,
        "level": LEVEL,
        "kinds": [
            {"kind": kind, **_figures(scene, measured, f"kind = '{kind}'")} for kind in KINDS
        ],
        "all": _figures(scene, measured, every),
        "months": [
            {
                "month": month.isoformat()[:7],
                **_figures(scene, measured, f"{period_sql('day', 'month')} = '{month}'"),
            }
            for month in months
        ],
    }


def _figures(scene: Scene, measured: list[str], only: str) -> dict[str, object]:
    """Counts and times of the interactions for which `only` holds."""
    today = day_number(scene.as_of)
    visible = visible_tables(scene.log.settings.data, today)["interactions"]
    kinds = ", ".join(f"'{kind}'" for kind in KINDS)
    columns = ", ".join(_measures(column, today) for column in measured)
    (row,) = scene.log.frame(f"""
        SELECT count(*) AS interactions, {columns} FROM {visible} AS known_interactions
        WHERE kind IN ({kinds}) AND day >= {today - DAYS} AND day < {today} AND {only}""").to_dict("records")
    number = int(row["interactions"])
    figures: dict[str, object] = {"interactions": number}
    for column in measured:
        figures |= _rates_and_times(column.removesuffix("_minutes"), number, row)
    return figures


def _measures(column: str, today: int) -> str:
    """SQL: how many were answered by then, and the median and the 90 % point of their minutes."""
    name = column.removesuffix("_minutes")
    was_served = f"{column} >= 0 AND day * {MINUTES_PER_DAY} + minute + {column} < {today} * {MINUTES_PER_DAY}"
    return f"""
        count(*) FILTER ({was_served}) AS {name}_number,
        count(*) FILTER ({was_served} AND {column} <= {MINUTES_PER_DAY}) AS {name}_in_a_day,
        quantile_cont({column}, 0.5) FILTER ({was_served}) AS {name}_median,
        quantile_cont({column}, 0.9) FILTER ({was_served}) AS {name}_slowest"""


def _rates_and_times(name: str, interactions: int, row: dict[Any, Any]) -> dict[str, object]:
    number, in_a_day = int(row[f"{name}_number"]), int(row[f"{name}_in_a_day"])
    low, high = None, None
    if interactions:
        interval = binomtest(number, interactions).proportion_ci(LEVEL, "wilson")
        low, high = round(float(interval.low), 4), round(float(interval.high), 4)
    return {
        f"{name}_rate": round(number / interactions, 4) if interactions else None,
        f"{name}_rate_low": low,
        f"{name}_rate_high": high,
        f"{name}_within_a_day": round(in_a_day / interactions, 4) if interactions else None,
        f"{name}_median_hours": round(float(row[f"{name}_median"]) / 60, 1) if number else None,
        f"{name}_hours_9_in_10": round(float(row[f"{name}_slowest"]) / 60, 1) if number else None,
    }


EXHIBIT = ExhibitMaker(
    name="service_times",
    title=message("Response and solution times of service"),
    method=message(
        "Enquiries and complaints of the last %(days)s days: the share that was answered (solved) by "
        "the date of the run, with an 80 %% interval, the share within a day, and how long it took: the "
        "median, and the time within which 9 of 10 were. What is still open counts in the shares and "
        "not in the times; an answer before the question counts as none.",
        days=DAYS,
    ),
    make=_make,
)
