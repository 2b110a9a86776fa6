"""Recommendations are judged on the latest folds alone, once enough customers ordered in them."""

from types import SimpleNamespace

import pandas as pd
import pytest

from training.backtest.backtest import TaskResult, _judged_folds, judge_folds
from training.backtest.record import BacktestRecord
from training.backtest.task_grade import grade_of
from training.job import prepare_training
from training.promotion.promotion import on_shared_folds
from training.tasks.recommendation import RecommendationTask


class Shop:
    """A world that knows only how many customers ordered from each fold on."""

    def __init__(self, buyers_by_fold):
        self.buyers_by_fold = buyers_by_fold

    def judged_table(self, test):
        buyers = self.buyers_by_fold[test]
        return SimpleNamespace(labels=pd.DataFrame({"orders": [2] * buyers + [0] * 50}))


@pytest.mark.parametrize(
    ("buyers", "enough", "judged"),
    [
        ((30, 30, 30), None, [0, 1, 2]),
        ((30, 30, 30), 100, [0, 1, 2]),
        ((30, 30, 30), 60, [1, 2]),
        ((500, 10, 60), 60, [2]),
        ((30, 0, 0), 1, [0, 1, 2]),
    ],
)
def test_folds_are_judged_from_the_latest_back_until_enough_customers_ordered(
    buyers, enough, judged
):
    folds = [SimpleNamespace(test=number) for number in range(3)]
    chosen = _judged_folds(Shop(buyers), folds, enough)
    assert [fold.test for fold in folds if fold in chosen] == judged


class BoundedTask(RecommendationTask):
    enough_buyers = 1


def test_a_fold_that_is_not_judged_counts_nowhere(trained):
    prepared = prepare_training(trained.log, None, lambda _: None)
    task, folds = BoundedTask(), prepared.plan.folds
    judgements = tuple(judgement for (judgement,) in judge_folds(prepared.world, folds, [task]))
    *earlier, last = (len(judgement.rows) for judgement in judgements)
    assert last > 0 == sum(earlier)
    rows = [judgement.rows for judgement in judgements]
    customers = pd.concat(rows).index.to_numpy(dtype=object)
    result = TaskResult(task, judgements, grade_of(task, rows, customers, seed=1))
    latest = judgements[-1].metrics["model"]["ndcg_at_10"]
    assert result.mean("model", "ndcg_at_10") == latest
    assert result.grade.letter in "ABCDE"
    record = BacktestRecord.of(result, tuple(folds))
    shared = on_shared_folds(record, record, "itself")
    assert shared is not None
    assert len(shared.rows) == len(judgements[-1].rows)
