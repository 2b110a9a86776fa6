"""What a customer buys next: own rhythm, products bought together, what is popular now."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import sparse

from features.errors import BundleError, ConfigError, NotEnoughData
from features.orders import day_number
from training.estimator import read_json, write_json
from training.models.purchase_history import (
    Floats,
    History,
    Ints,
    own_products,
    read_history,
    texts,
)
from training.models.recommendation_scores import (
    ProductFacts,
    Weights,
    due,
    most_popular_first,
    new_scores,
    product_facts,
    recent_profiles,
    repeat_scores,
    shares,
    similar_products,
)
from training.models.recommendation_tuning import (
    KEPT_PER_CUSTOMER,
    counting_weights,
    make_exam,
    tune,
)
from training.models.recommender import (
    Asked,
    Candidates,
    Recommender,
    require_fitted,
)
from training.recommendation_metrics import next_baskets

FORMAT = 1
MODEL_FILE = "recommendation.json"
PRODUCTS_FILE = "products.parquet"
SIMILAR_FILE = "similar_products.parquet"
MAX_EXAM_DAYS = 45
MIN_EXAM_CUSTOMERS = 20
MAX_EXAM_CUSTOMERS = 2_000


@dataclass(frozen=True)
class _Learned:
    """What the log says before anything is weighed."""

    products: pd.Index
    facts: ProductFacts
    similar: sparse.csr_array


class RecommendationModel(Recommender):
    """Personal frequency with decay and rhythm, item–item similarity, recent popularity.

    The formulas stand at the top of `training.models.recommendation_scores`. Their weights
    and the half-life are chosen by NDCG@10 on each customer's first basket in the last
    days (a quarter of the log, at most 45) before `as_of`, with everything else learned
    from before those days; with fewer than 20 such customers, or where nothing surely beats
    it, repeats are ranked by plain counting.

    Parameters
    ----------
    half_life_days : half-lives of a purchase to choose from, each > 0
    neighbours : similar products kept per product, ≥ 1
    max_products : only so many of the most bought products can be similar to others, ≥ 1
    seed : draws the customers of the tuning where there are more than 2,000

    Attributes
    ----------
    products_ : products of the log, sorted
    facts_ : popularity, repeat share and usual gap of each product
    similar_ : neighbours of each product, sparse (products × products)
    weights_ : the chosen weights
    as_of_ : the day the model was fitted for

    Examples
    --------
    >>> purchases = pd.DataFrame({
    ...     "customer_id": pd.Categorical(["ann", "ann", "bob"]), "order_id": [1, 2, 3],
    ...     "day": [20_000, 20_007, 20_003], "product_id": pd.Categorical(["milk", "milk", "tea"]),
    ... })
    >>> model = RecommendationModel(seed=7).fit(purchases, as_of=date(2024, 10, 20))
    >>> lists = model.recommend(purchases, customers=["ann"], as_of=date(2024, 10, 20))
    >>> lists[["rank", "product_id", "kind"]].to_numpy().tolist()
    [[1, 'milk', 'repeat'], [2, 'tea', 'new']]
    """

    name: ClassVar[str] = "recommendation"

    def __init__(
        self,
        *,
        half_life_days: Sequence[float] = (30.0, 60.0, 120.0, 240.0),
        neighbours: int = 50,
        max_products: int = 20_000,
        seed: int = 0,
    ) -> None:
        self.half_life_days = half_life_days
        self.neighbours = neighbours
        self.max_products = max_products
        self.seed = seed

    def fit(self, purchases: pd.DataFrame, *, as_of: date) -> Self:
        """Learn from the rows of `purchases` before `as_of`.

        Parameters
        ----------
        purchases : DataFrame, one row per (customer, order, product), returns left out:
            `customer_id`, `product_id` (categories of text), `order_id`, `day` (integers;
            days since 1970-01-01)
        as_of : rows of this day and later are not seen

        Raises
        ------
        DataError
            The table does not fit (`NotEnoughData`: nothing was bought before `as_of`).
        ConfigError
            A parameter of the model cannot be used.
        """
        self._check_parameters()
        history = read_history(purchases, as_of=as_of)
        if not len(history.customer):
            raise NotEnoughData(f"purchases: no row before {as_of}. Choose a later as_of.")
        return self.fit_with(history, weights=self._tuned(purchases, history, as_of), as_of=as_of)

    def fit_with(self, history: History, *, weights: Weights, as_of: date) -> Self:
        """Learn from `history`, which ends before `as_of`, with given weights: no tuning."""
        similar = similar_products(
            history, neighbours=self.neighbours, max_products=self.max_products
        )
        facts = product_facts(history, own_products(history))
        return self._set(_Learned(history.products, facts, similar), weights, as_of)

    def _set(self, learned: _Learned, weights: Weights, as_of: date) -> Self:
        self.products_ = learned.products
        self.facts_ = learned.facts
        self.similar_ = learned.similar
        self.popular_ = most_popular_first(learned.facts.popularity)
        self.weights_ = weights
        self.as_of_ = as_of
        return self

    def _check_parameters(self) -> None:
        problems = [
            f"{name}: {getattr(self, name)} is not at least 1."
            for name in ("neighbours", "max_products")
            if getattr(self, name) < 1
        ]
        if not self.half_life_days or min(self.half_life_days) <= 0:
            problems.append("half_life_days: give one or more numbers of days above 0.")
        if problems:
            raise ConfigError(problems)

    def _tuned(self, purchases: pd.DataFrame, history: History, as_of: date) -> Weights:
        """The weights that would have ranked the last baskets before `as_of` best."""
        half_lives = sorted(self.half_life_days)
        start = Weights(half_life_days=half_lives[len(half_lives) // 2])
        window_days = min(MAX_EXAM_DAYS, int(history.age_days.max()) // 4)
        if window_days < 1:
            return counting_weights(start)
        cutoff = as_of - timedelta(days=window_days)
        past = read_history(purchases, as_of=cutoff)
        known = purchases.loc[purchases["day"] < day_number(as_of)]
        truth = next_baskets(known, cutoff=cutoff, horizon_days=window_days)
        customers = self._examined(past, truth)
        if len(customers) < MIN_EXAM_CUSTOMERS:
            return counting_weights(start)
        rehearsal = type(self)(
            half_life_days=half_lives,
            neighbours=self.neighbours,
            max_products=self.max_products,
            seed=self.seed,
        )
        rehearsal.fit_with(past, weights=start, as_of=cutoff)
        asked = rehearsal.ask(known, customers, cutoff, KEPT_PER_CUSTOMER, "all", ())
        exam = make_exam(
            asked.history,
            asked.own,
            rehearsal.facts_,
            rehearsal.candidates(asked),
            truth.loc[truth["customer_id"].isin(customers)],
        )
        return tune(exam, start, half_lives_days=half_lives)

    def _examined(self, past: History, truth: pd.DataFrame) -> list[str]:
        customers = np.intersect1d(past.customers, truth["customer_id"].unique().astype(object))
        if len(customers) > MAX_EXAM_CUSTOMERS:
            draw = np.random.default_rng(self.seed)
            customers = np.sort(draw.choice(customers, MAX_EXAM_CUSTOMERS, replace=False))
        return list(customers)

    def _similarities(self, asked: Asked, start: int, stop: int) -> sparse.csr_array:
        profiles = recent_profiles(asked.history, start, stop, len(self.products_))
        return profiles @ self.similar_

    def _repeat_scores(self, asked: Asked) -> Floats:
        facts = self.facts_.extended(len(asked.history.products))
        share = shares(asked.history, asked.own, self.weights_.half_life_days)
        due_now = due(asked.own, facts)
        return repeat_scores(share, asked.own.product, due_now, facts, self.weights_)

    def _new_scores(self, candidates: Candidates) -> Floats:
        return new_scores(candidates.similarity, candidates.product, self.facts_, self.weights_)

    def _why(self, asked: Asked, listed: Candidates) -> list[dict[str, Any]]:
        reasons = super()._why(asked, listed)
        new = np.flatnonzero((listed.own < 0) & (listed.similarity > 0))
        popular_share = self.weights_.popular_share
        alike = (1 - popular_share) * listed.similarity[new]
        rows = new[alike > popular_share * self.facts_.popularity[listed.product[new]]]
        for row, product in zip(rows, self._most_alike(asked, listed[rows]), strict=True):
            reasons[row] = {"code": "bought_with", "product_id": str(self.products_[product])}
        return reasons

    def _most_alike(self, asked: Asked, listed: Candidates) -> Ints:
        """Of what the customer bought lately, the product that speaks most for each listed one."""
        if not len(listed.customer):
            return np.empty(0, dtype=np.int64)
        start, stop = int(listed.customer[0]), int(listed.customer[-1]) + 1
        profiles = recent_profiles(asked.history, start, stop, len(self.products_))
        alike = self.similar_[:, listed.product].T.tocsr()
        speaks = profiles[listed.customer - start].multiply(alike).tocoo()
        by = np.lexsort((speaks.col, -speaks.data, speaks.row))
        first = np.searchsorted(speaks.row[by], np.arange(len(listed.customer)))
        return np.asarray(speaks.col[by[first]], dtype=np.int64)

    def save(self, directory: Path) -> None:
        """Write the fitted model as JSON and Parquet into `directory`.

        The same model writes the same bytes; `load` gives it back to the last bit.
        """
        require_fitted(self)
        directory.mkdir(parents=True, exist_ok=True)
        similar = self.similar_.tocoo()
        products = {"product_id": pa.array(self.products_, pa.string())}
        products |= {name: pa.array(values) for name, values in vars(self.facts_).items()}
        neighbours = {
            "product": pa.array(similar.row.astype(np.int32)),
            "neighbour": pa.array(similar.col.astype(np.int32)),
            "similarity": pa.array(similar.data),
        }
        pq.write_table(pa.table(products), directory / PRODUCTS_FILE)
        pq.write_table(pa.table(neighbours), directory / SIMILAR_FILE)
        write_json(
            directory / MODEL_FILE,
            {
                "format": FORMAT,
                "as_of": self.as_of_.isoformat(),
                "weights": asdict(self.weights_),
                "half_life_days": list(self.half_life_days),
                "neighbours": self.neighbours,
                "max_products": self.max_products,
                "seed": self.seed,
            },
        )

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        BundleError
            A file is missing, damaged, or of another version of the format.
        """
        head = read_json(directory / MODEL_FILE)
        if head.get("format") != FORMAT:
            raise BundleError(f"{directory}: not a recommendation model of format {FORMAT}.")
        try:
            learned = _read_learned(directory)
            names = ("half_life_days", "neighbours", "max_products", "seed")
            model = cls(**{name: head[name] for name in names})
            weights, as_of = Weights(**head["weights"]), date.fromisoformat(head["as_of"])
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
            raise BundleError(f"{directory}: cannot be read ({error}). Train again.") from None
        return model._set(learned, weights, as_of)


def _read_learned(directory: Path) -> _Learned:
    products = pq.read_table(directory / PRODUCTS_FILE)
    similar = pq.read_table(directory / SIMILAR_FILE)
    width = products.num_rows
    entries = (similar["product"].to_numpy(), similar["neighbour"].to_numpy())
    matrix = sparse.csr_array((similar["similarity"].to_numpy(), entries), shape=(width, width))
    matrix.sort_indices()
    return _Learned(
        products=texts(products["product_id"].to_pylist()),
        facts=ProductFacts(
            **{name: products[name].to_numpy() for name in ProductFacts.__dataclass_fields__}
        ),
        similar=matrix,
    )
