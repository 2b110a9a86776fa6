"""The sources and what they count, beside slow and obvious computations."""

from itertools import combinations

import numpy as np
import pytest
from scipy import sparse

from tests.support.purchases import day, purchases, random_shop
from training.past.purchase_history import read_history
from training.recommend.baskets import (
    baskets_of,
    next_products,
    open_episodes,
    owned_products,
    past_episodes,
)
from training.recommend.candidates import FEATURES
from training.recommend.facts import FOLDS, ProductFacts, folds
from training.recommend.owners import owners_of
from training.recommend.sources import (
    SOURCES,
    EpisodePast,
    Lessons,
    Neighbours,
    NextBasketRidge,
    most_frequent,
)
from training.recommend.together import Together

LOG = baskets_of(read_history(random_shop(seed=2, customers=25, products=12), as_of=day(200)))
OWNERS = owners_of(LOG.customers)


def lessons(log=LOG, rows=slice(None)):
    episodes = past_episodes(log, per_customer=3, waited=None)[rows]
    following = next_products(log, episodes)
    return Lessons(
        EpisodePast.of(log, episodes, OWNERS),
        following,
        most_frequent(following.tocoo().col, 12, 10),
        episodes.back == 0,
    )


def held(log, basket):
    return set(log.product[log.first_row[basket] : log.first_row[basket + 1]].tolist())


def test_episodes_are_the_last_baskets_with_a_past():
    got = past_episodes(LOG, per_customer=3, waited=None)
    expected = []
    for back in range(3):
        for customer in range(len(LOG.customers)):
            first, stop = LOG.first_basket[customer], LOG.first_basket[customer + 1]
            if stop - 1 - back > first:
                expected.append((customer, first, stop - 1 - back, LOG.day[stop - 1 - back], back))
    columns = (got.customer, got.first, got.target, got.moment, got.back)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == expected


@pytest.mark.parametrize("waited", [0.0, 0.5, 0.999])
def test_lists_are_made_between_two_baskets(waited):
    got = past_episodes(LOG, per_customer=2, waited=np.full(len(LOG.day), waited))
    before, after = LOG.day[got.target - 1], LOG.day[got.target]
    assert ((got.moment > before) & (got.moment <= np.maximum(after, before + 1))).all()
    if waited == 0:
        assert (got.moment == before + 1).all()


def test_what_is_owned_equals_counting():
    episodes = past_episodes(LOG, per_customer=2, waited=None)
    owned = EpisodePast.of(LOG, episodes, OWNERS).owned
    for number in range(len(episodes)):
        baskets = [
            held(LOG, basket) for basket in range(episodes.first[number], episodes.target[number])
        ]
        days = episodes.moment[number] - LOG.day[episodes.first[number] : episodes.target[number]]
        rows = slice(owned.first_row[number], owned.first_row[number + 1])
        assert owned.product[rows].tolist() == sorted(set().union(*baskets))
        for row in range(rows.start, rows.stop):
            back = [
                len(baskets) - 1 - place
                for place, basket in enumerate(baskets)
                if owned.product[row] in basket
            ]
            ages = [days[len(baskets) - 1 - place] for place in back]
            assert owned.times[row] == len(back)
            assert (owned.first_back[row], owned.last_back[row]) == (max(back), min(back))
            assert (owned.first_days[row], owned.last_days[row]) == (max(ages), min(ages))
            assert owned.lately[row] == pytest.approx(sum(0.9**place for place in back), rel=1e-6)
            assert owned.fresh[row] == pytest.approx(sum(0.7**place for place in back), rel=1e-6)
            assert owned.in_days[row] == pytest.approx(
                sum(2 ** (-age / 30) for age in ages), rel=1e-5
            )
            assert owned.of_last_three[row] == sum(place < 3 for place in back)


def test_a_rehearsed_ridge_is_the_ridge_without_the_episode():
    whole = lessons()
    ridge = NextBasketRidge(penalty=3.0).fit(whole)
    answers = whole.following[:, whole.candidates].toarray()
    for left_out in (0, 7, 30):
        rest = np.delete(np.arange(len(whole.past)), left_out)
        fewer = Lessons(
            whole.past.part(rest), whole.following[rest], whole.candidates, whole.recent[rest]
        )
        refit = NextBasketRidge(penalty=3.0).fit(fewer)
        one = whole.past.part(np.array([left_out]))
        (expected,) = refit.scores(one)
        (got,) = ridge.rehearsed(one, np.array([left_out]), answers[[left_out]])
        # weights are kept in half precision
        np.testing.assert_allclose(got, expected, rtol=2e-3, atol=2e-4)


def test_what_speaks_for_a_product_adds_up_to_its_score():
    whole = lessons()
    ridge = NextBasketRidge().fit(whole)
    (scores,) = ridge.scores(whole.past)
    spoken = ridge.speaking(whole.past, np.array([4, 9]), np.array([0, 5])).toarray()
    assert (spoken >= 0).all()
    assert (spoken.sum(axis=1) >= scores[[4, 9], [0, 5]] - 1e-6).all()


def test_neighbours_never_include_oneself():
    whole = lessons()
    source = Neighbours(nearest=5).fit(whole)
    nearest = source._nearest(whole.past)
    for episode in range(len(whole.past)):
        row = nearest[[episode]].tocoo()
        others = source.owners_[row.col[row.data > 0]]
        assert whole.past.owners[episode] not in others
        assert row.data.sum() == pytest.approx(1, abs=1e-4)


def test_every_source_has_its_names_to_itself():
    assert len({source.name for source in SOURCES}) == len(SOURCES)
    tables = [name for source in SOURCES for name in source.weights]
    assert len(set(tables)) == len(tables)
    assert set(tables) < set(FEATURES)


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_from_its_arrays_scores_alike(source):
    learned = source().fit(lessons())
    restored = source.restored(learned.arrays())
    past = EpisodePast.of(LOG, open_episodes(LOG), OWNERS)
    scores = learned.scores(past)
    assert len(scores) == len(source.weights)
    for kept, table in zip(restored.scores(past), scores, strict=True):
        np.testing.assert_array_equal(kept, table)


@pytest.mark.parametrize("source", SOURCES)
def test_one_episode_scores_as_it_does_among_others(source):
    source = source().fit(lessons())
    past = EpisodePast.of(LOG, open_episodes(LOG), OWNERS)
    for together, alone in zip(
        source.scores(past), source.scores(past.part(np.array([3]))), strict=True
    ):
        np.testing.assert_array_equal(together[[3]], alone)


def test_facts_of_a_fold_do_not_know_its_customers():
    whole = lessons()
    facts = ProductFacts.of(whole)
    fold = folds(whole.past.owners)
    for one in range(FOLDS):
        rows = np.flatnonzero(fold != one)
        fewer = Lessons(
            whole.past.part(rows), whole.following[rows], whole.candidates, whole.recent[rows]
        )
        without = ProductFacts.of(fewer)
        for name in ProductFacts.__dataclass_fields__:
            expected = getattr(without, name)[-1]
            np.testing.assert_allclose(getattr(facts, name)[one], expected, rtol=1e-6)


def test_pairs_equal_counting_and_the_textbook():
    log = baskets_of(
        read_history(
            purchases(
                [(f"c{number}", number, number % 20, "bread butter") for number in range(6)]
                + [(f"d{number}", 10 + number, number, "bread soap") for number in range(4)]
                + [(f"e{number}", 20 + number, number, "soap") for number in range(10)]
            ),
            as_of=day(30),
        )
    )
    together = Together.of(log)
    bread, butter, soap = 0, 1, 2
    table = together.table(bread, log.products, 5)
    # soap stands with bread less often than by chance
    assert table["product_id"].tolist() == ["butter"]
    assert table.loc[0, "support"] == 6 / 20
    assert table.loc[0, "confidence"] == 6 / 10
    assert table.loc[0, "lift"] == 6 * 20 / (10 * 6)
    held_by = np.array([[1, 1]] * 6 + [[1, 0]] * 4 + [[0, 0]] * 10)
    assert table.loc[0, "correlation"] == pytest.approx(np.corrcoef(held_by.T)[0, 1])
    assert together.lift(np.array([bread, bread]), np.array([butter, soap])).tolist() == [
        2.0,
        pytest.approx(float("nan"), nan_ok=True),
    ]


def test_pairs_of_a_random_shop_equal_counting():
    together = Together.of(LOG)
    count = {}
    for basket in range(len(LOG.day)):
        for pair in combinations(sorted(held(LOG, basket)), 2):
            count[pair] = count.get(pair, 0) + 1
    for first, second, both in zip(
        together.first, together.second, together.orders_both, strict=True
    ):
        assert count[min(first, second), max(first, second)] == both >= 3


def test_customers_are_sampled_evenly_where_the_log_is_too_large(monkeypatch):
    from training.recommend import stages

    episodes = past_episodes(LOG, per_customer=3, waited=None)
    monkeypatch.setattr(stages, "MOST_ROWS", 400)
    kept = stages._bounded(LOG, episodes)
    size = (LOG.first_row[kept.target] - LOG.first_row[kept.first]).sum()
    assert 200 < size < 600
    for customer in set(kept.customer.tolist()):
        assert (kept.customer == customer).sum() == (episodes.customer == customer).sum()
    assert kept.customer.max() > len(LOG.customers) / 2


def test_the_latest_whole_days_are_recent():
    from training.recommend.stages import _recent

    day = np.array([-1, -3, -2, -3, -9])
    assert _recent(day, 1).tolist() == [True, False, False, False, False]
    assert _recent(day, 3).tolist() == [True, True, True, True, False]
    assert _recent(day, 99).all()


def test_weights_that_are_read_back_stay_short_and_score_to_the_bit():
    whole = lessons()
    ridge = NextBasketRidge().fit(whole)
    again = NextBasketRidge.restored(ridge.arrays())
    assert again.weights_.dtype == np.float16
    assert 2 * again.weights_.nbytes == ridge.weights_.nbytes
    for before, after in zip(ridge.scores(whole.past), again.scores(whole.past), strict=True):
        assert after.dtype == before.dtype
        np.testing.assert_array_equal(after, before)
    episodes, columns = np.array([4, 9]), np.array([0, 5])
    spoken = [one.speaking(whole.past, episodes, columns).toarray() for one in (ridge, again)]
    np.testing.assert_array_equal(*spoken)


def test_the_directions_of_the_ridge_are_exact_where_there_are_enough_and_near_it_where_fewer():
    whole = lessons()
    exact = NextBasketRidge(penalty=3.0).fit(whole)
    rows = exact._profiles(whole.past).toarray().astype(float)
    answers = whole.following[:, whole.candidates].toarray()
    inverse = np.linalg.inv(rows.T @ rows + 3.0 * np.eye(rows.shape[1]))
    # weights are kept in half precision
    np.testing.assert_allclose(exact.weights_, inverse @ rows.T @ answers, rtol=2e-3, atol=2e-4)
    np.testing.assert_allclose(exact.leverage_, ((rows @ inverse) * rows).sum(axis=1), rtol=1e-4)
    few = NextBasketRidge(penalty=3.0, directions=4).fit(whole)
    assert np.corrcoef(few.weights_.ravel(), exact.weights_.ravel())[0, 1] > 0.9
    assert not np.allclose(few.weights_, exact.weights_, atol=1e-3)


def test_a_rehearsed_score_never_holds_its_own_answer_however_few_the_directions():
    whole = lessons()
    answers = whole.following[:, whole.candidates].toarray()
    turned = answers.copy()
    turned[7] = 1 - turned[7]
    following = whole.following.toarray()
    following[7, whole.candidates] = turned[7]
    other = Lessons(whole.past, sparse.csr_array(following), whole.candidates, whole.recent)
    row = np.array([7])
    one = whole.past.part(row)
    for directions in (1, 3, 256):
        (score,) = (
            NextBasketRidge(directions=directions).fit(whole).rehearsed(one, row, answers[row])
        )
        (again,) = (
            NextBasketRidge(directions=directions).fit(other).rehearsed(one, row, turned[row])
        )
        np.testing.assert_allclose(score, again, atol=1e-3)


def test_a_part_of_what_is_owned_equals_counting_that_part():
    whole = lessons().past
    for rows in (np.array([3, 4, 11]), slice(5, 9), np.array([], dtype=np.int64)):
        part, counted = whole.part(rows).owned, owned_products(LOG, whole.episodes[rows])
        for name in vars(counted):
            np.testing.assert_array_equal(getattr(part, name), getattr(counted, name), err_msg=name)
