"""Lists that a shop can show: no tests, nothing given back, few twins, something new."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from features.orders.log import day_number
from tests.support.purchases import day, purchases, random_shop
from training.past.purchase_history import place_in_group, read_history
from training.recommend.baskets import baskets_of
from training.recommend.families import Families, words_of
from training.recommend.filters import RecommendationRules
from training.recommend.model import RecommendationModel
from training.recommend.spread import PLACES, ROUNDS, share_kept, steps_back
from training.recommend.together import Together

TODAY = day(170)
COLOURS = ("red", "blue", "green", "pink")
KINDS = tuple(f"{first}{second} lamp" for first in "bcdfgh" for second in ("ado", "eri", "uno"))


def named(shop):
    """Every four products in a row are the colours of one kind of lamp; p00 is a test."""
    number = shop["product_id"].astype(str).str.slice(1).astype(int)
    name = [f"{KINDS[n // 4 % len(KINDS)]} {COLOURS[n % 4]}" for n in number]
    name = np.where(number == 0, "This is a test product.", name)
    return shop.assign(product_name=pd.Categorical(name))


SHOP = named(random_shop(seed=11, customers=150, products=60))
CUSTOMERS = sorted(SHOP["customer_id"].astype(str).unique())[:40]
PAST = SHOP[SHOP["day"] < day_number(TODAY)]
NAME = dict(zip(SHOP["product_id"].astype(str), SHOP["product_name"].astype(str), strict=True))


@pytest.fixture(scope="module")
def model():
    return RecommendationModel(seed=3).fit(SHOP, as_of=TODAY)


@pytest.fixture(scope="module", params=["trees", "counts"])
def either(request, model):
    if request.param == "trees":
        return model
    return RecommendationModel(counts_only=True).fit(SHOP, as_of=TODAY)


def lists(model, limit=10, customers=CUSTOMERS, kind="all", **rules):
    return model.recommend(
        SHOP,
        customers=customers,
        as_of=TODAY,
        limit=limit,
        kind=kind,
        rules=RecommendationRules(**rules),
    )


def test_products_of_the_tills_trials_are_never_listed(either):
    assert "p00" in set(PAST["product_id"])
    assert "p00" not in set(lists(either, limit=100)["product_id"])


def test_what_was_given_back_whole_is_not_listed_for_that_customer_alone(either):
    plain = lists(either)
    customer = CUSTOMERS[3]
    gone = set(plain.loc[plain["customer_id"] == customer, "product_id"][:4])
    got = lists(either, given_back={customer: gone})
    theirs, others = got["customer_id"] == customer, plain["customer_id"] != customer
    assert not gone & set(got.loc[theirs, "product_id"])
    assert theirs.sum() == 10
    pd.testing.assert_frame_equal(
        got[~theirs].reset_index(drop=True), plain[others].reset_index(drop=True)
    )
    everything = lists(either, limit=100, customers=[customer], given_back={customer: gone})
    assert len(everything) == PAST["product_id"].nunique() - 1 - len(gone)


def test_what_nobody_could_buy_for_long_is_not_listed(either):
    gone = set(lists(either)["product_id"].value_counts().index[:5])
    got = lists(either, gone=gone)
    assert not gone & set(got["product_id"])
    assert (got.groupby("customer_id").size() == 10).all()


@pytest.mark.parametrize("counts_only", [False, True])
@pytest.mark.parametrize(("silent_days", "code"), [(50, "every_n_days"), (51, "bought_before")])
def test_a_rhythm_silent_for_more_than_five_gaps_is_not_told_as_one(counts_only, silent_days, code):
    model = RecommendationModel(counts_only=counts_only).fit(SHOP, as_of=TODAY)
    # every ten days, the last time `silent_days` before the list
    days = [TODAY - timedelta(days=silent_days + 10 * back) for back in range(4)]
    got = model.recommend_one([(when, ["p09"]) for when in sorted(days)], as_of=TODAY, limit=60)
    why = got.loc[got["product_id"] == "p09", "why"].iloc[0]
    assert (why["code"], why["last_days_ago"]) == (code, silent_days)


def test_near_duplicates_share_a_family():
    assert words_of("JUMBO BAG 2 RED") == ["jumbo", "bag", "red"]
    log = baskets_of(read_history(PAST, as_of=TODAY))
    families = Families.of(log, [NAME[product] for product in log.products], Together.of(log))
    of = dict(zip(log.products, families.family, strict=True))
    assert len({of[f"p{number:02d}"] for number in (4, 5, 6, 7)}) == 1
    assert of["p04"] != of["p08"]
    shares = []
    for basket in range(len(log.day)):
        held = log.product[log.first_row[basket] : log.first_row[basket + 1]]
        pairs = [(a, b) for a in held for b in held if a != b]
        if pairs:
            same = [families.family[a] == families.family[b] for a, b in pairs]
            shares.append(sum(same) / len(same))
    assert families.shared_pairs == pytest.approx(np.mean(shares))


def test_without_names_what_is_always_bought_together_is_one_family():
    orders = [(f"c{number}", number, number, "left right") for number in range(20)]
    orders += [(f"d{number}", 100 + number, number, "lamp") for number in range(20)]
    log = baskets_of(read_history(purchases(orders), as_of=day(50)))
    families = Families.of(log, [None] * 3, Together.of(log))
    of = dict(zip(log.products, families.family.tolist(), strict=True))
    assert of["left"] == of["right"] != of["lamp"]
    assert families.shared_pairs == 1


def test_twins_stand_in_lists_at_most_as_often_as_in_orders(either):
    family = either.catalogue_.families
    of = dict(zip(either.catalogue_.products, family.family, strict=True))
    got = lists(either, twins=False)
    held = got.assign(family=got["product_id"].map(of)).groupby(["customer_id", "family"]).size()
    assert held.max() <= family.most_in(10)
    assert (got.groupby("customer_id").size() == 10).all()
    # where nothing else is left, they do come
    assert len(lists(either, limit=100, customers=CUSTOMERS[:1], twins=False)) == (
        PAST["product_id"].nunique() - 1
    )


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_new_products_stand_early_enough_for_their_share(either, share):
    got = lists(either, limit=20, new_share=share)
    new = got["kind"] == "new"
    for places in (10, 20):
        first = got["rank"] <= places
        there = new[first].groupby(got.loc[first, "customer_id"]).sum()
        assert (there >= round(share * places)).all()
    fallen = got.groupby("customer_id")["score"].diff().dropna()
    assert (fallen <= 0).all()


def test_one_product_steps_back_until_it_stands_in_few_lists():
    draw = np.random.default_rng(5)
    lists_, width = 400, 40
    episode = np.repeat(np.arange(lists_), width)
    column = np.tile(np.arange(width), lists_)
    raw = draw.normal(size=lists_ * width) + np.where(column == 7, 3.0, 0.0)

    def shown(steps):
        by = np.lexsort((-(raw - steps[column]), episode))
        first = column[by].reshape(lists_, width)[:, :PLACES]
        return np.bincount(first.ravel(), minlength=width) / lists_

    assert shown(np.zeros(width))[7] > 0.9
    steps = steps_back(episode, column, raw, width, 0.15)
    assert shown(steps)[7] < 1.4 * PLACES / width
    assert (steps >= 0).all()
    assert steps.argmax() == 7
    few = episode < 20
    assert not steps_back(episode[few], column[few], raw[few], width, 0.15).any()


def test_steps_back_are_those_of_sorted_lists():
    """The slow way: every list is sorted anew in each round."""
    draw = np.random.default_rng(11)
    episode = np.repeat(np.arange(200), draw.integers(1, 40, 200))
    column = np.concatenate([draw.choice(60, size, replace=False) for size in np.bincount(episode)])
    raw = draw.normal(size=len(column)) + np.where(column < 5, 2.0, 0.0)
    steps = np.zeros(60)
    for number in range(ROUNDS):
        by = np.lexsort((steps[column] - raw, episode))
        is_shown = place_in_group(episode[by]) < PLACES
        share = np.bincount(column[by[is_shown]], minlength=60) / 200
        surplus = np.log(np.maximum(share, 1e-3) / 0.15)
        steps = np.maximum(steps + 0.3 * raw.std() * surplus / (1 + number / 8), 0)
    assert (steps > 0).sum() > 3
    np.testing.assert_array_equal(steps_back(episode, column, raw, 60, 0.15), np.float32(steps))


def test_shown_lists_are_the_same_alone_and_in_a_run(either):
    rules = {
        "twins": False,
        "spread": True,
        "new_share": 0.2,
        "given_back": {CUSTOMERS[5]: {"p03"}},
    }
    together = lists(either, **rules)
    for customer in CUSTOMERS[:8]:
        alone = lists(either, customers=[customer], **rules)
        in_run = together[together["customer_id"] == customer].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, in_run)


def test_families_and_steps_are_kept_in_the_files(model, tmp_path):
    model.save(tmp_path)
    again = RecommendationModel.load(tmp_path)
    rules = {"twins": False, "spread": True, "new_share": 0.1}
    pd.testing.assert_frame_equal(lists(model, **rules), lists(again, **rules))
    assert again.catalogue_.is_test.sum() == 1


def test_names_that_differ_in_numbers_alone_tell_no_families():
    log = baskets_of(read_history(PAST, as_of=TODAY))
    names = [f"Product {number}" for number in range(len(log.products))]
    families = Families.of(log, names, Together.of(log))
    assert len(set(families.family)) > 0.9 * len(log.products)


def test_a_rhythm_that_ended_ten_gaps_ago_is_not_listed():
    # every 5 days until 50 or 55 days ago: 10 and 11 gaps; twice only: no rhythm
    shop = purchases(
        (customer, 10 * number + place, start + 5 * number, product)
        for place, (customer, start, times, product) in enumerate(
            [
                ("a", 110, 3, "tea"),
                ("b", 105, 3, "tea"),
                ("c", 100, 2, "tea"),
                ("a", 165, 1, "milk"),
            ]
        )
        for number in range(times)
    )
    model = RecommendationModel(counts_only=True).fit(shop, as_of=TODAY)

    def repeats(**rules):
        got = model.recommend(
            shop,
            customers=["a", "b", "c"],
            as_of=TODAY,
            kind="repeat",
            rules=RecommendationRules(**rules),
        )
        return list(zip(got["customer_id"], got["product_id"], strict=True))

    everything = [("a", "tea"), ("a", "milk"), ("b", "tea"), ("c", "tea")]
    assert repeats() == everything
    assert repeats(ended_rhythms=False) == [pair for pair in everything if pair != ("b", "tea")]


def test_who_has_no_past_is_shown_few_twins_too(either):
    family = either.catalogue_.families
    of = dict(zip(either.catalogue_.products, family.family, strict=True))
    got = lists(either, customers=["nobody"], twins=False)
    assert got["product_id"].map(of).value_counts().max() <= family.most_in(10)
    assert got["score"].is_monotonic_decreasing
    plain = lists(either, customers=["nobody"])["product_id"].map(of).value_counts().max()
    assert plain > family.most_in(10)


def test_what_stepping_back_keeps_is_the_share_of_discounted_hits():
    episode, column = np.zeros(12, dtype=int), np.array([-1, *range(11)])
    raw, bought = np.arange(12, 0, -1.0), np.zeros(12)
    bought[[0, 1]] = 1
    steps = np.zeros(11, dtype=np.float32)
    assert share_kept(episode, column, raw, bought, steps) == 1
    # the new hit of the second place steps back to the third, then out of the first ten
    steps[0] = 1.5
    expected = (1 + 1 / np.log2(4)) / (1 + 1 / np.log2(3))
    assert share_kept(episode, column, raw, bought, steps) == pytest.approx(expected)
    steps[0] = 20
    assert share_kept(episode, column, raw, bought, steps) == pytest.approx(
        1 / (1 + 1 / np.log2(3))
    )


def test_goods_that_are_tests_are_listed():
    names = (
        SHOP["product_name"].astype(str).replace("This is a test product.", "Pregnancy test kit")
    )
    shop = SHOP.assign(product_name=pd.Categorical(names))
    assert not RecommendationModel(counts_only=True).fit(shop, as_of=TODAY).catalogue_.is_test.any()
