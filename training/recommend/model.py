"""What a customer buys next: sources propose candidates, trees rank them, rules filter."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Self, get_args

import numpy as np
import pandas as pd

from features.errors import ConfigError, NotEnoughData
from features.orders.log import day_number
from training.buyers.likely_buyers import LikelyBuyers
from training.errors import BundleError
from training.models.estimator import read_json, write_json
from training.past.interest_signs import InterestSigns, Sign
from training.past.names import Names
from training.past.purchase_history import read_history
from training.recommend.answer import CustomerBlock, ListRequest, Pick
from training.recommend.baskets import Baskets, baskets_of, given_baskets, open_episodes
from training.recommend.filters import NO_RULES, Mask, RecommendationRules
from training.recommend.model_files import read_model, write_model
from training.recommend.owners import owners_of
from training.recommend.product_catalogue import ProductCatalogue, extended
from training.recommend.ranker import Trees
from training.recommend.recommender import Kind, check_request, require_fitted
from training.recommend.sources import EpisodePast
from training.recommend.stages import EPISODES_AT_ONCE, LearningSizes, Stages
from training.recommend.together import Together

BUYERS_FILE = "buyers.json"
MadeOn = Literal["any_day", "order_day", "day_after"]


class Occasion(NamedTuple):
    """What lists are made for, beside the baskets: the day, the rules, segments and signs."""

    as_of: date
    rules: RecommendationRules
    segments: Mapping[str, str]
    signs: InterestSigns | None


class RecommendationModel:
    """Two stages: candidates from several sources, ranked by trees.

    Candidates are what the customer owns and the 60 new products that a ridge regression to
    the next basket, the nearest customers and what sells now propose
    (`training.recommend.sources`). LightGBM's lambdarank ranks them by their scores and by
    counts of customer and product (`training.recommend.candidates`), learned from the last
    baskets of everybody before `as_of`. Where fewer than 200 baskets have a past, own counts
    and then popularity rank. `RecommendationRules` hold before the first N are taken.

    Work grows with the log, memory does not: pasts of at most 10 million purchases, 6,000 × 6,000
    products and 20,000 neighbours are learned from, customers are scored 512 at a time or fewer.

    Parameters
    ----------
    made_on : when lists are made in the lessons: on `any_day` since the basket before (as a
        score run does), on the `order_day` itself, or on the `day_after` the basket before
    trees : how the trees are grown
    seed : draws what the trees learn from, and their features
    num_threads : threads of LightGBM
    counts_only : rank by own counts and then popularity, as a small log is: the baseline

    Attributes
    ----------
    catalogue_ : the products, their categories and popularity
    stages_ : both stages; None where the log is too small for them
    together_ : products bought in one order, with support, confidence, lift and correlation
    as_of_ : the day the model was fitted for
    buyers_ : who will probably buy the items bought most; None unless `with_buyers` was called

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
        made_on: MadeOn = "any_day",
        trees: Trees = Trees(),  # noqa: B008 - a frozen value
        seed: int = 0,
        num_threads: int = 1,
        counts_only: bool = False,
    ) -> None:
        self.counts_only = counts_only
        self.made_on = made_on
        self.trees = trees
        self.seed = seed
        self.num_threads = num_threads
        self.buyers_: LikelyBuyers | None = None

    def with_buyers(self, purchases: pd.DataFrame, *, as_of: date, horizon_days: int) -> Self:
        """Learn from the same purchases who will buy which item, too; see `LikelyBuyers`."""
        buyers = LikelyBuyers(horizon_days=horizon_days, seed=self.seed)
        self.buyers_ = buyers.fit(purchases, as_of=as_of)
        return self

    def fit(
        self,
        purchases: pd.DataFrame,
        *,
        as_of: date,
        unsold: pd.DataFrame | None = None,
        segments: Mapping[str, str] | None = None,
        signs: pd.DataFrame | None = None,
    ) -> Self:
        """Learn from the rows of `purchases` before `as_of`.

        Parameters
        ----------
        purchases : DataFrame, one row per (customer, order, product), returns left out:
            `customer_id`, `product_id` (categories of text), `order_id`, `day` (integers;
            days since 1970-01-01), and `category`, `product_name` where known
        as_of : rows of this day and later are not seen
        unsold : `product_id`, `category` of products that may be listed before their first sale
        segments : customer id → group, for what is popular in it
        signs : what customers looked at and put into carts, see
            `features.orders.interest_signs`; None, or none of these customers: the model looks at
            none

        Raises
        ------
        DataError
            The table does not fit (`NotEnoughData`: nothing was bought before `as_of`).
        ConfigError
            A parameter of the model cannot be used.
        """
        if self.made_on not in get_args(MadeOn):
            raise ConfigError(
                f"made_on: {self.made_on!r} is none of {', '.join(get_args(MadeOn))}."
            )
        history = read_history(purchases, as_of=as_of)
        if not len(history.customer):
            raise NotEnoughData(f"purchases: no row before {as_of}. Choose a later as_of.")
        log = baskets_of(history)
        past_purchases = purchases.loc[purchases["day"] < day_number(as_of)]
        self.together_ = Together.of(log)
        self.catalogue_ = ProductCatalogue.of(
            log, past_purchases, unsold, segments or {}, self.together_
        )
        plan = LearningSizes(trees=self.trees, seed=self.seed, num_threads=self.num_threads)
        owners = owners_of(log.customers)
        whole = replace(log, products=self.catalogue_.products)
        self.as_of_ = as_of
        self.stages_ = None
        if not self.counts_only:
            known_signs = self._signs(signs, log.customers, as_of)
            self.stages_ = Stages.fit(whole, owners, self._waited(log), plan, known_signs)
        return self

    def _signs(
        self, signs: pd.DataFrame | None, customers: Names, as_of: date
    ) -> InterestSigns | None:
        """The signs of these customers in codes; None where there are none."""
        if signs is None:
            return None
        coded = InterestSigns.of(signs, customers, self.catalogue_.items, as_of)
        return coded if len(coded) else None

    def _waited(self, log: Baskets) -> Any:
        match self.made_on:
            case "order_day":
                return None
            case "day_after":
                return np.zeros(len(log.day))
            case _:
                return np.random.default_rng(self.seed).random(len(log.day))

    def recommend(  # noqa: PLR0913 - all that a list depends on
        self,
        purchases: pd.DataFrame,
        *,
        customers: Sequence[str],
        as_of: date,
        limit: int = 20,
        kind: Kind = "all",
        exclude: Collection[str] = (),
        rules: RecommendationRules = NO_RULES,
        segments: Mapping[str, str] | None = None,
        signs: pd.DataFrame | None = None,
    ) -> pd.DataFrame:
        """Rank products for each customer.

        Parameters
        ----------
        purchases : DataFrame as in `fit`; only the customers' own rows before `as_of`
            matter, so their rows alone give the same lists
        customers : each once; one without purchases gets what is popular
        as_of : the day the lists are for, not before the day the model was fitted for
        limit : length of a list, ≥ 1
        kind : `repeat` lists only what the customer has bought, `new` only the rest
        exclude : products never to list, beside those of `rules`
        rules : what the shop allows
        segments : customer id → group, for customers without purchases
        signs : as in `fit`; they count where the model was fitted with some

        Returns
        -------
        DataFrame, up to `limit` rows per customer in the order of `customers`:
        `customer_id`, `rank` (1, 2, …), `product_id`, `score` (in (0, 1], falling with the
        rank; compare it within a customer only), `kind` (`repeat` or `new`), `why` (see
        `training.recommend.reasons`). Filters come before the cut: a list is shorter than
        `limit` only when no product is left. Equal scores: by product id.

        Raises
        ------
        DataError
            The table does not fit.
        ConfigError
            An argument cannot be used.
        """
        rules = _with(rules, exclude)
        self._check(customers, as_of, limit, kind, rules)
        if rules.consent is not None:
            purchases = purchases.loc[purchases["customer_id"].isin(list(rules.consent))]
            if signs is not None:
                signs = signs.loc[signs["customer_id"].isin(list(rules.consent))]
        history = read_history(
            purchases, as_of=as_of, customers=customers, products=self.catalogue_.products
        )
        log = baskets_of(history)
        shown = self._signs(signs, log.customers, as_of)
        return self._lists(log, limit, kind, Occasion(as_of, rules, segments or {}, shown))

    def recommend_one(
        self,
        baskets: Iterable[tuple[date, Collection[str]]],
        *,
        as_of: date,
        customer: str = "",
        limit: int = 20,
        kind: Kind = "all",
        rules: RecommendationRules = NO_RULES,
        segment: str | None = None,
        signs: Iterable[Sign] = (),
    ) -> pd.DataFrame:
        """Rank products for one customer whose baskets are at hand: after a new order, say.

        Parameters
        ----------
        baskets : day and products of each order before `as_of`, in the order of time
        customer : the id; one that the log knew is no neighbour of its own past
        as_of, limit, kind, rules, segment : as in `recommend`, whose answer this equals
        signs : of the customer's interest

        Raises
        ------
        ConfigError
            An argument cannot be used.
        """
        self._check([customer], as_of, limit, kind, rules)
        log = self._given({customer: baskets}, as_of, rules)
        segments = {customer: segment} if segment else {}
        shown = self._given_signs({customer: signs}, log.customers, as_of, rules)
        return self._lists(log, limit, kind, Occasion(as_of, rules, segments, shown))

    def recommend_given(
        self,
        customers: Mapping[str, Iterable[tuple[date, Collection[str]]]],
        *,
        as_of: date,
        limit: int = 20,
        kinds: Sequence[Kind] = ("all",),
        rules: RecommendationRules = NO_RULES,
        segments: Mapping[str, str] | None = None,
        signs: Mapping[str, Iterable[Sign]] | None = None,
    ) -> list[dict[str, list[Pick]]]:
        """Rank products for some customers whose baskets are at hand, without a table.

        Parameters
        ----------
        customers : id → what `recommend_one` takes as `baskets`
        kinds : one list each for every customer, which costs little more than one kind
        as_of, limit, rules, segments : as in `recommend`
        signs : id → the signs of the customer's interest

        Returns
        -------
        Per kind: id → what `recommend` would list, in the order of rank.

        Raises
        ------
        ConfigError
            An argument cannot be used.
        """
        for kind in kinds:
            self._check(list(customers), as_of, limit, kind, rules)
        log = self._given(customers, as_of, rules)
        lists_by_kind: list[dict[str, list[Pick]]] = [{} for _ in kinds]
        names = iter(customers)
        shown = self._given_signs(signs or {}, log.customers, as_of, rules)
        for block, allowed in self._blocks(log, Occasion(as_of, rules, segments or {}, shown)):
            block_customers = list(islice(names, len(block.past)))
            for kind, lists in zip(kinds, lists_by_kind, strict=True):
                picks = block.picks(ListRequest(limit, kind, rules, allowed))
                lists.update(zip(block_customers, picks, strict=True))
        return lists_by_kind

    def _given(
        self,
        customers: Mapping[str, Iterable[tuple[date, Collection[str]]]],
        as_of: date,
        rules: RecommendationRules,
    ) -> Baskets:
        """The baskets of customers who consent, where consent is asked for; the rest have none."""
        consent = rules.consent
        heard = {
            name: baskets if consent is None or name in consent else ()
            for name, baskets in customers.items()
        }
        return given_baskets(heard, as_of=as_of, products=self.catalogue_.products)

    def _given_signs(
        self,
        signs: Mapping[str, Iterable[Sign]],
        customers: Names,
        as_of: date,
        rules: RecommendationRules,
    ) -> InterestSigns | None:
        """The signs of customers who consent, where consent is asked for; None: it sees none."""
        if not self.sees_signs:
            return None
        consent = rules.consent
        heard = {name: given for name, given in signs.items() if consent is None or name in consent}
        return InterestSigns.given(heard, customers, self.catalogue_.items, as_of)

    def bought_together(self, product: str, *, limit: int = 10) -> pd.DataFrame:
        """Products bought in the same orders as `product`, most correlated first.

        Returns
        -------
        DataFrame `product_id`, `orders_both`, `support`, `confidence` (share of the orders with
        `product` that hold the other), `lift`, `correlation`; empty for a product that is
        unknown or never bought with others.
        """
        require_fitted(self)
        code = self.catalogue_.products.codes([product])[0]
        return self.together_.table(int(code), self.catalogue_.products, limit)

    def _lists(self, log: Baskets, limit: int, kind: Kind, occasion: Occasion) -> pd.DataFrame:
        parts = [
            block.lists(ListRequest(limit, kind, occasion.rules, allowed))
            for block, allowed in self._blocks(log, occasion)
        ]
        return pd.concat(parts, ignore_index=True)

    def _blocks(self, log: Baskets, occasion: Occasion) -> Iterator[tuple[CustomerBlock, Mask]]:
        """The customers of a log in blocks, and which products may be listed."""
        catalogue, stages, segments = self.catalogue_, self.stages_, occasion.segments
        owners = owners_of(log.customers)
        whole = open_episodes(log)
        category = extended(catalogue.category, len(log.products))
        allowed = occasion.rules.allowed(log.products, category, catalogue.categories)
        allowed[: len(catalogue.is_test)] &= ~catalogue.is_test
        group = catalogue.segments.codes(segments.get(name, "") for name in log.customers)
        step = EPISODES_AT_ONCE if stages is None else stages.at_once
        signs = self._looked_at(log.customers, occasion)
        for start in range(0, len(whole), step):
            rows = slice(start, start + step)
            past = EpisodePast.of(log, whole[rows], owners, signs)
            yield (
                CustomerBlock(past, catalogue, stages, self.together_, group[rows], occasion.as_of),
                allowed,
            )

    @property
    def sees_signs(self) -> bool:
        """Whether it looks at what customers looked at and left in carts."""
        return self.stages_ is not None and self.stages_.ranker.sees_signs

    def _looked_at(self, customers: Names, occasion: Occasion) -> InterestSigns | None:
        """The signs that the trees look at; None where they have learned from none."""
        if not self.sees_signs:
            return None
        if occasion.signs is not None:
            return occasion.signs
        return InterestSigns.given({}, customers, self.catalogue_.items, occasion.as_of)

    def _check(
        self,
        customers: Sequence[str],
        as_of: date,
        limit: int,
        kind: str,
        rules: RecommendationRules,
    ) -> None:
        require_fitted(self)
        check_request(
            customers, as_of, limit, kind, fitted_for=self.as_of_, further_problems=rules.problems()
        )

    def save(self, directory: Path) -> None:
        """Write the fitted model as JSON, Parquet, NumPy arrays and LightGBM's text.

        The same model writes the same bytes; `load` gives it back to the last bit.
        """
        require_fitted(self)
        head = {
            "as_of": self.as_of_.isoformat(),
            "made_on": self.made_on,
            "trees": vars(self.trees),
            "seed": self.seed,
        }
        write_model(directory, head, self.catalogue_, self.stages_, self.together_)
        if self.buyers_ is not None:
            write_json(directory / BUYERS_FILE, self.buyers_.to_dict())

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        BundleError
            A file is missing, damaged, or of another version of the format.
        """
        head, catalogue, stages, together = read_model(directory)
        model = cls(made_on=head["made_on"], trees=Trees(**head["trees"]), seed=head["seed"])
        model.catalogue_, model.stages_, model.together_ = catalogue, stages, together
        model.as_of_ = date.fromisoformat(head["as_of"])
        # a model of an earlier release has none
        if (directory / BUYERS_FILE).is_file():
            model.buyers_ = _buyers_in(directory / BUYERS_FILE)
        return model


def _buyers_in(path: Path) -> LikelyBuyers:
    try:
        return LikelyBuyers.from_dict(read_json(path))
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{path}: cannot be read ({error}). Train again.") from None


def _with(rules: RecommendationRules, exclude: Collection[str]) -> RecommendationRules:
    return replace(rules, deny={*rules.deny, *exclude}) if len(exclude) else rules
