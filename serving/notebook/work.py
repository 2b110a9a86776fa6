"""The steps from orders to scores, as functions of a log: frames in, frames out."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd

from features.engines.build import build_features
from features.errors import ConfigError
from features.orders.log import OrderLog
from features.orders.value_basis import value_basis
from serving.notebook.progress import Progress, shown
from serving.scoring.run import ScoreRun
from serving.scoring.run import score as scored
from serving.settings import Settings
from training.backtest.backtest import Backtest, run_backtest
from training.bundle.publication import Models, load_models
from training.job import TrainResult, prepare_training
from training.job import train as run_training
from training.past.tables import labels_at
from training.settings import TrainingSettings
from training.tasks.catalogue import with_tasks
from training.tasks.own_models import OwnChurnTask, OwnValueTask
from training.tasks.task import Task
from training.value.lasting import RunMiss


def features(log: OrderLog, as_of: date | str | None = None) -> pd.DataFrame:
    """The feature table: what was known of each customer on the morning of `as_of`.

    Parameters
    ----------
    log : see `read_orders`
    as_of : only orders before it are seen, a date or text such as "2024-06-01"; None: the day
        after the last order

    Returns
    -------
    One row per customer who has bought, index `customer_id` in its order, a float64 column per
    feature, NaN where one has no meaning yet. `docs/features.md` says what each is.

    Raises
    ------
    ConfigError
        When `as_of` is no date or lies outside the orders.
    """
    day = log.end if as_of is None else _day(as_of)
    log.check_as_of(day)
    return build_features(log, day)


def _day(as_of: date | str) -> date:
    """A date, a moment, or a date in ISO's writing, as a date."""
    try:
        moment = datetime.fromisoformat(as_of) if isinstance(as_of, str) else as_of
    except ValueError:
        raise ConfigError(
            f'as_of: {as_of!r} is no date. Write it as year-month-day, such as "2024-06-01".'
        ) from None
    if not isinstance(moment, date):
        raise ConfigError(f"as_of must be a date or text, not {type(moment).__name__}.")
    return moment.date() if isinstance(moment, datetime) else moment


def labels(
    log: OrderLog[TrainingSettings], as_of: date | str, horizon_days: int | None = None
) -> pd.DataFrame:
    """What each customer of `features(log, as_of)` did in `[as_of, as_of + horizon_days)`.

    Parameters
    ----------
    log : see `read_orders`
    as_of : first day of the window, a date or text such as "2024-06-01"
    horizon_days : its length, ≥ 1; None: `predict.horizon_days`

    Returns
    -------
    Same rows in the same order: `orders`, `spend`, `value`, `purchase_days`,
    `days_to_next_order` (NaN: none until the orders end), `followed_days`, `horizon_days`; see
    `training.past.tables.labels_at`.

    Raises
    ------
    ConfigError
        When `as_of` is no date or lies outside the orders, or they end before the window does.
    """
    day = _day(as_of)
    log.check_as_of(day)
    days = log.settings.predict.horizon_days if horizon_days is None else horizon_days
    if days < 1:
        raise ConfigError(f"labels: horizon_days must be at least 1 (it is {days}).")
    covered = (log.end - day).days
    if covered < days:
        raise ConfigError(
            f"labels: the orders cover {covered} of the {days} days from {day} on, since the last "
            f"is of {log.last_day}. Take as_of = {log.end - timedelta(days=days)} or earlier, or "
            "a shorter horizon_days."
        )
    return labels_at(log, day, days, log.end, value_basis(log, day, log.settings.predict))


def train(
    log: OrderLog[TrainingSettings],
    as_of: date | None = None,
    progress: Progress | None = None,
    tasks: tuple[Task, ...] | None = None,
    runs: Sequence[RunMiss] = (),
) -> TrainResult:
    """Backtest, fit, track in MLflow, register, compare with the champion, publish.

    Parameters
    ----------
    log : see `read_orders`
    as_of : the date up to which the models know the orders; None: the day after the last one
    progress : called with a few words after each step; None: shown in notebooks and terminals
    tasks, runs : see `training.job.train`

    Returns
    -------
    TrainResult: `verdicts` says of each model whether it is in force, and why;
    `backtest.table()` is the table of all measures.

    Raises
    ------
    BundleError, Busy, ConfigError, NotEnoughData
        See `training.job.train`.
    """
    with shown(progress, "training") as report:
        return run_training(log, as_of, report, tasks, runs)


def own_models(*, churn: Any = None, value: Any = None, name: str = "own") -> tuple[Task, ...]:
    """The tasks of a training in which estimators of one's own predict churn, value or both.

    For `train(log, tasks=own_models(churn=model))` and `backtest`. To have every training use
    them, let a package bring them (`regulars.models`) and set `train.churn_model`, `.value_model`.

    Parameters
    ----------
    churn : of scikit-learn, not fitted, with `predict_proba`: P(no order in the horizon)
    value : of scikit-learn, not fitted, with `predict`: what who orders brings in the horizon
    name : what they are called

    Both meet missing values, and must be made of what scikit-learn has, since nothing else is
    loaded by a server. None: ours.
    """
    own: list[Task] = [] if churn is None else [OwnChurnTask(churn, name)]
    if value is not None:
        own.append(OwnValueTask(value, name))
    return with_tasks(*own)


def backtest(
    log: OrderLog[TrainingSettings],
    as_of: date | None = None,
    progress: Progress | None = None,
    tasks: tuple[Task, ...] | None = None,
) -> Backtest:
    """Judge every model beside its named baseline on past dates; nothing is published.

    Parameters
    ----------
    log, as_of, progress, tasks : as in `train`

    Returns
    -------
    Backtest: `table()` has a row per model and measure with a column per fold; `results` hold
    grades, and `rows` with what was said and what happened of each customer.

    Raises
    ------
    ConfigError, NotEnoughData
        See `training.job.prepare_training`.
    """
    with shown(progress, "backtest") as report:
        prepared = prepare_training(log, as_of, report, tasks)
        return run_backtest(prepared.world, prepared.plan, prepared.tasks, report)


def score(
    log: OrderLog[Settings],
    models: Models | None = None,
    as_of: date | None = None,
    *,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Score every customer; nothing is published.

    Parameters
    ----------
    log : see `read_orders`
    models : see `load_models`; None: those in force
    as_of : the date of the scores; None: the day after the last order
    progress : as in `train`

    Returns
    -------
    The columns of `scores.parquet` (`docs/values.md`), index `customer_id`.

    Raises
    ------
    BundleError, ConfigError, DataError
        See `serving.scoring.run.score`.
    """
    return score_run(log, models, as_of, progress=progress).score_table().set_index("customer_id")


def recommend(
    log: OrderLog[Settings],
    models: Models | None = None,
    as_of: date | None = None,
    *,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Recommend products to every customer; parameters and errors as of `score`.

    Returns
    -------
    The columns of `recommendations.parquet`, one row per customer and rank.
    """
    return score_run(log, models, as_of, progress=progress).product_table()


def score_run(
    log: OrderLog[Settings],
    models: Models | None = None,
    as_of: date | None = None,
    *,
    progress: Progress | None = None,
) -> ScoreRun:
    """The whole run that `score` and `recommend` take their tables from; parameters as theirs."""
    models = models or load_models(log.settings)
    with shown(progress, "scoring") as report:
        return scored(log, models, as_of, datetime.now(UTC), report)
