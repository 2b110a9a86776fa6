"""The grade of a task: rank beside its baseline and, of money, the totals."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.backtest.bootstrap import graded
from training.backtest.grade import Grade
from training.measures.total import WindowTotal
from training.tasks.task import Task

MONEY = "spent"
"""The outcome that is added up."""


def grade_of(
    task: Task,
    windows: Sequence[pd.DataFrame],
    customers: npt.NDArray[np.object_],
    *,
    seed: int,
) -> Grade:
    """Grade a task on the rows of its windows.

    Parameters
    ----------
    windows : as in `Judgement`, one table per fold or run
    customers : the customer of each row of all windows below each other
    """
    pooled = pd.concat(windows)
    better = task.improvement(pooled)
    grade = graded(task.measure, task.baseline, customers, better, seed=seed)
    if task.outcome != MONEY:
        return grade
    misses = (
        WindowTotal.of(rows["model"].to_numpy(), rows[MONEY].to_numpy()).miss for rows in windows
    )
    return grade.held_to_total([miss for miss in misses if miss is not None])
