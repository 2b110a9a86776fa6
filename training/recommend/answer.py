"""The answer to one call: lists of a block of customers with kinds and reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from training.past.purchase_history import Floats, Ints, place_in_group
from training.recommend.candidates import (
    BLEND,
    NEW_CANDIDATES,
    OWN_CANDIDATES,
    Candidates,
    SourceScores,
    choose,
)
from training.recommend.filters import Mask, RecommendationRules
from training.recommend.product_catalogue import ProductCatalogue, extended
from training.recommend.ranked_lists import (
    Arrangement,
    Filler,
    RankedProducts,
    arrange,
    fill_up,
)
from training.recommend.reasons import (
    bought_before,
    category_interest,
    most_telling,
    shown_interest,
    strongest_voice,
)
from training.recommend.sources import EpisodePast, NextBasketRidge
from training.recommend.stages import Stages
from training.recommend.together import Together

RIDGE = list(BLEND).index("ridge")
LEAST_LIFT = 1.2
"""Below it products are bought together hardly more often than by chance, which is no reason."""
LEAST_SHARE = 0.02
"""A reason needs more of the 200 nearest customers than a handful."""
COLUMNS = ["customer_id", "rank", "product_id", "score", "kind", "why"]


@dataclass(frozen=True)
class ListRequest:
    """The lists to make; `allowed` says per product code whether it may be listed."""

    limit: int
    kind: str
    rules: RecommendationRules
    allowed: Mask


class Pick(NamedTuple):
    """A product of a customer's list; the fields are those of `RecommendationModel.recommend`."""

    product_id: str
    score: float
    kind: str
    why: dict[str, Any]


@dataclass(frozen=True)
class CustomerBlock:
    """Some customers and the model that ranks for them.

    `group` is the code of each customer's segment, −1 for none; `as_of` the day of the lists.
    """

    past: EpisodePast
    catalogue: ProductCatalogue
    stages: Stages | None
    together: Together
    group: Ints
    as_of: date

    def lists(self, wish: ListRequest) -> pd.DataFrame:
        """The lists, columns as `RecommendationModel.recommend` describes them."""
        listed = self._listed(wish)
        return self._frame(listed, self._why(listed))

    def picks(self, wish: ListRequest) -> list[list[Pick]]:
        """The same as plain values, a list per customer."""
        listed = self._listed(wish)
        names = self.past.log.products.array[listed.product].tolist()
        kinds = ["new" if own < 0 else "repeat" for own in listed.own.tolist()]
        picks = map(Pick, names, listed.score.tolist(), kinds, self._why(listed))
        lists: list[list[Pick]] = [[] for _ in range(len(self.past))]
        for episode, pick in zip(listed.episode.tolist(), picks, strict=True):
            lists[episode].append(pick)
        return lists

    @cached_property
    def _heard(self) -> SourceScores | None:
        """The scores of the sources, which do not depend on the request."""
        return None if self.stages is None else self.stages.scored(self.past)

    def _listed(self, wish: ListRequest) -> RankedProducts:
        candidates, score = self._scored(wish)
        # trees have learned from no customer without a past
        has_past = self.past.owned.baskets[candidates.episode] > 0
        candidates, score = candidates[has_past], score[has_past]
        owned, limit, arrangement = self.past.owned, wish.limit, self._arrangement(wish)
        listed = arrange(candidates, score, owned, arrangement)
        if wish.kind != "repeat":
            length = np.bincount(listed.episode, minlength=len(self.past))
            short = np.flatnonzero(length < limit)
            fillers = self._fillers(short, wish.allowed)
            listed = fill_up(listed, short, fillers, owned, arrangement)
        return listed

    def _arrangement(self, wish: ListRequest) -> Arrangement:
        width = len(self.past.log.products)
        families = self.catalogue.families
        return Arrangement(
            rules=wish.rules,
            category=extended(self.catalogue.category, width),
            family=extended(families.family, width),
            most_twins=families.most_in(wish.limit),
            limit=wish.limit,
            passed_over=self._given_back(wish.rules),
        )

    def _given_back(self, rules: RecommendationRules) -> Ints:
        """Keys of what each customer gave back whole; see `Arrangement`."""
        if not rules.given_back:
            return np.empty(0, dtype=np.int64)
        log = self.past.log
        keys = []
        for episode, customer in enumerate(log.customers.array[self.past.episodes.customer]):
            if products := rules.given_back.get(customer):
                code = log.products.codes(sorted(products))
                keys.append(episode * len(log.products) + code[code >= 0])
        return np.sort(np.concatenate([np.empty(0, dtype=np.int64), *keys]))

    def _scored(self, wish: ListRequest) -> tuple[Candidates, Floats]:
        if self.stages is None or self._heard is None:
            return self._counted(wish)
        most = max(wish.limit, NEW_CANDIDATES)
        chosen, score = self.stages.candidates(
            self.past, self._heard, wish.allowed, wish.kind, most, self._own(wish)
        )
        if wish.rules.spread:
            new = (chosen.own < 0) & (chosen.column >= 0)
            steps = self.stages.steps_back[chosen.column[new]]
            score[new] = expit(logit(score[new]) - steps)
        return chosen, score

    def _own(self, wish: ListRequest) -> int:
        """How many own products are candidates: all, where a rule may pass over the best."""
        rules = wish.rules
        if rules.per_category is None and rules.bought_within_days is None:
            return max(wish.limit, OWN_CANDIDATES)
        return len(wish.allowed)

    def _counted(self, wish: ListRequest) -> tuple[Candidates, Floats]:
        """Without trees: own products by how many baskets held them, then popular ones.

        An own product scores ½ + ½ · (baskets with it + popularity) ÷ (baskets + 1), another
        one ½ · popularity.
        """
        owned, width = self.past.owned, len(self.past.log.products)
        popularity = self._popularity(-1)
        most = max(wish.limit, NEW_CANDIDATES)
        new = Filler.of(popularity, wish.allowed & (popularity > 0)).order[:most]
        chosen = choose(
            self.past,
            SourceScores({}, np.full(width, -1), np.empty(0, dtype=np.int64)),
            np.empty((len(self.past), 0), dtype=np.float32),
            allowed=wish.allowed,
            kind=wish.kind,
            most_own=self._own(wish),
        )
        if wish.kind != "repeat":
            chosen = _with_products(chosen, new, self.past)
        own = chosen.own >= 0
        score = popularity[chosen.product] / 2
        row = chosen.own[own]
        held = owned.times[row] + popularity[owned.product[row]]
        score[own] = (1 + held / (owned.baskets[owned.episode[row]] + 1)) / 2
        return chosen, np.asarray(score, dtype=np.float64)

    def _popularity(self, group: int) -> Floats:
        popularity = self.catalogue.popularity
        if group >= 0:
            # the shop decides between products that the segment has not bought
            popularity = self.catalogue.segment_popularity[group] + 1e-3 * popularity
        unknown = len(self.past.log.products) - len(popularity)
        return np.append(popularity, np.zeros(unknown)) if unknown else popularity

    def _fillers(self, short: Ints, allowed: Mask) -> list[Filler]:
        catalogue_size = len(self.catalogue.products)
        within = allowed & (np.arange(len(allowed)) < catalogue_size)
        filler_of: dict[int, Filler] = {}
        for group in set(self.group[short].tolist()):
            filler_of[group] = Filler.of(self._popularity(group), within)
        return [filler_of[group] for group in self.group[short].tolist()]

    def _why(self, listed: RankedProducts) -> list[dict[str, Any]]:
        own, candidate = listed.own.tolist(), listed.candidate.tolist()
        reasons = [
            bought_before(self.past.owned, row)
            if row >= 0
            else (self._filled(listed, number) if candidate[number] < 0 else {"code": "popular"})
            for number, row in enumerate(own)
        ]
        if self._heard is not None and self.stages is not None:
            ranked = np.flatnonzero((listed.own < 0) & (listed.candidate >= 0))
            ranked = ranked[self._heard.place_of[listed.product[ranked]] >= 0]
            voices = self._voices(self.stages, listed[ranked], self._heard)
            for number, why in zip(ranked, voices, strict=True):
                reasons[number] = why
        return self._of_interest(listed, reasons)

    def _of_interest(
        self, listed: RankedProducts, reasons: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """The reasons, with interest before what is no rhythm of the customer's own.

        Where nobody's interest is looked at, they are as they were. A cart that was left comes before a rhythm, too; a category that was looked at before
        what is popular.
        """
        signs = self.past.signs
        if signs is None:
            return reasons
        shown = shown_interest(signs, listed, self.as_of)
        categories = category_interest(signs, listed, self.as_of)
        changed = []
        for why, interest, (category, day) in zip(reasons, shown, categories, strict=True):
            if interest and (why["code"] != "every_n_days" or interest["code"] == "left_in_cart"):
                changed.append(interest)
            elif why["code"] == "popular" and category >= 0:
                name = str(self.catalogue.categories[category])
                changed.append({"code": "looked_at_category", "category": name, "on": day})
            else:
                changed.append(why)
        return changed

    def _filled(self, listed: RankedProducts, number: int) -> dict[str, Any]:
        product, group = int(listed.product[number]), int(self.group[listed.episode[number]])
        if self.catalogue.popularity[product] == 0:
            return {"code": "not_sold_yet", "category": self.catalogue.category_name(product)}
        if group >= 0 and self.catalogue.segment_popularity[group, product] > 0:
            return {"code": "popular_in_segment", "segment": str(self.catalogue.segments[group])}
        return {"code": "popular"}

    def _voices(
        self, stages: Stages, listed: RankedProducts, scored: SourceScores
    ) -> list[dict[str, Any]]:
        """Reasons of new products: by the source with the highest score for each."""
        voice = strongest_voice(scored, stages.facts, listed)
        column = scored.place_of[listed.product]
        share = scored.tables["neighbours_next"][listed.episode, column]
        telling = np.full(len(listed), -1)
        ridge = np.flatnonzero(voice == RIDGE)
        source = next(source for source in stages.sources if isinstance(source, NextBasketRidge))
        telling[ridge] = most_telling(source, self.past, listed[ridge], column[ridge])
        lift = self.together.lift(telling, listed.product)
        products = self.past.log.products
        reasons: list[dict[str, Any]] = []
        for number in range(len(listed)):
            if lift[number] > LEAST_LIFT:
                other = str(products[telling[number]])
                rounded = round(float(lift[number]), 2)
                reasons.append({"code": "bought_with", "product_id": other, "lift": rounded})
            elif share[number] > LEAST_SHARE and voice[number] >= 0:
                rounded = round(float(share[number]), 3)
                reasons.append({"code": "customers_like_you", "share": rounded})
            else:
                reasons.append({"code": "popular"})
        return reasons

    def _frame(self, listed: RankedProducts, why: list[dict[str, Any]]) -> pd.DataFrame:
        log, customer = self.past.log, self.past.episodes.customer[listed.episode]
        values = (
            pd.Series(log.customers.array[customer], dtype="str"),
            (place_in_group(listed.episode) + 1).astype(np.int32),
            pd.Series(log.products.array[listed.product], dtype="str"),
            listed.score,
            pd.Series(np.where(listed.own < 0, "new", "repeat"), dtype="str"),
            pd.Series(why, dtype=object),
        )
        return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def _with_products(chosen: Candidates, products: Ints, past: EpisodePast) -> Candidates:
    """`chosen` and `products` for every episode that does not own them."""
    width = len(past.log.products)
    owned = past.owned.episode * width + past.owned.product
    new = (np.arange(len(past))[:, None] * width + products[None, :]).ravel()
    new = new[~np.isin(new, owned)]
    keys = np.concatenate([chosen.episode * width + chosen.product, new])
    by = np.argsort(keys, kind="stable")
    none = np.full(len(new), -1)
    return Candidates(
        keys[by] // width,
        keys[by] % width,
        np.concatenate([chosen.own, none])[by],
        np.full(len(keys), -1),
    )
