"""Baselines as models: they say what their rule says, and add up like any model."""

import numpy as np
import pandas as pd
import pytest

from features.rows import Rows
from training.bundle.publication import golden_rows
from training.models.baselines import InactivityRule, RfmAverage
from training.models.calibration import logit
from training.stand_ins.cell_means import COLUMNS, CellMeans
from training.stand_ins.churn import InactivityChurn, load_churn
from training.stand_ins.value import RfmAverageValue, load_value
from training.tasks.catalogue import TASKS
from training.value.description import Description


@pytest.fixture(scope="module")
def prepared(trained):
    from training.job import prepare_training

    return prepare_training(trained.log, None, lambda _: None)


@pytest.fixture(scope="module")
def stand_ins(prepared):
    return {
        task.name: task.stand_in(prepared.world, prepared.plan.whole) for task in prepared.tasks
    }


@pytest.fixture(scope="module")
def features(prepared):
    world, plan = prepared.world, prepared.plan
    return world.tables(plan.whole.train, plan.as_of)[-1].features


def test_every_task_has_a_stand_in_of_the_title_it_is_graded_against(stand_ins):
    assert set(stand_ins) == {task.name for task in TASKS}
    titles = {task.name: task.baseline for task in TASKS}
    assert stand_ins["churn"].title == titles["churn"]
    assert stand_ins["value"].title == titles["value"]
    assert stand_ins["value"].level_.source == "baseline"


def test_the_risk_is_that_of_the_inactivity_rule(prepared, stand_ins, features):
    whole = prepared.plan.whole
    rule = InactivityRule().fit(prepared.world.tables(whole.train, whole.test))
    predicted = stand_ins["churn"].predict(features)["churn_probability"]
    expected = rule.predict(features)["churn_probability"]
    np.testing.assert_allclose(predicted, expected, rtol=1e-12)


def test_parts_add_up_to_what_is_said(stand_ins, features):
    rows = Rows.of(features)
    churn = stand_ins["churn"]
    gap = churn.parts(rows).numbers.sum(axis=1) - logit(churn.probability(rows))
    np.testing.assert_allclose(gap, gap[0], atol=1e-9)
    value = stand_ins["value"].order_value_
    _, parts = value.contributions(rows)
    gap = parts.sum(axis=1) - np.log(value.predict(rows))
    np.testing.assert_allclose(gap, gap[0], atol=1e-9)
    others = [position for position, name in enumerate(features) if name not in COLUMNS]
    assert not parts[:, others].any()


def test_the_identities_hold_as_beside_models(stand_ins, features):
    description = Description(stand_ins["churn"], stand_ins["value"], stand_ins["next_purchase"])
    figures = description.figures(Rows.of(features))
    np.testing.assert_allclose(figures["churn_probability"], 1 - figures["p_order"], rtol=1e-9)
    np.testing.assert_allclose(
        figures["clv"],
        figures["p_order"]
        * figures["expected_orders_given_order"]
        * figures["expected_order_value"],
        rtol=1e-9,
    )
    assert (figures["expected_orders_given_order"] >= 1).all()
    assert (figures["p_alive"] >= figures["p_order"]).all()
    assert all(np.isfinite(column).all() for column in figures.values())


def test_the_date_is_the_last_order_plus_the_usual_gap(stand_ins, features):
    model = stand_ins["next_purchase"]
    gap = features["mean_gap_days"].fillna(model.median_gap_)
    due = (gap - features["days_since_last_order"]).round().clip(0, model.horizon_days - 1)
    predicted = model.predict(features)
    np.testing.assert_array_equal(predicted["next_order_days"], np.floor(due))
    assert (predicted["next_order_low"] <= predicted["next_order_days"]).all()
    assert (predicted["next_order_high"] >= predicted["next_order_days"]).all()


def test_they_read_back_bit_for_bit(stand_ins, features, tmp_path):
    golden = golden_rows(features)
    for name, load, kind in (
        ("churn", load_churn, InactivityChurn),
        ("value", load_value, RfmAverageValue),
    ):
        stand_ins[name].save(tmp_path / name)
        read = load(tmp_path / name)
        assert type(read) is kind
        pd.testing.assert_frame_equal(
            read.predict(golden), stand_ins[name].predict(golden), check_exact=True
        )
        assert read.importance() == stand_ins[name].importance()


def test_the_means_of_cells_are_drawn_toward_that_of_all():
    """Two cells by recency, four customers each: (4·2 + 5·3) ÷ 9 and (4·4 + 5·3) ÷ 9."""
    features = pd.DataFrame(
        {
            "days_since_last_order": [1.0] * 4 + [9.0] * 4,
            "orders_365d": 1.0,
            "spend_365d": 1.0,
        }
    )
    edges = [np.array([5.0]), np.array([2.0]), np.array([2.0])]
    amounts = np.array([2.0] * 4 + [4.0] * 4)
    means = CellMeans(edges).fit(features, amounts, np.ones(8), 1.0)
    np.testing.assert_allclose(means.predict(features), [23 / 9] * 4 + [31 / 9] * 4)
    assert set(RfmAverage.COLUMNS) == set(features)
    # only recency sets the cells apart that hold customers, and it is what is named
    parts = means.parts(features)
    assert np.abs(parts[:, 0]).min() > np.abs(parts[:, 1:]).max()
