import json

import numpy as np
import pytest

from training.backtest.evidence import FILE, BacktestEvidence, outcomes, shares, spread
from training.errors import BundleError


def evidence(**versions):
    """What a training of a date leaves, of tasks and their versions."""
    day = versions.pop("day")
    tasks = {name: {"version": version, "as_of": day} for name, version in versions.items()}
    return BacktestEvidence(tasks, {day: {"customers": 10, "features": {}}})


def test_deciles_compare_tenths_of_each_occasion():
    said = np.arange(20) / 20
    first, second = outcomes([(said, said), (said, said + 1)], levels=False)["deciles"][::9]
    assert first == {
        "decile": 1,
        "customers": 4,
        "said": pytest.approx(1 / 40),
        "happened": pytest.approx(1 / 40 + 1 / 2),
    }
    assert second["customers"] == 4
    assert second["said"] == pytest.approx(37 / 40)


def test_totals_are_sums_per_occasion():
    pairs = [(np.array([1.0, 2.0]), np.array([4.0, 0.0])), (np.array([5.0]), np.array([6.0]))]
    assert outcomes(pairs, levels=False)["totals"] == [
        {"customers": 2, "said": 3.0, "happened": 4.0, "noise": pytest.approx(13**0.5 / 3)},
        {"customers": 1, "said": 5.0, "happened": 6.0, "noise": pytest.approx(1 / 5)},
    ]


def test_levels_are_steps_of_the_probability_from_their_lower_edge():
    said = np.array([0.0, 0.049, 0.05, 0.15, 0.999, 1.0])
    happened = np.array([0.0, 0.0, 1.0, 0.0, 1.0, 1.0])
    levels = outcomes([(said, happened)], levels=True)["levels"]
    assert [(one["from"], one["customers"], one["happened"]) for one in levels] == [
        (0.0, 1, 0.0),
        (0.04, 1, 0.0),
        (0.05, 1, 1.0),
        (0.15, 1, 0.0),
        (0.99, 2, 2.0),
    ]
    assert outcomes([(said, happened)], levels=False)["levels"] == []


def test_what_was_not_said_is_not_counted():
    pair = (np.array([np.nan, 1.0]), np.array([1.0, 1.0]))
    assert outcomes([pair], levels=False)["totals"][0]["customers"] == 1
    assert outcomes([(np.array([]), np.array([]))], levels=False)["deciles"] == []


def test_a_spread_has_tenths_that_differ_and_those_without():
    found = spread(np.array([*range(1, 11), np.nan, np.nan], dtype=float))
    assert found["missing"] == pytest.approx(2 / 12)
    assert len(found["edges"]) == 9
    assert sum(found["shares"]) == pytest.approx(1)
    mostly_zero = spread(np.array([0.0] * 8 + [1.0, 2.0]))
    assert mostly_zero["edges"][0] == 0
    assert mostly_zero["shares"][0] == pytest.approx(8 / 10)
    assert spread(np.array([np.nan])) == {"edges": [], "shares": [0.0], "missing": 1.0}


def test_an_edge_belongs_to_the_part_below_it():
    assert shares(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0])) == [1 / 2, 1 / 2]


def test_a_kept_model_keeps_its_evidence_and_what_it_learned_from():
    earlier = evidence(day="2024-01-01", churn="1", value="1")
    now = evidence(day="2024-02-01", churn="2", value="2", recommendation="1")
    both = now.with_kept(earlier, {"churn": "1"})
    assert {name: one["version"] for name, one in both.tasks.items()} == {
        "churn": "1",
        "value": "2",
        "recommendation": "1",
    }
    assert list(both.references) == ["2024-01-01", "2024-02-01"]
    assert list(now.with_kept(earlier, {}).references) == ["2024-02-01"]


def test_a_kept_model_without_evidence_has_none():
    now = evidence(day="2024-02-01", churn="2", value="2")
    assert set(now.with_kept(None, {"churn": "1"}).tasks) == {"value"}
    other = evidence(day="2024-01-01", churn="7")
    assert set(now.with_kept(other, {"churn": "1"}).tasks) == {"value"}


def test_evidence_is_read_back_as_it_was_saved(tmp_path):
    saved = evidence(day="2024-01-01", churn="1")
    saved.save(tmp_path)
    assert BacktestEvidence.load(tmp_path) == saved
    (tmp_path / FILE).write_text(json.dumps({"tasks": {}}))
    with pytest.raises(BundleError, match="not evidence"):
        BacktestEvidence.load(tmp_path)


def test_a_training_leaves_its_evidence_in_the_bundle(trained):
    found = BacktestEvidence.load(trained.result.bundle / BacktestEvidence.name)
    assert {name: one["version"] for name, one in found.tasks.items()} == trained.result.versions
    (reference,) = found.references.values()
    assert reference["customers"] == trained.result.customers
    churn = found.tasks["churn"]
    folds = trained.result.backtest.plan.folds
    assert [fold["test"] for fold in churn["folds"]] == [fold.test.isoformat() for fold in folds]
    assert [one["customers"] for one in churn["totals"]] == [
        fold["customers"] for fold in churn["folds"]
    ]
    text = json.dumps(found.tasks) + json.dumps(found.references)
    assert not [one for one in trained.orders["customer"].unique() if f'"{one}"' in text]
