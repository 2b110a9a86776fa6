"""Clusters: found where they are, named for what they are, kept as they were."""

import json

import numpy as np
import pandas as pd
import pytest

from features.errors import NotEnoughData
from features.segments.clusters import TRAITS, cluster_labels, cluster_words
from features.settings.segments import ClusterSearch
from training.errors import BundleError
from training.segments.cluster_search import FILE, ClusterModel

SEARCH = ClusterSearch(fewest=2, most=6, resamples=5)
GROUPS = {
    # orders a year, days silent, order value: three kinds of customer far apart
    "loyal": (60.0, 4.0, 30.0),
    "bulk": (6.0, 20.0, 900.0),
    "lapsed": (1.0, 300.0, 30.0),
}


def shop(per_group=60, seed=1):
    """Customers of the three kinds, each number within some 20 % of its kind's."""
    rng = np.random.default_rng(seed)
    middle = np.repeat(np.array(list(GROUPS.values())), per_group, axis=0)
    noisy = middle * rng.lognormal(0, 0.2, middle.shape)
    table = pd.DataFrame(
        noisy, columns=["orders_365d", "days_since_last_order", "mean_order_value"]
    )
    table["discount_share"] = np.nan
    table["returned_share"] = 0.0
    return table.assign(days_since_first_order=400.0, kind=np.repeat(list(GROUPS), per_group))


@pytest.fixture(scope="module")
def model():
    return ClusterModel(search=SEARCH, seed=7).fit(shop())


def test_three_kinds_of_customer_are_three_clusters(model):
    table = shop(seed=2)
    found = model.clusters_.assign(table)["cluster"]
    pairs = set(zip(table["kind"], found, strict=True))
    assert len(pairs) == 3
    names = dict(pairs)
    assert "frequent" in names["loyal"]
    assert "large_orders" in names["bulk"]
    assert "silent" in names["lapsed"]
    assert model.clusters_.stability["3"] == 1


def test_the_number_is_the_largest_that_is_nearly_as_stable_as_the_best(model):
    stability = {int(number): index for number, index in model.clusters_.stability.items()}
    assert set(stability) == {2, 3, 4, 5, 6}
    assert len(model.clusters_.labels) == max(
        number for number, index in stability.items() if index >= max(stability.values()) - 0.05
    )


def test_columns_that_tell_nothing_are_not_used(model):
    """One is unknown for all, two are the same for all, one is not there."""
    assert model.clusters_.columns_used == (
        "orders_365d",
        "days_since_last_order",
        "mean_order_value",
    )


def test_same_customers_and_seed_same_clusters(model):
    assert ClusterModel(search=SEARCH, seed=7).fit(shop()).clusters_ == model.clusters_


def test_saved_clusters_are_the_same(model, tmp_path):
    model.save(tmp_path)
    again = ClusterModel.load(tmp_path)
    assert again.clusters_ == model.clusters_
    assert (again.search, again.seed) == (model.search, model.seed)
    table = shop(seed=3)
    pd.testing.assert_frame_equal(again.clusters_.assign(table), model.clusters_.assign(table))
    again.save(tmp_path / "copy")
    assert (tmp_path / "copy" / FILE).read_bytes() == (tmp_path / FILE).read_bytes()


def test_unknown_behaviour_stands_in_the_middle(model):
    table = shop().iloc[:1].assign(orders_365d=np.nan, mean_order_value=np.nan)
    assert model.clusters_.assign(table)["cluster"].item() in model.clusters_.labels


@pytest.mark.parametrize(
    "damage",
    [
        {"labels": ["one"]},
        {"spread": [1.0, 0.0, 1.0]},
        {"centre": [1.0, float("inf"), 1.0]},
        {"columns_used": ["orders_365d", "mean_order_value", "foreign"]},
        {"centres": "many"},
        {"stability": {}},
    ],
)
def test_damaged_clusters_are_refused(model, tmp_path, damage):
    model.save(tmp_path)
    value = json.loads((tmp_path / FILE).read_text())
    value["clusters"] |= damage
    (tmp_path / FILE).write_text(json.dumps(value))
    with pytest.raises(BundleError):
        ClusterModel.load(tmp_path)


@pytest.mark.parametrize("gone", ["clusters", "search", "seed"])
def test_a_file_of_something_else_is_refused(model, tmp_path, gone):
    model.save(tmp_path)
    value = json.loads((tmp_path / FILE).read_text())
    del value[gone]
    (tmp_path / FILE).write_text(json.dumps(value))
    with pytest.raises(BundleError):
        ClusterModel.load(tmp_path)


def test_too_few_customers_are_refused():
    with pytest.raises(NotEnoughData, match="19 customers are too few for 2 clusters"):
        ClusterModel(search=SEARCH, seed=1).fit(shop().head(19))


def test_customers_who_are_all_alike_are_refused():
    alike = pd.concat([shop().head(1)] * 50)
    with pytest.raises(NotEnoughData, match="too much alike"):
        ClusterModel(search=SEARCH, seed=1).fit(alike)


def test_names_tell_what_sets_apart_and_are_never_the_same():
    plain = dict.fromkeys(TRAITS, 0.0)
    far = {**plain, "orders_365d": 2.0, "days_since_last_order": -1.0}
    assert cluster_labels([far, plain]) == ("frequent_recent", "average")
    assert cluster_labels([far, {**far, "mean_order_value": 0.5}]) == (
        "frequent_recent",
        "frequent_recent_large_orders",
    )
    assert cluster_labels([far, far]) == ("frequent_recent_1", "frequent_recent_2")
    assert cluster_words(far).into("en") == "order often, ordered more recently than most"
    assert cluster_words(plain).into("zh") == "与平均客户相近"


def test_age_and_silence_are_told_beside_the_others():
    """All customers may be old, or silent: the latest group is still not new."""
    for column in ("days_since_first_order", "days_since_last_order"):
        (_, low), _ = TRAITS[column]
        assert low.into("en").endswith("than most")
