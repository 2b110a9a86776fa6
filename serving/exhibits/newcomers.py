"""What customers who have not bought yet will bring: apart from those who are known."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from features.language.message import Phrase, message
from features.orders.log import day_number
from serving.exhibits.exhibit import ExhibitMaker, Scene
from serving.exhibits.expected import month_starts
from training.measures.total import CONFIDENCE, MOST_WINDOWS, WindowTotal, ends, level_spread
from training.models.estimator import Floats
from training.value.level import BUYERS_HALF

PARTS = 3
"""Windows stand a third of a horizon apart."""

DAYS_PER_YEAR = 365


@dataclass(frozen=True)
class Newcomers:
    """First purchases of the past in thirds of a horizon, counted back from today.

    Attributes
    ----------
    value : third of the first purchase × third of the money, in money; 0 is the latest
    customers : how many bought first in each third
    year : how many thirds make a year
    """

    value: Floats
    customers: Floats
    year: int

    def came(self, back: int) -> float:
        """What new customers brought in the horizon that ended `back` thirds ago."""
        window = slice(back, back + PARTS)
        return float(np.triu(self.value[window, window].T).sum())

    def forecast(self, back: int) -> float | None:
        """What was to be expected of the horizon that began `back` thirds ago.

        As much as in the horizon before; where the year before shows how these two horizons
        compared then, so much more or less, as far as customers stand behind it. None where the
        orders do not reach back so far.
        """
        if back + PARTS > len(self.customers):
            return None
        recent = self.came(back)
        next_then, before_then = back + self.year - PARTS, back + self.year
        if before_then + PARTS > len(self.customers):
            return recent
        pair = self.came(next_then), self.came(before_then)
        if min(pair) <= 0:
            return recent
        people = float(self.customers[next_then : before_then + PARTS].sum())
        return recent * float((pair[0] / pair[1]) ** (people / (people + BUYERS_HALF)))

    def windows(self) -> list[WindowTotal]:
        """The same rule at past dates, a third of a horizon apart, oldest first."""
        said = [(self.forecast(back), self.came(back - PARTS)) for back in self._past()]
        return [WindowTotal(total, came) for total, came in said if total is not None]

    def profile(self) -> Floats:
        """How what new customers bring in a horizon is spread over its thirds, first to last.

        The mean of all past horizons; a third each where they brought nothing.
        """
        thirds = np.zeros(PARTS)
        for back in range(len(self.customers) - PARTS + 1):
            window = slice(back, back + PARTS)
            thirds += np.triu(self.value[window, window].T).sum(axis=1)[::-1]
        thirds = np.maximum(thirds, 0.0)
        return thirds / thirds.sum() if thirds.sum() > 0 else np.full(PARTS, 1 / PARTS)

    @property
    def season_known(self) -> bool:
        """Whether the year before shows how such horizons compare."""
        return self.year + PARTS <= len(self.customers)

    def _past(self) -> range:
        return range(min(PARTS + MOST_WINDOWS, len(self.customers)) - 1, PARTS - 1, -1)


def newcomers_of(scene: Scene) -> Newcomers:
    """Read the first purchases before the run's date, whole thirds of a horizon."""
    horizon = scene.info.horizon_days
    today, first = day_number(scene.as_of), day_number(scene.log.first_day)
    thirds = max(int((today - first) * PARTS // horizon), 0)
    basis, minor = scene.value.basis, scene.minor_units
    cost = round(basis.cost_per_order * minor)
    lines, orders, firsts = (scene.visible[name] for name in ("lines", "orders", "first_days"))
    third = f"CAST(FLOOR(({today} - 1 - {{}}) * {PARTS}e0 / {horizon}) AS INTEGER)"
    frame = scene.log.frame(f"""
        WITH money AS (
            SELECT customer, day, SUM({basis.line_sql()}) AS worth
            FROM {lines} AS known_lines WHERE customer IS NOT NULL GROUP BY customer, day
            UNION ALL
            SELECT customer, day, -{cost} * COUNT(*) FILTER (is_purchase) AS worth
            FROM {orders} AS known_orders GROUP BY customer, day
        )
        SELECT {third.format("first_day")} AS first_third, {third.format("money.day")} AS third,
               SUM(worth) / {minor}e0 AS value, COUNT(DISTINCT customer) AS customers
        FROM money JOIN {firsts} AS firsts USING (customer) WHERE money.day >= first_day
        GROUP BY 1, 2""").astype("float64")
    value, customers = np.zeros((thirds, thirds)), np.zeros(thirds)
    for first_third, third_of_money, worth, number in frame.itertuples(index=False):
        if first_third < thirds:
            value[int(first_third), int(third_of_money)] += worth
            if first_third == third_of_money:
                customers[int(first_third)] += number
    return Newcomers(value, customers, round(DAYS_PER_YEAR * PARTS / horizon))


def _make(scene: Scene) -> dict[str, object] | Phrase:
    newcomers = newcomers_of(scene)
    expected = newcomers.forecast(0)
    if expected is None:
        return message(
            "The orders cover fewer days than the horizon, so new customers are not forecast."
        )
    if not expected:
        return message(
            "No new customer came in the horizon just ended: nothing can be forecast from it."
        )
    windows = newcomers.windows()
    spread = level_spread(windows, season_known=newcomers.season_known)
    low, high = ends(expected, spread, 0.0)
    recent = scene.as_of - timedelta(days=scene.info.horizon_days)
    return {
        "basis": scene.info.clv_basis,
        "expected": scene.money(expected),
        "low": scene.money(low),
        "high": scene.money(high),
        "level": CONFIDENCE,
        "recent": scene.money(newcomers.came(0)),
        "recent_from": recent.isoformat(),
        "occasions": [
            round(float(np.expm1(window.miss)), 4) for window in windows if window.miss is not None
        ],
        "months": _months(scene, expected, newcomers.profile(), spread),
    }


def _months(
    scene: Scene, expected: float, profile: Floats, spread: float
) -> list[dict[str, object]]:
    """The horizon by calendar month; the parts add up to the total."""
    days = scene.info.horizon_days
    starts = month_starts(scene.as_of, days)
    end = scene.as_of + timedelta(days=days)
    until = [
        float(
            np.interp(
                (day - scene.as_of).days / days * PARTS,
                np.arange(PARTS + 1),
                np.concatenate([[0.0], np.cumsum(profile)]),
            )
        )
        for day in (*starts[1:], end)
    ]
    amounts = [scene.money(expected * share) for share in (*until[:-1], 1.0)]
    months = []
    for start, amount, before in zip(starts, amounts, [0.0, *amounts[:-1]], strict=True):
        part = scene.money(amount - before)
        low, high = ends(part, spread, 0.0)
        months.append(
            {
                "month": start.isoformat()[:7],
                "from": start.isoformat(),
                "expected": part,
                "low": scene.money(low),
                "high": scene.money(high),
            }
        )
    return months


EXHIBIT = ExhibitMaker(
    name="expected_new_customers",
    title=message("Expected from new customers"),
    method=message(
        "What customers who buy for the first time within the horizon bring in it: as much as those "
        "of the horizon just ended, moved by how the same two horizons compared a year before, as "
        "far as customers stand behind that. The 80 % interval comes from what the same rule was "
        "off by at earlier dates, a third of a horizon apart, averaged with a usual miss. By calendar "
        "month as past horizons were spread over their thirds."
    ),
    make=_make,
)
