"""Rolling-origin backtest: every model beside its named baseline, fold by fold."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from training.backtest.grade import Grade
from training.backtest.task_grade import grade_of
from training.past.plan import Fold, TrainingPlan
from training.tasks.task import Judgement, Task
from training.tasks.world import World

Progress = Callable[[str], None]
"""Called with a short text after each step."""


@dataclass(frozen=True, eq=False)
class TaskResult:
    """One task over all folds.

    Attributes
    ----------
    judgements : per fold, in order of time
    grade : against the named baseline
    """

    task: Task
    judgements: tuple[Judgement, ...] = field(repr=False)
    grade: Grade

    @property
    def folds(self) -> tuple[dict[str, dict[str, float]], ...]:
        """Contender → measure → value, per fold."""
        return tuple(judgement.metrics for judgement in self.judgements)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """Outcomes and predictions, all folds below each other."""
        return pd.concat([judgement.rows for judgement in self.judgements])

    def mean(self, contender: str, measure: str) -> float:
        """Mean of a measure over the folds that have it; NaN where none does."""
        values = [fold[contender].get(measure, math.nan) for fold in self.folds]
        finite = [value for value in values if not math.isnan(value)]
        return float(sum(finite) / len(finite)) if finite else math.nan

    def measures(self, contender: str) -> list[str]:
        """The measures of a contender in any fold, in their order."""
        return list(dict.fromkeys(name for fold in self.folds for name in fold[contender]))


@dataclass(frozen=True)
class Backtest:
    """All tasks over all folds."""

    plan: TrainingPlan
    results: tuple[TaskResult, ...]

    def __repr__(self) -> str:
        grades = ", ".join(f"{result.task.name} {result.grade.letter}" for result in self.results)
        return f"<backtest on {len(self.plan.folds)} folds: {grades}>"

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


def prepare(world: World, plan: TrainingPlan) -> None:
    """Compute everything that the folds and the final fit read from the engine."""
    prepare_folds(world, plan.folds)
    world.prepare(plan.whole)
    world.prepare_purchases(plan.as_of)


def prepare_folds(world: World, folds: Sequence[Fold]) -> None:
    """Compute the tables that `folds` learn from and are judged on."""
    for fold in folds:
        world.prepare(fold)
        world.prepare_judged(fold)


def run_backtest(
    world: World, plan: TrainingPlan, tasks: Sequence[Task], progress: Progress = lambda _: None
) -> Backtest:
    """Fit and judge `tasks` on every fold of `plan`; the world must be prepared.

    Folds run side by side in threads (LightGBM and SciPy release the interpreter lock).
    """
    judged = judge_folds(world, plan.folds, tasks, progress)
    results = []
    for position, task in enumerate(tasks):
        judgements = tuple(fold[position] for fold in judged)
        rows = pd.concat([judgement.rows for judgement in judgements])
        customers = rows.index.to_numpy(dtype=object)
        windows = [judgement.rows for judgement in judgements]
        grade = grade_of(task, windows, customers, seed=world.settings.train.seed)
        results.append(TaskResult(task, judgements, grade))
        progress(f"graded {task.title.lower()}: {grade.sentence()}")
    return Backtest(plan, tuple(results))


def judge_folds(
    world: World, folds: Sequence[Fold], tasks: Sequence[Task], progress: Progress = lambda _: None
) -> list[list[Judgement]]:
    """Fit and judge `tasks` on each of `folds`: per fold, one judgement per task.

    A task that is not judged on a fold has a judgement of nobody there; see `Task.enough_buyers`.
    """
    judged = {task.name: _judged_folds(world, folds, task.enough_buyers) for task in tasks}
    judgements: list[list[Judgement]] = _side_by_side(
        min(world.settings.train.threads, len(folds)),
        (delayed(_judge_fold)(world, fold, tasks, judged, progress) for fold in folds),
    )
    return judgements


def _side_by_side(threads: int, jobs: Iterable[Any]) -> list[Any]:
    """The results of `jobs`, each of which has one thread for its matrices.

    More threads would wait for each other, which costs as much processor as working.
    """
    with threadpool_limits(limits=1, user_api="blas"):
        return list(Parallel(n_jobs=threads, prefer="threads")(jobs))


def _judged_folds(
    world: World, folds: Sequence[Fold], enough_buyers: int | None
) -> Collection[Fold]:
    """The latest of `folds` in which so many customers ordered; all where that is None."""
    if enough_buyers is None:
        return folds
    judged: list[Fold] = []
    buyers = 0
    for fold in reversed(folds):
        if buyers < enough_buyers:
            judged.append(fold)
            buyers += int((world.judged_table(fold.test).labels["orders"] > 0).sum())
    return judged


def _judge_fold(
    world: World,
    fold: Fold,
    tasks: Sequence[Task],
    judged: Mapping[str, Collection[Fold]],
    progress: Progress,
) -> list[Judgement]:
    # all first: what a run says of churn is at the level of the value model beside it
    fitted: dict[str, Any] = {
        task.name: task.fit(world, fold) if fold in judged[task.name] else None for task in tasks
    }
    judgements = []
    for task in tasks:
        judgements.append(task.judge(world, fold, fitted))
        if fitted[task.name] is not None:
            progress(f"judged {task.title.lower()} from {fold.test}")
    return judgements


def fit_final(
    world: World, plan: TrainingPlan, tasks: Sequence[Task], progress: Progress = lambda _: None
) -> Mapping[str, Any]:
    """Fit every task on the latest cutoffs, with everything known up to `plan.as_of`."""
    whole = plan.whole

    def fit(task: Task) -> Any:
        model = task.fit(world, whole)
        progress(f"fitted {task.title.lower()}")
        return model

    models = _side_by_side(world.settings.train.threads, (delayed(fit)(task) for task in tasks))
    return {task.name: model for task, model in zip(tasks, models, strict=True)}
