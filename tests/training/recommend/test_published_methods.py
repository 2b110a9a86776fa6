"""The peers' equations on three customers worked by hand."""

import numpy as np
import pytest

from benchmarks.next_basket_peers import TifuKnn, UpCf
from tests.support.purchases import day, purchases

ORDERS = [
    ("ann", 1, 1, "x"),
    ("ann", 2, 5, "x y"),
    ("bob", 3, 2, "y"),
    ("bob", 4, 9, "y"),
    ("cem", 5, 3, "x"),
]


def test_baskets_weigh_by_their_group_and_their_place_in_it():
    method = TifuKnn(nearest=1, own_share=1, groups=2, basket_decay=0.5, group_decay=0.5)
    assert method.weights(1).tolist() == [1]
    assert method.weights(2).tolist() == [0.5 / 2, 1 / 2]
    assert method.weights(3).tolist() == [0.5 / 2, 0.5 / (2 * 2), 1 / (2 * 2)]


def test_the_nearest_vectors_are_averaged_product_by_product():
    method = TifuKnn(nearest=1, own_share=0.25, groups=2, basket_decay=0.5, group_decay=0.5)
    method.fit(purchases(ORDERS), as_of=day(10))
    # ann (3/4, 1/2) is nearer to cem (1, 0) than to bob (0, 3/4)
    expected = [0.25 * 0.75 + 0.75 * 1, 0.25 * 0.5]
    assert method.scores(np.array([0]))[0] == pytest.approx(expected)


def test_likeness_weighs_what_each_customer_bought_lately():
    method = UpCf(recency=2, nearest=3, locality=2, asymmetry=0.5)
    method.fit(purchases(ORDERS), as_of=day(10))
    # ann shares one of her two products with each of the others: likeness 1 / √2
    expected = [1 + 1 / 2 * 1, 1 / 2 + 1 / 2 * 1]
    assert method.scores(np.array([0]))[0] == pytest.approx(expected)
    method = UpCf(recency=1, nearest=1, locality=2).fit(purchases(ORDERS), as_of=day(10))
    assert method.scores(np.array([0]))[0] == pytest.approx([1, 1])


@pytest.mark.parametrize(("kind", "listed"), [("all", ["x", "y"]), ("new", ["y", "x"])])
def test_lists_are_the_best_first_and_new_ones_before_owned_ones(kind, listed):
    method = TifuKnn(nearest=2, own_share=0.9).fit(purchases(ORDERS), as_of=day(10))
    got = method.recommend(purchases(ORDERS), customers=["cem"], as_of=day(10), limit=2, kind=kind)
    assert got["product_id"].tolist() == listed
    assert got["rank"].tolist() == [1, 2]
