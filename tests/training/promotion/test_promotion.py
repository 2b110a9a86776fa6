"""Worse, constant, shuffled and broken models are refused, whatever they predict."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from training.backtest.record import FOLDS, ROWS, BacktestRecord, proof
from training.errors import BundleError
from training.past.plan import Fold
from training.promotion.promotion import (
    FEWEST_VARIED,
    RULE,
    Comparison,
    final_troubles,
    on_shared_folds,
    verdict,
)
from training.tasks.catalogue import TASKS
from training.tasks.task import Judgement

every_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
TESTS = (date(2025, 1, 1), date(2025, 2, 1))
ALONE = "there is no champion yet"


def churn_rows(rng, n):
    risk = rng.beta(0.7, 0.7, n)
    churned = (rng.random(n) < risk).astype(float)
    rule = np.clip(risk + rng.normal(0, 0.25, n), 0.02, 0.98)
    return pd.DataFrame({"churned": churned, "model": np.clip(risk, 0.01, 0.99), "baseline": rule})


def value_rows(rng, n):
    mean = rng.lognormal(3, 1, n)
    spent = mean * rng.lognormal(0, 0.5, n) * (rng.random(n) < 0.6)
    model, rule = 0.68 * mean, 0.68 * mean * rng.lognormal(0, 0.7, n)
    return pd.DataFrame(
        {"spent": spent, "model": model, "low": 0.0, "high": 3 * model, "baseline": rule}
    )


def next_purchase_rows(rng, n):
    due = rng.uniform(2, 60, n)
    waited = np.round(due * rng.lognormal(0, 0.3, n))
    rule = due * rng.lognormal(0, 0.6, n)
    said = {"waited": waited, "model": due, "low": due / 2, "high": due * 2, "baseline": rule}
    # one in five does not come
    rows = pd.DataFrame({**said, "urgency": due, "baseline_urgency": rule})
    return rows.assign(waited=rows["waited"].where(rng.random(n) < 0.8))


def recommendation_rows(rng, n):
    own = rng.beta(1, 3, n)
    model = np.clip(own + rng.normal(0.03, 0.05, n), 0, 1)
    return pd.DataFrame({"model": model, "own frequency": own, "popularity": rng.beta(1, 5, n)})


ROWS_OF = {
    "churn": churn_rows,
    "value": value_rows,
    "next_purchase": next_purchase_rows,
    "recommendation": recommendation_rows,
}


def record_of(task, change=lambda _rng, rows: rows, *, customers=200, seed=1):
    """Two folds of one task as a good model says them, then changed."""
    rng = np.random.default_rng(seed)
    index = pd.Index([f"c{n:03d}" for n in range(customers)], name="customer_id")
    folds = [ROWS_OF[task.name](rng, customers).set_axis(index) for _ in TESTS]
    rows = tuple(change(np.random.default_rng(9), fold.copy()) for fold in folds)
    proofs = tuple(
        proof(task, Judgement({}, fold), Fold((), test, 30))
        for fold, test in zip(rows, TESTS, strict=True)
    )
    return BacktestRecord(TESTS, proofs, rows)


def judged(task, mine, champion=None):
    against = ALONE if champion is None else on_shared_folds(mine, champion, "champion version 7")
    return verdict(task, mine, against, seed=3)


def nan(_rng, rows):
    rows.loc[rows.index[5], "model"] = np.nan
    return rows


def infinite(_rng, rows):
    rows.loc[rows.index[5], "model"] = np.inf
    return rows


def constant(_rng, rows):
    # where rows hold how good a list was, the same list for all is as good as the popular one
    best = rows["popularity"] if "popularity" in rows else rows.iloc[:, 0].mean()
    return rows.assign(model=best)


def shuffled(rng, rows):
    """What a model learned from shuffled labels says: plausible figures of somebody else."""
    other = rows["popularity"] if "popularity" in rows else rows["model"]
    said = rng.permutation(other.to_numpy())
    return rows.assign(model=said, **({"urgency": said} if "urgency" in rows else {}))


def worse(rng, rows):
    """Much noise, or lists half as good."""
    if "popularity" in rows:
        return rows.assign(model=rows["model"] / 2)
    noisy = rows["model"] * rng.lognormal(0, 1.5, len(rows))
    return rows.assign(model=noisy.clip(0.001, 0.999) if "churned" in rows else noisy)


@every_task
def test_a_good_model_is_promoted_without_a_champion(task):
    found = judged(task, record_of(task))
    assert found.promoted, found.reason
    assert found.reason.endswith(ALONE)
    assert task.baseline in found.reason
    assert found.sentence().startswith("promoted: ")


@every_task
@pytest.mark.parametrize("champion", [False, True], ids=["alone", "beside a champion"])
@pytest.mark.parametrize("broken", [nan, infinite], ids=["nan", "infinite"])
def test_a_model_without_finite_numbers_is_refused(broken, champion, task):
    found = judged(task, record_of(task, broken), record_of(task) if champion else None)
    assert not found.promoted
    assert found.reason == "it gives no finite number for 2 of 400 customers"


@every_task
@pytest.mark.parametrize("champion", [False, True], ids=["alone", "beside a champion"])
def test_a_constant_model_is_refused(champion, task):
    found = judged(task, record_of(task, constant), record_of(task) if champion else None)
    assert not found.promoted
    assert found.reason == "it says the same of everybody"


@every_task
@pytest.mark.parametrize("champion", [False, True], ids=["alone", "beside a champion"])
def test_a_model_of_shuffled_labels_is_refused(champion, task):
    found = judged(task, record_of(task, shuffled), record_of(task) if champion else None)
    assert not found.promoted
    assert task.baseline in found.reason


@every_task
def test_a_model_worse_than_the_champion_is_refused_though_it_beats_the_baseline(task):
    def a_little_worse(rng, rows):
        if task.outcome is None:
            return rows.assign(model=rows["model"] - 0.02)
        if task.name == "churn":
            return rows.assign(model=0.5 + 0.75 * (rows["model"] - 0.5))
        return rows.assign(model=rows["model"] * rng.lognormal(0, 0.35, len(rows)))

    mine = record_of(task, a_little_worse)
    assert judged(task, mine).promoted
    found = judged(task, mine, record_of(task))
    assert not found.promoted
    assert found.reason.startswith("it is worse than champion version 7: ")
    assert "400 customers from 2025-01-01, 2025-02-01, the folds of both" in found.reason


@every_task
def test_a_much_worse_model_is_refused_without_a_champion(task):
    found = judged(task, record_of(task, worse))
    assert not found.promoted
    assert found.reason.startswith(f"it is worse than {task.baseline}")


@every_task
def test_an_equal_or_better_model_replaces_the_champion(task):
    equal = judged(task, record_of(task), record_of(task))
    assert equal.promoted
    assert "not worse than champion version 7" in equal.reason
    assert "+0.0% [+0.0%, +0.0%]" in equal.reason
    better = judged(task, record_of(task), record_of(task, worse))
    assert better.promoted
    assert better.reason.startswith("better than champion version 7")


def test_a_value_model_of_the_right_order_and_the_wrong_size_is_refused():
    (task,) = (task for task in TASKS if task.name == "value")
    tenfold = record_of(task, lambda _, rows: rows.assign(model=10 * rows["model"]))
    assert judged(task, tenfold).reason.startswith("it is worse than RFM average (rmse -")
    threefold = record_of(task, lambda _, rows: rows.assign(model=2.2 * rows["model"]))
    found = judged(task, threefold, record_of(task))
    assert not found.promoted


@every_task
def test_the_same_of_a_handful_is_no_reason(task):
    few = record_of(task, customers=FEWEST_VARIED - 1)
    few = replace(few, rows=tuple(rows.assign(model=rows["model"].mean()) for rows in few.rows))
    assert "says the same" not in judged(task, few).reason


def test_nobody_to_judge_is_refused():
    nothing = record_of(TASKS[0], lambda _, rows: rows.iloc[:0])
    assert judged(TASKS[0], nothing).reason == "its log_loss cannot be judged"


@every_task
def test_only_the_same_customers_with_the_same_outcome_are_compared(task):
    mine = record_of(task)
    theirs = record_of(task)
    assert len(on_shared_folds(mine, theirs, "c").rows) == 400
    one = replace(theirs, proofs=(theirs.proofs[0], "another"))
    shared = on_shared_folds(mine, one, "c")
    assert len(shared.rows) == 200
    assert "2025-02-01" not in shared.sample
    assert on_shared_folds(mine, replace(theirs, proofs=("a", "b")), "c") is None
    assert on_shared_folds(mine, record_of(task, seed=2), "c") is None
    elsewhere = Fold((), TESTS[0], 31)
    assert proof(task, Judgement({}, mine.rows[0]), elsewhere) not in mine.proofs


@every_task
def test_a_record_reads_back_and_compares_as_before(task, tmp_path):
    mine = record_of(task)
    mine.save(tmp_path)
    kept = BacktestRecord.load(tmp_path)
    assert kept.proofs == mine.proofs
    assert judged(task, kept, kept).reason == judged(task, kept, mine).reason
    assert judged(task, kept).promoted
    assert b"c00" not in (tmp_path / ROWS).read_bytes() + (tmp_path / FOLDS).read_bytes()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"folds": [1]}', b'{"folds": [{}]}'])
def test_a_damaged_record_is_no_record(content, tmp_path):
    record_of(TASKS[0]).save(tmp_path)
    (tmp_path / FOLDS).write_bytes(content)
    with pytest.raises(BundleError):
        BacktestRecord.load(tmp_path)
    with pytest.raises(BundleError):
        BacktestRecord.load(tmp_path / "nowhere")


class Says:
    """A fitted model that says `value` of everybody."""

    def __init__(self, name, value):
        self.name, self.value = name, value

    def predict(self, features, *_):
        return pd.DataFrame({self.name: self.value}, index=features.index)


def test_final_models_that_say_no_number_are_found():
    features = pd.DataFrame({"orders": range(3)})
    fitted = {
        "churn": Says("churn_probability", np.nan),
        "value": Says("clv", 1.0),
        "next_purchase": Says("next_order_days", [1.0, np.inf, 2.0]),
    }
    assert final_troubles(fitted, features) == {
        "churn": "it gives no finite number for 3 of 3 customers",
        "next_purchase": "it gives no finite number for 1 of 3 customers",
    }


def test_the_rule_names_what_is_refused():
    for word in (
        "an earlier day",
        "no finite number",
        "the same of everybody",
        "chance",
        "baseline",
        "champion",
    ):
        assert word in RULE
    assert Comparison("champion version 1", pd.DataFrame(), "").champion in "champion version 1"
