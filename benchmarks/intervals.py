"""The intervals of value over the dates at which the level is judged, log by log.

    python -m benchmarks intervals --data FOLDER

`first_release_intervals.csv` holds the interval score and the pinball loss of the first release
at the dates at which it was run again for comparison.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from benchmarks.accuracy.splits import SEED
from benchmarks.level import HORIZON_DAYS, dated_logs
from features.orders.log import OrderLog
from training.past.plan import plan_training
from training.past.reach import first_purchase
from training.past.tables import cutoff_table
from training.tasks.churn import ChurnTask
from training.tasks.value import ValueTask
from training.tasks.world import World

COUNTED = ("grocery",)
"""Logs whose values are whole orders: each is spread evenly over the unit around it, which is the
randomised probability integral transform of a continuous forecast."""

FIRST_RELEASE = Path(__file__).parent / "first_release_intervals.csv"
TENTHS = 10
ROUNDING = 0.005


def said_at(log: OrderLog, day: date) -> pd.DataFrame:
    """What is said of every customer of a date, trained from what was known by then.

    Returns
    -------
    The columns of `training.models.joint.value_figures`, and what came: `value`, `orders`.
    """
    plan = plan_training(first_purchase(log), day, HORIZON_DAYS, log.settings.train)
    world = World(log)
    world.prepare(plan.whole)
    truth = cutoff_table(log, day, HORIZON_DAYS, day + timedelta(days=HORIZON_DAYS))
    churn, value = ChurnTask().fit(world, plan.whole), ValueTask().fit(world, plan.whole)
    p_order = 1 - churn.predict(truth.features)["churn_probability"].to_numpy()
    said = value.predict(truth.features, p_order)
    return said.join(truth.labels[["value", "orders"]])


def judged(
    said: pd.DataFrame, *, is_counted: bool, seed: int = SEED
) -> tuple[dict[str, float], list[float]]:
    """How the intervals of one date fared.

    Returns
    -------
    Measures: `above`, the share that brought more than `clv_high`, beside `ideal`, the mean of
    min(0.1, p); `inside`, of those who ordered the share within the interval given an order;
    `interval_score` (Gneiting & Raftery 2007) and `pinball_median`. And the difference of the first
    two by tenths of `clv`.
    """
    came = said["value"].to_numpy()
    bought = said["orders"].to_numpy() > 0
    spread = np.random.default_rng(seed).uniform(-0.5, 0.5, len(came)) if is_counted else 0.0
    seen = np.where(bought, came + spread, came)
    high, low = said["clv_high"].to_numpy(), said["clv_low"].to_numpy()
    ideal = np.minimum(0.1, said["p_order"].to_numpy())
    beyond = (seen > high + ROUNDING).astype(float)
    inside = (seen >= said["value_if_order_low"].to_numpy() - ROUNDING) & (
        seen <= said["value_if_order_high"].to_numpy() + ROUNDING
    )
    order = np.argsort(said["clv"].to_numpy(), kind="stable")
    measures = {
        "above": float(beyond.mean()),
        "ideal": float(ideal.mean()),
        "inside": float(inside[bought].mean()),
        **scores(came, low, high, said["clv_median"].to_numpy()),
    }
    tenths = [float((beyond - ideal)[part].mean()) for part in np.array_split(order, TENTHS)]
    return measures, tenths


def scores(
    came: np.ndarray, low: np.ndarray, high: np.ndarray, median: np.ndarray
) -> dict[str, float]:
    """The interval score of an 80 % interval and the pinball loss of a median, in money."""
    outside = np.maximum(low - came, 0) + np.maximum(came - high, 0)
    return {
        "interval_score": float((high - low + 10 * outside).mean()),
        "pinball_median": float(np.abs(came - median).mean() / 2),
    }


def summary(
    dates: Mapping[date, tuple[dict[str, float], list[float]]], first: pd.DataFrame
) -> dict[str, float]:
    """The means of a log's dates; scores ÷ those of the first release at the dates it has."""
    table = pd.DataFrame([measures for measures, _ in dates.values()], index=list(dates))
    tenths = np.array([by_tenth for _, by_tenth in dates.values()]).mean(axis=0)
    shown = {
        "dates": float(len(table)),
        "above": float(table["above"].mean()),
        "ideal": float(table["ideal"].mean()),
        "worst_tenth": float(tenths[np.abs(tenths).argmax()]),
        "inside": float(table["inside"].mean()),
    }
    both = table.join(first.add_suffix("_first"), how="inner")
    for name in ("interval_score", "pinball_median"):
        shown[f"{name}_ratio"] = float((both[name] / both[f"{name}_first"]).mean())
    return {**shown, "dates_of_both": float(len(both))}


def first_release(log: str) -> pd.DataFrame:
    """The scores of the first release at the dates of a log that it was run at."""
    known = pd.read_csv(FIRST_RELEASE, parse_dates=["as_of"])
    own = known[known["log"] == log]
    scores_of_dates = own[["interval_score", "pinball_median"]]
    return scores_of_dates.set_index(pd.Index(own["as_of"].dt.date))


def run(data: Path) -> None:
    """Every date of every log, then the means of each log."""
    for name, (split, days) in dated_logs().items():
        with TemporaryDirectory() as root, split.log(data, Path(root)) as log:
            found = dict(_dates(name, log, days))
        means = summary(found, first_release(name))
        print(f"\n## {name}: " + ", ".join(f"{key} {value:.3f}" for key, value in means.items()))


def _dates(
    name: str, log: OrderLog, days: tuple[date, ...]
) -> Iterator[tuple[date, tuple[dict[str, float], list[float]]]]:
    for day in days:
        measures, tenths = judged(said_at(log, day), is_counted=name in COUNTED)
        print(name, day, {key: round(value, 3) for key, value in measures.items()}, flush=True)
        yield day, (measures, tenths)
