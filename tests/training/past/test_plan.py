from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from features.errors import NotEnoughData
from training.past.plan import Fold, plan_training
from training.settings import Train

FIRST = date(2024, 1, 1)


def day(number):
    return FIRST + timedelta(days=number)


def test_dates_by_hand():
    plan = plan_training(FIRST, day(100), 30, Train(folds=2, max_cutoffs=3))
    # a step is 30 / 3 days; the labels of the last two cutoffs are of 10 and 20 days
    assert plan.cutoffs == (day(70), day(80), day(90))
    assert plan.folds == (
        Fold(train=(day(30), day(40), day(50)), test=day(60), horizon_days=30),
        Fold(train=(day(40), day(50), day(60)), test=day(70), horizon_days=30),
    )
    assert plan.whole == Fold(plan.cutoffs, day(100), 30)
    assert plan.as_of == day(100)
    assert plan.horizon_days == 30


def test_a_step_of_ones_own():
    train = Train(folds=1, max_cutoffs=10, cutoff_step_days=25)
    plan = plan_training(FIRST, day(100), 30, train)
    assert plan.cutoffs == (day(25), day(50), day(75))
    assert plan.folds == (Fold(train=(day(20), day(45)), test=day(70), horizon_days=30),)


def test_a_horizon_as_long_as_the_orders_is_learned_from_shorter_ones():
    plan = plan_training(FIRST, day(120), 120, Train(folds=3, max_cutoffs=9))
    # steps of 120 / 6 days; what is judged is three fifths of the 120 days
    assert plan.cutoffs == (day(20), day(40), day(60), day(80), day(100))
    assert plan.folds[-1].test == day(48)
    assert {fold.horizon_days for fold in plan.folds} == {72}


def test_the_shortest_log_has_one_fold():
    assert len(plan_training(FIRST, day(15), 30, Train()).folds) == 1
    with pytest.raises(NotEnoughData, match=r"span 14 days up to 2024-01-15.* 30 days needs 15"):
        plan_training(FIRST, day(14), 30, Train())


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
    assert 1 <= len(plan.folds) <= folds
    for fold in (*plan.folds, plan.whole):
        assert 1 <= len(fold.train) <= most
        assert fold.train == tuple(sorted(fold.train))
        assert fold.train[0] > FIRST
        assert fold.train[-1] < fold.test
    for fold in plan.folds:
        assert fold.horizon_days == min(horizon, 3 * span // 5)
        assert fold.test + timedelta(days=fold.horizon_days) <= plan.as_of


# most logs this short are refused
@given(**{**plans, "span": st.integers(1, 60)})
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


def test_a_year_before_by_hand():
    plan = plan_training(FIRST, day(425), 30, Train(folds=1, max_cutoffs=2))
    assert plan.whole.year_before == Fold((day(40), day(50)), day(60), 30)
    # 30 days before the fold's own year before nothing is known
    assert plan.folds[0].year_before is None


def test_no_year_before_without_a_history_and_a_whole_horizon():
    known = [
        plan_training(FIRST, day(366 + span), 30, Train()).year_before for span in (35, 36, 37)
    ]
    # from February 2024 on, a year is 366 days; a sixth of 36 days is a history
    assert [fold is not None for fold in known] == [False, True, True]
    assert known[1].test == day(36)


def test_no_year_before_of_a_horizon_that_is_longer():
    assert plan_training(FIRST, day(1_500), 400, Train()).year_before is None
