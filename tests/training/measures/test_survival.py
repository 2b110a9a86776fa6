"""Kaplan and Meier by hand, and an interval that covers what it should."""

import numpy as np
import pandas as pd
import pytest

from training.measures.survival import LEAST_AT_RISK, kaplan_meier


def contracts(entered, lasted, cancelled):
    return pd.DataFrame({"entered_days": entered, "lasted_days": lasted, "cancelled": cancelled})


def test_by_hand():
    # twenty begin; four end on day 1, two leave sight after it, five of fourteen end on day 3
    lasted = [1] * 4 + [2] * 2 + [3] * 5 + [5] * 9
    cancelled = [True] * 4 + [False] * 2 + [True] * 5 + [False] * 9
    curve = kaplan_meier(contracts([0] * 20, lasted, cancelled)).set_index("age_days")
    assert curve["at_risk"].to_dict() == {0: 20, 1: 20, 2: 14, 3: 14}
    assert curve["survival"].tolist() == pytest.approx([1, 16 / 20, 16 / 20, 16 / 20 * 9 / 14])
    # Greenwood: S² Σ d ÷ (n (n − d)), on the scale of log(−log S)
    variance = 4 / (20 * 16) + 5 / (14 * 9)
    logs = np.log(16 / 20 * 9 / 14)
    spread = 1.959964 * np.sqrt(variance) / -logs
    assert curve.loc[3, "low"] == pytest.approx(np.exp(logs * np.exp(spread)))
    assert curve.loc[3, "high"] == pytest.approx(np.exp(logs * np.exp(-spread)))
    assert (curve.loc[0, ["low", "high"]] == 1).all()


def test_contracts_count_from_where_they_came_into_sight():
    """Forty old ones are first seen at an age of 3 and halve on day 4; nobody saw them younger."""
    entered = [0] * 20 + [3] * 40
    lasted = [6] * 20 + [4] * 20 + [6] * 20
    cancelled = [False] * 20 + [True] * 20 + [False] * 20
    curve = kaplan_meier(contracts(entered, lasted, cancelled)).set_index("age_days")
    assert curve["at_risk"].tolist() == [20, 20, 20, 60, 60, 40]
    assert curve.loc[4, "survival"] == pytest.approx(40 / 60)


def test_ages_with_few_contracts_are_left_out():
    few = LEAST_AT_RISK - 1
    lasted = [10] * 30 + [900] * few
    curve = kaplan_meier(contracts([0] * (30 + few), lasted, [False] * (30 + few)))
    assert curve["age_days"].max() == 9
    assert kaplan_meier(contracts([0] * few, [5] * few, [False] * few)).empty


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(8)
    inside = 0
    for _ in range(200):
        lives = rng.exponential(100, 150).astype(int)
        seen = rng.integers(20, 200, 150)
        curve = kaplan_meier(contracts([0] * 150, np.minimum(lives, seen), lives < seen))
        day = curve[curve["age_days"] == 60].iloc[0]
        # a life of whole days: P(more than 60) is P(at least 61)
        inside += day["low"] <= np.exp(-61 / 100) <= day["high"]
    assert 0.90 <= inside / 200 <= 0.99
