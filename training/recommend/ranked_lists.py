"""From scored candidates to lists: rules, the cut, and products to fill up with."""

from dataclasses import dataclass

import numpy as np

from training.past.purchase_history import Floats, Ints, place_in_group
from training.recommend.baskets import Owned, has_rhythm
from training.recommend.candidates import Candidates
from training.recommend.filters import Mask, RecommendationRules

GAPS_UNTIL_OVER = 10
"""Usual gaps without a purchase after which what was a rhythm is not listed; after five it is no
longer called one (`training.recommend.reasons`)."""
HEADS_OF_TWINS = 4
"""A filler looks at this many times the products that a list needs: some of them may be twins."""


@dataclass(frozen=True)
class RankedProducts:
    """Products of the lists, ordered by episode and rank.

    `own` as in `Candidates`; `candidate` is the row of the candidates, −1 for a product that
    fills up.
    """

    episode: Ints
    product: Ints
    own: Ints
    candidate: Ints
    score: Floats

    def __len__(self) -> int:
        return len(self.episode)

    def __getitem__(self, rows: Ints) -> "RankedProducts":
        return RankedProducts(
            self.episode[rows],
            self.product[rows],
            self.own[rows],
            self.candidate[rows],
            self.score[rows],
        )


@dataclass(frozen=True)
class Arrangement:
    """What the places of a list go by, beside the scores.

    Attributes
    ----------
    rules : what the shop allows
    category : one code per product, −1 for none
    family : one code per product, −1 for none; near-duplicates share theirs
    most_twins : products of one family that a list holds before all others
    limit : length of a list
    passed_over : keys `episode · products + product` that are not listed, sorted
    """

    rules: RecommendationRules
    category: Ints
    family: Ints
    most_twins: int
    limit: int
    passed_over: Ints

    def is_passed_over(self, episode: Ints, product: Ints) -> Mask:
        """Whether each pair may not be listed."""
        return np.isin(episode * len(self.category) + product, self.passed_over)


def arrange(
    candidates: Candidates, score: Floats, owned: Owned, wish: Arrangement
) -> RankedProducts:
    """The best candidates of each episode that the rules leave, in order of rank.

    Equal scores: by product code. What stands before its turn has the score of what follows.
    """
    rules, limit = wish.rules, wish.limit
    allowed = np.arange(len(candidates))
    if len(wish.passed_over):
        allowed = allowed[~wish.is_passed_over(candidates.episode, candidates.product)]
    if rules.bought_within_days is not None:
        last = np.append(owned.last_days, np.inf)[candidates.own[allowed]]
        allowed = allowed[last > rules.bought_within_days]
    if not rules.ended_rhythms:
        # the last entry stands for new products
        allowed = allowed[~np.append(_is_over(owned), False)[candidates.own[allowed]]]
    by = allowed[np.lexsort((-score[allowed], candidates.episode[allowed]))]
    if rules.per_category is not None:
        by = by[_within(candidates, wish.category, by) < rules.per_category]
    if not rules.twins:
        is_surplus = _within(candidates, wish.family, by) >= wish.most_twins
        by = by[np.lexsort((np.arange(len(by)), is_surplus, candidates.episode[by]))]
    if rules.new_share is not None:
        by = _shared(candidates, by, rules.new_share, limit)
    rows = by[place_in_group(candidates.episode[by]) < limit]
    episode = candidates.episode[rows]
    return RankedProducts(
        episode,
        candidates.product[rows],
        candidates.own[rows],
        rows,
        _falling(episode, score[rows]),
    )


def _is_over(owned: Owned) -> Mask:
    """Per owned product whether it had a rhythm, which ended `GAPS_UNTIL_OVER` usual gaps ago."""
    gaps, span = owned.times - 1, owned.first_days - owned.last_days
    is_silent = owned.last_days * gaps > GAPS_UNTIL_OVER * span
    return np.asarray(has_rhythm(owned.times, span) & is_silent)


def _falling(episode: Ints, score: Floats) -> Floats:
    """Scores in order of rank, each at least that of whatever follows in its list."""
    falling = score.copy()
    in_list = episode[1:] == episode[:-1]
    while (is_lower := in_list & (falling[:-1] < falling[1:])).any():
        falling[:-1][is_lower] = falling[1:][is_lower]
    return falling


def _within(candidates: Candidates, group: Ints, by: Ints) -> Ints:
    """Per row of `by` how many of its episode and group come before it; 0 without a group.

    `group` has one code per product, −1 for none.
    """
    code = group[candidates.product[by]]
    key = candidates.episode[by] * (int(group.max(initial=0)) + 2) + code + 1
    grouped = np.argsort(key, kind="stable")
    position = np.empty(len(by), dtype=np.int64)
    position[grouped] = place_in_group(key[grouped])
    return np.where(code < 0, 0, position)


def _shared(candidates: Candidates, by: Ints, new_share: float, limit: int) -> Ints:
    """`by` cut to `limit` per episode so that new products have their share where they last."""
    episode, new = candidates.episode[by], candidates.own[by] < 0
    quota_new = round(new_share * limit)
    grouped = np.argsort(episode * 2 + new, kind="stable")
    position = np.empty(len(by), dtype=np.int64)
    position[grouped] = place_in_group((episode * 2 + new)[grouped])
    beyond = position >= np.where(new, quota_new, limit - quota_new)
    first = np.lexsort((np.arange(len(by)), beyond, episode))
    chosen = np.sort(first[place_in_group(episode[first]) < limit])
    if not quota_new:
        return by[chosen]
    # the nth new product stands among the first n ÷ share places: after so many owned ones
    number = position[chosen]
    latest = np.ceil((number + 1) * limit / quota_new) - 1 - number
    owned_before = np.minimum(place_in_group(episode[chosen]) - number, latest) - 0.5
    place = np.where(new[chosen], owned_before, number)
    return by[chosen[np.lexsort((place, episode[chosen]))]]


@dataclass(frozen=True)
class Filler:
    """Products that fill up lists, best first: the same for all customers but for their own products.

    `order` are product codes, `weight` falls along it and lies in (0, 1).
    """

    order: Ints
    weight: Floats

    @classmethod
    def of(cls, popularity: Floats, allowed: Mask) -> "Filler":
        """Allowed products by falling popularity, then code."""
        order = np.lexsort((np.arange(len(popularity)), -popularity))
        order = order[allowed[order]]
        most = max(float(popularity.max(initial=0)), 1e-12)
        return cls(order.astype(np.int64), np.maximum(popularity[order] / most, 1e-9))


def fill_up(
    listed: RankedProducts,
    short: Ints,
    fillers: "list[Filler]",
    owned: Owned,
    wish: Arrangement,
) -> RankedProducts:
    """Lists of the episodes `short` (ascending) extended to `limit` while products are left.

    Products that a customer owns never fill up: they have been candidates. A filler scores
    below the last of the list, in proportion to its weight.

    Parameters
    ----------
    fillers : one per entry of `short`
    """
    rules, category, limit = wish.rules, wish.category, wish.limit
    parts = [listed]
    starts = np.searchsorted(listed.episode, short)
    stops = np.searchsorted(listed.episode, short, side="right")
    for episode, start, stop, filler in zip(short, starts, stops, fillers, strict=True):
        own = owned.product[owned.first_row[episode] : owned.first_row[episode + 1]]
        own = np.concatenate([own, _passed_over(wish, int(episode))])
        have = listed.product[start:stop]
        # the head is long enough: every product that may be passed over is in it
        head = limit + len(own) + len(have)
        head = len(filler.order) if rules.per_category else head * HEADS_OF_TWINS
        order, weight = filler.order[:head], filler.weight[:head]
        free = ~np.isin(order, np.concatenate([own, have]))
        products, weight = order[free], weight[free]
        if rules.per_category is not None:
            within_limit = _places_after(category[have], category[products]) < rules.per_category
            products, weight = products[within_limit], weight[within_limit]
        if not rules.twins:
            held = _places_after(wish.family[have], wish.family[products])
            first = np.argsort(held >= wish.most_twins, kind="stable")
            products, weight = products[first], np.minimum.accumulate(weight[first])
        products, weight = products[: limit - len(have)], weight[: limit - len(have)]
        lowest = float(listed.score[start:stop].min(initial=1.0))
        none = np.full(len(products), -1)
        owner = np.full(len(products), episode)
        parts.append(RankedProducts(owner, products, none, none, lowest * weight))
    whole = _joined(parts)
    by = np.argsort(whole.episode, kind="stable")
    return whole[by]


def _passed_over(wish: Arrangement, episode: int) -> Ints:
    """The products that one episode's list passes over."""
    width = len(wish.category)
    start, stop = np.searchsorted(wish.passed_over, (episode * width, (episode + 1) * width))
    return wish.passed_over[start:stop] % width


def _joined(parts: list[RankedProducts]) -> RankedProducts:
    return RankedProducts(
        np.concatenate([part.episode for part in parts]),
        np.concatenate([part.product for part in parts]),
        np.concatenate([part.own for part in parts]),
        np.concatenate([part.candidate for part in parts]),
        np.concatenate([part.score for part in parts]),
    )


def _places_after(have: Ints, further: Ints) -> Ints:
    """Per entry of `further` how many of its category stand before it, `have` included."""
    categories = np.concatenate([have, further])
    grouped = np.argsort(categories, kind="stable")
    position = np.empty(len(categories), dtype=np.int64)
    position[grouped] = place_in_group(categories[grouped])
    return np.where(further < 0, 0, position[len(have) :])
