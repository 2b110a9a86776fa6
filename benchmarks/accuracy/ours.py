"""What our models say of the customers of a split, trained as `regulars train` does."""

import resource
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pandas as pd

from benchmarks.accuracy.splits import Split
from features.orders.log import OrderLog
from features.rows import Rows
from training.backtest.backtest import fit_final
from training.models.estimator import table_of
from training.past.plan import TrainingPlan, plan_training
from training.past.tables import CutoffTable, cutoff_table
from training.tasks.catalogue import TASKS
from training.tasks.world import World
from training.value.description import Description

JUDGED = ("churn", "value", "next_purchase")


@dataclass(frozen=True)
class Answer:
    """Our predictions, what happened, and what it took.

    Attributes
    ----------
    truth : customers as of the split's date, with the labels of the hold-out
    said : one row per customer, the columns of a score run
    cutoffs : what was learned from
    cpu_seconds : of fitting the three models, features apart
    """

    truth: CutoffTable
    said: pd.DataFrame
    cutoffs: list[str]
    cpu_seconds: float


def answer(split: Split, data: Path, root: Path) -> Answer:
    """Train at the split's date and predict its hold-out."""
    with split.log(data, root) as log:
        world, plan = _prepared(log, split)
        truth = cutoff_table(log, split.as_of, split.horizon_days, split.end)
    before = _cpu_seconds()
    fitted = fit_final(world, plan, [task for task in TASKS if task.name in JUDGED])
    spent = _cpu_seconds() - before
    described = Description(fitted["churn"], fitted["value"], fitted["next_purchase"])
    said = table_of(described.figures(Rows.of(truth.features)), truth.features)
    cutoffs = [
        f"{cutoff} + {min(split.horizon_days, (split.as_of - cutoff) // timedelta(days=1))}"
        for cutoff in plan.cutoffs
    ]
    return Answer(truth, said, cutoffs, spent)


def _prepared(log: OrderLog, split: Split) -> tuple[World, TrainingPlan]:
    plan = plan_training(log.first_day, split.as_of, split.horizon_days, log.settings.train)
    world = World(log)
    world.prepare(plan.whole)
    return world, plan


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
