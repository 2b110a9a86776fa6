"""Which products a customer is shown: ranked by the model, within the rules of the shop."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from features.errors import ConfigError
from features.orders.log import day_date
from features.reading.order_line import Line
from serving.live.context import RunContext
from serving.live.messages import ProductQuery
from serving.scoring.recommendation_rules import NO_PIECES
from serving.settings import Settings
from serving.store.documents import RankedProduct
from training.past.interest_signs import Sign
from training.recommend.answer import Pick
from training.recommend.filters import RecommendationRules
from training.recommend.model import RecommendationModel

SCORE_DIGITS = 6

Baskets = Sequence[tuple[date, Collection[str]]]
"""Day and products of each order, in the order of time."""


class Shelf:
    """The products of a shop, for one customer or some.

    Parameters
    ----------
    model : ranks them; None where the orders carry no product ids: all lists are then empty
    settings : the configuration, whose rules hold
    context : of the last run, which knows names, prices and stock; None before the first
    """

    def __init__(
        self, model: RecommendationModel | None, settings: Settings, context: RunContext | None
    ) -> None:
        self._model = model
        self._settings = settings
        self._context = context
        self._products = {} if context is None else context.products

    def of_run(
        self,
        customers: Mapping[str, Baskets],
        day: date,
        consenting: Collection[str],
        given_back: Mapping[str, Collection[str]],
        signs: Mapping[str, Sequence[Sign]],
    ) -> dict[str, list[RankedProduct]]:
        """What a run of `day` lists for each: the best of all, behind them more new ones.

        `given_back`: see `RecommendationRules`; `signs`: of each customer's interest.
        """
        buyers = {name: orders for name, orders in customers.items() if orders}
        if self._model is None or not buyers:
            return {name: [] for name in customers}
        best, new = self._model.recommend_given(
            buyers,
            as_of=day,
            limit=self._settings.predict.recommendations,
            kinds=("all", "new"),
            rules=self._rules(consenting, given_back),
            signs=signs,
        )
        products_of = {}
        for name in customers:
            ranked: dict[str, Pick] = {}
            for pick in (*best.get(name, ()), *new.get(name, ())):
                ranked.setdefault(pick.product_id, pick)
            products_of[name] = [
                self._named(rank, pick) for rank, pick in enumerate(ranked.values(), 1)
            ]
        return products_of

    def listed(
        self,
        customer_id: str,
        orders: Baskets,
        day: date,
        query: ProductQuery,
        consenting: Collection[str] = (),
        given_back: Collection[str] = (),
        signs: Sequence[Sign] = (),
    ) -> list[RankedProduct]:
        """The best products that pass what is asked for, filtered before they are counted.

        Without filters those that a run lists first; who has no `orders` is shown what sells.

        Raises
        ------
        ConfigError
            When no customer of the training was in the segment.
        """
        if self._model is None:
            return []
        segments = list(self._model.catalogue_.segments)
        if query.segment is not None and query.segment not in segments:
            among = (
                f"one of {', '.join(segments)}" if segments else "left out: the models know none"
            )
            raise ConfigError(f"segment: must be {among}.")
        rules = self._rules(consenting, {customer_id: given_back})
        if query.category is not None:
            category = {query.category}
            allowed = category if rules.categories is None else category & set(rules.categories)
            rules = replace(rules, categories=allowed)
        (ranked,) = self._model.recommend_given(
            {customer_id: orders},
            as_of=day,
            limit=query.limit,
            kinds=(query.kind,),
            rules=replace(rules, deny={*rules.deny, *query.exclude}),
            segments={} if query.segment is None else {customer_id: query.segment},
            signs={customer_id: signs},
        )
        return [self._named(rank, pick) for rank, pick in enumerate(ranked[customer_id], 1)]

    def _named(self, rank: int, pick: Pick) -> RankedProduct:
        """A ranked product as it is published."""
        name, category = self._products.get(pick.product_id, (None, None))
        why = pick.why
        if "product_id" in why:
            other, _ = self._products.get(why["product_id"], (None, None))
            why = {**why, "product_name": other}
        return {
            "rank": rank,
            "product_id": pick.product_id,
            "product_name": name,
            "category": category,
            "kind": pick.kind,
            "score": float(np.round(pick.score, SCORE_DIGITS)),
            "why": why,
        }

    def _rules(
        self, consenting: Collection[str], given_back: Mapping[str, Collection[str]]
    ) -> RecommendationRules:
        rules, context = self._settings.recommend, self._context
        return RecommendationRules(
            allow=rules.allow or None,
            deny=rules.deny,
            categories=rules.categories or None,
            deny_categories=rules.deny_categories,
            in_stock=None if context is None else context.in_stock,
            prices={} if context is None else context.prices,
            price_from=rules.price_from,
            price_to=rules.price_to,
            bought_within_days=rules.bought_within_days,
            per_category=rules.per_category,
            new_share=rules.new_share,
            gone=() if context is None else context.gone,
            given_back=given_back,
            twins=rules.twins,
            ended_rhythms=rules.ended_rhythms,
            spread=rules.spread,
            consent=consenting if rules.needs_consent else None,
        )


def baskets(lines: Iterable[Line]) -> list[tuple[date, set[str]]]:
    """Day and products of each order, returns left out, in the order of time."""
    first_day: dict[str, int] = {}
    held: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        if not line.is_return and line.product_id is not None:
            first_day[line.order_id] = min(line.day, first_day.get(line.order_id, line.day))
            held[line.order_id].add(line.product_id)
    in_time = sorted((day, order_id) for order_id, day in first_day.items())
    return [(day_date(day), held[order_id]) for day, order_id in in_time]


def given_back_whole(lines: Iterable[Line]) -> set[str]:
    """Products of which the lines of a customer bring back as many pieces as were bought."""
    kept: dict[str, float] = defaultdict(float)
    returned = set()
    for line in lines:
        if line.product_id is None:
            continue
        pieces = abs(line.quantity)
        kept[line.product_id] += -pieces if line.is_return else pieces
        if line.is_return:
            returned.add(line.product_id)
    return {product for product in returned if kept[product] < NO_PIECES}
