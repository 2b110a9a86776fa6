"""The curve of contracts: by hand, found again, and blind to what it could not see."""

import numpy as np
import pandas as pd
import pytest

from features.errors import DataError, NotEnoughData
from training.process.contract_curve import ContractCurve, by_day

YEAR = 365.25


def contracts(rows, watched=None):
    table = pd.DataFrame(rows, columns=["entered_days", "lasted_days", "cancelled"])
    return table.assign(watched_days=table["lasted_days"] if watched is None else watched)


def lived(*, number, seed, entered=0, near=0.004, far=0.0004, days=1_500):
    """Contracts whose hazard is ten times as high in the 14 days before each anniversary."""
    rng = np.random.default_rng(seed)
    age = np.arange(days)
    hazard = np.where(YEAR - age % YEAR <= 14, near, far)
    dies = rng.random((number, days)) < hazard
    first = np.where(dies.any(axis=1), dies.argmax(axis=1), days)
    seen = first >= entered
    return contracts(
        np.column_stack(
            [np.full(seen.sum(), entered), np.minimum(first, days)[seen], (first < days)[seen]]
        ),
        watched=days,
    )


def test_who_is_at_risk_on_each_day_by_hand():
    table = contracts([(0, 2, True), (0, 3, False), (1, 3, True)])
    at_risk, ended = by_day(
        *(table[name].to_numpy(float) for name in ("entered_days", "lasted_days", "cancelled"))
    )
    # the first is there on days 0 to 2, the second on 0 to 2, the third on 1 to 3
    assert at_risk.tolist() == [2, 3, 3, 1, 0]
    assert ended.tolist() == [0, 0, 1, 1, 0]


def test_the_peak_at_the_anniversary_is_found_again():
    curve = ContractCurve(period_days=365).fit(lived(number=8_000, seed=3))
    hazards = curve.hazards(4 * 365)
    assert hazards[int(YEAR) - 7] == pytest.approx(0.004, rel=0.25)
    assert hazards[100] == pytest.approx(0.0004, rel=0.25)
    true = np.exp(-(14 * 0.004 + 76 * 0.0004))
    # of 90 days from day 275 on the last fourteen lie before the anniversary
    assert curve.survival(np.array([275.0]), 90)[0] == pytest.approx(true, abs=0.01)


def test_contracts_that_began_before_the_orders_count_from_where_they_are_seen():
    """Seen from day 700 on, nobody is known to have left earlier: the hazard stays the same."""
    late = ContractCurve(period_days=365).fit(lived(number=8_000, seed=4, entered=700))
    hazards = late.hazards(1_400)
    assert hazards[1_095 - 6] == pytest.approx(0.004, rel=0.3)
    assert hazards[800:1_000].mean() == pytest.approx(0.0004, rel=0.3)


def test_few_cancellations_leave_an_even_curve():
    few = contracts([(0, 300, True), *[(0, 400 + day, False) for day in range(200)]])
    shape = ContractCurve(period_days=365).fit(few).shape_
    assert np.ptp(shape) < 0.1


def test_survival_never_rises_and_goes_on_beyond_what_was_seen():
    curve = ContractCurve(period_days=30).fit(lived(number=500, seed=5, days=400))
    survival = curve.survival(np.zeros(3_000), np.arange(3_000.0))
    assert survival[0] == 1
    assert (np.diff(survival) <= 0).all()
    assert survival[-1] > 0
    assert curve.rest_of_period(np.array([0.0, 29.0, 30.0])).tolist() == [30, 1, 30]


def test_a_young_portfolio_has_a_curve_before_any_period_has_ended():
    young = contracts([(0, 20, True), (0, 40, False), (0, 80, False)])
    curve = ContractCurve(period_days=365).fit(young)
    # two cancellations, one of them assumed, in 21 + 40 + 80 days
    assert curve.hazards(1)[0] == pytest.approx(2 / 141, rel=0.1)


def test_it_is_saved_to_the_bit():
    curve = ContractCurve(period_days=365).fit(lived(number=300, seed=6))
    again = ContractCurve.from_dict(curve.to_dict())
    np.testing.assert_array_equal(again.hazards(2_000), curve.hazards(2_000))


def test_what_cannot_be_is_refused():
    with pytest.raises(DataError, match="ends before it came into sight"):
        ContractCurve(period_days=365).fit(contracts([(10, 5, True)]))
    with pytest.raises(NotEnoughData, match="no contract ran"):
        ContractCurve(period_days=365).fit(contracts([(0, 0, False)]))
