"""A shop's own classifier as a churn model: kept safely, explained, refused where it cannot be."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from features.errors import ConfigError
from features.rows import Rows
from training.errors import BundleError
from training.models.calibration import logit
from training.models.cancellation import SavedChurn
from training.models.own_churn import OwnChurn
from training.past.tables import cutoff_table
from training.pyfunc import Loaded
from training.tasks.catalogue import tasks_for
from training.tasks.own_models import own_estimator


def doubled(values):
    return values * 2


def chain(*steps):
    filled = SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)
    return make_pipeline(filled, *steps, StandardScaler(), LogisticRegression())


@pytest.fixture(scope="module")
def table(trained):
    return cutoff_table(trained.log, trained.log.end - timedelta(days=45), 45)


@pytest.fixture(scope="module")
def model(table):
    return OwnChurn(horizon_days=45, estimator=chain(), title="line").fit([table])


def test_it_is_kept_without_anything_to_trust(model, table, tmp_path):
    model.save(tmp_path / "churn")
    loaded = SavedChurn.load(tmp_path / "churn")
    assert isinstance(loaded, OwnChurn)
    pd.testing.assert_frame_equal(
        loaded.predict(table.features), model.predict(table.features), check_exact=True
    )
    assert loaded.importance() == model.importance()
    assert len(Loaded(loaded).predict(table.features)) == len(table.features)
    (tmp_path / "churn" / "estimator.skops").write_bytes(b"damaged")
    with pytest.raises(BundleError, match="not a readable model"):
        SavedChurn.load(tmp_path / "churn")


def test_trees_are_kept_too(table, tmp_path):
    trees = RandomForestClassifier(5, max_depth=3, random_state=0)
    own = OwnChurn(horizon_days=45, estimator=trees).fit([table])
    own.save(tmp_path / "churn")
    loaded = SavedChurn.load(tmp_path / "churn")
    assert loaded.predict(table.features).equals(own.predict(table.features))


def test_its_reasons_add_up_and_depend_on_no_other_customer(model, table):
    rows = Rows.of(table.features)
    parts = model.parts(rows)
    typical = logit(model._probability(model.typical_[None]))
    expected = logit(model.probability(rows)) - typical
    assert parts.numbers.sum(axis=1) == pytest.approx(expected)
    alone = model.parts(rows.at([7])).numbers[0]
    assert alone == pytest.approx(parts.numbers[7])
    # of a straight line in one feature, all of the log odds are that feature's
    one = OwnChurn(horizon_days=45, estimator=chain()).fit([table])
    line = one.estimator_[-1]
    line.coef_ = np.where(np.arange(len(one.columns_)) == 2, 1.0, 0.0)[None]
    moved = one.parts(rows).numbers[:, 1:]
    assert np.abs(np.delete(moved, 2, axis=1)).max() < 1e-9


def test_what_a_server_would_have_to_trust_is_refused(table, tmp_path):
    own = OwnChurn(horizon_days=45, estimator=chain(FunctionTransformer(doubled))).fit([table])
    with pytest.raises(BundleError, match="doubled"):
        own.save(tmp_path / "churn")


def test_an_estimator_that_cannot_be_fitted_is_one_line(table):
    with pytest.raises(ConfigError, match="cannot be used: ValueError") as refused:
        OwnChurn(horizon_days=45, estimator=LogisticRegression()).fit([table])
    assert "LogisticRegression does not accept missing values" in str(refused.value)


def test_a_model_that_no_package_brings_is_named(trained):
    train = trained.settings.train.model_copy(update={"churn_model": "forest"})
    settings = trained.settings.model_copy(update={"train": train})
    with pytest.raises(ConfigError, match="no installed package brings 'forest'"):
        tasks_for(settings)
    with pytest.raises(
        ConfigError,
        match=r"train\.value_model: .* entry points of|train\.value_model: no installed package brings",
    ):
        own_estimator("value_model", "tree")
