"""The shape of a task."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.past.plan import Fold
from training.tasks.world import World

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Improvement = Callable[[npt.NDArray[np.intp]], float]


LEAST_BASELINE = 0.01


@dataclass(frozen=True)
class Judgement:
    """The judgement of one fold, or of one score run in the ledger.

    Attributes
    ----------
    metrics : contender ("model" or a baseline's title) → measure → value, without measures
        for which nothing happened
    rows : one row per judged customer, index `customer_id`: the outcome and the prediction
        of each contender, for bootstrap and plots
    track : customers who have ordered by each day of the horizon, added up: columns
        `predicted` and `actual`, index days after the start; None where the task has none
    """

    metrics: dict[str, dict[str, float]]
    rows: pd.DataFrame
    track: pd.DataFrame | None = None


class Task(Protocol):
    """One prediction, from fit to grade.

    Attributes
    ----------
    name : of the model, in files and runs
    title : for people
    measure : the primary measure that the grade looks at
    baseline : title of the contender that the grade compares with
    tolerated : how far the model may be behind the baseline, with confidence, and still be published
    outcome : the column of a judgement's rows that holds what happened; None where the rows
        hold how well each contender did
    ranked_by : the columns by which model and baseline line customers up, smallest outcome
        first
    enough_buyers : customers who ordered after whom earlier folds are not judged; None: all are
    """

    name: str
    title: str
    measure: str
    baseline: str
    tolerated: float
    outcome: str | None
    ranked_by: tuple[str, str]
    enough_buyers: int | None

    def obstacle(self, world: World) -> str | None:
        """Why the task cannot be done on these orders, in words; None where it can."""
        ...

    def fit(self, world: World, fold: Fold) -> Any:
        """Fit the model on `fold.train`, with nothing known from `fold.test` on."""
        ...

    def stand_in(self, world: World, fold: Fold) -> Any:
        """The baseline, fitted alike, as a model that a score run can use in the model's place."""
        ...

    def judge(self, world: World, fold: Fold, fitted: Mapping[str, Any]) -> Judgement:
        """Judge `fitted[self.name]` and the baselines on what happened from `fold.test` on."""
        ...

    def improvement(self, rows: pd.DataFrame, against: str | None = None) -> Improvement:
        """For positions in `rows` (of all folds): share by which the model is better.

        Better than the column `against`; None: than the baseline.
        """
        ...

    def guards(self, rows: pd.DataFrame, against: str | None = None) -> dict[str, Improvement]:
        """Measures beside the primary one on which a model must not surely be worse."""
        ...

    def figures(self, rows: pd.DataFrame) -> dict[str, "Figure"]:
        """Plots of the pooled folds, by file name without ending."""
        ...


def if_finite(
    predicted: "pd.Series[float]", measures: Callable[[], dict[str, float]]
) -> dict[str, float]:
    """`measures()`, or nothing where a prediction is no finite number and cannot be judged."""
    return measures() if np.isfinite(predicted).all() else {}


def error_improvement(
    model: npt.NDArray[np.float64], baseline: npt.NDArray[np.float64]
) -> Improvement:
    """1 − mean error of the model ÷ mean error of the baseline, over given positions."""
    return lambda rows: -share_above(float(model[rows].mean()), float(baseline[rows].mean()))


def score_improvement(
    model: npt.NDArray[np.float64], baseline: npt.NDArray[np.float64]
) -> Improvement:
    """Mean score of the model ÷ mean score of the baseline − 1, over given positions."""
    return lambda rows: share_above(float(model[rows].mean()), float(baseline[rows].mean()))


def share_above(value: float, baseline: float) -> float:
    """How far `value` lies above `baseline`, as a share of it; 0 where they are equal.

    A baseline nearer to 0 than `LEAST_BASELINE` counts as that far away: next to nothing,
    any difference would be a huge share.
    """
    return (value - baseline) / max(abs(baseline), LEAST_BASELINE)
