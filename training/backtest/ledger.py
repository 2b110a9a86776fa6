"""The ledger: predictions of score runs beside what happened in their horizon."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from features.errors import DataError
from features.orders.log import OrderLog
from features.orders.value_basis import BasisName, basis_named
from training.backtest.bootstrap import interval
from training.backtest.grade import Grade
from training.backtest.task_grade import grade_of
from training.measures.metrics import (
    churn_metrics,
    log_loss_per_row,
    next_order_metrics,
    value_metrics,
)
from training.models.baselines import InactivityRule, LastPlusUsualGap, RfmAverage, TenureRule
from training.models.estimator import Floats
from training.past.plan import plan_training
from training.past.tables import CutoffTable
from training.settings import TrainingSettings
from training.tasks.cancellation import judged, running
from training.tasks.catalogue import TASKS
from training.tasks.task import Judgement, Task, error_improvement
from training.tasks.world import World

JUDGED = ("churn", "value", "next_purchase")
SMALLEST_GROUP = 10
"""Segments with fewer customers are not shown: their rates would be chance."""
FEWEST_TO_CORRECT = 100


@dataclass(frozen=True)
class ScoredRun:
    """One score run as it was published.

    Attributes
    ----------
    versions : task name → version of the model that predicted
    clv_basis : what `clv` is counted in
    churn_label : what churn was: silence, or the cancellation of a contract
    scores : one row per customer, index `customer_id`: `churn_probability`; `clv`, `clv_low`,
        `clv_high` in money; `next_order_days`, `next_order_low`, `next_order_high` in days
        after `as_of`
    segments : same index, one column per segment system
    total_shares : ÷ the total as published: the total without the shift of the level
        (`unmoved`), and the ends of its 80 % interval (`low`, `high`); what the run does not know
        is missing
    """

    run_id: str
    as_of: date
    horizon_days: int
    versions: Mapping[str, str]
    scores: pd.DataFrame = field(repr=False)
    segments: pd.DataFrame = field(repr=False)
    clv_basis: BasisName = "revenue"
    churn_label: str = "silence"
    total_shares: Mapping[str, float] = field(default_factory=dict)

    @property
    def known_on(self) -> date:
        """The first day on which the outcome of every prediction is known."""
        return self.as_of + timedelta(days=self.horizon_days)


@dataclass(frozen=True)
class LedgerEntry:
    """What became of one score run.

    Attributes
    ----------
    customers : how many were scored and are still known
    judgements : task name → metrics and rows, as in a backtest
    grades : task name → grade against the baseline, learned from what was known then
    deciles : one row per task (`churn`, `value`) and tenth of the prediction, lowest first
    segments : one row per segment of `SMALLEST_GROUP` customers or more
    """

    run: ScoredRun
    customers: int
    judgements: dict[str, Judgement] = field(repr=False)
    grades: dict[str, Grade]
    deciles: pd.DataFrame = field(repr=False)
    segments: pd.DataFrame = field(repr=False)

    @property
    def totals(self) -> dict[str, float | None]:
        """The total `said` with its `low` and `high` end, what `came`, and what would have been
        said without the shift (`unmoved`).
        """
        rows = self.judgements["value"].rows
        said, shares = float(rows["model"].sum()), self.run.total_shares
        of_run = {
            name: said * shares[name] if name in shares else None
            for name in ("low", "high", "unmoved")
        }
        return {"said": said, "came": float(rows["spent"].sum()), **of_run}

    @property
    def came_within(self) -> bool | None:
        """Whether what came lies in the interval; None where there is none."""
        totals = self.totals
        came, low, high = totals["came"], totals["low"], totals["high"]
        if came is None or low is None or high is None:
            return None
        return low <= came <= high


@dataclass(frozen=True)
class Recalibration:
    """A recalibration learned from earlier runs and judged on a later one.

    Attributes
    ----------
    task : churn or value
    words : what it does
    improvement, low, high : share by which it makes the error smaller, 95 % interval
    """

    task: str
    words: str
    improvement: float
    low: float
    high: float

    @property
    def wins(self) -> bool:
        """Whether it surely makes the predictions better."""
        return self.low > 0

    def sentence(self) -> str:
        """The correction and its verdict in words."""
        verdict = "would have helped" if self.wins else "would not surely have helped"
        return (
            f"{self.task}: {self.words} {verdict}: error smaller by {self.improvement:+.1%} "
            f"[{self.low:+.1%}, {self.high:+.1%}]"
        )


def judge_runs(
    log: OrderLog[TrainingSettings], runs: Sequence[ScoredRun], first_day: date
) -> list[LedgerEntry]:
    """Judge every run whose horizon has passed, oldest first.

    Parameters
    ----------
    log : the orders as they are known now
    runs : score runs; those whose horizon ends after the log are left out
    first_day : of the first purchase

    Raises
    ------
    NotEnoughData
        When a run is too early for its baseline to learn from anything.
    DataError
        When a run predicted margins and the costs are no longer known.
    """
    ended = sorted((run for run in runs if run.known_on <= log.end), key=lambda run: run.as_of)
    bases = {run.clv_basis for run in ended}
    worlds = {name: World(log, basis_named(log, name)) for name in bases}
    return [_entry(log, worlds[run.clv_basis], run, first_day) for run in ended]


def _entry(
    log: OrderLog[TrainingSettings], world: World, run: ScoredRun, first_day: date
) -> LedgerEntry:
    settings = log.settings
    plan = plan_training(first_day, run.as_of, run.horizon_days, settings.train)
    fold = replace(plan.whole, year_before=None)  # its baselines need no level
    world.prepare(fold)
    world.prepare_judged(fold)
    table, tables = world.judged_table(fold.test), world.tables(fold.train, fold.test)
    customers = table.features.index.intersection(run.scores.index)
    happened = CutoffTable(fold.test, table.features.loc[customers], table.labels.loc[customers])
    judgements = {
        "churn": _churn(run.scores.loc[customers], happened, tables, run.churn_label),
        "value": _value(run.scores.loc[customers], happened, tables),
        "next_purchase": _dates(run.scores.loc[customers], happened, tables, run.horizon_days),
    }
    rows = {name: judgement.rows for name, judgement in judgements.items()}
    return LedgerEntry(
        run=run,
        customers=len(customers),
        judgements=judgements,
        grades={name: _grade(task, [rows[name]], settings.train.seed) for name, task in _tasks()},
        deciles=pd.concat([_deciles("churn", rows), _deciles("value", rows)], ignore_index=True),
        segments=_segments(run.segments.loc[customers], rows),
    )


def _tasks() -> list[tuple[str, Task]]:
    return [(task.name, task) for task in TASKS if task.name in JUDGED]


def _grade(task: Task, rows: Sequence[pd.DataFrame], seed: int) -> Grade:
    customers = np.concatenate([window.index.to_numpy(dtype=object) for window in rows])
    return grade_of(task, rows, customers, seed=seed)


def _churn(
    scores: pd.DataFrame, happened: CutoffTable, tables: Sequence[CutoffTable], label: str
) -> Judgement:
    if label == "cancellation":
        return _cancellations(scores, running(happened), tables)
    rule = InactivityRule().fit(tables).predict(happened.features)
    rows = pd.DataFrame(
        {
            "churned": (happened.labels["orders"] == 0).astype(float),
            "model": scores["churn_probability"],
            "baseline": rule["churn_probability"],
        }
    ).dropna()
    churned = rows["churned"].to_numpy()
    metrics = {
        name: churn_metrics(churned, rows[name].to_numpy()) for name in ("model", "baseline")
    }
    return Judgement(metrics, rows)


def _cancellations(
    scores: pd.DataFrame, happened: CutoffTable, tables: Sequence[CutoffTable]
) -> Judgement:
    if "cancelled" not in happened.labels:
        raise DataError(
            "churn was predicted as cancellation, and no cancellations are known any more. Set "
            "data.customers.cancelled_on."
        )
    usual = TenureRule().fit(tables).predict(happened.features)["churn_probability"]
    predicted = scores["churn_probability"].reindex(happened.features.index)
    return judged(happened.labels["cancelled"], predicted, usual, "baseline")


def _value(scores: pd.DataFrame, happened: CutoffTable, tables: Sequence[CutoffTable]) -> Judgement:
    average = RfmAverage().fit(tables).predict(happened.features)
    rows = pd.DataFrame(
        {
            "spent": happened.labels["value"],
            "model": scores["clv"],
            "low": scores["clv_low"],
            "high": scores["clv_high"],
            "baseline": average["clv"],
        }
    ).dropna()
    spent, model, low, high, baseline = (rows[name].to_numpy() for name in rows.columns)
    metrics = {
        "model": value_metrics(spent, model, low, high),
        "baseline": value_metrics(spent, baseline),
    }
    return Judgement(metrics, rows)


def _dates(
    scores: pd.DataFrame, happened: CutoffTable, tables: Sequence[CutoffTable], horizon_days: int
) -> Judgement:
    usual = LastPlusUsualGap(horizon_days=horizon_days).fit(tables).predict(happened.features)
    rows = pd.DataFrame(
        {
            "waited": happened.labels["days_to_next_order"],
            "model": scores["next_order_days"],
            "low": scores["next_order_low"],
            "high": scores["next_order_high"],
            "baseline": usual["next_order_days"],
        }
    ).dropna(subset=["model", "low", "high"])
    waited, model, low, high, baseline = (rows[name].to_numpy() for name in rows.columns)
    metrics = {
        "model": next_order_metrics(waited, model, model, horizon_days, low, high),
        "baseline": next_order_metrics(waited, baseline, baseline, horizon_days),
    }
    return Judgement(metrics, rows[rows["waited"].notna()])


def _deciles(name: str, rows: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    table, outcome = rows[name], {"churn": "churned", "value": "spent"}[name]
    parts = np.array_split(np.argsort(table["model"].to_numpy(), kind="stable"), 10)
    return pd.DataFrame(
        {
            "task": name,
            "decile": number,
            "customers": len(part),
            "said": float(table["model"].iloc[part].mean()),
            "happened": float(table[outcome].iloc[part].mean()),
        }
        for number, part in enumerate(parts, 1)
        if len(part)
    )


def _segments(segments: pd.DataFrame, rows: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    churn, value = rows["churn"], rows["value"]
    facts = pd.DataFrame(
        {
            "churn_said": churn["model"],
            "churn_happened": churn["churned"],
            "value_said": value["model"],
            "value_happened": value["spent"],
        }
    )
    tables = []
    for system in segments:
        groups = facts.groupby(segments[system].reindex(facts.index), observed=True)
        table = groups.mean().assign(customers=groups.size())
        table = table[table["customers"] >= SMALLEST_GROUP].rename_axis("segment").reset_index()
        tables.append(table.assign(system=str(system)))
    order = ["system", "segment", "customers", *facts.columns]
    return pd.concat(tables, ignore_index=True)[order] if tables else pd.DataFrame(columns=order)


def grades_by_version(entries: Sequence[LedgerEntry], *, seed: int) -> dict[tuple[str, str], Grade]:
    """The grade of each version on all ended runs that used it, (task, version) → grade."""
    rows: dict[tuple[str, str], list[pd.DataFrame]] = {}
    for entry in entries:
        for name, judgement in entry.judgements.items():
            if name in entry.run.versions:
                rows.setdefault((name, entry.run.versions[name]), []).append(judgement.rows)
    tasks = dict(_tasks())
    return {key: _grade(tasks[key[0]], judged_rows, seed) for key, judged_rows in rows.items()}


def corrections(entries: Sequence[LedgerEntry], *, seed: int) -> list[Recalibration]:
    """Recalibrations learned from runs that had ended when the latest ended run was made.

    Churn: log odds shifted and stretched (Platt 1999); value: multiplied. Each is judged on
    that latest run, from which it has not learned.

    Returns
    -------
    At most one per task; none where no run had ended by then.
    """
    if not entries:
        return []
    latest = entries[-1]
    earlier = [entry for entry in entries if entry.run.known_on <= latest.run.as_of]
    pooled = {
        name: [entry.judgements[name].rows for entry in earlier] for name in ("churn", "value")
    }
    if not earlier or sum(map(len, pooled["churn"])) < FEWEST_TO_CORRECT:
        return []
    return [
        _correct_churn(pd.concat(pooled["churn"]), latest.judgements["churn"].rows, seed),
        _correct_value(pd.concat(pooled["value"]), latest.judgements["value"].rows, seed),
    ]


def _correct_churn(learn: pd.DataFrame, judge: pd.DataFrame, seed: int) -> Recalibration:
    shift, stretch = _platt(_log_odds(learn["model"]), learn["churned"].to_numpy())
    corrected = 1 / (1 + np.exp(-(shift + stretch * _log_odds(judge["model"]))))
    churned = judge["churned"].to_numpy()
    better = error_improvement(
        log_loss_per_row(churned, corrected), log_loss_per_row(churned, judge["model"].to_numpy())
    )
    change = f"log odds × {stretch:.2f} {shift:+.2f}"
    return _correction("churn", change, better, judge, seed)


def _log_odds(probability: "pd.Series[float]") -> Floats:
    bounded = np.clip(probability.to_numpy(), 1e-4, 1 - 1e-4)
    return np.asarray(np.log(bounded / (1 - bounded)))


def _platt(log_odds: Floats, happened: Floats) -> tuple[float, float]:
    def loss(parameters: Floats) -> float:
        score = parameters[0] + parameters[1] * log_odds
        return float(np.mean(np.logaddexp(0, score) - happened * score))

    shift, stretch = minimize(loss, x0=np.array([0.0, 1.0]), method="L-BFGS-B").x
    return float(shift), float(stretch)


def _correct_value(learn: pd.DataFrame, judge: pd.DataFrame, seed: int) -> Recalibration:
    factor = float(learn["spent"].sum() / max(learn["model"].sum(), 1e-9))
    spent, predicted = judge["spent"].to_numpy(), judge["model"].to_numpy()
    better = error_improvement((spent - factor * predicted) ** 2, (spent - predicted) ** 2)
    return _correction("value", f"clv × {factor:.2f}", better, judge, seed)


def _correction(
    task: str, change: str, better: Any, judge: pd.DataFrame, seed: int
) -> Recalibration:
    low, high = interval(judge.index.to_numpy(dtype=object), better, seed=seed)
    return Recalibration(task, change, better(np.arange(len(judge))), low, high)
