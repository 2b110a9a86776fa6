from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from features.config import Train
from features.errors import NotEnoughData
from training.plan import Fold, plan_training

FIRST = date(2024, 1, 1)


def day(number):
    return FIRST + timedelta(days=number)


def test_dates_by_hand():
    plan = plan_training(FIRST, day(100), 30, Train(folds=2, max_cutoffs=3))
    # a step is 30 / 3 days; the first cutoff needs a third of a horizon of history
    assert plan.cutoffs == (day(50), day(60), day(70))
    assert plan.folds == (
        Fold(train=(day(10), day(20), day(30)), test=day(60)),
        Fold(train=(day(20), day(30), day(40)), test=day(70)),
    )
    assert plan.as_of == day(100)
    assert plan.horizon_days == 30


def test_a_step_of_ones_own():
    train = Train(folds=1, max_cutoffs=10, cutoff_step_days=25)
    plan = plan_training(FIRST, day(100), 30, train)
    assert plan.cutoffs == (day(20), day(45), day(70))
    assert plan.folds == (Fold(train=(day(20),), test=day(70)),)


def test_the_shortest_log_has_one_fold():
    # 10 days of history, 30 of labels, 30 to judge
    assert plan_training(FIRST, day(70), 30, Train()).folds == (Fold((day(10),), day(40)),)
    with pytest.raises(NotEnoughData, match=r"span 69 days up to 2024-03-10.* 30 days needs 70"):
        plan_training(FIRST, day(69), 30, Train())


plans = {
    "span": st.integers(1, 900),
    "horizon": st.integers(7, 400),
    "step": st.none() | st.integers(1, 200),
    "folds": st.integers(1, 5),
    "most": st.integers(1, 8),
}


@given(**plans)
def test_every_label_of_a_fold_is_known_when_it_is_judged(span, horizon, step, folds, most):
    train = Train(folds=folds, max_cutoffs=most, cutoff_step_days=step)
    try:
        plan = plan_training(FIRST, day(span), horizon, train)
    except NotEnoughData:
        return
    length = timedelta(days=horizon)
    assert plan.cutoffs[-1] + length == plan.as_of
    assert 1 <= len(plan.folds) <= folds
    assert len(plan.cutoffs) <= most
    for fold in plan.folds:
        assert 1 <= len(fold.train) <= most
        assert fold.train == tuple(sorted(fold.train))
        assert fold.train[0] >= FIRST + timedelta(days=round(horizon / 3))
        assert fold.train[-1] + length <= fold.test
        assert fold.test + length <= plan.as_of


@given(**plans)
def test_the_advice_of_a_refusal_works(span, horizon, step, folds, most):
    train = Train(folds=folds, max_cutoffs=most, cutoff_step_days=step)
    try:
        plan_training(FIRST, day(span), horizon, train)
    except NotEnoughData as error:
        refusal = str(error)
    else:
        assume(False)
    needed = int(refusal.split("needs ")[1].split(".", maxsplit=1)[0])
    assert needed > span
    assert plan_training(FIRST, day(needed), horizon, train).folds
    if "Collect more orders" in refusal:
        with pytest.raises(NotEnoughData):
            plan_training(FIRST, day(span), 7, train)
    else:
        fitting = int(refusal.split("predict.horizon_days to ")[1].split(".", maxsplit=1)[0])
        assert 7 <= fitting < horizon
        assert plan_training(FIRST, day(span), fitting, train).folds
