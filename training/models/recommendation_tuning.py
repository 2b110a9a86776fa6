"""The weights of the recommendation model, chosen on baskets that the log already holds.

Everything is learned up to an earlier day, the next basket of each customer is the exam,
and a coordinate search over small grids keeps what raises NDCG@10.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.models.purchase_history import Floats, History, OwnProducts
from training.models.recommendation_scores import (
    ProductFacts,
    Weights,
    due,
    new_scores,
    repeat_scores,
    shares,
)
from training.models.recommender import Candidates, best
from training.recommendation_metrics import ideal_gain

LENGTH = 10
SWEEPS = 2
KEPT_PER_CUSTOMER = 30
"""New products kept by similarity and by popularity: no weight brings others into ten."""
COUNTING = {
    # ten years: a purchase never fades
    "half_life_days": 3650.0,
    "popularity_power": 0.02,
    "trend_power": 0.0,
    "again_power": 0.0,
    "due_strength": 0.0,
}
"""Repeats as plain counting ranks them, popularity breaking ties."""
REPEAT_GRID = {
    "popularity_power": (0.0, 0.1, 0.2, 0.35, 0.5),
    "trend_power": (0.0, 0.2, 0.4),
    "again_power": (0.0, 0.2, 0.5),
    "due_strength": (0.1, 0.25, 0.4),
}
NEW_GRID = {"popular_share": (0.03, 0.1, 0.3, 0.6, 0.9)}
LEVEL_GRID = {"new_level": (0.01, 0.03, 0.1, 0.2, 0.4, 0.8)}


@dataclass(frozen=True)
class Exam:
    """What the held-out baskets are judged on.

    `candidates` of the customers coded in `history` and `own`; `relevant` says which of
    them the next basket held, `basket` how many products it held, per customer.
    """

    history: History
    own: OwnProducts
    facts: ProductFacts
    candidates: Candidates
    relevant: NDArray[np.bool_]
    basket: NDArray[np.int64]

    def ndcg(self, rows: NDArray[np.int64], score: Floats) -> float:
        """Mean NDCG@10 when only `rows` of the candidates may be listed."""
        return float(self.ndcg_each(rows, score).mean())

    def ndcg_each(self, rows: NDArray[np.int64], score: Floats) -> Floats:
        """NDCG@10 per customer when only `rows` of the candidates may be listed."""
        customer = self.candidates.customer[rows]
        listed, rank = best(customer, score, limit=LENGTH)
        gain = self.relevant[rows[listed]] / np.log2(rank + 2)
        total = np.bincount(customer[listed], gain, minlength=len(self.basket))
        return np.asarray(total / ideal_gain(np.minimum(self.basket, LENGTH)))


def make_exam(
    history: History,
    own: OwnProducts,
    facts: ProductFacts,
    candidates: Iterable[Candidates],
    truth: pd.DataFrame,
) -> Exam:
    """Set the exam: `truth` (`customer_id`, `product_id`) holds every customer of `history`."""
    kept = [part[_promising(part, facts)] for part in candidates]
    columns = ("customer", "product", "own", "similarity")
    table = Candidates(
        *(np.concatenate([getattr(part, name) for part in kept]) for name in columns)
    )
    customer = history.customers.get_indexer(pd.Index(truth["customer_id"]))
    product = history.products.get_indexer(pd.Index(truth["product_id"]))
    width = len(history.products)
    bought = (customer * width + product)[product >= 0]
    return Exam(
        history=history,
        own=own,
        facts=facts,
        candidates=table,
        relevant=np.isin(table.customer * width + table.product, bought),
        basket=np.bincount(customer, minlength=len(history.customers)),
    )


def _promising(part: Candidates, facts: ProductFacts) -> NDArray[np.bool_]:
    promising = part.own >= 0
    new = np.flatnonzero(~promising)
    for value in (part.similarity[new], facts.popularity[part.product[new]]):
        listed, _ = best(part.customer[new], value, limit=KEPT_PER_CUSTOMER)
        promising[new[listed]] = True
    return promising


def counting_weights(start: Weights) -> Weights:
    """`start` with repeats ranked by plain counting."""
    return replace(start, **COUNTING)


def tune(exam: Exam, start: Weights, *, half_lives_days: Sequence[float]) -> Weights:
    """The weights that rank the held-out baskets best: repeats, new products, then the mix.

    Ties keep what `start` says. Weights that do not beat plain counting by more than two
    standard errors give way to it: where tastes never change, nothing beats counting, and a
    search over hundreds of weights on a few customers always finds something.
    """
    repeats = np.flatnonzero(exam.candidates.own >= 0)
    news = np.flatnonzero(exam.candidates.own < 0)
    counting = counting_weights(start)
    score_repeats = _repeat_scorer(exam, repeats, (*half_lives_days, counting.half_life_days))
    climbed = climb(
        start,
        {"half_life_days": half_lives_days, **REPEAT_GRID},
        lambda trial: exam.ndcg(repeats, score_repeats(trial)),
    )
    gain = exam.ndcg_each(repeats, score_repeats(climbed)) - exam.ndcg_each(
        repeats, score_repeats(counting)
    )
    surely_better = gain.mean() > 2 * gain.std() / np.sqrt(len(gain))
    weights = climb(
        climbed if surely_better else counting,
        NEW_GRID,
        lambda trial: exam.ndcg(news, _score_new(exam, news, trial)),
    )
    return _level_tuned(exam, weights, repeats, score_repeats(weights), news)


def _score_new(exam: Exam, rows: NDArray[np.int64], weights: Weights) -> Floats:
    candidates = exam.candidates[rows]
    return new_scores(candidates.similarity, candidates.product, exam.facts, weights)


def _level_tuned(
    exam: Exam,
    weights: Weights,
    repeats: NDArray[np.int64],
    repeat_score: Floats,
    news: NDArray[np.int64],
) -> Weights:
    """`weights` with the level of new products against repeats that ranks both best.

    The level changes no order within either: the best ten of each are enough.
    """
    customer = exam.candidates.customer
    top, _ = best(customer[repeats], repeat_score, limit=LENGTH)
    repeats, repeat_score = repeats[top], repeat_score[top]
    news = news[best(customer[news], _score_new(exam, news, weights), limit=LENGTH)[0]]
    rows = np.append(repeats, news)
    by = np.lexsort((exam.candidates.product[rows], customer[rows]))

    def judge(trial: Weights) -> float:
        score = np.append(repeat_score, _score_new(exam, news, trial))
        return exam.ndcg(rows[by], score[by])

    return climb(weights, LEVEL_GRID, judge)


def _repeat_scorer(
    exam: Exam, rows: NDArray[np.int64], half_lives_days: Sequence[float]
) -> Callable[[Weights], Floats]:
    own = exam.candidates.own[rows]
    due_now = due(exam.own, exam.facts)[own]
    share = {days: shares(exam.history, exam.own, days)[own] for days in half_lives_days}
    product = exam.candidates.product[rows]
    return lambda weights: repeat_scores(
        share[weights.half_life_days], product, due_now, exam.facts, weights
    )


def climb(
    weights: Weights, grid: Mapping[str, Sequence[float]], judge: Callable[[Weights], float]
) -> Weights:
    """Coordinate search: of each weight in turn the value that `judge` rates highest, twice over."""
    highest = judge(weights)
    for _ in range(SWEEPS):
        for name, values in grid.items():
            for value in values:
                trial = replace(weights, **{name: value})
                if trial != weights and (rating := judge(trial)) > highest:
                    weights, highest = trial, rating
    return weights
