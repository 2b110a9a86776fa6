import numpy as np
import pytest

from training.models.next_purchase import kaplan_meier

NOT = np.nan


def curve(waited, followed, last_day):
    return kaplan_meier(np.array(waited, dtype=float), np.array(followed, dtype=float), last_day)


def test_without_censoring_it_is_the_share_still_waiting():
    found = curve([0, 2, 2, 5], [10, 10, 10, 10], 6)
    # S(d): no order in the first d days
    assert found.tolist() == pytest.approx([1, 3 / 4, 3 / 4, 1 / 4, 1 / 4, 1 / 4, 0])


def test_remission_times_of_the_textbook():
    # 6-MP arm of Freireich et al. (1963), weeks; a plus was censored: 6 6 6 6+ 7 9+ 10 10+ 11+
    # 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+
    events = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    censored = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    waited = [*events, *([NOT] * len(censored))]
    # censored at t is seen through day t, so followed for t + 1 days
    followed = [36] * len(events) + [time + 1 for time in censored]
    found = curve(waited, followed, 24)
    published = {6: 0.8571, 7: 0.8067, 10: 0.7529, 13: 0.6902, 16: 0.6275, 22: 0.5378, 23: 0.4482}
    for time, survival in published.items():
        assert found[time + 1] == pytest.approx(survival, abs=5e-5)
    assert found[6] == 1
    assert found[22] == found[17]


def test_the_censored_leave_before_the_day_they_were_no_longer_seen():
    # two followed for one day only: on day 1 one of one orders
    found = curve([NOT, NOT, 1], [1, 1, 5], 3)
    assert found.tolist() == [1, 1, 0, 0]
    # followed for two days: on day 1 one of three orders, then nobody is left
    found = curve([NOT, NOT, 1], [2, 2, 5], 2)
    assert found.tolist() == pytest.approx([1, 1, 2 / 3])


def test_beyond_the_last_observation_the_hazard_of_its_last_third_goes_on():
    found = curve([0, NOT, NOT, NOT], [2, 2, 2, 2], 4)
    last = (0 + 0.5) / (3 + 1)  # nobody of three on the last day, and half a customer of one
    assert found.tolist() == pytest.approx(
        [1, 3 / 4, 3 / 4, 3 / 4 * (1 - last), 3 / 4 * (1 - last) ** 2]
    )


def test_nobody_followed_tells_nothing():
    assert curve([NOT, NOT], [0, 0], 3).tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("seed", range(4))
def test_it_equals_the_product_over_days(seed):
    rng = np.random.default_rng(seed)
    followed = rng.integers(1, 30, 50)
    ordered = rng.integers(0, 40, 50)
    waited = np.where(ordered < followed, ordered, NOT)
    found = curve(waited, followed, 25)
    survival = 1.0
    for day in range(25):
        events = sum(waited == day)
        seen = sum(followed > day) - sum(waited < day) + sum((waited < day) & (followed <= day))
        if seen:
            survival *= 1 - events / seen
            assert found[day + 1] == pytest.approx(survival)
    assert (np.diff(found) <= 0).all()


def test_it_finds_the_curve_that_the_data_came_from():
    rng = np.random.default_rng(1)
    waited = np.floor(rng.exponential(20, 20_000))
    followed = rng.integers(1, 60, 20_000).astype(float)
    found = curve(np.where(waited < followed, waited, NOT), followed, 40)
    assert found == pytest.approx(np.exp(-np.arange(41) / 20), abs=0.02)
