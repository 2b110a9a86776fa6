"""The interval of a total by hand, and its coverage where the truth is known."""

import numpy as np
import pytest

from training.measures.total import (
    PRIOR_WINDOWS,
    USUAL_MISS,
    USUAL_MISS_OF_A_YEAR,
    WindowTotal,
    ends,
    level_spread,
)


def test_without_a_window_the_usual_miss_stands():
    assert level_spread([], season_known=0) == pytest.approx(USUAL_MISS)
    assert level_spread([], season_known=1) == pytest.approx(USUAL_MISS_OF_A_YEAR)
    assert level_spread([], season_known=0.5) == pytest.approx(0.15)


def test_windows_join_the_usual_miss_by_hand():
    windows = [WindowTotal(100.0, 100.0 * np.exp(miss), 0.1) for miss in (0.5, -0.5, 0.05)]
    # the noise is taken off; 0.05 lies within it; three windows a third of a horizon apart are one
    squares = (0.25 - 0.01) * 2 / 3
    expected = (PRIOR_WINDOWS * USUAL_MISS**2 + squares) / (PRIOR_WINDOWS + 1)
    assert level_spread(windows, season_known=0) == pytest.approx(np.sqrt(expected))


def test_only_the_latest_twelve_windows_count():
    calm = [WindowTotal(100.0, 100.0)] * 12
    wild = [WindowTotal(100.0, 500.0)] * 20
    assert level_spread([*wild, *calm], season_known=0) == level_spread(calm, season_known=0)


def test_a_window_of_nothing_tells_nothing():
    nothing = [WindowTotal(100.0, 0.0), WindowTotal(0.0, 10.0), WindowTotal(-5.0, 10.0)]
    assert [window.miss for window in nothing] == [None] * 3
    assert level_spread(nothing, season_known=0) == pytest.approx(USUAL_MISS)


def test_eight_in_ten_totals_lie_between_the_ends():
    rng = np.random.default_rng(3)
    came = 1_000 * np.exp(rng.normal(0, np.hypot(0.2, 0.1), 20_000))
    low, high = ends(1_000.0, 0.2, 0.1)
    assert np.mean((came >= low) & (came <= high)) == pytest.approx(0.8, abs=0.01)


def test_a_few_customers_of_whom_little_is_expected_have_no_endless_interval():
    """Chance thirteen times as large as what is expected: √ln 170 in the log, not 13."""
    low, high = ends(0.01, 0.0, 13.0)
    assert high == pytest.approx(0.01 * np.exp(1.2815516 * np.sqrt(np.log(170))))
    assert high < 0.2
    assert low > 0


def test_the_ends_of_a_loss_stand_in_order():
    low, high = ends(-100.0, 0.2, 0.1)
    assert low < -100 < high < 0
    assert ends(0.0, 0.2, 0.1) == (0.0, 0.0)


def test_the_noise_of_a_window_is_that_of_its_customers():
    window = WindowTotal.of(np.array([30.0, 40.0]), np.array([33.0, 36.0]))
    assert (window.said, window.came) == (70.0, 69.0)
    assert window.noise == pytest.approx(5 / 70)
