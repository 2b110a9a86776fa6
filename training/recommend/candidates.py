"""Candidates of each episode and their features: one row per (episode, product)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from training.past.interest_signs import EpisodeSigns, SignRows
from training.past.purchase_history import Ints, place_in_group
from training.recommend.baskets import Owned, Values
from training.recommend.facts import ProductFacts
from training.recommend.sources import SOURCES, EpisodePast

NEW_CANDIDATES = 60
"""Products per episode that its customer does not own yet."""
OWN_CANDIDATES = 120
"""Products per episode that its customer owns, the most and latest bought ones."""
SIGNED_CANDIDATES = 30
"""Products per episode that its customer looked at or left in the cart, and does not own."""
CATEGORY_WEIGHT = np.float32(0.3)
"""What interest in a category counts where new candidates are chosen, spread over its products."""
LEAD_RANK = 20
"""A score is also compared with the one at this rank of the same episode."""

SOURCE_WEIGHTS = {name: weight for source in SOURCES for name, weight in source.weights.items()}
BLEND = {**SOURCE_WEIGHTS, "latest_share": 0.3}
"""How new candidates are chosen: all of them are about the chance of being bought next."""

OWN_FEATURES = (
    "times", "rate", "rate_since_first", "last_back", "last_days", "first_days", "due_baskets",
    "due_days", "gap_days", "fresh", "lately", "long", "in_days", "lately_share", "of_last_three",
    "rank_long", "rank_in_days",
)  # fmt: skip
SOURCE_FEATURES = (*SOURCE_WEIGHTS, "ridge_lead", "neighbours_lead")
PRODUCT_FEATURES = (
    "latest_share", "next_share", "recent_share", "trend", "owner_share", "repeat_share", "new_share",
)  # fmt: skip
CUSTOMER_FEATURES = (
    "baskets", "basket_size", "distinct", "repeat_habit", "last_size", "last_repeats", "waited",
    "usual_gap",
)  # fmt: skip
FEATURES = (*OWN_FEATURES, *SOURCE_FEATURES, *PRODUCT_FEATURES, *CUSTOMER_FEATURES)
SIGN_FEATURES = ("looked", "carted", "looked_days", "looked_category")
"""Only where the shop knows what its customers look at: without it nothing changes."""
FEATURES_WITH_SIGNS = (*FEATURES, *SIGN_FEATURES)


@dataclass(frozen=True)
class Candidates:
    """Products that may be listed, one row per (episode, product), sorted by both.

    `own` is the row of the episode's `Owned`, −1 for a product that is new to the customer.
    """

    episode: Ints
    product: Ints
    own: Ints
    column: Ints
    """Column among the products that sources score, −1 where there is none."""

    def __len__(self) -> int:
        return len(self.episode)

    def __getitem__(self, rows: NDArray[np.bool_] | Ints) -> "Candidates":
        return Candidates(self.episode[rows], self.product[rows], self.own[rows], self.column[rows])


@dataclass(frozen=True)
class SourceScores:
    """Scores of the sources for one block of episodes, by name: episodes × scored products."""

    tables: dict[str, Values]
    place_of: Ints
    """Per product code its column in the tables, −1 where there is none."""
    products: Ints

    def blend(self, facts: ProductFacts, fold: Ints) -> Values:
        """One score per episode and scored product, by which new candidates are chosen."""
        popular = facts.latest_share[:, self.products][fold] * np.float32(BLEND["latest_share"])
        for name, values in self.tables.items():
            popular += np.float32(BLEND[name]) * values
        return np.asarray(popular)

    def blend_with_signs(
        self, facts: ProductFacts, fold: Ints, signs: EpisodeSigns | None
    ) -> Values:
        """`blend`; products of a category that was looked at come before others that sell as well."""
        blend = self.blend(facts, fold)
        if signs is None or not len(signs.categories.item):
            return blend
        looked = signs.categories
        category = signs.category(self.products)
        width = int(max(looked.item.max(), category.max(initial=0))) + 1
        interest = sparse.csr_array(
            (np.minimum(looked.looked, 1), looked.item, looked.first_row), (len(fold), width)
        )
        column = np.flatnonzero(category >= 0)
        for number in np.unique(fold):
            share = facts.latest_share[number, self.products[column]]
            of_category = np.bincount(category[column], share, width)
            share = share / np.maximum(of_category[category[column]], 1e-9)
            members = sparse.csr_array(
                (share.astype(np.float32), (category[column], column)), (width, len(category))
            )
            rows = np.flatnonzero(fold == number)
            blend[rows] += CATEGORY_WEIGHT * (interest[rows] @ members).toarray()
        return blend


def choose(
    past: EpisodePast,
    scored: SourceScores,
    blend: Values,
    *,
    allowed: NDArray[np.bool_],
    kind: str = "all",
    most: int = NEW_CANDIDATES,
    most_own: int = OWN_CANDIDATES,
) -> Candidates:
    """The best allowed products of each episode: `most_own` that it owns and `most` new ones.

    Beside the latter, the new ones that it looked at or left in the cart, scored or not.

    Parameters
    ----------
    blend : episodes × scored products; is written to
    allowed : per product code
    kind : `repeat` leaves the new ones out, `new` the owned ones
    """
    owned, width = past.owned, len(past.log.products)
    own_rows = (
        _strongest_own(owned, allowed, most_own) if kind != "new" else np.empty(0, dtype=np.int64)
    )
    key = owned.episode[own_rows] * width + owned.product[own_rows]
    new = np.empty(0, dtype=np.int64)
    if kind != "repeat" and len(scored.products):
        column = scored.place_of[owned.product]
        is_scored = column >= 0
        blend[owned.episode[is_scored], column[is_scored]] = -np.inf
        blend[:, ~allowed[scored.products]] = -np.inf
        episode, new_column = _largest(blend, most)
        new = episode * width + scored.products[new_column]
    if kind != "repeat" and past.signs is not None:
        new = np.union1d(new, _signed(past.signs.products, owned, allowed, width))
    keys = np.concatenate([key, new])
    by = np.argsort(keys, kind="stable")
    own = np.concatenate([own_rows, np.full(len(new), -1)])[by]
    product = keys[by] % width
    return Candidates(keys[by] // width, product, own, scored.place_of[product])


def _signed(signs: SignRows, owned: Owned, allowed: NDArray[np.bool_], width: int) -> Ints:
    """Keys of the allowed products that each episode was most interested in and does not own."""
    episode = signs.episode
    rows = np.flatnonzero(allowed[signs.item])
    key = episode[rows] * width + signs.item[rows]
    rows = rows[~np.isin(key, owned.episode * width + owned.product)]
    by = rows[np.lexsort((-signs.looked[rows], episode[rows]))]
    by = by[place_in_group(episode[by]) < SIGNED_CANDIDATES]
    return episode[by] * width + signs.item[by]


def _strongest_own(owned: Owned, allowed: NDArray[np.bool_], most: int) -> Ints:
    """Rows of the allowed products that each episode bought most and latest."""
    rows = np.flatnonzero(allowed[owned.product])
    by = rows[np.lexsort((-owned.long[rows], owned.episode[rows]))]
    return np.sort(by[place_in_group(owned.episode[by]) < most])


def _largest(values: Values, most: int) -> tuple[Ints, Ints]:
    """Row and column of the finite ones among the `most` largest values of each row."""
    most = min(most, values.shape[1])
    column = np.argpartition(-values, most - 1, axis=1)[:, :most]
    row = np.repeat(np.arange(len(values)), most)
    column = column.ravel()
    finite = np.isfinite(values[row, column])
    return row[finite], column[finite]


def features(
    past: EpisodePast, candidates: Candidates, scored: SourceScores, facts: ProductFacts, fold: Ints
) -> Values:
    """One row per candidate, columns as `FEATURES` names them; NaN where there is nothing.

    Behind them `SIGN_FEATURES`, where the episodes have signs.
    """
    parts = [
        _own_features(past.owned, candidates, facts, fold),
        _source_features(candidates, scored),
        _product_features(candidates, facts, fold),
        _customer_features(past, candidates),
    ]
    names = FEATURES
    if past.signs is not None:
        parts.append(_sign_features(past.signs, candidates))
        names = FEATURES_WITH_SIGNS
    table = np.empty((len(candidates), len(names)), dtype=np.float32, order="F")
    columns = iter(table.T)
    for part in parts:
        for values in part:
            next(columns)[:] = values
    return np.ascontiguousarray(table)


def _own_features(
    owned: Owned, candidates: Candidates, facts: ProductFacts, fold: Ints
) -> list[Values]:
    row = candidates.own[candidates.own >= 0]
    product = np.minimum(owned.product[row], facts.gap_days.shape[1] - 1)
    episode = owned.episode[row]
    fold = fold[episode]
    times, first, last = owned.times[row], owned.first_back[row], owned.last_back[row]
    first_days, last_days = owned.first_days[row], owned.last_days[row]
    gap_baskets = (first - last + facts.gap_baskets[fold, product]) / times
    gap_days = (first_days - last_days + facts.gap_days[fold, product]) / times
    counts = (
        times,
        times / owned.baskets[episode],
        times / (first + 1),
        owned.fresh[row],
        owned.lately[row],
        owned.long[row],
        owned.in_days[row],
        owned.lately[row] / owned.per_episode(owned.lately)[episode],
        owned.of_last_three[row],
    )
    spans = (last, last_days, first_days, (last + 1) / gap_baskets, last_days / gap_days, gap_days)
    ranks = tuple(_ranks(owned.episode, values)[row] for values in (owned.long, owned.in_days))
    counted = _spread(candidates, counts, np.float32(0))
    spanned = _spread(candidates, (*spans, *ranks), np.float32(np.nan))
    return [*counted[:3], *spanned[:6], *counted[3:], *spanned[6:]]


def _ranks(episode: Ints, values: Values) -> Values:
    """Place of each row by falling value among those of its episode, from 0."""
    by = np.lexsort((-values, episode))
    rank = np.empty(len(by), dtype=np.float32)
    rank[by] = place_in_group(episode[by])
    return rank


def _spread(candidates: Candidates, parts: Sequence[Values], otherwise: np.float32) -> list[Values]:
    """Values of the owned candidates at their rows, `otherwise` at the new ones."""
    own = candidates.own >= 0
    result: list[Values] = []
    for part in parts:
        values = np.full(len(own), otherwise, dtype=np.float32)
        values[own] = part
        result.append(values)
    return result


def _source_features(candidates: Candidates, scored: SourceScores) -> list[Values]:
    is_scored = candidates.column >= 0
    episode, column = candidates.episode[is_scored], candidates.column[is_scored]
    scores: dict[str, Values] = {}
    for name in SOURCE_WEIGHTS:
        scores[name] = np.full(len(is_scored), np.nan, dtype=np.float32)
        scores[name][is_scored] = scored.tables[name][episode, column]
    lead = scores["ridge"] - _at_rank(scored.tables["ridge"])[candidates.episode]
    at_rank = _at_rank(scored.tables["neighbours_next"]) + 1e-6
    ratio = scores["neighbours_next"] / at_rank[candidates.episode]
    return [*scores.values(), lead, ratio]


def _at_rank(table: Values) -> Values:
    if table.shape[1] <= LEAD_RANK:
        return np.zeros(len(table), dtype=np.float32)
    # of the negatives: finding a small one among many equal zeros takes a tenth of the time
    return -np.partition(-table, LEAD_RANK, axis=1)[:, LEAD_RANK]


def _product_features(candidates: Candidates, facts: ProductFacts, fold: Ints) -> list[Values]:
    fold = fold[candidates.episode]
    product = np.minimum(candidates.product, facts.next_share.shape[1] - 1)
    latest, ever = facts.latest_share[fold, product], facts.next_share[fold, product]
    return [
        latest,
        ever,
        facts.recent_share[fold, product],
        (latest + 1e-4) / (ever + 1e-4),
        facts.owner_share[fold, product],
        facts.repeat_share[fold, product],
        facts.new_share[fold, product],
    ]


def _sign_features(signs: EpisodeSigns, candidates: Candidates) -> list[Values]:
    products, categories = signs.products, signs.categories
    row = products.rows_of(candidates.episode, candidates.product)
    of_category = categories.rows_of(candidates.episode, signs.category(candidates.product))
    nothing, never = np.float32(0), np.float32(np.nan)
    return [
        _at(products.looked, row, nothing),
        _at(products.carted, row, nothing),
        _at(products.last_days, row, never),
        _at(categories.looked, of_category, nothing),
    ]


def _at(values: Values, row: Ints, otherwise: np.float32) -> Values:
    """The value at each row, `otherwise` at row −1."""
    return np.append(values, otherwise).astype(np.float32)[row]


def _customer_features(past: EpisodePast, candidates: Candidates) -> list[Values]:
    log, episodes, owned = past.log, past.episodes, past.owned
    baskets = np.maximum(owned.baskets, 1)
    last = np.maximum(episodes.target - 1, 0)
    bought = owned.per_episode(owned.times)
    distinct = np.diff(owned.first_row)
    size, day = np.append(log.size, 0), np.append(log.day, 0)
    last_size = np.where(owned.baskets > 0, size[last], 0)
    repeated = owned.per_episode(((owned.last_back == 0) & (owned.times > 1)).astype(np.float32))
    values = (
        owned.baskets,
        bought / baskets,
        distinct,
        1 - distinct / np.maximum(bought, 1),
        last_size,
        repeated / np.maximum(last_size, 1),
        np.where(owned.baskets > 0, episodes.moment - day[last], np.nan),
        np.where(
            owned.baskets > 1, (day[last] - day[episodes.first]) / (baskets - 1 + 1e-9), np.nan
        )
        if len(log.day)
        else np.full(len(past), np.nan),
    )
    return [np.asarray(value, dtype=np.float32)[candidates.episode] for value in values]
