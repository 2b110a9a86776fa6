import numpy as np
import pandas as pd
import pytest

from features.settings.predict import RiskBands
from serving.scoring.risk import BANDS, RISK_RULE, retention_risk, status_of
from serving.store.run import RISKS, STATUSES

BY_PROBABILITY = RiskBands(medium=0.25, high=0.5, critical=0.75)


def one(**values):
    usual = {
        "days_since_first_order": 200.0,
        "days_since_last_order": 10.0,
        "orders": 5.0,
        "mean_gap_days": 20.0,
        "max_gap_days": 30.0,
    }
    return pd.DataFrame([{**usual, **values}])


def band(churn, bands=BY_PROBABILITY):
    (found,) = retention_risk(np.array([churn]), bands)
    return found


def status(churn=0.3, **values):
    (found,) = status_of(one(**values), np.array([churn]), 90)
    return found


@pytest.mark.parametrize(
    ("churn", "expected"),
    [
        (0.0, "low"),
        (0.2499, "low"),
        (0.25, "medium"),
        (0.5, "high"),
        (0.7499, "high"),
        (0.75, "critical"),
        (1.0, "critical"),
    ],
)
def test_bands_begin_at_their_lower_edge(churn, expected):
    assert band(churn) == expected


def test_bands_are_the_configurations():
    assert band(0.1, RiskBands(medium=0.02, high=0.05, critical=0.09)) == "critical"


def test_the_rule_is_printed():
    assert all(name in RISK_RULE for name in BANDS)
    assert "alone" in RISK_RULE


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "scored"),
        ({"orders": 1}, "one_order"),
        ({"days_since_first_order": 7, "days_since_last_order": 7}, "too_new"),
        ({"days_since_first_order": 7, "orders": 1}, "too_new"),
        ({"days_since_first_order": 8, "orders": 1}, "one_order"),
        ({"days_since_last_order": 180, "churn": 0.9}, "already_lapsed"),
        ({"days_since_last_order": 180, "churn": 0.9, "orders": 1}, "already_lapsed"),
        ({"days_since_last_order": 179, "churn": 0.9}, "scored"),
        ({"days_since_last_order": 180, "churn": 0.89}, "scored"),
    ],
)
def test_status(values, expected):
    assert status(**values) == expected


def test_every_word_is_one_that_stores_know():
    assert set(BANDS) == set(RISKS)
    assert {status(), status(orders=1)} <= set(STATUSES)


def test_nobody_has_no_risk():
    nobody = one().iloc[:0]
    assert list(retention_risk(np.array([]), BY_PROBABILITY)) == []
    assert list(status_of(nobody, np.array([]), 90)) == []
