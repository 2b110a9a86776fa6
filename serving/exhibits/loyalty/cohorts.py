"""Cohort retention: of those who first bought in a month or quarter, who bought again when."""

from datetime import date, timedelta

from features.language.message import Phrase, message
from features.periods import Unit, between, following, period_sql
from serving.exhibits.exhibit import ExhibitMaker, Scene

MOST_COHORTS = 24
MONTHLY_UNTIL_DAYS = 730
"""Longer logs are shown by quarter."""


def _make(scene: Scene) -> dict[str, object] | Phrase:
    span = (scene.as_of - scene.log.first_day).days
    unit: Unit = "month" if span <= MONTHLY_UNTIL_DAYS else "quarter"
    frame = scene.log.frame(f"""
        SELECT cohort, period, count(DISTINCT customer) AS customers FROM (
            SELECT customer, {period_sql("day", unit)} AS period,
                   min({period_sql("day", unit)}) OVER (PARTITION BY customer) AS cohort
            FROM {scene.visible["days"]} AS known_days)
        GROUP BY ALL""")
    counted = {
        (str(cohort), str(period)): int(customers) for cohort, period, customers in frame.to_numpy()
    }
    starts = between(scene.log.first_day, scene.as_of - timedelta(days=1), unit)[-MOST_COHORTS:]
    return {
        "unit": unit,
        "cohorts": [_cohort(scene, counted, start, starts[-1], unit) for start in starts],
        "first_cohort_is_mixed": starts[0] <= scene.log.first_day,
        "last_period_ends": following(starts[-1], unit).isoformat(),
    }


def _cohort(
    scene: Scene, counted: dict[tuple[str, str], int], start: date, last: date, unit: Unit
) -> dict[str, object]:
    size = counted.get((start.isoformat(), start.isoformat()), 0)
    shares: list[float | None] = []
    for period in between(start, last, unit)[1:]:
        came = counted.get((start.isoformat(), period.isoformat()), 0)
        observed = size and following(period, unit) <= scene.as_of
        shares.append(round(came / size, 4) if observed else None)
    return {
        "cohort": start.isoformat(),
        "customers": size,
        "whole": start >= scene.log.first_day and following(start, unit) <= scene.as_of,
        "retained": shares,
    }


EXHIBIT = ExhibitMaker(
    name="cohort_retention",
    title=message("Cohort retention"),
    method=message(
        "Customers by the month (the quarter, where the orders span more than two years) of their "
        "first purchase; of each such cohort the share that bought in each later period. Periods "
        "that have not ended are left empty. The orders begin in the first cohort, so it mixes new "
        "customers with those who bought before. At most the last %(cohorts)s cohorts.",
        cohorts=MOST_COHORTS,
    ),
    make=_make,
)
