"""After how long a silence is late: shares that hold, and customers who have their own rhythm."""

import json

import numpy as np
import pandas as pd
import pytest

from training.models.gaps import GapDistribution


def customers(rng, number=400, most=12):
    """Gaps of customers each of whom has a mean gap, 10 to 100 days, one row per gap."""
    rows = []
    for _ in range(number):
        mean = rng.uniform(10, 100)
        gaps = np.maximum(rng.gamma(4, mean / 4, rng.integers(1, most)).round(), 1)
        for place, gap in enumerate(gaps):
            before = gaps[:place]
            rows.append(
                {
                    "gap": gap,
                    "earlier": place,
                    "mean": before.mean() if place else np.nan,
                    "spread": before.std(ddof=1) if place > 1 else np.nan,
                }
            )
    return pd.DataFrame(rows, dtype=float)


def features(gaps):
    """Customers as they were before each gap, silent for just as long as it lasted."""
    return pd.DataFrame(
        {
            "repeat_purchase_days": gaps["earlier"],
            "mean_gap_days": gaps["mean"],
            "std_gap_days": gaps["spread"],
            "days_since_last_order": gaps["gap"],
        }
    )


@pytest.fixture(scope="module")
def learned():
    return GapDistribution().fit(customers(np.random.default_rng(1)))


def test_of_new_gaps_one_in_five_is_late_and_one_in_twenty_overdue(learned):
    states = learned.states(features(customers(np.random.default_rng(2))))
    assert np.mean(states != "on_time") == pytest.approx(0.20, abs=0.03)
    assert np.mean(states == "overdue") == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize("earlier", [0, 1, 5])
def test_it_holds_whatever_is_known_of_the_customer(learned, earlier):
    gaps = customers(np.random.default_rng(3), number=2_000)
    states = learned.states(features(gaps[gaps["earlier"] == earlier]))
    assert np.mean(states != "on_time") == pytest.approx(0.20, abs=0.05)


def test_who_comes_every_ten_days_is_late_sooner_than_who_comes_every_hundred(learned):
    history = {"repeat_purchase_days": 8.0, "std_gap_days": 5.0, "days_since_last_order": 40.0}
    often, seldom = (pd.DataFrame([{**history, "mean_gap_days": gap}]) for gap in (10.0, 100.0))
    assert learned.states(often).tolist() == ["overdue"]
    assert learned.states(seldom).tolist() == ["on_time"]


def test_one_order_is_told_by_the_first_gaps_of_the_shop():
    first = pd.DataFrame({"gap": np.arange(1.0, 101.0), "earlier": 0.0})
    gaps = first.assign(mean=np.nan, spread=np.nan)
    late, overdue = GapDistribution().fit(gaps).limits(features(gaps).iloc[:1])
    assert late[0] == pytest.approx(np.quantile(gaps["gap"], 0.80))
    assert overdue[0] == pytest.approx(np.quantile(gaps["gap"], 0.95))


def test_a_shop_without_a_gap_still_says_something():
    none = pd.DataFrame(columns=["gap", "earlier", "mean", "spread"], dtype=float)
    late, overdue = (
        GapDistribution().fit(none).limits(features(customers(np.random.default_rng(4))))
    )
    assert (late > 0).all()
    assert (overdue >= late).all()


def test_what_is_kept_is_read_back_bit_for_bit(learned):
    again = GapDistribution.from_dict(json.loads(json.dumps(learned.to_dict())))
    some = features(customers(np.random.default_rng(5), number=50))
    for one, other in zip(learned.limits(some), again.limits(some), strict=True):
        np.testing.assert_array_equal(one, other)
