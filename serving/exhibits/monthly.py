"""Orders, customers and revenue month by month."""

from datetime import timedelta

from features.language.message import Phrase, message
from features.periods import between, following, period_sql
from serving.exhibits.exhibit import ExhibitMaker, Scene

MOST_MONTHS = 60


def _make(scene: Scene) -> dict[str, object] | Phrase:
    frame = scene.log.frame(f"""
        SELECT {period_sql("day", "month")} AS month,
               count(DISTINCT order_key) FILTER (NOT is_return) AS orders,
               count(DISTINCT customer) FILTER (NOT is_return) AS customers,
               sum(amount) AS revenue,
               coalesce(sum(amount) FILTER (customer IS NULL), 0) AS anonymous
        FROM {scene.visible["lines"]} AS known_lines GROUP BY ALL""").set_index("month")
    last = scene.as_of - timedelta(days=1)
    months = between(scene.log.first_day, last, "month")
    table = frame.reindex([month.isoformat() for month in months], fill_value=0).iloc[-MOST_MONTHS:]
    shown = months[-MOST_MONTHS:]
    return {
        "months": [month.isoformat()[:7] for month in shown],
        "orders": table["orders"].astype(int).tolist(),
        "customers": table["customers"].astype(int).tolist(),
        "revenue": [scene.from_minor(amount) for amount in table["revenue"]],
        "revenue_anonymous": [scene.from_minor(amount) for amount in table["anonymous"]],
        "whole": [
            month >= scene.log.first_day and following(month, "month") <= scene.as_of
            for month in shown
        ],
    }


EXHIBIT = ExhibitMaker(
    name="monthly",
    title=message("Orders, customers and revenue by month"),
    method=message(
        "Calendar months in the shop's time zone. Orders with a purchase, known customers who "
        "bought, and net revenue, returns taken off, of everybody and of buyers without a name. A "
        "month that the orders do not cover from its first to its last day is not whole. At most the "
        "last %(months)s months.",
        months=MOST_MONTHS,
    ),
    make=_make,
)
