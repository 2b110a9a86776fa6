import json
import math

import numpy as np
import pytest

from training.backtest.bootstrap import graded
from training.backtest.grade import RULE, Grade, letter
from training.tasks.task import error_improvement, score_improvement, share_above


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.101, 0.2, "A"),
        (0.10, 0.2, "B"),
        (0.031, 0.5, "B"),
        (0.03, 0.5, "C"),
        (0.001, 0.02, "C"),
        (0.0, 0.9, "D"),
        (-0.5, 0.9, "D"),
        (-0.5, 0.0, "D"),
        (-0.5, -0.001, "E"),
        (math.nan, math.nan, "–"),
        (math.nan, 0.5, "–"),
        (-math.inf, 0.5, "–"),
    ],
)
def test_the_rule(low, high, expected):
    assert letter(low, high) == expected


def test_the_rule_is_printed_with_its_steps():
    assert all(part in RULE for part in ("95 %", "A if", "10 %", "B above 3 %", "E if"))


def of_rows(customers, model, baseline, **options):
    return graded(
        "error",
        "usual",
        np.array(customers, dtype=object),
        error_improvement(np.array(model, dtype=float), np.array(baseline, dtype=float)),
        **{"seed": 1, **options},
    )


def test_an_error_of_half_the_size_is_an_improvement_of_one_half():
    grade = of_rows(["a", "b", "c"], [1, 1, 1], [2, 2, 2])
    assert (grade.improvement, grade.low, grade.high) == (0.5, 0.5, 0.5)
    assert grade.letter == "A"
    assert grade.sentence() == "A: error +50.0% [+50.0%, +50.0%] against usual"


def test_a_baseline_without_error_is_no_division_by_zero():
    assert of_rows(["a", "b"], [0, 0], [0, 0]).improvement == 0
    worse = of_rows(["a", "b"], [2, 2], [0, 0])
    assert worse.letter == "E"
    assert worse.improvement == -2 / 0.01


@pytest.mark.parametrize(
    ("value", "baseline", "expected"),
    [
        (0.3, 0.2, 0.5),
        (0.1, 0.2, -0.5),
        (0.2, -0.2, 2.0),  # a baseline worse than chance is not better than a good model
        (-0.2, -0.2, 0.0),
        (0.005, 0.0, 0.5),
    ],
)
def test_a_share_of_next_to_nothing_stays_small(value, baseline, expected):
    assert share_above(value, baseline) == pytest.approx(expected)


def test_samples_in_which_nothing_happened_are_left_out():
    one_event = np.array([1.0, *([0.0] * 9)])

    def improvement(rows):
        return 0.2 if one_event[rows].any() else math.nan

    customers = np.array([f"c{n}" for n in range(10)], dtype=object)
    grade = graded("m", "b", customers, improvement, seed=1)
    assert (grade.low, grade.high, grade.letter) == (0.2, 0.2, "A")


def test_a_measure_that_is_not_defined_on_all_is_no_grade_a():
    """A third of the samples leaves out the one customer without a measure, and looks perfect."""
    model, baseline = np.full(10, 0.9), np.full(10, 0.1)
    model[3] = math.nan
    customers = np.array([f"c{n}" for n in range(10)], dtype=object)
    grade = graded("ndcg", "usual", customers, score_improvement(model, baseline), seed=1)
    assert grade.letter == "–"
    assert all(map(math.isnan, (grade.improvement, grade.low, grade.high)))


def test_too_few_samples_with_the_measure_are_no_grade():
    customers = np.array([f"c{n}" for n in range(10)], dtype=object)

    def improvement(rows):
        return 0.9 if len(set(rows.tolist())) == 10 or rows[0] == 0 else math.nan

    assert graded("m", "b", customers, improvement, seed=1).letter == "–"


def test_a_score_of_double_the_size_is_an_improvement_of_one():
    rows = np.arange(3)
    assert score_improvement(np.full(3, 0.4), np.full(3, 0.2))(rows) == pytest.approx(1.0)


def test_the_same_seed_gives_the_same_interval():
    rng = np.random.default_rng(4)
    customers = [f"c{n}" for n in range(80)]
    model, baseline = rng.random(80), rng.random(80)
    assert of_rows(customers, model, baseline) == of_rows(customers, model, baseline)
    assert of_rows(customers, model, baseline) != of_rows(customers, model, baseline, seed=2)


def test_the_interval_covers_what_resampling_by_hand_covers():
    rng = np.random.default_rng(4)
    model, baseline = rng.exponential(1, 300), rng.exponential(1.3, 300)
    grade = of_rows(range(300), model, baseline, rounds=1000)
    draws = [rng.integers(0, 300, 300) for _ in range(1000)]
    by_hand = [1 - model[rows].mean() / baseline[rows].mean() for rows in draws]
    assert [grade.low, grade.high] == pytest.approx(np.quantile(by_hand, [0.025, 0.975]), abs=0.02)
    assert grade.low < grade.improvement < grade.high


def test_the_rows_of_a_customer_stay_together():
    seen = []
    customers = np.array(["a", "b", "a", "c", "b", "a"], dtype=object)

    def look(rows):
        seen.append(np.bincount(rows, minlength=6))
        return 0.0

    graded("m", "b", customers, look, seed=3, rounds=50)
    for counts in seen:
        assert counts[0] == counts[2] == counts[5]
        assert counts[1] == counts[4]
    drawn = [counts[0] + counts[1] + counts[3] for counts in seen]
    assert set(drawn) == {3}
    assert len({tuple(counts) for counts in seen}) > 5


def test_nothing_to_judge_is_no_grade():
    grade = of_rows([], [], [])
    assert grade.letter == "–"
    assert grade.sentence() == "cannot be judged: no error against usual"
    assert math.isnan(grade.improvement)
    assert json.loads(json.dumps(grade.to_dict(), allow_nan=False))["improvement"] is None


def test_a_grade_for_machines():
    grade = Grade("B", "gini", "RFM average", 0.1, 0.04, 0.2)
    assert grade.to_dict() == {
        "letter": "B",
        "measure": "gini",
        "baseline": "RFM average",
        "improvement": 0.1,
        "low": 0.04,
        "high": 0.2,
        "total_off": None,
    }


@pytest.mark.parametrize(
    ("misses", "expected"),
    [
        ([0.05, -0.05], "A"),
        ([0.15, -0.15], "B"),
        ([0.3, -0.3], "C"),
        ([], "C"),
    ],
)
def test_a_total_that_is_off_costs_the_best_letters(misses, expected):
    ranked = Grade("A", "gini", "RFM average", 0.2, 0.15, 0.25)
    assert ranked.held_to_total(misses).letter == expected


def test_a_total_never_makes_a_grade_better():
    for letter_of_rank in ("B", "D", "E", "–"):
        ranked = Grade(letter_of_rank, "gini", "RFM average", 0.0, -0.1, 0.1)
        assert ranked.held_to_total([0.0]).letter == letter_of_rank


def test_the_sentence_says_how_far_totals_were_off():
    ranked = Grade("A", "gini", "RFM average", 0.2, 0.15, 0.25)
    assert ranked.held_to_total([0.2, -0.2]).sentence().endswith("totals off by 22% in the mean")
    assert "totals" not in ranked.held_to_total([]).sentence()
