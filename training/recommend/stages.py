"""Both stages learned: sources and trees, and how they score the customers of a log."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.special import logit

from training.past.interest_signs import InterestSigns
from training.past.purchase_history import Floats, Ints
from training.recommend.baskets import (
    Baskets,
    Episodes,
    Values,
    next_products,
    open_episodes,
    past_episodes,
)
from training.recommend.candidates import (
    NEW_CANDIDATES,
    Candidates,
    SourceScores,
    choose,
    features,
)
from training.recommend.facts import ProductFacts, folds
from training.recommend.filters import Mask
from training.recommend.owners import Owners
from training.recommend.ranker import Ranker, Trees
from training.recommend.sources import (
    SOURCES,
    CandidateSource,
    EpisodePast,
    Lessons,
    most_frequent,
    spread_evenly,
)
from training.recommend.spread import LEAST_KEPT, MOST_SHOWN, share_kept, steps_back

FEWEST_EPISODES = 200
"""With fewer, trees would learn noise; own counts and popularity rank instead."""
MOST_ROWS = 10_000_000
"""Purchases in the pasts that are learned from: some 900 MB. Beyond, customers are sampled."""
MOST_RANKED = 40_000
"""Episodes that the trees learn from: more of them change nothing and cost time."""
MOST_SPREAD = 1_000
"""Customers in whose lists new products are counted."""
EPISODES_AT_ONCE = 512
VALUES_AT_ONCE = 4_000_000
"""Dense scores held at once per source: customers × scored products."""


@dataclass(frozen=True)
class LearningSizes:
    """Sizes of what is learned.

    At least `per_customer` latest baskets of each customer teach the sources; where customers
    are few, more of them, up to `most_per_customer`, to reach about `episodes` in all. The
    trees learn from the latest days that hold `recent` of these baskets: older ones would teach
    them not to trust what sells now. `scored` products are candidates for something new.
    """

    trees: Trees
    per_customer: int = 3
    most_per_customer: int = 8
    episodes: int = 12_000
    recent: int = 5_000
    scored: int = 2_500
    seed: int = 0
    num_threads: int = 1

    def depth(self, customers: int) -> int:
        """How many latest baskets of each customer teach, given the number of customers."""
        depth = -(-self.episodes // max(customers, 1))
        return int(np.clip(depth, self.per_customer, self.most_per_customer))


@dataclass(frozen=True)
class Stages:
    """What was learned from past episodes."""

    products: Ints
    """The scored products: codes, ascending."""
    sources: tuple[CandidateSource, ...]
    facts: ProductFacts
    ranker: Ranker
    steps_back: Values
    """Per scored product what it loses where it is new; see `training.recommend.spread`."""

    @classmethod
    def fit(
        cls,
        log: Baskets,
        owners: Owners,
        waited: Floats | None,
        plan: LearningSizes,
        signs: InterestSigns | None = None,
    ) -> Self | None:
        """Learn from the last baskets of the customers of `log`; None where there are too few.

        `waited`: see `past_episodes`; `signs`: of interest, None where the shop knows of none.
        """
        depth = plan.depth(len(log.customers))
        episodes = past_episodes(log, per_customer=depth, waited=waited)
        episodes = _bounded(log, episodes)
        if len(episodes) < FEWEST_EPISODES:
            return None
        past = EpisodePast.of(log, episodes, owners, signs)
        following = next_products(log, episodes)
        bought_next = following.tocoo().col
        products = most_frequent(bought_next, following.shape[1], plan.scored)
        recent = _recent(log.day[episodes.target], plan.recent)
        lessons = Lessons(past, following, products, recent)
        sources = tuple(source().fit(lessons) for source in SOURCES)
        facts = ProductFacts.of(lessons)
        examples, known_lists = _rehearsed(lessons, sources, facts, plan)
        ranker = Ranker.fit(*examples, plan.trees, plan.seed, plan.num_threads)
        equal = cls(products, sources, facts, ranker, np.zeros(len(products), dtype=np.float32))
        return replace(equal, steps_back=equal._steps_back(past, owners, signs, known_lists))

    def _steps_back(
        self,
        lessons: EpisodePast,
        owners: Owners,
        signs: InterestSigns | None,
        known_lists: "_KnownLists",
    ) -> Values:
        """See `training.recommend.spread`, from the lists of some customers on the day of the fit."""
        log = lessons.log
        customers = np.flatnonzero(np.diff(log.first_basket))
        rows = spread_evenly(customers, MOST_SPREAD)
        everything, episodes = np.ones(len(log.products), dtype=bool), open_episodes(log)
        parts = []
        for start in range(0, len(rows), self.at_once):
            part = episodes[rows[start : start + self.at_once]]
            past = EpisodePast.of(log, part, owners, signs)
            scored = self.scored(past)
            chosen, score = self.candidates(past, scored, everything, "new", NEW_CANDIDATES, 0)
            shared = chosen.column >= 0
            parts.append(
                (chosen.episode[shared] + start, chosen.column[shared], logit(score[shared]))
            )
        episode, column, raw = (np.concatenate(values) for values in zip(*parts, strict=True))
        known = known_lists.scored(self.ranker)
        for most_shown in MOST_SHOWN:
            steps = steps_back(episode, column, raw, len(self.products), most_shown)
            if share_kept(*known, steps) >= LEAST_KEPT:
                return steps
        return np.zeros(len(self.products), dtype=np.float32)

    @property
    def at_once(self) -> int:
        """How many customers are scored at once."""
        size = VALUES_AT_ONCE // max(len(self.products), 1)
        return int(np.clip(size, 16, EPISODES_AT_ONCE))

    def scored(self, past: EpisodePast) -> SourceScores:
        """The sources' scores of a block of episodes."""
        tables: dict[str, Values] = {}
        for source in self.sources:
            tables |= dict(zip(source.weights, source.scores(past), strict=True))
        return SourceScores(tables, _places(self.products, len(past.log.products)), self.products)

    def candidates(
        self,
        past: EpisodePast,
        scored: SourceScores,
        allowed: Mask,
        kind: str,
        most: int,
        most_own: int,
    ) -> tuple[Candidates, Floats]:
        """Candidates of a block of episodes, of which the sources have `scored`, as trees rank."""
        fold = np.full(len(past), -1)
        blend = scored.blend_with_signs(self.facts, fold, past.signs)
        chosen = choose(
            past, scored, blend, allowed=allowed, kind=kind, most=most, most_own=most_own
        )
        rows = features(past, chosen, scored, self.facts, fold)
        return chosen, self.ranker.score(rows)


def _places(products: Ints, width: int) -> Ints:
    column = np.full(width, -1)
    column[products] = np.arange(len(products))
    return column


def _bounded(log: Baskets, episodes: Episodes) -> Episodes:
    """The episodes of as many customers, evenly spread, as `MOST_ROWS` purchases allow."""
    sizes = log.first_row[episodes.target] - log.first_row[episodes.first]
    share = MOST_ROWS / max(int(sizes.sum()), 1)
    if share >= 1:
        return episodes
    sampled_before = np.floor(np.arange(len(log.customers) + 1) * share)
    return episodes[np.flatnonzero((np.diff(sampled_before) > 0)[episodes.customer])]


def _recent(day: Ints, least: int) -> Mask:
    """The rows of the latest whole days that hold at least `least` rows."""
    by_day = np.sort(day)[::-1]
    return np.asarray(day >= by_day[min(least, len(day)) - 1])


Examples = tuple[Values, Values, Ints]
"""Candidates (rows × `FEATURES`), whether each was bought next, and rows per episode."""


@dataclass(frozen=True)
class _KnownLists:
    """All candidates of some lessons, and whether each was bought next.

    `column` is that of a new candidate among the scored products, −1 for any other; `table` what
    the trees see.
    """

    episode: Ints
    column: Ints
    table: Values
    bought: Values

    @classmethod
    def joined(cls, parts: "list[_KnownLists]") -> Self:
        """Several parts below each other."""
        names = cls.__dataclass_fields__
        return cls(
            **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        )

    def scored(self, ranker: Ranker) -> tuple[Ints, Ints, Floats, Floats]:
        """As `share_kept` takes them."""
        raw = logit(ranker.score(self.table))
        return self.episode, self.column, np.asarray(raw), self.bought.astype(np.float64)


def _rehearsed(
    lessons: Lessons, sources: tuple[CandidateSource, ...], facts: ProductFacts, plan: LearningSizes
) -> tuple[Examples, _KnownLists]:
    """What the trees learn from, of the latest episodes, and whole lists of some of these.

    Episodes in which no candidate was bought teach nothing and are left out of the examples.
    """
    latest = spread_evenly(np.flatnonzero(lessons.recent), MOST_RANKED)
    listed = spread_evenly(latest, MOST_SPREAD)
    draw = np.random.default_rng(plan.seed)
    parts: list[Examples] = []
    lists: list[_KnownLists] = []
    for start in range(0, len(latest), EPISODES_AT_ONCE):
        rows = latest[start : start + EPISODES_AT_ONCE]
        rehearsal = _Rehearsal.of(lessons, sources, facts, rows)
        parts.append(rehearsal.examples(facts, draw, plan.trees.negatives))
        lists.append(rehearsal.lists(facts, rows, np.isin(rows, listed)))
    tables, bought, groups = zip(*parts, strict=True)
    examples = np.concatenate(tables), np.concatenate(bought), np.concatenate(groups)
    return examples, _KnownLists.joined(lists)


@dataclass(frozen=True)
class _Rehearsal:
    """The candidates of some lessons, scored without what was bought next, and whether each was."""

    past: EpisodePast
    scored: SourceScores
    fold: Ints
    chosen: Candidates
    bought: Values

    @classmethod
    def of(
        cls,
        lessons: Lessons,
        sources: tuple[CandidateSource, ...],
        facts: ProductFacts,
        rows: Ints,
    ) -> Self:
        past, following = lessons.past.part(rows), lessons.following[rows]
        answers = following[:, lessons.candidates].toarray()
        tables: dict[str, Values] = {}
        for source in sources:
            rehearsed = source.rehearsed(past, rows, answers)
            tables |= dict(zip(source.weights, rehearsed, strict=True))
        columns = _places(lessons.candidates, lessons.width)
        scored, fold = SourceScores(tables, columns, lessons.candidates), folds(past.owners)
        everything = np.ones(lessons.width, dtype=bool)
        blend = scored.blend_with_signs(facts, fold, past.signs)
        chosen = choose(past, scored, blend, allowed=everything)
        bought = np.asarray(following[chosen.episode, chosen.product]).ravel()
        return cls(past, scored, fold, chosen, bought)

    def examples(
        self, facts: ProductFacts, draw: np.random.Generator, negatives: float
    ) -> Examples:
        """All candidates that were bought and a share of the others, of episodes with a hit."""
        chosen, bought = self.chosen, self.bought
        is_example = (bought > 0) | (draw.random(len(bought)) < negatives)
        hits = np.bincount(chosen.episode, bought, minlength=len(self.past))
        is_example &= (hits > 0)[chosen.episode]
        examples = chosen[is_example]
        groups = np.bincount(examples.episode, minlength=len(self.past))
        return (
            self._features(examples, facts),
            bought[is_example].astype(np.float32),
            np.asarray(groups[groups > 0], dtype=np.int64),
        )

    def lists(self, facts: ProductFacts, rows: Ints, is_listed: Mask) -> _KnownLists:
        """All candidates of the episodes that are listed; `rows` are their lessons."""
        listed = is_listed[self.chosen.episode]
        chosen = self.chosen[listed]
        return _KnownLists(
            episode=rows[chosen.episode],
            column=np.where(chosen.own < 0, chosen.column, -1),
            table=self._features(chosen, facts),
            bought=self.bought[listed],
        )

    def _features(self, chosen: Candidates, facts: ProductFacts) -> Values:
        """What trees see of some of the candidates."""
        return features(self.past, chosen, self.scored, facts, self.fold)
