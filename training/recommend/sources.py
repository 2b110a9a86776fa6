"""Where candidates come from: sources that score products for episodes.

Candidates for something new are the products bought most in the next baskets of the past, at
most 2,500: with 100,000 products the rest is too rare for any of these sources. What a
customer owns is always a candidate, and so is what was looked at or left in the cart
(`training.past.interest_signs`, chosen in `training.recommend.candidates`), however rare.

Sizes are bounded whatever the shop's: weights of at most 6,000 × 2,500 products, 20,000
neighbours, and scores for some hundred customers at a time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from training.past.interest_signs import EpisodeSigns, InterestSigns
from training.past.purchase_history import Ints, place_in_group
from training.recommend.baskets import Baskets, Episodes, Owned, Values, owned_products
from training.recommend.owners import Owners

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class EpisodePast:
    """Episodes with what their customers own.

    `owners` has one number per episode that tells customers apart, the same in every log; `signs`
    is what was looked at and not bought, None where nobody's interest is looked at.
    """

    log: Baskets
    episodes: Episodes
    owned: Owned
    owners: Owners
    signs: EpisodeSigns | None = None

    @classmethod
    def of(
        cls, log: Baskets, episodes: Episodes, owners: Owners, signs: InterestSigns | None = None
    ) -> Self:
        """Count what the episodes own; `owners` has one number per customer of the log."""
        owned = owned_products(log, episodes)
        bought = owned.episode, owned.product, owned.last_days
        shown = None if signs is None else signs.shown(episodes.customer, episodes.moment, bought)
        return cls(log, episodes, owned, owners[episodes.customer], shown)

    def part(self, rows: Ints | slice) -> "EpisodePast":
        """A part of the episodes, already counted."""
        return EpisodePast(
            self.log,
            self.episodes[rows],
            self.owned.part(rows),
            self.owners[rows],
            None if self.signs is None else self.signs.part(rows),
        )

    def __len__(self) -> int:
        return len(self.episodes)


@dataclass(frozen=True)
class Lessons:
    """Past episodes and their next baskets.

    `following` is episodes × products with 1 for what the next basket held; `candidates` are
    product codes, ascending; `recent` marks the episodes whose next basket is of the last days.
    """

    past: EpisodePast
    following: sparse.csr_array
    candidates: Ints
    recent: NDArray[np.bool_]

    @property
    def width(self) -> int:
        """Products known at the fit."""
        return int(self.following.shape[1])


class CandidateSource(Protocol):
    """Scores products; higher is likelier. One table of scores per name in `weights`.

    Attributes
    ----------
    name : of its arrays in the file of a model, unique among the sources
    weights : name of each table of scores → what it counts where new candidates are chosen
        (see `training.recommend.candidates.BLEND`); each table is a column that the trees see
    """

    name: ClassVar[str]
    weights: ClassVar[Mapping[str, float]]

    def fit(self, lessons: Lessons) -> Self:
        """Learn from past episodes."""

    def scores(self, past: EpisodePast) -> list[Values]:
        """Per name in `weights`, in its order: episodes × candidates."""

    def rehearsed(self, past: EpisodePast, rows: Ints, following: Values) -> list[Values]:
        """Scores of episodes that were learned from, as if they had not been.

        `rows` are their numbers among the lessons, `following` (episodes × candidates) what
        came next.
        """

    def arrays(self) -> Arrays:
        """What was learned, for a file."""

    @classmethod
    def restored(cls, arrays: Arrays) -> Self:
        """The source that `arrays` came from."""


class NextBasketRidge:
    """Ridge regression from what was bought lately to the next basket, item by item.

    W = (XᵀX + λI)⁻¹ XᵀY, with X the rows Σ 0.9^(baskets back) scaled to length 1 and Y the next
    baskets: EASE (Steck, WWW 2019), turned from the same basket toward the next one, so that
    the diagonal may stay. A rehearsed score leaves its episode out: (ŷ − h·y) ÷ (1 − h) with the
    leverage h = x(XᵀX + λI)⁻¹xᵀ.

    The inverse is taken in the `directions` in which X varies most; in all others, in which the
    penalty outweighs the data, X counts with its mean square. It depends on X alone, so a
    rehearsed score holds nothing of its own answer, whatever the number of directions.

    Parameters
    ----------
    penalty : λ > 0
    inputs : number of input products, those that most episodes own, ≥ 1
    directions : ≥ 1; as many as input products solve the regression exactly
    """

    name: ClassVar[str] = "ridge"
    weights: ClassVar[Mapping[str, float]] = {"ridge": 1.0}

    def __init__(
        self, *, penalty: float = 20.0, inputs: int = 6_000, directions: int = 256
    ) -> None:
        self.penalty = penalty
        self.inputs = inputs
        self.directions = directions

    def fit(self, lessons: Lessons) -> Self:
        owned = lessons.past.owned
        self.inputs_ = most_frequent(owned.product, lessons.width, self.inputs)
        rows = self._profiles(lessons.past)
        inverse = _PenalisedInverse.of(rows, self.penalty, self.directions)
        self.leverage_ = inverse.leverage(rows)
        answers = (rows.T @ lessons.following[:, lessons.candidates]).toarray()
        # all weights, weak ones too: without them a rehearsed score would reveal what was bought
        self.weights_ = _halved(inverse.times(answers))
        return self

    def scores(self, past: EpisodePast) -> list[Values]:
        profiles = self._profiles(past)
        if self.weights_.dtype != np.float16:
            return [np.asarray(profiles @ self.weights_)]
        # only the rows that count are widened: for one customer a few of thousands
        counting, position = np.unique(profiles.indices, return_inverse=True)
        narrowed = sparse.csr_array(
            (profiles.data, position, profiles.indptr), shape=(profiles.shape[0], len(counting))
        )
        return [np.asarray(narrowed @ self.weights_[counting].astype(np.float32))]

    def rehearsed(self, past: EpisodePast, rows: Ints, following: Values) -> list[Values]:
        leverage = self.leverage_[rows, None]
        (scores,) = self.scores(past)
        return [(scores - leverage * following) / (1 - leverage)]

    def arrays(self) -> Arrays:
        return {"inputs": self.inputs_, "weights": self.weights_.astype(np.float16)}

    @classmethod
    def restored(cls, arrays: Arrays) -> Self:
        source = cls()
        source.inputs_ = arrays["inputs"]
        source.weights_ = arrays["weights"]  # as short as they are kept: half the memory
        if source.weights_.ndim != 2 or len(source.weights_) != len(source.inputs_):
            raise ValueError("weights of other products")
        return source

    def speaking(self, past: EpisodePast, episode: Ints, columns: Ints) -> sparse.coo_array:
        """What each owned product adds to a score: entries × products of the log.

        Entry i is about the score of `episode[i]` for the scored product in column
        `columns[i]`; only what speaks for it is there.
        """
        parts = self._profiles(past)[episode].tocoo()
        weight = self.weights_[parts.col, columns[parts.row]]
        for_it = weight > 0
        values = (parts.data * weight.astype(np.float32, copy=False))[for_it]
        product = self.inputs_[parts.col[for_it]]
        shape = (len(episode), len(past.log.products))
        return sparse.coo_array((values, (parts.row[for_it], product)), shape=shape)

    def _profiles(self, past: EpisodePast) -> sparse.csr_array:
        rows = past.owned.matrix(past.owned.lately, len(past.log.products))
        return _unit_rows(rows[:, self.inputs_])


class Neighbours:
    """What the customers most alike bought next, and what they own.

    Likeness is the cosine of Σ 0.9^(baskets back) · √log(N ÷ owners) over the 30 strongest
    products of each side; the nearest count with their likeness squared (after TIFU-KNN, Hu et
    al., SIGIR 2020, and UP-CF, Faggioli et al., UMAP 2020). No episode is a neighbour of its
    own customer.

    Parameters
    ----------
    most : largest number of past episodes that can be neighbours, one per customer, ≥ 1
    nearest : neighbours of an episode, ≥ 1
    """

    name: ClassVar[str] = "neighbours"
    weights: ClassVar[Mapping[str, float]] = {"neighbours_next": 1.0, "neighbours_own": 0.3}

    def __init__(self, *, most: int = 20_000, nearest: int = 200) -> None:
        self.most = most
        self.nearest = nearest

    def fit(self, lessons: Lessons) -> Self:
        past, owned = lessons.past, lessons.past.owned
        owners = np.bincount(owned.product, minlength=lessons.width)
        self.rarity_ = np.sqrt(np.log((len(past) + 1) / (owners + 1))).astype(np.float32)
        chosen = spread_evenly(np.flatnonzero(past.episodes.back == 0), self.most)
        self.owners_ = past.owners[chosen]
        self.profiles_ = sparse.csr_array(self._profiles(past)[chosen].T)
        habit = owned.matrix(owned.lately / owned.baskets[owned.episode], lessons.width)
        parts = [part[chosen][:, lessons.candidates] for part in (lessons.following, habit)]
        self.baskets_ = sparse.csr_array(sparse.hstack(parts), dtype=np.float32)
        return self

    def scores(self, past: EpisodePast) -> list[Values]:
        sums = (self._nearest(past) @ self.baskets_).toarray()
        half = sums.shape[1] // 2
        return [sums[:, :half], sums[:, half:]]

    def rehearsed(self, past: EpisodePast, rows: Ints, following: Values) -> list[Values]:  # noqa: ARG002
        return self.scores(past)

    def arrays(self) -> Arrays:
        return {
            "nearest": np.array(self.nearest),
            "rarity": self.rarity_,
            "owners": self.owners_,
            **packed("profiles", self.profiles_),
            **packed("baskets", self.baskets_),
        }

    @classmethod
    def restored(cls, arrays: Arrays) -> Self:
        source = cls(nearest=int(arrays["nearest"]))
        source.rarity_, source.owners_ = arrays["rarity"], arrays["owners"]
        source.profiles_ = unpacked("profiles", arrays)
        source.baskets_ = unpacked("baskets", arrays)
        return source

    def _profiles(self, past: EpisodePast) -> sparse.csr_array:
        owned, width = past.owned, len(self.rarity_)
        rarity = self.rarity_[np.minimum(owned.product, width - 1)]
        weight = np.where(owned.product < width, owned.lately * rarity, 0)
        by = np.lexsort((-weight, owned.episode))
        weight[by[place_in_group(owned.episode[by]) >= STRONGEST]] = 0
        rows = owned.matrix(weight, max(width, len(past.log.products)))[:, :width]
        rows.eliminate_zeros()
        return _unit_rows(rows)

    def _nearest(self, past: EpisodePast) -> sparse.csr_array:
        """Episodes × neighbours: squared likeness, summing to 1 per episode."""
        likeness = (self._profiles(past) @ self.profiles_).toarray()
        likeness[past.owners[:, None] == self.owners_[None, :]] = 0
        count, most = likeness.shape
        nearest = min(self.nearest, most)
        column = np.argpartition(-likeness, nearest - 1, axis=1)[:, :nearest]
        column.sort(axis=1)
        weight = np.take_along_axis(likeness, column, axis=1) ** 2
        weight /= weight.sum(axis=1, keepdims=True) + np.float32(1e-9)
        starts = np.arange(0, count * nearest + 1, nearest)
        return sparse.csr_array((weight.ravel(), column.ravel(), starts), shape=likeness.shape)


SOURCES: tuple[type[CandidateSource], ...] = (NextBasketRidge, Neighbours)
"""Every source. To add one: a class above, its name here; models must then be trained again."""

STRONGEST = 30


def most_frequent(codes: Ints, width: int, most: int) -> Ints:
    """The `most` codes that occur most often, ascending; none that never occurs."""
    count = np.bincount(codes, minlength=width)
    first = np.lexsort((np.arange(width), -count))[:most]
    return np.sort(first[count[first] > 0]).astype(np.int64)


def packed(name: str, matrix: sparse.csr_array) -> Arrays:
    """A sparse matrix as plain arrays."""
    return {
        f"{name}_values": matrix.data.astype(np.float32),
        f"{name}_columns": matrix.indices.astype(np.int32),
        f"{name}_starts": matrix.indptr.astype(np.int64),
        f"{name}_width": np.array(matrix.shape[1]),
    }


def unpacked(name: str, arrays: Arrays) -> sparse.csr_array:
    """The matrix that `packed` took apart, checked: damaged arrays raise ValueError."""
    values, columns, starts = (arrays[f"{name}_{part}"] for part in ("values", "columns", "starts"))
    matrix = sparse.csr_array(
        (values, columns, starts), shape=(len(starts) - 1, int(arrays[f"{name}_width"]))
    )
    matrix.check_format(full_check=True)
    return matrix


def spread_evenly(rows: Ints, most: int) -> Ints:
    """At most `most` of the rows, evenly spread."""
    step = np.linspace(0, len(rows) - 1, min(most, len(rows)))
    return np.asarray(rows[step.astype(np.int64)])


def _unit_rows(rows: sparse.csr_array) -> sparse.csr_array:
    """The rows scaled to length 1; empty ones stay."""
    owner = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    length = np.sqrt(np.bincount(owner, rows.data.astype(np.float64) ** 2, rows.shape[0]))
    rows.data = (rows.data / np.where(length > 0, length, 1)[owner]).astype(np.float32)
    return rows


@dataclass(frozen=True)
class _PenalisedInverse:
    """(XᵀX + λI)⁻¹: `rest` times the identity, less the `excess` in each of the `directions`."""

    directions: Values
    excess: Values
    rest: np.float32

    @classmethod
    def of(cls, rows: sparse.csr_array, penalty: float, most: int) -> Self:
        """Of the matrix X with `rows`, from its `most` leading singular vectors."""
        from sklearn.utils.extmath import randomized_svd

        width = rows.shape[1]
        _, sizes, directions = randomized_svd(
            rows,
            min(most, *rows.shape),
            n_oversamples=16,
            n_iter=3,
            power_iteration_normalizer="QR",
            random_state=0,
        )
        left = float(
            (rows.data.astype(np.float64) ** 2).sum() - (sizes.astype(np.float64) ** 2).sum()
        )
        mean_left = max(left, 0.0) / max(width - len(sizes), 1)
        rest = np.float32(1 / (mean_left + penalty))
        return cls(directions, rest - 1 / (sizes**2 + np.float32(penalty)), rest)

    def times(self, values: Values) -> Values:
        """The inverse times a dense matrix."""
        leading = (self.directions * self.excess[:, None]).T @ (self.directions @ values)
        return np.asarray(self.rest * values - leading)

    def leverage(self, rows: sparse.csr_array) -> Values:
        """x·inverse·xᵀ per row x, kept away from 1."""
        along = rows @ self.directions.T
        squares = np.asarray(rows.multiply(rows).sum(axis=1)).ravel()
        leverage = self.rest * squares - (along * along) @ self.excess
        return np.asarray(np.clip(leverage, 0, 0.9), dtype=np.float32)


def _halved(weights: Values) -> Values:
    """Rounded to half precision, in which they are kept in files: a thousandth is enough."""
    return np.ascontiguousarray(weights.astype(np.float16), dtype=np.float32)
