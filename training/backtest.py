"""Rolling-origin backtest: every model beside its named baseline, fold by fold."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from joblib import Parallel, delayed

from training.grade import Grade, graded
from training.plan import Fold, Plan
from training.tasks.task import Judgement, Task
from training.world import World

Progress = Callable[[str], None]
"""Called with a few words whenever a step is done."""


@dataclass(frozen=True)
class TaskResult:
    """One task over all folds.

    Attributes
    ----------
    folds : contender → measure → value, per fold in order of time
    rows : what happened and what was said, all folds below each other
    grade : against the named baseline
    """

    task: Task
    folds: tuple[dict[str, dict[str, float]], ...]
    rows: pd.DataFrame = field(repr=False)
    grade: Grade

    def mean(self, contender: str, measure: str) -> float:
        """Mean of a measure over the folds that know it; NaN where none does."""
        values = [fold[contender].get(measure, math.nan) for fold in self.folds]
        known = [value for value in values if not math.isnan(value)]
        return float(sum(known) / len(known)) if known else math.nan

    def measures(self, contender: str) -> list[str]:
        """The measures of a contender in any fold, in their order."""
        return list(dict.fromkeys(name for fold in self.folds for name in fold[contender]))


@dataclass(frozen=True)
class Backtest:
    """All tasks over all folds."""

    plan: Plan
    results: tuple[TaskResult, ...]

    def table(self) -> pd.DataFrame:
        """One row per (task, contender, measure): the mean over folds and each fold."""
        records = []
        for result in self.results:
            for contender in result.folds[0]:
                for measure in result.measures(contender):
                    values = [fold[contender].get(measure) for fold in result.folds]
                    record = {"task": result.task.name, "contender": contender, "measure": measure}
                    dates = [fold.test.isoformat() for fold in self.plan.folds]
                    mean = result.mean(contender, measure)
                    records.append(
                        {**record, "mean": mean, **dict(zip(dates, values, strict=True))}
                    )
        return pd.DataFrame(records)


def prepare(world: World, plan: Plan) -> None:
    """Compute everything that the folds and the final fit read from the engine."""
    for fold in plan.folds:
        world.prepare(fold.train, fold.test)
        world.prepare([fold.test], fold.test + (plan.as_of - plan.cutoffs[-1]))
    world.prepare(plan.cutoffs, plan.as_of)
    world.prepare_purchases(plan.as_of)


def run_backtest(
    world: World, plan: Plan, tasks: Sequence[Task], progress: Progress = lambda _: None
) -> Backtest:
    """Fit and judge `tasks` on every fold of `plan`; the world must be prepared.

    Folds run side by side in threads (LightGBM and SciPy leave the interpreter lock).
    """
    train = world.settings.train
    judged = Parallel(n_jobs=min(train.threads, len(plan.folds)), prefer="threads")(
        delayed(_judge_fold)(world, fold, tasks, progress) for fold in plan.folds
    )
    results = []
    for position, task in enumerate(tasks):
        judgements = [fold[position] for fold in judged]
        rows = pd.concat([judgement.rows for judgement in judgements])
        grade = graded(
            task.measure,
            task.baseline,
            rows.index.to_numpy(dtype=object),
            task.improvement(rows),
            seed=train.seed,
        )
        results.append(TaskResult(task, tuple(j.metrics for j in judgements), rows, grade))
        progress(f"graded {task.title.lower()}: {grade.sentence()}")
    return Backtest(plan, tuple(results))


def _judge_fold(
    world: World, fold: Fold, tasks: Sequence[Task], progress: Progress
) -> list[Judgement]:
    fitted: dict[str, Any] = {}
    judgements = []
    for task in tasks:
        fitted[task.name] = task.fit(world, fold)
        judgements.append(task.judge(world, fold, fitted))
        progress(f"judged {task.title.lower()} from {fold.test}")
    return judgements


def fit_final(
    world: World, plan: Plan, tasks: Sequence[Task], progress: Progress = lambda _: None
) -> Mapping[str, Any]:
    """Fit every task on the latest cutoffs, with everything known up to `plan.as_of`."""
    whole = Fold(train=plan.cutoffs, test=plan.as_of)

    def fit(task: Task) -> Any:
        model = task.fit(world, whole)
        progress(f"fitted {task.title.lower()}")
        return model

    models = Parallel(n_jobs=world.settings.train.threads, prefer="threads")(
        delayed(fit)(task) for task in tasks
    )
    return {task.name: model for task, model in zip(tasks, models, strict=True)}
