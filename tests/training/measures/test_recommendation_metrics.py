from math import log2, nan

import pandas as pd
import pytest

from features.errors import ConfigError, DataError
from tests.support.purchases import day, purchases
from training.measures.recommendation_metrics import (
    catalogue_coverage,
    customer_metrics,
    mean_metrics,
    next_baskets,
    popularity_bias,
)

CUTOFF = day(10)
SHOP = purchases(
    [
        ("ann", 1, 0, "a b"),
        ("ann", 2, 5, "b c"),
        ("bob", 3, 9, "a"),
        ("ann", 8, 10, "late"),
        ("ann", 7, 10, "b d e"),
        ("bob", 9, 12, "x y"),
        ("cyd", 6, 13, "a"),
        ("dan", 5, 39, "a"),
        ("eve", 4, 40, "a"),
    ]
)


def ranked(**lists):
    rows = [
        (customer, rank, product)
        for customer, products in lists.items()
        for rank, product in enumerate(products.split(), start=1)
    ]
    return pd.DataFrame(rows, columns=["customer_id", "rank", "product_id"])


def test_next_basket_is_the_first_order_in_the_window():
    got = next_baskets(SHOP, cutoff=CUTOFF, horizon_days=30)
    assert got.to_numpy().tolist() == [
        ["ann", "b"],
        ["ann", "d"],
        ["ann", "e"],
        ["bob", "x"],
        ["bob", "y"],
        ["cyd", "a"],
        ["dan", "a"],
    ]


def test_next_baskets_do_not_depend_on_row_order_or_earlier_rows():
    later = SHOP.loc[SHOP["day"] >= SHOP["day"].min() + 10].sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(
        next_baskets(later, cutoff=CUTOFF, horizon_days=30),
        next_baskets(SHOP, cutoff=CUTOFF, horizon_days=30),
    )


def test_metrics_of_hand_made_lists():
    truth = next_baskets(SHOP, cutoff=CUTOFF, horizon_days=30)
    lists = ranked(ann="a b e", bob="a q", cyd="z a", someone_else="a")
    got = customer_metrics(lists, truth, history=SHOP, cutoff=CUTOFF, k=3)
    assert got.index.tolist() == ["ann", "bob", "cyd", "dan"]
    # ann: basket b d e, of which b is a repeat; hits at ranks 2 and 3
    assert got.loc["ann"].to_dict() == pytest.approx(
        {
            "basket": 3,
            "recall": 2 / 3,
            "ndcg": (1 / log2(3) + 1 / log2(4)) / (1 / log2(2) + 1 / log2(3) + 1 / log2(4)),
            "hit": 1,
            "repeat_recall": 1 / 1,
            "new_recall": 1 / 2,
        }
    )
    assert got.loc["bob"].to_dict() == pytest.approx(
        {"basket": 2, "recall": 0, "ndcg": 0, "hit": 0, "repeat_recall": nan, "new_recall": 0 / 2},
        nan_ok=True,
    )
    assert got.loc["cyd"].to_dict() == pytest.approx(
        {
            "basket": 1,
            "recall": 1,
            "ndcg": (1 / log2(3)) / (1 / log2(2)),
            "hit": 1,
            "repeat_recall": nan,
            "new_recall": 1,
        },
        nan_ok=True,
    )
    assert got.loc["dan", ["recall", "ndcg", "hit", "new_recall"]].tolist() == [0, 0, 0, 0]
    assert mean_metrics(got) == pytest.approx(
        {
            "recall": (2 / 3 + 0 + 1 + 0) / 4,
            "ndcg": got["ndcg"].sum() / 4,
            "hit": 2 / 4,
            "repeat_recall": 1 / 1,
            "new_recall": (1 / 2 + 0 + 1 + 0) / 4,
        }
    )


def test_only_the_first_k_places_count():
    truth = next_baskets(SHOP, cutoff=CUTOFF, horizon_days=30)
    got = customer_metrics(ranked(ann="a b e"), truth, history=SHOP, cutoff=CUTOFF, k=2)
    assert got.loc["ann", "recall"] == pytest.approx(1 / 3)
    # the basket of three is cut at k = 2 in the ideal list
    assert got.loc["ann", "ndcg"] == pytest.approx((1 / log2(3)) / (1 / log2(2) + 1 / log2(3)))


def test_a_perfect_list_scores_one():
    truth = next_baskets(SHOP, cutoff=CUTOFF, horizon_days=30)
    perfect = truth.assign(rank=truth.groupby("customer_id").cumcount() + 1)
    for k in (1, 2, 10):
        got = customer_metrics(perfect, truth, history=SHOP, cutoff=CUTOFF, k=k)
        assert got["ndcg"].tolist() == pytest.approx([1.0] * 4)


def test_the_whole_basket_can_be_the_ideal():
    truth = pd.DataFrame({"customer_id": ["ann"] * 3, "product_id": ["a", "b", "c"]})
    lists = ranked(ann="a x")
    for ideal, products in (("list", 2), ("basket", 3)):
        got = customer_metrics(lists, truth, history=SHOP, cutoff=CUTOFF, k=2, ideal=ideal)
        best = sum(1 / log2(place + 1) for place in range(1, products + 1))
        assert got.loc["ann", "ndcg"] == pytest.approx(1 / best)


def test_popularity_is_compared_with_what_is_bought():
    past = purchases([("ann", 1, 0, "a b"), ("bob", 2, 0, "a"), ("cyd", 3, 0, "a")])
    # a is bought three times, b once: a purchase is of a product bought 10 / 4 times
    got = popularity_bias(ranked(ann="b a", bob="b"), history=past, cutoff=CUTOFF, k=1)
    assert got == pytest.approx(1 / (10 / 4))


def test_coverage_counts_products_of_the_catalogue():
    lists = ranked(ann="a b unknown", bob="a c")
    # bought before the cutoff: a b c; shown in the first place: a
    assert catalogue_coverage(lists, history=SHOP, cutoff=CUTOFF, k=1) == 1 / 3
    assert catalogue_coverage(lists, history=SHOP, cutoff=CUTOFF, k=3) == 3 / 3


def test_wrong_use_is_refused():
    with pytest.raises(ConfigError, match="horizon_days"):
        next_baskets(SHOP, cutoff=CUTOFF, horizon_days=0)
    with pytest.raises(ConfigError, match="k: 0"):
        customer_metrics(ranked(ann="a"), SHOP, history=SHOP, cutoff=CUTOFF, k=0)
    with pytest.raises(DataError, match="no column 'day'"):
        next_baskets(SHOP.drop(columns="day"), cutoff=CUTOFF, horizon_days=30)
