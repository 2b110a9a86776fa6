"""Looks for settings of the trees that predict the past better, and says whether it was worth it.

The search sees all folds of the backtest but the last one. What it found is judged once, beside
the settings in use, on that last fold.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from features.errors import NotEnoughData
from features.libraries.extras import require_extra
from features.orders.log import OrderLog
from training.backtest.backtest import Progress, judge_folds
from training.backtest.bootstrap import interval
from training.job import parameters, prepare_training
from training.settings import BoostingSettings, TrainingSettings
from training.tasks.task import Judgement, Task

if TYPE_CHECKING:
    from optuna.trial import Trial

    from training.tracking.mlflow_runs import Tracker

TUNED = ("churn", "value", "next_purchase")
HIGHER_IS_BETTER = {"gini"}
STUDIES = "tuning.db"
"""Beside the bundles: what has been tried, so that a search goes on where it was stopped."""


@dataclass(frozen=True)
class TuningGain:
    """By how much settings predict a task better on the last fold, with a 95 % interval.

    Attributes
    ----------
    gain, low, high : share by which the task's measure is better; above 0 is better
    """

    task: str
    measure: str
    gain: float
    low: float
    high: float

    def sentence(self) -> str:
        """The gain in words."""
        return f"{self.task}: {self.measure} {self.gain:+.1%} [{self.low:+.1%}, {self.high:+.1%}]"


@dataclass(frozen=True)
class Tuning:
    """What a search found.

    Attributes
    ----------
    tried : settings tried so far, those of earlier searches included
    best : the settings that did best on the folds of the search
    on_search : mean share by which they were better there than the settings in use
    gains : on the last fold, which the search has not seen
    """

    run_id: str
    tried: int
    best: BoostingSettings
    on_search: float
    gains: tuple[TuningGain, ...]
    judged_from: date

    @property
    def is_worth_it(self) -> bool:
        """Whether a task is surely better on the last fold, and none surely worse."""
        return any(gain.low > 0 for gain in self.gains) and not any(
            gain.high < 0 for gain in self.gains
        )

    def sentence(self) -> str:
        """The verdict in words."""
        words = "; ".join(gain.sentence() for gain in self.gains)
        verdict = "Worth it" if self.is_worth_it else "Not worth it"
        return (
            f"{verdict} on the fold from {self.judged_from}, which the search has not seen: {words}"
        )


def tune(
    log: OrderLog[TrainingSettings],
    as_of: date | None = None,
    *,
    minutes: float = 10.0,
    trials: int | None = None,
    progress: Progress = lambda _: None,
) -> Tuning:
    """Search settings of the trees on past folds, tracked in MLflow; nothing is published.

    Parameters
    ----------
    log : the orders
    as_of : as in a training
    minutes : after so many no further settings are tried; a search of the same orders goes on
        with what was tried before
    trials : at most so many now; None: as many as there is time for
    progress : called with a few words after each step

    Raises
    ------
    ConfigError
        When the extra `train` is not installed, or `as_of` lies outside the orders.
    NotEnoughData
        When there are fewer than two folds: one to search on and the last one to judge on.
    """
    require_extra("train", "tuning")
    from training.tracking.mlflow_runs import Tracker

    prepared = prepare_training(log, as_of, progress)
    if len(prepared.plan.folds) < 2:
        raise NotEnoughData(
            "tuning needs two folds: one to search on, and the last one to judge what was found. "
            "Raise train.folds, or collect more orders."
        )
    tasks = tuple(task for task in prepared.tasks if task.name in TUNED)
    search = _Search(prepared.world, prepared.plan.folds[:-1], tasks)
    tracker = Tracker(log.settings)
    day = prepared.plan.as_of.isoformat()
    with tracker.training(parameters(log, prepared.plan), day, kind="tune") as run_id:
        study = _searched(search, log, day, minutes, trials, tracker, progress)
        best = BoostingSettings.model_validate(study.best_trial.params)
        progress(f"tried {len(study.trials)}, the best is {study.best_value:+.2%} better")
        gains = _gains(prepared.world, prepared.plan.folds[-1:], tasks, best)
        found = Tuning(
            run_id,
            len(study.trials),
            best,
            float(study.best_value),
            gains,
            prepared.plan.folds[-1].test,
        )
        tracker.log_tuning(found.sentence(), {f"gain_{gain.task}": gain.gain for gain in gains})
    return found


class _Search:
    """How much better settings predict the folds of the search than the settings in use."""

    def __init__(self, world: Any, folds: Sequence[Any], tasks: tuple[Task, ...]) -> None:
        self.world, self.folds, self.tasks = world, folds, tasks
        self.in_use = self.measures(world.settings.train.boosting)

    def measures(self, boosting: BoostingSettings) -> dict[str, float]:
        """Task → mean of its measure over the folds."""
        judged = _judged(self.world, self.folds, self.tasks, boosting)
        return {
            task.name: float(
                np.mean([fold[position].metrics["model"][task.measure] for fold in judged])
            )
            for position, task in enumerate(self.tasks)
        }

    def gain(self, measures: Mapping[str, float]) -> float:
        """Mean share over the tasks by which measures are better than those in use."""
        shares = []
        for task in self.tasks:
            share = measures[task.name] / self.in_use[task.name] - 1
            shares.append(share if task.measure in HIGHER_IS_BETTER else -share)
        return float(np.mean(shares))


def _judged(
    world: Any, folds: Sequence[Any], tasks: tuple[Task, ...], boosting: BoostingSettings
) -> list[list[Judgement]]:
    before = world.settings
    train = before.train.model_copy(update={"boosting": boosting})
    world.settings = before.model_copy(update={"train": train})
    try:
        return judge_folds(world, folds, tasks)
    finally:
        world.settings = before


def _searched(
    search: _Search,
    log: OrderLog[TrainingSettings],
    day: str,
    minutes: float,
    trials: int | None,
    tracker: "Tracker",
    progress: Progress,
) -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    bundles: Path = log.settings.path(log.settings.store.bundles)
    bundles.mkdir(parents=True, exist_ok=True)
    plan = log.settings.train.model_dump_json(exclude={"threads"})
    study = optuna.create_study(
        study_name=f"{log.fingerprint} {day} {plan}",
        storage=f"sqlite:///{bundles / STUDIES}",
        sampler=optuna.samplers.TPESampler(seed=log.settings.train.seed),
        direction="maximize",
        load_if_exists=True,
    )
    if not study.trials:  # what is in use is the first that is tried: 0 % better
        study.enqueue_trial(log.settings.train.boosting.model_dump())
    started = time.monotonic()

    def tried(trial: "Trial") -> float:
        settings = _suggested(trial)
        measures = search.measures(settings)
        gain = search.gain(measures)
        tracker.log_settings(f"trial {trial.number}", settings.model_dump(), measures, gain)
        progress(f"trial {trial.number}: {gain:+.2%}, {time.monotonic() - started:.0f} s")
        return gain

    study.optimize(tried, n_trials=trials, timeout=minutes * 60)
    return study


def _suggested(trial: "Trial") -> BoostingSettings:
    return BoostingSettings(
        rounds=trial.suggest_int("rounds", 20, 600, log=True),
        learning_rate=trial.suggest_float("learning_rate", 0.01, 0.3, log=True),
        leaves=trial.suggest_int("leaves", 2, 32, log=True),
        min_rows_in_leaf=trial.suggest_int("min_rows_in_leaf", 10, 500, log=True),
        feature_fraction=trial.suggest_float("feature_fraction", 0.1, 1.0),
        l2=trial.suggest_float("l2", 0.1, 200.0, log=True),
    )


def _gains(
    world: Any, folds: Sequence[Any], tasks: tuple[Task, ...], best: BoostingSettings
) -> tuple[TuningGain, ...]:
    """The settings found beside those in use, each judged once on folds the search has not seen."""
    (usual,) = _judged(world, folds, tasks, world.settings.train.boosting)
    (tuned,) = _judged(world, folds, tasks, best)
    gains = []
    for task, ours, theirs in zip(tasks, tuned, usual, strict=True):
        rows = ours.rows.assign(in_use=theirs.rows["model"].to_numpy())
        improvement = task.improvement(rows, "in_use")
        customers = rows.index.to_numpy(dtype=object)
        low, high = interval(customers, improvement, seed=world.settings.train.seed)
        whole = improvement(np.arange(len(rows)))
        gains.append(TuningGain(task.name, task.measure, whole, low, high))
    return tuple(gains)
