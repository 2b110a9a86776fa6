"""One training: features at past cutoffs → backtest → MLflow → registry → bundle."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from features.engines.build import build_features
from features.errors import NotEnoughData
from features.libraries.extras import require_extra
from features.locks import lock_held
from features.orders.log import OrderLog
from features.orders.value_basis import REVENUE, ValueBasis, value_basis
from training.backtest.backtest import (
    Backtest,
    Progress,
    fit_final,
    prepare,
    run_backtest,
)
from training.backtest.record import BacktestRecord
from training.bundle.live_proof import LiveProof
from training.bundle.manifest import name_in_force
from training.errors import BundleError
from training.models.prior_share import prior_share
from training.past.plan import TrainingPlan, plan_training
from training.past.reach import first_purchase
from training.promotion.promotion import (
    Champion,
    Verdict,
    behind_champion,
    champion_in_force,
    comparisons,
    final_troubles,
    verdicts,
)
from training.publishing import TrainedModels, publish
from training.repetition import made_from
from training.settings import TrainingSettings
from training.tasks.catalogue import tasks_for
from training.tasks.task import Task
from training.tasks.world import World
from training.value.lasting import RunMiss
from training.value.level import UNMOVED, Level
from training.value.model import ValueModel

if TYPE_CHECKING:
    from training.tracking.mlflow_runs import Tracker

LOCK = ".train.lock"


@dataclass(frozen=True)
class TrainResult:
    """What a training did.

    `verdicts` says per task whether its model became champion, and why; `stand_ins` names the
    baseline that answers where a model was refused and no champion fits. `bundle` is None where
    nothing was published: every model was refused and its champion stays. `prior_share` is the
    mean of `training.models.prior_share.prior_share`, `basis` what values are counted in, `level`
    by how much the models move the shop's level, and why.
    """

    run_id: str
    backtest: Backtest
    versions: dict[str, str]
    verdicts: dict[str, Verdict]
    left_out: dict[str, str]
    bundle: Path | None
    customers: int
    prior_share: float
    basis: ValueBasis = REVENUE
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    level: Level = UNMOVED

    def __repr__(self) -> str:
        said = (
            f"{name} {self.versions[name]}: {v.sentence()}" for name, v in self.verdicts.items()
        )
        return "\n".join((f"<training {self.run_id}>", *said))

    @property
    def refused(self) -> dict[str, str]:
        """Task name → why its model stayed a challenger."""
        return {
            name: verdict.reason for name, verdict in self.verdicts.items() if not verdict.promoted
        }


@dataclass(frozen=True)
class Prepared:
    """Everything a training or a backtest starts from."""

    world: World
    plan: TrainingPlan
    tasks: tuple[Task, ...]
    left_out: dict[str, str]
    first_day: date
    end: date
    """The day after the last order."""


def prepare_training(
    log: OrderLog[TrainingSettings],
    as_of: date | None,
    progress: Progress,
    tasks: tuple[Task, ...] | None = None,
) -> Prepared:
    """Plan cutoffs and folds and compute their tables.

    Raises
    ------
    ConfigError
        When `as_of` lies outside the log, or values cannot be counted in what is asked for.
    NotEnoughData
        When there are too few customers or too little time.
    """
    settings = log.settings
    as_of = as_of or log.end
    log.check_as_of(as_of)
    first_day = first_purchase(log)
    plan = plan_training(first_day, as_of, settings.predict.horizon_days, settings.train)
    world = World(log, value_basis(log, as_of, settings.predict))
    progress(world.basis.sentence())
    prepare(world, plan)
    fewest = len(world.tables(plan.folds[0].train, plan.folds[0].test)[-1].features)
    if fewest < settings.train.min_customers:
        raise NotEnoughData(
            f"only {fewest} customers had ordered by {plan.folds[0].train[-1]}, where the first "
            f"fold learns; train.min_customers asks for {settings.train.min_customers}. Collect "
            "more orders or set a shorter predict.horizon_days."
        )
    progress(f"computed features at {len(plan.cutoffs)} cutoffs for {len(plan.folds)} folds")
    tasks = tasks_for(settings) if tasks is None else tasks
    obstacles = {task.name: task.obstacle(world) for task in tasks}
    return Prepared(
        world=world,
        plan=plan,
        tasks=tuple(task for task in tasks if obstacles[task.name] is None),
        left_out={name: why for name, why in obstacles.items() if why is not None},
        first_day=first_day,
        end=log.end,
    )


def train(
    log: OrderLog[TrainingSettings],
    as_of: date | None,
    progress: Progress = lambda _: None,
    tasks: tuple[Task, ...] | None = None,
    runs: Sequence[RunMiss] = (),
) -> TrainResult:
    """Backtest, fit, track, register, compare with the champion, publish; see the module.

    Parameters
    ----------
    log : the orders
    as_of : the date the models know the orders up to; None: the end of the log
    progress : called with a few words after each step
    tasks : what is predicted; a task of one's own stands in the place of ours of its name.
        None: see `tasks_for`
    runs : what finished score runs were off by; a lasting error is carried over

    Raises
    ------
    BundleError
        When single customers would be scored otherwise than by a run; names the features.
    Busy
        When another training on the same folder is running, or the champion changed while
        this one did.
    ConfigError, NotEnoughData
        See `prepare_training`; also when a feature cannot be computed for one customer alone, or
        the extra `train` is not installed.
    """
    require_training()
    from training.tracking.mlflow_runs import Tracker

    settings = log.settings
    with training_lock(settings.path(settings.store.bundles)):
        proof = _proven(settings)
        prepared = prepare_training(log, as_of, progress, tasks)
        tracker = Tracker(settings)
        instead_of = name_in_force(settings.path(settings.store.bundles))
        champion = champion_in_force(settings)
        if champion is not None:  # what a crash between bundle and registry left undone
            tracker.crown(champion.manifest)
        plan = prepared.plan
        with tracker.training(parameters(log, plan), plan.as_of.isoformat()) as run_id:
            backtest = run_backtest(prepared.world, plan, prepared.tasks, progress)
            fitted = fit_final(prepared.world, plan, prepared.tasks, progress)
            features = build_features(log, plan.as_of)
            _carry_over(fitted, runs, settings)
            progress(_level(fitted).sentence())
            judged = _judged(prepared, backtest, champion, fitted, features, tracker, progress)
            stand_ins = _stand_ins(prepared, judged, champion, features, progress)
            share = float(prior_share(features).mean())
            tracker.log_backtest(backtest, judged, prior_share=share)
            versions = {
                result.task.name: tracker.log_model(
                    result,
                    fitted[result.task.name],
                    plan.as_of.isoformat(),
                    BacktestRecord.of(result, plan.folds),
                    judged[result.task.name],
                    against="" if champion is None else champion.version(result.task.name),
                    features=features,
                )
                for result in backtest.results
            }
            progress("logged the runs to MLflow")
            bundle = publish(
                log,
                TrainedModels(
                    run_id,
                    backtest,
                    versions,
                    judged,
                    fitted,
                    stand_ins,
                    features,
                    share,
                    instead_of,
                    proof,
                    made_from(log, as_of, runs),
                ),
                champion,
                tracker,
                progress,
            )
    return TrainResult(
        run_id,
        backtest,
        versions,
        judged,
        prepared.left_out,
        bundle,
        len(features),
        share,
        prepared.world.basis,
        {task.name: task.baseline for task in prepared.tasks if task.name in stand_ins},
        _level({**fitted, **stand_ins}),
    )


def require_training() -> None:
    """Refuse to train, before anything is read, where the extra `train` is not installed.

    Raises
    ------
    ConfigError
        Saying what to type.
    """
    require_extra("train", "training")


def _level(fitted: Mapping[str, Any]) -> Level:
    """The level of the value model; none where another task's model stands in its place."""
    return getattr(fitted.get("value"), "level_", UNMOVED)


def _carry_over(
    fitted: Mapping[str, Any], runs: Sequence[RunMiss], settings: TrainingSettings
) -> None:
    """Add the lasting error of finished runs to the level of the models to be published."""
    value = fitted.get("value")
    if settings.train.carry_over and isinstance(value, ValueModel):
        value.level_ = value.level_.with_runs(runs, settings.predict.horizon_days)


def outcome_sentence(result: TrainResult) -> str:
    """What became of a training, in one line."""
    why = "; ".join(f"{name}: {reason}" for name, reason in result.refused.items())
    if result.bundle is None:
        return f"The models in force stay, since every new one was refused. {why}."
    instead = ", ".join(f"{title} for {name}" for name, title in result.stand_ins.items())
    sentences = [f"Published {result.bundle.name}."]
    if instead:
        sentences.append(f"Baselines stand in: {instead}.")
    if why:
        sentences.append(f"Refused: {why}.")
    return " ".join(sentences)


def _proven(settings: TrainingSettings) -> LiveProof:
    """Made-up customers whose features are the same for one customer as in a run.

    Before anything is computed, for nothing could be published without them.
    """
    proof = LiveProof.made(settings)
    if (problem := proof.problem()) is not None:
        raise BundleError(problem)
    return proof


def _judged(
    prepared: Prepared,
    backtest: Backtest,
    champion: Champion | None,
    fitted: Mapping[str, Any],
    features: pd.DataFrame,
    tracker: "Tracker",
    progress: Progress,
) -> dict[str, Verdict]:
    world = prepared.world
    against = comparisons(world, prepared.first_day, backtest, champion, tracker.record, progress)
    troubles = {
        **_behind(champion, prepared, features),
        **final_troubles(fitted, features),
    }
    records = {
        result.task.name: (result.task, BacktestRecord.of(result, backtest.plan.folds))
        for result in backtest.results
    }
    judged = verdicts(records, against, troubles, seed=world.settings.train.seed)
    for result in backtest.results:
        progress(f"{result.task.title.lower()}: {judged[result.task.name].sentence()}")
    return judged


def _behind(
    champion: Champion | None, prepared: Prepared, features: pd.DataFrame
) -> dict[str, str]:
    """Task name → why a training of the past does not replace what knows more of these orders.

    A champion that knows of later days than the orders hold cannot score them: it does not count.
    """
    if champion is None:
        return {}
    learned_until = {
        name: prepared.plan.as_of
        for name in _staying(champion, prepared, features)
        if champion.as_of(name) <= prepared.end
    }
    return behind_champion(champion, learned_until)


def _staying(
    champion: Champion | None, prepared: Prepared, features: pd.DataFrame
) -> frozenset[str]:
    """The tasks whose champion can stay beside the new models."""
    if champion is None:
        return frozenset()
    settings, columns = prepared.world.settings, tuple(features.columns)
    return frozenset(
        task.name
        for task in prepared.tasks
        if champion.can_stay(task.name, columns, settings.predict, settings.data.currency)
    )


def _stand_ins(
    prepared: Prepared,
    judged: Mapping[str, Verdict],
    champion: Champion | None,
    features: pd.DataFrame,
    progress: Progress,
) -> dict[str, Any]:
    """Task name → its baseline, where the model is refused and no champion can stay."""
    stays, stand_ins = _staying(champion, prepared, features), {}
    for task in prepared.tasks:
        if not judged[task.name].promoted and task.name not in stays:
            stand_ins[task.name] = task.stand_in(prepared.world, prepared.plan.whole)
            progress(f"{task.title.lower()}: {task.baseline} stands in")
    return stand_ins


@contextmanager
def training_lock(bundles: Path) -> Iterator[None]:
    """Hold the folder's training lock.

    Raises
    ------
    Busy
        When another process holds it.
    """
    busy = f"{bundles}: another training is running. Wait for it to end, then try again."
    with lock_held(bundles / LOCK, busy=busy):
        yield


def parameters(log: OrderLog[TrainingSettings], plan: TrainingPlan) -> dict[str, Any]:
    """The parameters of a run in MLflow: its data and its plan."""
    settings = log.settings
    accepted = [f"{finding.code}: {finding.accepted}" for finding in log.report.found("accepted")]
    return {
        **({"accepted_findings": "; ".join(accepted)} if accepted else {}),
        "as_of": plan.as_of.isoformat(),
        "horizon_days": plan.horizon_days,
        "cutoffs": ", ".join(day.isoformat() for day in plan.cutoffs),
        "folds": ", ".join(fold.test.isoformat() for fold in plan.folds),
        "seed": settings.train.seed,
        "data_fingerprint": log.fingerprint,
        "currency": settings.data.currency,
        "customers": log.report.customers,
        "orders": log.report.orders,
        **{f"boosting_{key}": value for key, value in asdict(World(log).boosting()).items()},
    }
