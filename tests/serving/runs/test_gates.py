"""What may differ between two runs of a shop, and what stops a publication."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.errors import OddRun, StoppedByGate
from features.settings.data import PUBLICATION_GATES
from serving.runs.gates import (
    REQUIRED,
    ClosedGate,
    figures_of_scores,
    odd_orders,
    odd_scores,
    pass_gates,
)
from tests.support.scores import run_info

ORDERS = {"orders": 1000.0, "order_customers": 200.0, "revenue": 50_000.0, "quarantined_share": 0.0}
SCORES = {
    "customers": 200.0,
    "null_share": 0.0,
    "expected_total": 4_000.0,
    "band_critical": 0.1,
    "band_high": 0.2,
    "band_medium": 0.3,
    "band_low": 0.4,
    "drift_rfm": 0.02,
}
BEFORE = run_info("before", as_of=date(2026, 2, 1), figures={**ORDERS, **SCORES})
NOW = run_info("now", as_of=date(2026, 3, 1))


def codes(gates):
    return [gate.code for gate in gates]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"orders": 1040.0, "revenue": 52_000.0, "order_customers": 205.0}, []),
        ({"orders": 905.0, "revenue": 45_250.0}, []),
        # nine orders in ten are gone, and amounts are a hundredfold
        ({"orders": 100.0, "revenue": 500_000.0}, ["orders_dropped", "money_jumped"]),
        ({"order_customers": 150.0}, ["orders_dropped"]),
        ({"revenue": 5_000_000.0}, ["money_jumped"]),
        ({"revenue": 500.0}, ["money_jumped"]),
    ],
)
def test_orders_are_held_against_those_of_the_run_before(changes, expected):
    assert codes(odd_orders({**ORDERS, **changes}, BEFORE)) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"expected_total": 7_900.0}, []),
        ({"expected_total": 8_100.0}, ["total_moved"]),
        ({"expected_total": 40.0}, ["total_moved"]),
        ({"null_share": 0.0005}, []),
        ({"null_share": 0.02}, ["null_scores"]),
        ({"band_critical": 0.45, "band_low": 0.05}, ["bands_moved"]),
        ({"band_critical": 0.35, "band_low": 0.15}, []),
        ({"drift_rfm": 0.6}, ["inputs_drifted"]),
    ],
)
def test_scores_are_held_against_those_of_the_run_before(changes, expected):
    assert codes(odd_scores({**SCORES, **changes}, NOW, BEFORE)) == expected


def test_without_a_run_before_only_numbers_are_asked_for():
    wild = {**SCORES, "expected_total": 1e9, "null_share": 0.5}
    assert codes(odd_orders({**ORDERS, "orders": 1.0}, None)) == []
    assert codes(odd_scores(wild, NOW, None)) == ["null_scores"]
    of_old_release = replace(BEFORE, figures={})
    assert codes(odd_scores(wild, NOW, of_old_release)) == ["null_scores"]
    # a run of an earlier date says nothing of how today should be
    assert (
        codes(odd_scores({**wild, "null_share": 0.0}, replace(NOW, as_of=BEFORE.as_of), None)) == []
    )
    earlier = replace(NOW, as_of=date(2026, 1, 1))
    assert codes(odd_scores({**wild, "null_share": 0.0}, earlier, BEFORE)) == []


def test_a_handful_of_customers_is_not_held_against_another():
    few = {**SCORES, "customers": 20.0, "expected_total": 9_000.0}
    assert codes(odd_scores(few, NOW, BEFORE)) == []


def test_each_gate_is_opened_by_its_own_name_and_the_reason_stays():
    closed = [ClosedGate("total_moved", "too much."), ClosedGate("bands_moved", "too many.")]
    with pytest.raises(OddRun) as stopped:
        pass_gates(iter(closed), {"total_moved": "we sell pianos now"})
    assert stopped.value.problems == ("bands_moved: too many.",)
    assert isinstance(stopped.value, StoppedByGate)
    reasons = {"total_moved": "we sell pianos now", "bands_moved": "seen"}
    assert pass_gates(iter(closed), reasons) == {
        "total_moved": "too much. Accepted: we sell pianos now",
        "bands_moved": "too many. Accepted: seen",
    }
    assert pass_gates(iter(()), reasons) == {}


def test_every_gate_can_be_accepted_by_the_settings():
    shut = [
        *odd_orders({**ORDERS, "orders": 1.0, "revenue": 1e9}, BEFORE),
        *odd_scores(
            {**SCORES, "null_share": 1.0, "expected_total": 1.0, "drift_rfm": 9.0}
            | {"band_critical": 1.0, "band_high": 0.0, "band_medium": 0.0, "band_low": 0.0},
            NOW,
            BEFORE,
        ),
    ]
    assert set(codes(shut)) == PUBLICATION_GATES


def test_a_customer_without_a_number_is_counted_once():
    scores = pd.DataFrame({name: np.ones(4) for name in REQUIRED})
    scores["retention_risk"] = ["low", "low", "high", None]
    scores.loc[1, ["clv", "p_order"]] = np.nan
    scores.loc[2, "p_alive"] = np.inf
    figures = figures_of_scores(scores, pd.DataFrame(index=range(4)), None)
    assert figures["null_share"] == 2 / 4
    assert figures["band_low"] == 2 / 4
    assert figures["expected_total"] == 3.0
