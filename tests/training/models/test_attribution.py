import lightgbm
import numpy as np
import pandas as pd
import pytest

from training.models.attribution import MOST_SPLITS, ROWS_PER_BLOCK, TreeTables
from training.models.boosting import EXPLAINED_BY_TABLES, PREDICTED_BY_TABLES, OffsetBooster

EQUAL = 1e-10


def numbers(rows=800, columns=6, *, seed=0, missing=0.0, zeros=0.0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, columns)).round(2)
    values[rng.random(values.shape) < zeros] = 0.0
    values[rng.random(values.shape) < missing] = np.nan
    return values


def wanted_of(values, seed=0):
    """Interactions, a bend, and a meaning of zero and of what is missing."""
    first, second, third = values[:, 0], values[:, 1], values[:, -1]
    noise = np.random.default_rng(seed).normal(scale=0.2, size=len(values))
    known = np.nan_to_num(first) * np.where(second > 0, 1, -1) + np.nan_to_num(third) ** 2
    return known + np.isnan(first) - 2 * (first == 0) + noise


def grown(values, *, rounds=40, wanted=None, categories="auto", **parameters):
    parameters = {
        "num_leaves": 8,
        "num_threads": 1,
        "deterministic": True,
        "verbosity": -1,
        **parameters,
    }
    label = wanted_of(values) if wanted is None else wanted
    data = lightgbm.Dataset(values, label=label, params=parameters, categorical_feature=categories)
    return lightgbm.train(parameters, data, num_boost_round=rounds)


def tables_of(booster):
    found = TreeTables.of(booster.model_to_string())
    assert found is not None
    return found


def assert_same(booster, values, **options):
    said = booster.predict(values, pred_contrib=True, **options)
    found = tables_of(booster).contributions(values)
    np.testing.assert_allclose(found, said, rtol=0, atol=EQUAL)
    raw = booster.predict(values, raw_score=True, **options)
    np.testing.assert_allclose(found.sum(axis=1), raw, rtol=0, atol=EQUAL)
    np.testing.assert_array_equal(tables_of(booster).raw_scores(values), raw)


@pytest.mark.parametrize("leaves", [2, 3, 8, MOST_SPLITS + 1])
def test_trees_of_any_small_size_explain_as_lightgbm_does(leaves):
    assert_same(grown(numbers(), num_leaves=leaves), numbers(seed=1))


def test_features_that_come_back_on_a_path():
    values = numbers(columns=2)
    assert_same(grown(values, min_data_in_leaf=2), numbers(columns=2, seed=1))


UNUSUAL = np.array([0.0, -0.0, 1e-36, -1e-36, 1e-34, np.inf, -np.inf, np.nan, 1e300])


@pytest.mark.parametrize("learned_missing", [0.0, 0.2])
@pytest.mark.parametrize(
    "parameters", [{}, {"zero_as_missing": True}, {"use_missing": False}], ids=str
)
def test_zeros_and_missing_values_go_the_same_way(learned_missing, parameters):
    learned = numbers(missing=learned_missing, zeros=0.3)
    booster = grown(learned, **parameters)
    values = numbers(seed=1, missing=0.2, zeros=0.2)
    rng = np.random.default_rng(2)
    unusual = rng.random(values.shape) < 0.1
    values[unusual] = rng.choice(UNUSUAL, int(unusual.sum()))
    assert_same(booster, values)


def test_values_on_a_threshold():
    booster = grown(numbers())
    record = booster.trees_to_dataframe().dropna(subset="threshold")
    values = numbers(rows=len(record), seed=1)
    places = record["split_feature"].str.removeprefix("Column_").astype(int)
    values[np.arange(len(record)), places] = record["threshold"]
    assert_same(booster, values)


def test_trees_without_a_split_have_only_their_mean():
    values = numbers(rows=15)
    booster = grown(values, rounds=3, wanted=values[:, 0] + 5)
    found = tables_of(booster).contributions(values)
    assert (found[:, :-1] == 0).all()
    np.testing.assert_array_equal(
        tables_of(booster).raw_scores(values), booster.predict(values, raw_score=True)
    )
    np.testing.assert_allclose(found, booster.predict(values, pred_contrib=True))


@pytest.mark.parametrize(
    ("objective", "wanted"),
    [
        ("binary", lambda raw: raw > 0),
        ("poisson", lambda raw: np.exp(raw.clip(max=3))),
        ("tweedie", lambda raw: np.exp(raw.clip(max=3))),
    ],
)
def test_objectives_of_our_models_after_a_file(objective, wanted, tmp_path):
    values = numbers(rows=1500)
    features = pd.DataFrame(values, columns=[f"feature_{place}" for place in range(6)])
    target = wanted(wanted_of(values)).astype(float)
    parameters = {"objective": objective, "num_leaves": 8, "verbosity": -1, "num_threads": 1}
    offset = np.full(len(values), 0.5)
    model = OffsetBooster.fit(features, target, offset, parameters, 60)
    model.save(tmp_path / "model.txt")
    loaded = OffsetBooster.load(tmp_path / "model.txt", list(features))
    looked_up = model.contributions(features)
    assert model._tables is not None
    np.testing.assert_array_equal(loaded.contributions(features), looked_up)
    few = features.head(EXPLAINED_BY_TABLES - 1)
    np.testing.assert_allclose(model.contributions(few), looked_up[: len(few)], rtol=0, atol=EQUAL)


def test_blocks_of_rows_join_without_a_seam():
    booster = grown(numbers())
    values = numbers(rows=ROWS_PER_BLOCK + 3, seed=4)
    found = tables_of(booster).contributions(values)
    alone = [tables_of(booster).contributions(values[[row]])[0] for row in (0, -4, -3, -1)]
    np.testing.assert_array_equal(found[[0, -4, -3, -1]], alone)
    assert tables_of(booster).contributions(values[:0]).shape == (0, 7)


def test_what_tables_cannot_hold_is_left_to_lightgbm():
    values = numbers(rows=1500)
    large = grown(values, num_leaves=MOST_SPLITS + 2)
    categories = values.copy()
    categories[:, 0] = np.arange(len(values)) % 7
    by_category = grown(categories, wanted=categories[:, 0] % 3 + values[:, 1], categories=[0])
    linear = grown(values, linear_tree=True)
    for booster in (large, by_category, linear):
        assert TreeTables.of(booster.model_to_string()) is None
    features = pd.DataFrame(values)
    np.testing.assert_array_equal(
        OffsetBooster(large).contributions(features), large.predict(values, pred_contrib=True)
    )


def test_a_small_tree_by_hand():
    # half of the rows has x = 1 and then 6 instead of 2: each side lies 2 from the mean of 4
    values = np.array([[0.0], [1.0]] * 50)
    booster = grown(
        values, rounds=1, wanted=2 + 4 * values[:, 0], learning_rate=1.0, min_data_in_leaf=1
    )
    found = tables_of(booster).contributions(np.array([[0.0], [1.0]]))
    np.testing.assert_allclose(found, [[-2, 4], [2, 4]], atol=1e-6)


def test_many_rows_are_predicted_as_few_are():
    model = OffsetBooster(grown(numbers()))
    many = pd.DataFrame(numbers(rows=PREDICTED_BY_TABLES, seed=3))
    parts = [model.correction(many[:5_000]), model.correction(many[5_000:])]
    np.testing.assert_array_equal(model.correction(many), np.concatenate(parts))
