"""The total that is expected from today's customers, with an interval, by month and by group."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import pandas as pd

from features.language.message import Phrase, message
from features.periods import following
from features.rows import Rows
from serving.exhibits.exhibit import ExhibitMaker, Scene
from training.measures.total import CONFIDENCE, WindowTotal, ends, level_spread
from training.models.estimator import Floats

NOBODY = message("No customer has a predicted value.")


@dataclass(frozen=True)
class Forecast:
    """The total of a run, and how far it may lie from what comes.

    Attributes
    ----------
    customers : those with a predicted value: `clv`, `value_if_order`, `unmoved_clv`
    windows : what earlier totals were off by, in order
    season_known : how much of the level of the same season is carried over, 0–1
    """

    customers: pd.DataFrame = field(repr=False)
    windows: tuple[WindowTotal, ...]
    season_known: float

    @classmethod
    def of(cls, scene: Scene) -> "Forecast | None":
        """None where nobody has a predicted value."""
        customers = scene.scores.dropna(subset=["clv"])
        if customers.empty:
            return None
        windows = tuple(past_windows(scene))
        return cls(customers, windows, scene.value.level_.season_share)

    @cached_property
    def total(self) -> float:
        return float(self.customers["clv"].sum())

    @cached_property
    def spread(self) -> float:
        """What all customers miss together, as a standard deviation of the log of the total."""
        return level_spread(self.windows, season_known=self.season_known)

    @cached_property
    def scatter(self) -> Floats:
        """Each customer's variance in money², by the size of an order and its chance.

        Their sum is what chance alone made the total of past windows scatter by.
        """
        if_order = self.customers["value_if_order"].to_numpy(dtype=float)
        shape = np.abs(self.customers["clv"].to_numpy(dtype=float) * if_order)
        noise = [window.noise for window in self.windows if window.noise > 0]
        whole = (np.mean(noise) * self.total) ** 2 if noise else shape.sum()
        return np.asarray(shape * whole / max(shape.sum(), 1e-12))

    @cached_property
    def noise(self) -> float:
        """What customers miss each alone, as a share of the total."""
        return float(np.sqrt(self.scatter.sum())) / max(abs(self.total), 1e-9)

    def between(self, part: Floats | None = None) -> tuple[float, float]:
        """The 80 % interval of all customers, or of those where the mask `part` is true."""
        money, variance = self.customers["clv"].to_numpy(dtype=float), self.scatter
        if part is not None:
            money, variance = money[part], variance[part]
        total = float(money.sum())
        return ends(total, self.spread, float(np.sqrt(variance.sum())) / max(abs(total), 1e-9))


def past_windows(scene: Scene) -> Iterator[WindowTotal]:
    """Earlier totals beside what came: folds of the backtest, then past runs of the same kind."""
    task = scene.evidence.tasks.get("value", {}) if scene.evidence else {}
    for fold in task.get("totals", ()):
        yield WindowTotal(fold["said"], fold["happened"], fold.get("noise", 0.0))
    for past in scene.past:
        scored = past.customers.dropna(subset=["clv", "value"])
        if past.run.clv_basis == scene.info.clv_basis and len(scored):
            yield WindowTotal.of(scored["clv"].to_numpy(), scored["value"].to_numpy())


def _make(scene: Scene) -> dict[str, object] | Phrase:
    forecast = Forecast.of(scene)
    if forecast is None:
        return NOBODY
    low, high = forecast.between()
    misses = [window.miss for window in forecast.windows]
    return {
        "basis": scene.info.clv_basis,
        "customers": len(forecast.customers),
        "expected": scene.money(forecast.total),
        "low": scene.money(low),
        "high": scene.money(high),
        "level": CONFIDENCE,
        "unmoved": scene.money(forecast.customers["unmoved_clv"].sum()),
        "carried_over": scene.value.level_.message().in_all_languages(),
        "occasions": [round(float(np.expm1(miss)), 4) for miss in misses if miss is not None],
        "months": _months(scene, forecast),
    }


def month_starts(first: date, days: int) -> list[date]:
    """`first`, and the first days of the later months that begin within so many days."""
    starts = [first]
    while (start := following(starts[-1], "month")) < first + timedelta(days=days):
        starts.append(start)
    return starts


def _months(scene: Scene, forecast: Forecast) -> list[dict[str, object]]:
    """The horizon by calendar month; the parts add up to the total."""
    first, end = scene.as_of, scene.as_of + timedelta(days=scene.info.horizon_days)
    starts = month_starts(first, scene.info.horizon_days)
    days = np.array([(day - first).days for day in (*starts[1:], end)], dtype=float)
    rows = Rows.of(scene.features.loc[forecast.customers.index])
    orders = scene.value.rhythm_.expected_orders_within(rows, days)
    clv = forecast.customers["clv"].to_numpy(dtype=float)
    until = (orders / orders[:, -1:] * clv[:, None]).sum(axis=0)
    shares = np.diff(until, prepend=0.0) / forecast.total if forecast.total else np.zeros(len(days))
    rounded = [scene.money(amount) for amount in (*until[:-1], forecast.total)]
    months = []
    for start, amount, before, share in zip(
        starts, rounded, [0.0, *rounded[:-1]], shares, strict=True
    ):
        part = scene.money(amount - before)
        low, high = ends(part, forecast.spread, forecast.noise / np.sqrt(max(share, 1e-9)))
        months.append(_month(scene, start, part, low, high))
    return months


def _month(scene: Scene, start: date, amount: float, low: float, high: float) -> dict[str, object]:
    return {
        "month": start.isoformat()[:7],
        "from": start.isoformat(),
        "expected": amount,
        "low": scene.money(low),
        "high": scene.money(high),
    }


def _by_group(scene: Scene) -> dict[str, object] | Phrase:
    forecast = Forecast.of(scene)
    if forecast is None:
        return NOBODY
    systems = {}
    for system in scene.info.segment_columns:
        groups = forecast.customers[system].astype(object)
        systems[system] = [
            _group(scene, forecast, str(group), (groups == group).to_numpy())
            for group in sorted(groups.dropna().unique(), key=str)
        ]
    return {"basis": scene.info.clv_basis, "level": CONFIDENCE, "systems": systems}


def _group(scene: Scene, forecast: Forecast, name: str, part: Floats) -> dict[str, object]:
    low, high = forecast.between(part)
    return {
        "group": name,
        "customers": int(part.sum()),
        "expected": scene.money(forecast.customers["clv"].to_numpy()[part].sum()),
        "low": scene.money(low),
        "high": scene.money(high),
    }


EXHIBIT = ExhibitMaker(
    name="expected_revenue",
    title=message("Expected in the horizon"),
    method=message(
        "The sum of all customers' predicted value in the horizon, by calendar month as the purchase "
        "process expects their orders; customers who have not bought before are not in it. The 80 % "
        "interval joins two errors, squared and added: what all customers miss together, from the "
        "logs of what came ÷ what was said in each fold of the backtest and each past run, averaged "
        "with a usual miss of 20 % (10 % where the same season of a year before is known) that "
        "counts as two windows of its own; and what customers miss each alone, as in those windows."
    ),
    make=_make,
)

BY_GROUP = ExhibitMaker(
    name="expected_by_group",
    title=message("Expected in the horizon, by group"),
    method=message(
        "The sum of predicted value over the customers of each group, with an 80 % interval: what "
        "all customers miss together, and what those of the group miss each alone."
    ),
    make=_by_group,
)
