"""A shop's own regressor as a value model: kept safely, explained, beside the rest of a value."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, TweedieRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from features.errors import ConfigError, NotEnoughData
from features.rows import Rows
from training.errors import BundleError
from training.models.estimator import customer_thirds
from training.past.tables import cutoff_table
from training.pyfunc import Loaded
from training.stand_ins.value import load_value
from training.tasks.own_models import OwnValueTask
from training.value.own_value import OwnValue


def doubled(values):
    return values * 2


def chain(*steps):
    return make_pipeline(
        SimpleImputer(), *steps, StandardScaler(), TweedieRegressor(power=1.5, alpha=1.0)
    )


@pytest.fixture(scope="module")
def table(trained):
    return cutoff_table(trained.log, trained.log.end - timedelta(days=45), 45)


@pytest.fixture(scope="module")
def model(table):
    return OwnValue(horizon_days=45, estimator=chain(), title="line").fit([table])


def test_it_is_kept_without_anything_to_trust(model, table, tmp_path):
    model.save(tmp_path / "value")
    loaded = load_value(tmp_path / "value")
    assert isinstance(loaded, OwnValue)
    pd.testing.assert_frame_equal(
        loaded.predict(table.features), model.predict(table.features), check_exact=True
    )
    assert loaded.importance() == model.importance()
    assert len(Loaded(loaded).predict(table.features)) == len(table.features)
    own = OwnValue(horizon_days=45, estimator=chain(FunctionTransformer(doubled))).fit([table])
    with pytest.raises(BundleError, match="doubled"):
        own.save(tmp_path / "refused")


def test_the_value_is_the_chance_of_an_order_times_what_the_estimator_says(model, table):
    p_order = np.linspace(0.05, 0.95, len(table.features))
    says = model.predict(table.features, p_order)
    total = model.total(table.features.to_numpy(dtype=float))
    assert says["clv"].to_numpy() == pytest.approx(p_order * total)
    parts = says["expected_orders"] * says["expected_order_value"]
    assert parts.to_numpy() == pytest.approx(says["clv"].to_numpy())
    assert (says["clv_low"] <= says["clv_high"]).all()
    # learned from who ordered, and from nobody else
    buyers = table.labels["orders"] > 0
    features = table.features.copy()
    features.loc[:, features.isna().all()] = 0.0
    values = table.labels["value"][buyers].clip(lower=0.0)
    expected = chain().fit(features[buyers], values).predict(table.features)
    assert total == pytest.approx(expected)


def test_its_interval_is_that_of_others_customers(table, monkeypatch):
    seen = {}

    def watched(self, _expected, if_order, _came):
        seen["if_order"] = if_order
        return self

    monkeypatch.setattr("training.value.value_spread.ValueSpread.fit", watched)
    OwnValue(horizon_days=45, estimator=chain()).fit([table])
    buyers = table.labels["orders"] > 0
    features = table.features[buyers].copy()
    features.loc[:, features.isna().all()] = 0.0
    values = table.labels["value"][buyers].clip(lower=0.0)
    thirds = customer_thirds(features.index)
    others = chain().fit(features[thirds != 0], values[thirds != 0])
    assert seen["if_order"][thirds == 0] == pytest.approx(others.predict(features[thirds == 0]))


def test_its_reasons_add_up_and_depend_on_no_other_customer(model, table):
    rows = Rows.of(table.features)
    parts = model.parts(rows)
    expected = np.log(model.total(rows.numbers)) - np.log(model.total(model.typical_[None]))
    assert parts.numbers.sum(axis=1) == pytest.approx(expected)
    assert model.parts(rows.at([7])).numbers[0] == pytest.approx(parts.numbers[7])


def test_what_cannot_be_fitted_is_one_line(table):
    with pytest.raises(ConfigError, match="cannot be used: ValueError"):
        OwnValue(horizon_days=45, estimator=LinearRegression()).fit([table])
    nobody = cutoff_table_without_orders(table)
    with pytest.raises(NotEnoughData, match="nobody ordered"):
        OwnValue(horizon_days=45, estimator=chain()).fit([nobody])


def cutoff_table_without_orders(table):
    labels = table.labels.assign(orders=0, value=0.0)
    return type(table)(**{**vars(table), "labels": labels})


def test_its_task_is_called_as_the_model_is():
    assert OwnValueTask(chain(), "line").title == "Value (line)"
    assert OwnValueTask(chain()).name == "value"
