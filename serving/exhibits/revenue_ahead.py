"""Revenue ahead by month: today's customers, new ones, both; and what earlier runs promised."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from features.language.message import Phrase, message
from features.orders.log import day_number
from features.periods import following
from features.sql import row
from serving.exhibits.exhibit import ExhibitMaker, PastMonths, Scene
from serving.exhibits.expected import NOBODY
from serving.store.documents import ExhibitBody
from training.measures.total import CONFIDENCE

MOST_KEPT = 12
AMOUNTS = ("expected", "low", "high")


def _make(scene: Scene) -> dict[str, object] | Phrase:
    of_today = _data(scene.made["expected_revenue"])
    if of_today is None:
        return NOBODY
    of_new = _data(scene.made["expected_new_customers"])
    new_months = {month["month"]: month for month in (of_new or {}).get("months", ())}
    kept = _kept(scene)
    return {
        "basis": scene.info.clv_basis,
        "level": CONFIDENCE,
        "months": [
            {
                "month": month["month"],
                "from": month["from"],
                **_parts(scene, month, new_months.get(month["month"])),
            }
            for month in of_today["months"]
        ],
        "total": _parts(scene, of_today, of_new),
        "kept": kept,
        "kept_within": sum(bool(month["today"]["is_within"]) for month in kept),
    }


def _data(body: ExhibitBody) -> Any:
    return body["data"]


def _parts(
    scene: Scene, of_today: Mapping[str, Any], of_new: Mapping[str, Any] | None
) -> dict[str, dict[str, float] | None]:
    """`today`, `new` and `together`, of which the last is the sum of both, ends included.

    Both miss by the level of one shop, so that what they miss by does not cancel.
    """
    today = {name: float(of_today[name]) for name in AMOUNTS}
    new = None if of_new is None else {name: float(of_new[name]) for name in AMOUNTS}
    together = {
        name: scene.money(today[name] + (0.0 if new is None else new[name])) for name in AMOUNTS
    }
    return {"today": today, "new": new, "together": together if new is not None else None}


def _kept(scene: Scene) -> list[dict[str, Any]]:
    """Whole months that have passed, each as the latest run before it saw it; oldest first."""
    latest: dict[str, tuple[PastMonths, Mapping[str, Any]]] = {}
    for past in scene.said_before:
        end = past.run.as_of.toordinal() + past.run.horizon_days
        for month in past.months:
            start = date.fromisoformat(month["from"])
            over = following(start, "month")
            is_whole = start.day == 1 and over.toordinal() <= end
            if is_whole and over <= scene.as_of and start >= scene.log.first_day:
                latest[month["month"]] = past, month
    return [_beside(scene, past, month) for _, (past, month) in sorted(latest.items())[-MOST_KEPT:]]


def _beside(scene: Scene, past: PastMonths, month: Mapping[str, Any]) -> dict[str, Any]:
    """What was said of a month beside what came in it."""
    start = date.fromisoformat(month["from"])
    came, of_known = row(
        scene.log.connection,
        f"""
        SELECT {scene.value_sql("customer IS NOT NULL")},
               {scene.value_sql(f"first_day < {day_number(past.run.as_of)}")}
        FROM {scene.visible["lines"]} AS known_lines
        LEFT JOIN {scene.visible["first_days"]} AS firsts USING (customer)
        WHERE day >= {day_number(start)} AND day < {day_number(following(start, "month"))}""",
    )
    together = past.together.get(month["month"])
    return {
        "month": month["month"],
        "run_id": past.run.run_id,
        "as_of": past.run.as_of.isoformat(),
        "today": _judged(scene, month, int(str(of_known))),
        "together": None if together is None else _judged(scene, together, int(str(came))),
    }


def _judged(scene: Scene, said: Mapping[str, Any], came: int) -> dict[str, float | bool]:
    brought = scene.from_minor(came)
    return {
        **{name: float(said[name]) for name in AMOUNTS},
        "came": brought,
        "is_within": bool(said["low"] <= brought <= said["high"]),
    }


EXHIBIT = ExhibitMaker(
    name="revenue_ahead",
    title=message("Ahead, by month"),
    method=message(
        "Today's customers: the sum of their predicted value by month. New customers: those who buy "
        "for the first time within the horizon. Together: the sum of both, ends of the intervals "
        "included, since both miss by the level of the same shop. Earlier months: each whole month "
        "that has ended as the latest run before it saw it, beside what came; today's customers are "
        "those of that run."
    ),
    make=_make,
)
