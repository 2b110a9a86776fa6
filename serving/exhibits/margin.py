"""Margin over time per group: the margin of today's groups month by month."""

from datetime import date

import pandas as pd

from features.language.message import Phrase, message
from features.orders.log import day_number
from features.periods import between, following, period_sql, start_of
from features.segments.migration import slope
from features.segments.profit import MARGIN_SQL
from serving.exhibits.exhibit import ExhibitMaker, Scene

MONTHS = 24


def _make(scene: Scene) -> dict[str, object] | Phrase:
    until = start_of(scene.as_of, "month")
    first = max(_first_whole(scene), following(until, "month", -MONTHS))
    if first >= until or not scene.systems:
        return message("No whole month has passed yet.")
    brought = _brought(scene, first, until)
    months = between(first, following(until, "month", -1), "month")
    return {
        "months": [month.isoformat()[:7] for month in months],
        "systems": {
            name: _groups(scene, brought, groups, months) for name, groups in scene.systems.items()
        },
        "is_margin": _costs_known(scene, first, until),
    }


def _first_whole(scene: Scene) -> date:
    """The first month that the orders cover from its first day."""
    start = start_of(scene.log.first_day, "month")
    return start if start == scene.log.first_day else following(start, "month")


def _brought(scene: Scene, first: date, until: date) -> pd.DataFrame:
    """Per customer and month, whole minor units."""
    return scene.log.frame(f"""
        SELECT customer_id, {period_sql("day", "month")} AS month, sum({MARGIN_SQL}) AS margin
        FROM {scene.visible["lines"]} AS known_lines JOIN customers USING (customer)
        WHERE day >= {day_number(first)} AND day < {day_number(until)} GROUP BY ALL""")


def _costs_known(scene: Scene, first: date, until: date) -> bool:
    (any_cost,) = scene.log.frame(f"""
        SELECT count(cost) > 0 AS known FROM {scene.visible["lines"]} AS known_lines
        WHERE day >= {day_number(first)} AND day < {day_number(until)}""")["known"]
    return bool(any_cost)


def _groups(
    scene: Scene, brought: pd.DataFrame, group: "pd.Series[str]", months: list[date]
) -> list[dict[str, object]]:
    sizes = group.value_counts()
    of_customer = brought["customer_id"].map(group)
    sums = brought.groupby([of_customer.rename("group"), "month"])["margin"].sum()
    groups = []
    for value in sorted(sizes.index):
        by_month = sums[value] if value in sums.index.get_level_values(0) else pd.Series(dtype=int)
        margins = [scene.from_minor(by_month.get(month.isoformat(), 0)) for month in months]
        groups.append(
            {
                "value": str(value),
                "customers": int(sizes[value]),
                "margin": margins,
                "change_per_month": scene.money(slope(margins)) if len(months) > 1 else None,
            }
        )
    return groups


EXHIBIT = ExhibitMaker(
    name="margin_by_group",
    title=message("Margin over time per group"),
    method=message(
        "What the customers who are in a group today brought in each whole month, at most the last "
        "%(months)s: net sales minus cost where it is known, net sales elsewhere. The trend is the "
        "slope of the line of least squares. Groups are those of today, so one that is made of good "
        "customers has been good: compare slopes, not levels.",
        months=MONTHS,
    ),
    make=_make,
)
