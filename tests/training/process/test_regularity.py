"""The sum of log gaps from a few statistics, and what it is for."""

import numpy as np
import pytest

from training.process.purchase_summary import PurchaseCounts
from training.process.regularity import gaps_log_density, log_gap_sums


def statistics(gaps):
    table = [np.array(row, dtype=float) for row in gaps]
    return {
        "gaps": [len(row) for row in table],
        "mean": [row.mean() if len(row) else np.nan for row in table],
        "std": [row.std(ddof=1) if len(row) > 1 else np.nan for row in table],
        "shortest": [row.min() if len(row) else np.nan for row in table],
        "longest": [row.max() if len(row) else np.nan for row in table],
    }


def test_exact_for_up_to_four_gaps():
    gaps = [[], [7], [2, 9], [1, 5, 40], [3, 3, 3], [1, 2, 8, 30], [4, 4, 4, 4]]
    expected = [np.log(row).sum() for row in gaps]
    assert log_gap_sums(**statistics(gaps)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_close_on_average_for_many_gaps(k):
    rng = np.random.default_rng(k)
    gaps = [rng.gamma(k, 20 / k, count) for count in rng.integers(5, 40, 2000)]
    found = log_gap_sums(**statistics(gaps)).sum()
    expected = sum(np.log(row).sum() for row in gaps)
    assert found == pytest.approx(expected, rel=0.02)


def test_nothing_is_lacking_for_one_step_per_purchase():
    counts = PurchaseCounts(*(np.array([value]) for value in (3.0, 12.0, 20.0)))
    for litt in (None, np.array([3.0])):
        assert gaps_log_density(counts, litt, stages=1) == pytest.approx(0)


def test_equal_gaps_speak_for_more_steps():
    counts = PurchaseCounts(*(np.array([value]) for value in (4.0, 12.0, 20.0)))
    even, uneven = np.array([4 * np.log(3)]), np.array([np.log(9) + 3 * np.log(1)])
    gained = gaps_log_density(counts, even, stages=3) - gaps_log_density(counts, even, stages=1)
    lost = gaps_log_density(counts, uneven, stages=3) - gaps_log_density(counts, uneven, stages=1)
    assert gained > lost
