"""What a training stores for later: its models' outcomes and its customers' features.

A score run compares today's customers with those of the training (drift), and its pages show
grades and calibration without asking MLflow. Nothing here is about one customer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.backtest.grade import RULE
from training.errors import BundleError
from training.measures.groups import calibration
from training.measures.total import WindowTotal
from training.models.estimator import read_json, write_json

if TYPE_CHECKING:
    # loading a bundle judges nothing
    from training.backtest.backtest import Backtest, TaskResult

FILE = "evidence.json"
TENTHS = 10
STEP = 0.01
"""Width of the steps of churn probability in which outcomes are counted."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BacktestEvidence:
    """Grades and outcomes of a training's backtest, and the spread of its features; plain JSON.

    Attributes
    ----------
    tasks : task name → `version`, `as_of` (of its training), `title`, `measure`, `baseline`,
        `grade`, `folds` (per fold `test`, `customers` and `metrics` by contender) and, for
        churn and value, `deciles`, `totals` and `levels` of all folds, see `outcomes`, and
        `groups`, see `training.measures.groups.calibration`
    references : date of a training → `customers` of it, and `features`: name → its spread
        among them, see `spread`
    grade_rule : in words
    """

    name = "evidence"

    tasks: Mapping[str, Any]
    references: Mapping[str, Any]
    grade_rule: str = RULE

    @classmethod
    def of(
        cls,
        backtest: Backtest,
        versions: Mapping[str, str],
        features: pd.DataFrame,
        bands: Mapping[str, float],
    ) -> Self:
        """The evidence of a training just done; `bands` are lower edges, as `calibration` takes."""
        tests = [fold.test.isoformat() for fold in backtest.plan.folds]
        as_of = backtest.plan.as_of.isoformat()
        of_features = {str(name): spread(column.to_numpy()) for name, column in features.items()}
        return cls(
            tasks={
                result.task.name: {
                    **_judged(result, tests, bands),
                    "version": versions[result.task.name],
                    "as_of": as_of,
                }
                for result in backtest.results
            },
            references={as_of: {"customers": len(features), "features": of_features}},
        )

    def with_kept(
        self, earlier: BacktestEvidence | None, kept_versions: Mapping[str, str]
    ) -> BacktestEvidence:
        """The same, with the evidence of `earlier` for the tasks whose earlier model stays.

        `kept_versions` maps those tasks to the version; without evidence in `earlier` they have none.
        """
        theirs = earlier or type(self)({}, {})
        tasks = {name: task for name, task in self.tasks.items() if name not in kept_versions}
        for name, version in kept_versions.items():
            if name in theirs.tasks and theirs.tasks[name]["version"] == version:
                tasks[name] = theirs.tasks[name]
        dates = {task["as_of"] for task in tasks.values()}
        all_references = {**theirs.references, **self.references}
        references = {day: all_references[day] for day in sorted(dates & all_references.keys())}
        return type(self)(tasks, references, self.grade_rule)

    def save(self, directory: Path) -> None:
        """Write `evidence.json`."""
        write_json(directory / FILE, asdict(self))

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        BundleError
            When it is missing or not evidence.
        """
        try:
            return cls(**read_json(directory / FILE))
        except TypeError:
            raise BundleError(f"{directory / FILE}: not evidence. Train again.") from None


def _judged(result: TaskResult, tests: list[str], bands: Mapping[str, float]) -> dict[str, Any]:
    task = result.task
    folds = [
        {
            "test": test,
            "customers": len(judgement.rows),
            "metrics": {
                contender: {name: finite(value) for name, value in measures.items()}
                for contender, measures in judgement.metrics.items()
            },
        }
        for test, judgement in zip(tests, result.judgements, strict=True)
    ]
    about = {
        "title": task.title,
        "measure": task.measure,
        "baseline": task.baseline,
        "grade": result.grade.to_dict(),
        "folds": folds,
    }
    if task.outcome not in OUTCOMES:
        return about
    pairs = [
        (judgement.rows["model"].to_numpy(), judgement.rows[task.outcome].to_numpy())
        for judgement in result.judgements
    ]
    return {
        **about,
        **outcomes(pairs, levels=task.outcome == "churned"),
        "groups": calibration(result.rows, task.outcome, bands),
    }


OUTCOMES = ("churned", "spent")
"""Outcomes whose mean can be compared with the mean prediction."""


def outcomes(pairs: list[tuple[Floats, Floats]], *, levels: bool) -> dict[str, Any]:
    """Predictions beside outcomes.

    Parameters
    ----------
    pairs : per occasion, prediction and outcome of each customer
    levels : whether to count by steps of `STEP` of the prediction, a probability

    Returns
    -------
    `deciles` (of each occasion by prediction, lowest first, then pooled: `customers`, means
    `said` and `happened`), `totals` (per occasion: `customers`, sums `said` and `happened`; of
    money `noise`, see `WindowTotal`)
    and `levels` (`from`, `customers`, sums `said` and `happened`; empty unless asked for).
    """
    finite_pairs = [_finite_pairs(*pair) for pair in pairs]
    tenths = [
        np.array_split(np.argsort(predicted, kind="stable"), TENTHS)
        for predicted, _ in finite_pairs
    ]
    deciles = []
    for number in range(TENTHS):
        predicted, happened = (
            np.concatenate(
                [pair[side][at[number]] for pair, at in zip(finite_pairs, tenths, strict=True)]
            )
            for side in (0, 1)
        )
        if len(predicted):
            means = {"said": float(predicted.mean()), "happened": float(happened.mean())}
            deciles.append({"decile": number + 1, "customers": len(predicted), **means})
    return {
        "deciles": deciles,
        "totals": [
            {**_sums(*pair), **({} if levels else {"noise": WindowTotal.of(*pair).noise})}
            for pair in finite_pairs
        ],
        "levels": _levels(finite_pairs) if levels else [],
    }


def _levels(pairs: list[tuple[Floats, Floats]]) -> list[dict[str, Any]]:
    predicted, happened = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
    steps = np.clip(np.floor(predicted / STEP + 1e-9), 0, round(1 / STEP) - 1).astype(int)
    return [
        {
            "from": round(step * STEP, 2),
            **_sums(predicted[steps == step], happened[steps == step]),
        }
        for step in np.unique(steps).tolist()
    ]


def _sums(predicted: Floats, happened: Floats) -> dict[str, Any]:
    return {
        "customers": len(predicted),
        "said": float(predicted.sum()),
        "happened": float(happened.sum()),
    }


def _finite_pairs(predicted: Floats, happened: Floats) -> tuple[Floats, Floats]:
    is_finite = np.isfinite(predicted) & np.isfinite(happened)
    return predicted[is_finite], happened[is_finite]


def finite(value: float) -> float | None:
    """`value`, None where it is no finite number."""
    return float(value) if math.isfinite(value) else None


def spread(values: Floats) -> dict[str, Any]:
    """The distinct deciles of a feature, and the share of customers up to each and without it.

    Returns
    -------
    `edges` (≤ 9, ascending), `shares` (one more than edges, of those who have the feature: up
    to and with each edge, then above the last) and `missing` (share of all).
    """
    present = values[np.isfinite(values)]
    levels = np.linspace(0, 1, TENTHS + 1)[1:-1]
    # an order statistic, so that a value shared by many is an edge itself
    edges = np.unique(np.quantile(present, levels, method="higher")) if len(present) else present
    return {
        "edges": edges.tolist(),
        "shares": shares(present, edges),
        "missing": 1 - len(present) / len(values) if len(values) else 0.0,
    }


def shares(values: Floats, edges: Floats) -> list[float]:
    """The share of `values` in each part between `edges`; an edge belongs to the part below."""
    counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
    return (counts / max(len(values), 1)).tolist()  # type: ignore[no-any-return]
