"""What the customers who began in a month bring month by month, with its trend."""

from features.language.message import Phrase, message
from features.segments.migration import cohort_sums, slope, slope_interval
from serving.exhibits.exhibit import ExhibitMaker, Scene

MOST_COHORTS = 24
FEWEST_WITH_INTERVAL = 3


def _make(scene: Scene) -> dict[str, object] | Phrase:
    table = cohort_sums(scene.log, scene.as_of)
    if table.empty:
        return message("No whole month has passed yet.")
    months = sorted(set(table["cohort"]) | set(table["month"]))
    brought = {(row.cohort, row.month): row for row in table.itertuples()}
    cohorts = sorted(set(table["cohort"]))
    return {
        "is_margin": bool(scene.features["margin_share"].notna().any()),
        "first_cohort_is_mixed": cohorts[0] in cohorts[-MOST_COHORTS:],
        "cohorts": [
            _cohort(
                scene,
                cohort,
                int(table.loc[table["cohort"] == cohort, "cohort_customers"].iloc[0]),
                [
                    getattr(brought.get((cohort, month)), "margin", 0.0)
                    for month in months
                    if month >= cohort
                ],
            )
            for cohort in cohorts[-MOST_COHORTS:]
        ],
    }


def _cohort(scene: Scene, month: str, customers: int, margins: list[float]) -> dict[str, object]:
    """One cohort; the trend leaves its own month out, in which everybody ordered."""
    later = [margin / customers for margin in margins[1:]]
    low, high = slope_interval(later) if len(later) >= FEWEST_WITH_INTERVAL else (None, None)
    return {
        "cohort": month[:7],
        "customers": customers,
        "margin": [scene.money(margin) for margin in margins],
        "mean_per_month": _money(scene, sum(later) / len(later) if later else None),
        "change_per_month": _money(scene, slope(later) if len(later) > 1 else None),
        "change_low": _money(scene, low),
        "change_high": _money(scene, high),
    }


def _money(scene: Scene, amount: float | None) -> float | None:
    return None if amount is None else round(amount, scene.digits + 2)


EXHIBIT = ExhibitMaker(
    name="cohort_margin",
    title=message("Margin over time per cohort"),
    method=message(
        "Customers by the month of their first purchase, at most the last %(cohorts)s; what each such "
        "cohort brought in its own month and in each whole one since: net sales minus cost where it is "
        "known, net sales elsewhere. Mean and trend are per customer of the cohort and month, without "
        "its own month, in which everybody ordered; the trend is the slope of the line of least squares "
        "with an 80 %% interval. The orders begin in the first cohort, so it mixes new customers with "
        "those who bought before.",
        cohorts=MOST_COHORTS,
    ),
    make=_make,
)
