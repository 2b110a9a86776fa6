import json

import numpy as np
import pytest

from training.models.spend_interval import SpendInterval


def test_one_group_gives_the_quantiles_of_what_was_spent():
    spent = np.arange(11.0)
    interval = SpendInterval().fit(np.full(11, 5.0), spent)
    low, median, high = interval.predict(np.array([5.0]))
    assert [low[0], median[0], high[0]] == pytest.approx([1.0, 5.0, 9.0])


def test_beyond_the_ends_it_goes_on_in_proportion():
    interval = SpendInterval().fit(np.full(11, 5.0), np.arange(11.0))
    low, _, high = interval.predict(np.array([2.5, 50.0]))
    assert low.tolist() == pytest.approx([0.5, 10.0])
    assert high.tolist() == pytest.approx([4.5, 90.0])


def test_between_groups_it_lies_between_them():
    rng = np.random.default_rng(1)
    expected = np.repeat([10.0, 1000.0], 100)
    spent = expected * rng.uniform(0.5, 1.5, 200)
    interval = SpendInterval(groups=2).fit(expected, spent)
    low, _, high = interval.predict(np.array([10.0, 100.0, 1000.0]))
    assert (np.diff(low) > 0).all()
    assert (np.diff(high) > 0).all()
    assert low[0] == pytest.approx(np.quantile(spent[:100], 0.1))
    assert high[2] == pytest.approx(np.quantile(spent[100:], 0.9))


def test_it_covers_four_of_five_customers_never_seen():
    rng = np.random.default_rng(2)
    expected = rng.lognormal(3, 1, 8_000)
    # half of them buy nothing, the others twice as much as expected, more or less
    spent = np.where(rng.random(8_000) < 0.5, 0.0, 2 * expected * rng.lognormal(-0.125, 0.5, 8_000))
    interval = SpendInterval().fit(expected[:4_000], spent[:4_000])
    low, _, high = interval.predict(expected[4_000:])
    inside = (spent[4_000:] >= low) & (spent[4_000:] <= high)
    # the lower end is 0, where half of the customers are: the upper fifth lies outside
    assert (low == 0).all()
    assert inside.mean() == pytest.approx(0.8, abs=0.02)
    for part in np.array_split(np.argsort(expected[4_000:]), 4):
        assert inside[part].mean() == pytest.approx(0.8, abs=0.04)


def test_where_most_buy_nothing_the_others_make_room():
    rng = np.random.default_rng(4)
    expected = np.repeat([1.0, 50.0], 2_000)
    # nine of ten of the first half buy nothing, which nothing can cover less often
    spent = np.where(
        rng.random(4_000) < np.where(expected < 2, 0.9, 0.0), 0.0, rng.uniform(0, 100, 4_000)
    )
    low, _, high = SpendInterval(groups=2).fit(expected, spent).predict(expected)
    inside = (spent >= low) & (spent <= np.maximum(high, expected))
    assert inside[:2_000].mean() == pytest.approx(0.9, abs=0.02)
    assert inside.mean() == pytest.approx(0.8, abs=0.03)


def test_the_latest_window_decides_how_wide_it_is():
    rng = np.random.default_rng(5)
    expected = np.full(4_000, 50.0)
    late = np.arange(4_000) >= 2_000
    spent = np.where(late, rng.uniform(20, 80, 4_000), rng.uniform(40, 60, 4_000))
    low, _, high = SpendInterval(groups=1).fit(expected, spent, late).predict(expected)
    inside = (spent >= low) & (spent <= high)
    assert inside[late].mean() == pytest.approx(0.8, abs=0.03)


def test_nobody_spending_gives_nothing():
    interval = SpendInterval().fit(np.linspace(0.1, 1, 90), np.zeros(90))
    for end in interval.predict(np.array([0.5, 3.0])):
        assert (end == 0).all()


def test_it_reads_back_bit_for_bit():
    rng = np.random.default_rng(3)
    interval = SpendInterval().fit(rng.exponential(9, 400), rng.exponential(9, 400))
    again = SpendInterval.from_dict(json.loads(json.dumps(interval.to_dict())))
    asked = rng.exponential(9, 50)
    for left, right in zip(interval.predict(asked), again.predict(asked), strict=True):
        np.testing.assert_array_equal(left, right)
