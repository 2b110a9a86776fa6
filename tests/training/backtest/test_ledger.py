from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from features.orders.log import read_orders
from features.sources import FrameSource
from tests.support.shop import FIRST_DAY, shop_settings, simulate_orders
from training.backtest.ledger import ScoredRun, corrections, grades_by_version, judge_runs
from training.past.reach import first_purchase
from training.past.tables import labels_at

HORIZON = 30


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    orders = simulate_orders(customers=150, days=260, seed=4)
    settings = shop_settings(
        tmp_path_factory.mktemp("ledger"),
        predict={"horizon_days": HORIZON},
        train={"folds": 1, "max_cutoffs": 2},
    )
    with read_orders(settings, FrameSource(orders)) as opened:
        yield opened


def prophecy(log, day, *, run_id="run", risk=lambda churned: churned, money=1.0, version="1"):
    """A run that knew what would happen, said as `risk` and `money` have it."""
    as_of = FIRST_DAY.date() + timedelta(days=day)
    labels = labels_at(log, as_of, HORIZON, as_of + timedelta(days=HORIZON))
    churned = (labels["orders"] == 0).to_numpy(dtype=float)
    waited = labels["days_to_next_order"].fillna(10.0)
    spend = labels["spend"] * money
    scores = pd.DataFrame(
        {
            "churn_probability": np.clip(risk(churned), 0.02, 0.98),
            "clv": spend,
            "clv_low": spend * 0.9,
            "clv_high": spend * 1.1,
            "next_order_days": waited,
            "next_order_low": waited - 1,
            "next_order_high": waited + 1,
        },
        index=labels.index,
    )
    half = np.where(np.arange(len(labels)) % 2 == 0, "even", "odd")
    segments = pd.DataFrame({"half": half, "own": labels.index}, index=labels.index)
    return ScoredRun(run_id, as_of, HORIZON, {"churn": version, "value": version}, scores, segments)


def judged(log, *runs):
    return judge_runs(log, runs, first_purchase(log))


def test_a_prophet_is_right_in_every_tenth_and_segment(log):
    (entry,) = judged(log, prophecy(log, 200))
    assert entry.customers == len(entry.run.scores)
    assert entry.grades["churn"].letter == "A"
    assert entry.grades["value"].letter == "A"
    dates = entry.judgements["next_purchase"].metrics["model"]
    assert (dates["date_mae_days"], dates["coverage_80"]) == (0.0, 1.0)
    value = entry.deciles[entry.deciles["task"] == "value"]
    np.testing.assert_allclose(value["said"], value["happened"])
    assert value["customers"].sum() == entry.customers
    # groups of one are chance and not shown
    assert entry.segments["segment"].tolist() == ["even", "odd"]
    np.testing.assert_allclose(entry.segments["value_said"], entry.segments["value_happened"])
    assert entry.segments["customers"].sum() == entry.customers


def test_only_runs_whose_horizon_has_passed_are_judged(log):
    early, late = prophecy(log, 190, run_id="early"), prophecy(log, 245, run_id="late")
    assert late.known_on > log.end
    assert [entry.run.run_id for entry in judged(log, late, early)] == ["early"]
    assert judged(log) == []


def test_who_was_erased_since_or_not_scored_is_left_out(log):
    said = prophecy(log, 200)
    fewer = said.scores.drop(said.scores.index[:5]).rename(index={said.scores.index[5]: "stranger"})
    run = ScoredRun("r", said.as_of, HORIZON, {}, fewer, said.segments.reindex(fewer.index))
    (entry,) = judged(log, run)
    assert entry.customers == len(said.scores) - 6


def test_the_grade_moves_with_what_happened(log):
    def upside_down(churned):
        return 1 - churned

    entries = judged(
        log,
        prophecy(log, 150, run_id="a", version="1"),
        prophecy(log, 190, run_id="b", version="2", risk=upside_down),
        prophecy(log, 200, run_id="c", version="2", risk=upside_down),
    )
    grades = grades_by_version(entries, seed=1)
    assert grades["churn", "1"].letter == "A"
    assert grades["churn", "2"].letter == "E"
    assert ("next_purchase", "1") not in grades


def too_sure(churned):
    """Says 0.9 or 0.02 where 60 % and 20 % leave."""
    rng = np.random.default_rng(2)
    warned = np.where(churned == 1, rng.random(len(churned)) < 0.8, rng.random(len(churned)) < 0.4)
    return np.where(warned, 0.98, 0.02)


def test_a_systematic_error_is_found_and_must_win_on_a_later_run(log):
    entries = judged(
        log,
        prophecy(log, 150, run_id="a", risk=too_sure, money=0.5),
        prophecy(log, 200, run_id="b", risk=too_sure, money=0.5),
    )
    churn, value = corrections(entries, seed=1)
    assert churn.wins
    assert value.wins
    assert value.words == "clv × 2.00"
    assert value.improvement == pytest.approx(1.0)
    assert "would have helped" in value.sentence()


def test_what_is_right_is_not_corrected(log):
    entries = judged(log, prophecy(log, 150, run_id="a"), prophecy(log, 200, run_id="b"))
    _, value = corrections(entries, seed=1)
    assert value.words == "clv × 1.00"
    assert not value.wins
    assert "would not surely have helped" in value.sentence()


def test_a_correction_knows_nothing_of_the_run_it_is_judged_on(log):
    overlapping = judged(log, prophecy(log, 180, run_id="a"), prophecy(log, 200, run_id="b"))
    assert len(overlapping) == 2
    assert corrections(overlapping, seed=1) == []
    assert corrections([], seed=1) == []
