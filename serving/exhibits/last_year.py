"""Revenue of the same days last year: the level to compare a forecast with."""

from datetime import date, timedelta

from features.language.message import Phrase, message
from features.orders.log import day_number
from features.periods import a_year_before
from features.sql import row
from serving.exhibits.exhibit import ExhibitMaker, Scene


def _make(scene: Scene) -> dict[str, object] | Phrase:
    horizon = timedelta(days=scene.info.horizon_days)
    start = a_year_before(scene.as_of)
    recent = scene.as_of - horizon
    return {
        "basis": scene.info.clv_basis,
        "last_year": _window(scene, start, start + horizon),
        "recent": _window(scene, recent, scene.as_of),
    }


def _window(scene: Scene, start: date, end: date) -> dict[str, object] | None:
    """Revenue, value, orders and customers in `[start, end)`; None where the orders begin later.

    `value` is counted as the run counts: revenue, or the margin that is left of it.
    """
    if start < scene.log.first_day:
        return None
    first, until = day_number(start), day_number(end)
    is_known = "before.customer IS NOT NULL"
    revenue, revenue_of_known, value, value_of_known, orders, buyers = row(
        scene.log.connection,
        f"""
        WITH before AS (SELECT DISTINCT customer FROM {scene.visible["days"]} AS known_days
                        WHERE day < {first})
        SELECT coalesce(sum(amount), 0), coalesce(sum(amount) FILTER ({is_known}), 0),
               {scene.value_sql()}, {scene.value_sql(is_known)},
               count(DISTINCT order_key) FILTER (NOT is_return),
               count(DISTINCT known_lines.customer) FILTER (NOT is_return)
        FROM {scene.visible["lines"]} AS known_lines
        LEFT JOIN before ON known_lines.customer = before.customer
        WHERE day >= {first} AND day < {until}""",
    )
    return {
        "from": start.isoformat(),
        "to": (end - timedelta(days=1)).isoformat(),
        "revenue": scene.from_minor(int(str(revenue))),
        "revenue_of_known": scene.from_minor(int(str(revenue_of_known))),
        "value": scene.from_minor(int(str(value))),
        "value_of_known": scene.from_minor(int(str(value_of_known))),
        "orders": int(str(orders)),
        "customers": int(str(buyers)),
    }


EXHIBIT = ExhibitMaker(
    name="same_days_last_year",
    title=message("The same days last year"),
    method=message(
        "Net revenue of as many days as the horizon has, from the same date of last year, and of the "
        "days just before the run. A forecast speaks of customers who have bought before, so what "
        "those who were customers on the first of these days brought is told apart. Where values are "
        "margin, `value` is what is left of that revenue. Empty where the orders begin later."
    ),
    make=_make,
)
