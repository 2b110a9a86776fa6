"""Who becomes champion; `docs/decisions/0006-promotion.md` gives the reasons."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.errors import DataError, NotEnoughData
from features.settings.predict import Predict
from training.backtest.backtest import Backtest, Progress, TaskResult, judge_folds, prepare_folds
from training.backtest.bootstrap import graded, interval
from training.backtest.grade import NOT_JUDGED, Grade
from training.backtest.record import BacktestRecord
from training.backtest.task_grade import grade_of
from training.bundle.in_force import is_of_another_shop
from training.bundle.manifest import Manifest, current_bundle
from training.bundle.publication import Models, load_models_of
from training.errors import BundleError
from training.measures.metrics import spearman
from training.models.estimator import Floats
from training.past.plan import Fold, plan_training
from training.settings import TrainingSettings
from training.tasks.task import Task
from training.tasks.world import World

RULE = (
    "a model is promoted unless it knows the orders up to an earlier day than the champion, gives "
    "no finite number, says the same of everybody, tells customers apart no better than chance "
    "where its baseline does, or is surely worse (95 % bootstrap interval over customers) than its "
    "baseline or than the champion on the same customers: those of folds after the champion's "
    "training, else those of folds that both were judged on"
)

JUDGED_WITH = {"next_purchase": "churn"}
"""Tasks that build on the predictions of another: their backtest judges the pair."""
FEWEST_COMPARED = 50
"""With fewer customers after its training, a champion is judged by its own backtest."""
FEWEST_VARIED = 10
"""Fewer rows than this may all get the same prediction."""

Measure = Callable[[npt.NDArray[np.intp]], float]


@dataclass(frozen=True)
class Verdict:
    """Whether a version may become champion, and why, in a sentence without its full stop."""

    promoted: bool
    reason: str

    def sentence(self) -> str:
        """For tags and tables: 'promoted: …' or 'refused: …'."""
        return f"{'promoted' if self.promoted else 'refused'}: {self.reason}"

    @classmethod
    def read(cls, sentence: str) -> "Verdict | None":
        """What `sentence` wrote; None for another text."""
        outcome, colon, reason = sentence.partition(": ")
        if not colon or outcome not in ("promoted", "refused"):
            return None
        return cls(promoted=outcome == "promoted", reason=reason)


@dataclass(frozen=True)
class Champion:
    """The bundle in force."""

    folder: Path
    manifest: Manifest
    models: Models

    def fitted(self) -> dict[str, Any]:
        """Task name → model."""
        return {name: getattr(self.models, name) for name in self.manifest.models}

    def version(self, name: str) -> str:
        """The version of the task's model; empty where there is none, or a baseline stands in."""
        entry = self.manifest.models.get(name)
        return "" if entry is None or entry.stands_in else entry.version

    def can_stay(
        self, name: str, columns: tuple[str, ...], predict: Predict, currency: str
    ) -> bool:
        """Whether its model of a task can stand beside new ones.

        It can if it learned from the same features for the same horizon and currency, with churn
        and value as `predict` defines them. A baseline that stands in is made anew instead.
        """
        manifest = self.manifest
        if not self.version(name) or manifest.columns != columns:
            return False
        if manifest.horizon_days != predict.horizon_days or manifest.currency != currency:
            return False
        if name == "churn":
            return self.models.churn.label == predict.churn
        return name != "value" or predict.value in ("auto", self.models.value.clv_basis)

    def as_of(self, name: str) -> date:
        """The date up to which the model of this task has learned from the orders."""
        return date.fromisoformat(self.manifest.models[name].as_of or self.manifest.as_of)


@dataclass(frozen=True)
class Comparison:
    """Challenger and champion on the same customers.

    Attributes
    ----------
    champion : its name, for the reader
    rows : as in `Judgement`, with a column `champion` of the champion's predictions
    sample : the customers compared, in words
    """

    champion: str
    rows: pd.DataFrame = field(repr=False)
    sample: str


class Unreadable(str):
    """Why a comparison that is due cannot be made: what cannot be read is refused."""

    __slots__ = ()


def champion_in_force(settings: TrainingSettings) -> Champion | None:
    """The bundle in force; None where there is none of this shop that can be read."""
    try:
        bundles = settings.path(settings.store.bundles)
        folder = current_bundle(bundles)
        models = load_models_of(folder)
    except BundleError:
        return None
    if is_of_another_shop(models.manifest, bundles):
        return None
    return Champion(folder, models.manifest, models)


def verdict(task: Task, record: BacktestRecord, against: Comparison | str, *, seed: int) -> Verdict:
    """Judge a version by `RULE`.

    Parameters
    ----------
    record : its own backtest
    against : the champion on the same customers, or why there is no comparison
    """
    trouble = _says_nothing(task, record)
    if trouble is not None:
        return Verdict(promoted=False, reason=trouble)
    grade = grade_of(task, record.rows, record.customers, seed=seed)
    trouble = _behind_baseline(task, record, grade, seed=seed)
    if trouble is not None:
        return Verdict(promoted=False, reason=trouble)
    if isinstance(against, Unreadable):
        return Verdict(promoted=False, reason=f"it cannot be judged, since {against}")
    if isinstance(against, str):
        return Verdict(promoted=True, reason=f"{grade.sentence()}; {against}")
    return _beside_champion(task, against, seed=seed)


def _says_nothing(task: Task, record: BacktestRecord) -> str | None:
    predicted = record.pooled["model"].to_numpy(dtype=float)
    if broken := int((~np.isfinite(predicted)).sum()):
        return f"it gives no finite number for {broken:,} of {len(predicted):,} customers"
    if task.outcome is None:
        return _same_list(task, record.pooled)
    folds = [rows["model"].to_numpy(dtype=float) for rows in record.rows]
    large = [fold for fold in folds if len(fold) >= FEWEST_VARIED]
    if large and all(np.ptp(fold) == 0 for fold in large):
        return "it says the same of everybody"
    return None


def _same_list(task: Task, rows: pd.DataFrame) -> str | None:
    """Lists that score exactly like the most popular products, where personal lists do better."""
    popular = "popularity"
    if len(rows) < FEWEST_VARIED or popular not in rows or not rows["model"].equals(rows[popular]):
        return None
    personal = rows[task.baseline].mean() > rows[popular].mean()
    return "it says the same of everybody" if personal else None


def _behind_baseline(task: Task, record: BacktestRecord, grade: Grade, *, seed: int) -> str | None:
    if not all(map(math.isfinite, (grade.improvement, grade.low, grade.high))):
        return f"its {grade.measure} cannot be judged"
    if grade.high < -task.tolerated:
        return f"it is worse than {grade.baseline} ({grade.sentence()})"
    rows, customers = record.pooled, record.customers
    if worse := _worse_guard(task.guards(rows), customers, seed=seed):
        return f"it is worse than {grade.baseline} ({worse})"
    if task.outcome and _no_better_than_chance(task, record, seed=seed):
        return f"it tells customers apart no better than chance, which {grade.baseline} does"
    return None


def _no_better_than_chance(task: Task, record: BacktestRecord, *, seed: int) -> bool:
    """Whether the baseline ranks customers better than chance and the model does not."""
    rows = record.pooled
    # an outcome that never came ranks last
    happened = rows[task.outcome].fillna(np.inf).to_numpy(dtype=float)
    model, baseline = task.ranked_by

    def low(name: str) -> float:
        predicted = rows[name].to_numpy(dtype=float)
        return interval(record.customers, _rank_correlation(happened, predicted), seed=seed)[0]

    return low(baseline) > 0 and not low(model) > 0


def _rank_correlation(happened: Floats, predicted: Floats) -> Measure:
    return lambda at: spearman(happened[at], predicted[at])


def _beside_champion(task: Task, against: Comparison, *, seed: int) -> Verdict:
    rows, name = against.rows, against.champion
    customers = rows.index.to_numpy(dtype=object)
    grade = graded(task.measure, name, customers, task.improvement(rows, "champion"), seed=seed)
    difference = (
        f"{grade.measure} {_share(grade.improvement)} [{_share(grade.low)}, {_share(grade.high)}]"
    )
    if grade.letter == NOT_JUDGED:
        return Verdict(promoted=False, reason=f"its {grade.measure} cannot be judged beside {name}")
    if grade.high < 0:
        return Verdict(
            promoted=False, reason=f"it is worse than {name}: {difference}, {against.sample}"
        )
    if worse := _worse_guard(task.guards(rows, "champion"), customers, seed=seed):
        return Verdict(promoted=False, reason=f"it is worse than {name}: {worse}, {against.sample}")
    surely = "better than" if grade.low > 0 else "not worse than"
    return Verdict(promoted=True, reason=f"{surely} {name}: {difference}, {against.sample}")


def _worse_guard(
    guards: Mapping[str, Measure], customers: npt.NDArray[np.object_], *, seed: int
) -> str | None:
    for measure, improvement in guards.items():
        low, high = interval(customers, improvement, seed=seed)
        if not math.isfinite(high):
            return f"{measure} cannot be judged"
        if high < 0:
            whole = improvement(np.arange(len(customers)))
            return f"{measure} {_share(whole)} [{_share(low)}, {_share(high)}]"
    return None


def _share(value: float) -> str:
    return f"{round(value, 3) + 0.0:+.1%}"  # no -0.0 %


def comparisons(
    world: World,
    first_day: date,
    backtest: Backtest,
    champion: Champion | None,
    record_of: Callable[[str, str], BacktestRecord | None],
    progress: Progress = lambda _: None,
) -> dict[str, Comparison | str]:
    """Per task, the champion beside the challenger on customers both can be judged on.

    Parameters
    ----------
    first_day : of the first purchase, from which cutoffs are planned
    champion : what is in force
    record_of : task name and version → the backtest of that version

    Returns
    -------
    Task name → comparison, or why there is none.
    """
    comparisons_by_task: dict[str, Comparison | str] = {}
    open_: dict[str, BacktestRecord] = {}
    for result in backtest.results:
        name = result.task.name
        if champion is None or not champion.version(name):
            comparisons_by_task[name] = "there is no champion yet"
        elif champion.manifest.currency != world.settings.data.currency:
            comparisons_by_task[name] = (
                f"not compared: the champion counts in {champion.manifest.currency}"
            )
        elif champion.manifest.horizon_days != world.horizon_days:
            comparisons_by_task[name] = (
                f"the champion predicts {champion.manifest.horizon_days} days"
            )
        elif (other := _counts_otherwise(world, champion, name)) is not None:
            comparisons_by_task[name] = other
        elif (later := _after_its_training(world, backtest, result, champion)) is not None:
            comparisons_by_task[name] = later
        else:
            theirs = record_of(name, champion.manifest.models[name].version)
            if theirs is None:
                comparisons_by_task[name] = Unreadable(
                    "the champion's backtest cannot be read from MLflow"
                )
                continue
            challenger = BacktestRecord.of(result, backtest.plan.folds)
            shared = on_shared_folds(challenger, theirs, _title(champion, name))
            if shared is None:
                open_[name] = theirs
            else:
                comparisons_by_task[name] = shared
    if champion is not None and open_:
        comparisons_by_task |= _on_its_last_fold(
            world, first_day, backtest, champion, open_, progress
        )
    return comparisons_by_task


def _counts_otherwise(world: World, champion: Champion, name: str) -> str | None:
    """Why the champion answers another question; None where it answers the same one."""
    own_label, champion_label = world.settings.predict.churn, champion.models.churn.label
    if name == "churn" and own_label != champion_label:
        return f"not compared: the champion predicts {champion_label}, this one {own_label}"
    basis, theirs = world.basis, champion.models.value.basis
    if name != "value" or (basis.name, basis.cost_per_order) == (
        theirs.name,
        theirs.cost_per_order,
    ):
        return None
    if basis.name != theirs.name:
        return f"not compared: the champion predicts {theirs.name}, this one {basis.name}"
    return "not compared: the champion's margin is after other costs of an order"


def _title(champion: Champion, name: str) -> str:
    return f"champion version {champion.manifest.models[name].version}"


def _after_its_training(
    world: World, backtest: Backtest, result: TaskResult, champion: Champion
) -> Comparison | None:
    """The champion itself on folds after its training; None where they are too few."""
    task = result.task
    later = [
        (fold, judgement)
        for fold, judgement in zip(backtest.plan.folds, result.judgements, strict=True)
        if fold.test >= champion.as_of(task.name) and fold.horizon_days == world.horizon_days
    ]
    if sum(len(judgement.rows) for _, judgement in later) < FEWEST_COMPARED:
        return None
    try:
        parts = [
            judgement.rows.assign(champion=task.judge(world, fold, champion.fitted()).rows["model"])
            for fold, judgement in later
        ]
    except DataError:  # it learned from other features
        return None
    rows = pd.concat(parts)
    dates = ", ".join(fold.test.isoformat() for fold, _ in later)
    sample = f"on {len(rows):,} customers from {dates}, after it was trained"
    return Comparison(_title(champion, task.name), rows, sample)


def on_shared_folds(
    challenger: BacktestRecord, theirs: BacktestRecord, champion: str
) -> Comparison | None:
    """Both backtests on the folds that they share; None where they share none."""
    parts, dates = [], []
    for test, proof, rows in zip(challenger.tests, challenger.proofs, challenger.rows, strict=True):
        if proof in theirs.proofs:
            predicted = theirs.rows[theirs.proofs.index(proof)]["model"].to_numpy()
            parts.append(rows.assign(champion=predicted))
            dates.append(test.isoformat())
    if not parts or not sum(map(len, parts)):
        return None
    rows = pd.concat(parts)
    sample = f"on {len(rows):,} customers from {', '.join(dates)}, the folds of both backtests"
    return Comparison(champion, rows, sample)


def _on_its_last_fold(
    world: World,
    first_day: date,
    backtest: Backtest,
    champion: Champion,
    theirs: Mapping[str, BacktestRecord],
    progress: Progress,
) -> dict[str, Comparison | str]:
    """Judge the challengers' recipe on the champion's last fold as well, and compare there."""
    tasks = [result.task for result in backtest.results]
    none = "no fold of the champion's backtest can be judged with these orders"
    comparisons_by_task: dict[str, Comparison | str] = dict.fromkeys(theirs, none)
    for test in sorted({record.tests[-1] for record in theirs.values() if record.tests}):
        fold = _fold_at(world, first_day, test, backtest.plan.as_of)
        if fold is None:
            continue
        prepare_folds(world, [fold])
        (judgements,) = judge_folds(world, [fold], tasks, progress)
        for task, judgement in zip(tasks, judgements, strict=True):
            if task.name in theirs and theirs[task.name].tests[-1:] == (test,):
                result = TaskResult(task, (judgement,), Grade("E", "", "", 0, 0, 0))
                challenger = BacktestRecord.of(result, (fold,))
                shared = on_shared_folds(challenger, theirs[task.name], _title(champion, task.name))
                comparisons_by_task[task.name] = shared or none
    return comparisons_by_task


def _fold_at(world: World, first_day: date, test: date, as_of: date) -> Fold | None:
    """The fold with this origin, as the present settings lay it out; None where none fits."""
    horizon = timedelta(days=world.horizon_days)
    if test + horizon > as_of:
        return None
    try:
        plan = plan_training(first_day, test + horizon, world.horizon_days, world.settings.train)
    except NotEnoughData:
        return None
    return next((fold for fold in plan.folds if fold.test == test), None)


def verdicts(
    records: Mapping[str, tuple[Task, BacktestRecord]],
    against: Mapping[str, Comparison | str | Verdict],
    troubles: Mapping[str, str],
    *,
    seed: int,
) -> dict[str, Verdict]:
    """Every task's verdict: the one rule of a training and of a promotion by hand.

    Parameters
    ----------
    records : task name → the task and the backtest of the version that is judged
    against : task name → the champion on the same customers, why there is no comparison, or the
        verdict where it has been reached before
    troubles : reasons not to publish a model whatever its backtest
    """
    verdicts_by_task = {}
    for name, (task, record) in records.items():
        rival = against[name]
        if name in troubles:
            verdicts_by_task[name] = Verdict(promoted=False, reason=troubles[name])
        elif isinstance(rival, Verdict):
            verdicts_by_task[name] = rival
        else:
            verdicts_by_task[name] = verdict(task, record, rival, seed=seed)
    for name, other in JUDGED_WITH.items():
        if (
            name in verdicts_by_task
            and other in verdicts_by_task
            and verdicts_by_task[name].promoted
            and not verdicts_by_task[other].promoted
        ):
            reason = f"it was judged together with the {other} model that is refused"
            verdicts_by_task[name] = Verdict(promoted=False, reason=reason)
    return verdicts_by_task


def behind_champion(champion: Champion, learned_until: Mapping[str, date]) -> dict[str, str]:
    """Reasons not to publish models that know fewer of the orders than the champion's.

    Parameters
    ----------
    learned_until : task name → the date up to which the new model knows the orders; without the
        tasks whose champion cannot stay
    """
    return {
        name: f"it knows the orders up to {day}, and {_title(champion, name)} up to {later}"
        for name, day in learned_until.items()
        if champion.version(name) and day < (later := champion.as_of(name))
    }


def final_troubles(fitted: Mapping[str, Any], features: pd.DataFrame) -> dict[str, str]:
    """Reasons not to publish a fitted model, whatever its backtest.

    Parameters
    ----------
    fitted : task name → model, at least churn, value and next_purchase
    features : the customers of the training's date
    """
    churn = fitted["churn"].predict(features)
    predictions = {
        "churn": churn,
        "value": fitted["value"].predict(features),
        "next_purchase": fitted["next_purchase"].predict(
            features, np.nan_to_num(churn["churn_probability"].to_numpy(), nan=0.5)
        ),
    }
    return {
        name: f"it gives no finite number for {broken:,} of {len(table):,} customers"
        for name, table in predictions.items()
        if (broken := int((~np.isfinite(table)).any(axis=1).sum()))
    }
