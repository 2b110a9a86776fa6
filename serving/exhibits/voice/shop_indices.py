"""Four indices of the shop and of its groups: satisfaction, loyalty, profit, lifetime value."""

from datetime import timedelta

import numpy as np
import pandas as pd

from features.language.message import Phrase, message
from features.orders.log import day_number
from features.sql import row
from serving.exhibits.exhibit import ExhibitMaker, Scene

INDICES = ("satisfaction_index", "loyalty_index", "profit_index", "lifetime_index")
YEAR_DAYS = 365


def _make(scene: Scene) -> dict[str, object] | Phrase:
    if not set(INDICES) <= set(scene.info.index_columns):
        return message("This run has no scores from 0 to 100.")
    table = scene.scores[list(INDICES)].astype("Float64")
    return {
        **{name: _mean(table[name]) for name in INDICES[:2]},
        "told_satisfaction": int(table["satisfaction_index"].notna().sum()),
        "customers": len(table),
        **_profit(scene),
        **_lifetime(scene),
        "systems": {
            system: [
                {
                    "value": str(value),
                    "customers": len(part),
                    **{name: _mean(part[name]) for name in INDICES},
                }
                for value, part in table.groupby(group, sort=True)
            ]
            for system, group in scene.systems.items()
        },
    }


def _profit(scene: Scene) -> dict[str, object]:
    """Profit of a year, and 100 × it ÷ that of the year before."""
    today = day_number(scene.as_of)
    start, before = today - YEAR_DAYS, today - 2 * YEAR_DAYS
    year, year_before = (
        int(str(value))
        for value in row(
            scene.log.connection,
            f"SELECT {scene.value_sql(f'day >= {start}')}, "
            f"{scene.value_sql(f'day >= {before} AND day < {start}')} "
            f"FROM {scene.visible['lines']} AS known_lines WHERE customer IS NOT NULL",
        )
    )
    first = scene.as_of - timedelta(days=2 * YEAR_DAYS)
    is_comparable = scene.log.first_day <= first and year_before > 0
    return {
        "profit": scene.from_minor(year),
        "profit_index": round(100 * year / year_before, 1) if is_comparable else None,
        "basis": scene.info.clv_basis,
    }


def _lifetime(scene: Scene) -> dict[str, object]:
    """Mean lifetime value, and 100 × it ÷ that of the run with which the ledger opens."""
    mean = float(np.nanmean(scene.scores["clv_lifetime"].to_numpy(float)))
    opening = scene.values_before
    before = float(opening.lifetime.mean()) if opening is not None else 0.0
    return {
        "lifetime_each": scene.money(mean),
        "lifetime_index": round(100 * mean / before, 1) if before > 0 else None,
        "lifetime_since": opening.run.as_of.isoformat() if opening is not None else None,
    }


def _mean(column: "pd.Series[float]") -> float | None:
    numbers = column.dropna()
    return round(float(numbers.mean()), 1) if len(numbers) else None


EXHIBIT = ExhibitMaker(
    name="four_indices",
    title=message("Four indices of the shop"),
    method=message(
        "Satisfaction and loyalty: the means of the customers' indices, 0 to 100, satisfaction of those "
        "who told one. Profit: what customers brought in the last %(days)s days; its index is 100 × it "
        "÷ that of as many days before, where the orders reach back that far. Lifetime value: the mean "
        "of the customers; its index is 100 × it ÷ the mean of a run at least 25 days earlier. Groups: "
        "means of the customers' four indices.",
        days=YEAR_DAYS,
    ),
    make=_make,
)
