"""Sums of small trees as tables: predictions and exact SHAP values by looking them up."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Self

import numpy as np
import numpy.typing as npt

from training.models.estimator import Floats

MOST_SPLITS = 10
"""A tree's table has 2^splits rows; larger trees are left to LightGBM."""

ROWS_PER_BLOCK = 4096
"""The columns of this many rows, and a tree's table, fit in the processor's cache."""

ZERO = float(np.float32(1e-35))
"""LightGBM takes smaller values for zero."""

_DEFAULT_LEFT, _MISSING_TYPE = 2, 12
_NEVER_MISSING, _ZERO_IS_MISSING = 0, 4
_COLUMNS = (
    *("split_feature", "threshold", "decision_type", "left_child", "right_child"),
    *("leaf_value", "leaf_count", "internal_count"),
)


@dataclass(frozen=True)
class _Split:
    """One comparison: x > `threshold` where `greater`, else x ≤ `threshold`.

    Neither holds for NaN, so the comparison is chosen by the way that missing values go.
    """

    feature: int
    threshold: float
    greater: bool
    zero_is_missing: bool


@dataclass
class _Gate:
    """The conditions on one feature along the path to a leaf.

    `share` of the training rows that met its splits went the leaf's way; a row does where its
    outcomes of the splits in `mask` are `required`.
    """

    share: float = 1.0
    mask: int = 0
    required: int = 0


@dataclass(frozen=True)
class _Tree:
    """A tree by the outcomes of its splits, of which the first is the highest bit.

    Attributes
    ----------
    features : the columns that the splits read
    added : what each of them adds, features × outcomes
    score : the value of the leaf, one per outcome
    """

    splits: tuple[_Split, ...]
    features: tuple[int, ...]
    added: Floats
    score: Floats


class TreeTables:
    """A LightGBM model with at most `MOST_SPLITS` splits a tree, quick for many rows.

    A tree knows of a row only the outcomes of its k splits, so it has at most 2^k answers and
    as many explanations: path-dependent TreeSHAP (Lundberg et al. 2020, "From local
    explanations to global understanding with explainable AI for trees"), what LightGBM's
    `pred_contrib` gives, up to rounding. All are worked out once; a row then costs k
    comparisons, and one look-up for its score or one per feature of the tree for the reasons.
    """

    def __init__(self, trees: Sequence[_Tree], mean: float, features: int) -> None:
        self._trees = trees
        self._mean = mean
        self._features = features

    @classmethod
    def of(cls, model: str) -> Self | None:
        """Read LightGBM's text format.

        None where a table cannot hold the model: more than `MOST_SPLITS` splits in a tree,
        categories, linear leaves, an average of trees, a split that no training row met.
        """
        header, *texts = model.partition("\nend of trees")[0].split("\nTree=")
        records = [_record(text) for text in texts]
        if "\naverage_output" in header or not all(map(_fits, records)):
            return None
        columns = int(_record(header)["max_feature_idx"]) + 1
        return cls([_tree(record) for record in records], sum(map(_mean, records)), columns)

    def raw_scores(self, values: Floats) -> Floats:
        """The sum of the trees per row of `values`, bit for bit as LightGBM adds it up."""
        scores = np.zeros(len(values))
        for block in _blocks(len(values)):
            for tree, outcomes in self._outcomes(values[block]):
                # every outcome is in the table; the other modes only check that, more slowly
                scores[block] += tree.score.take(outcomes, mode="wrap")
        return scores

    def contributions(self, values: Floats) -> Floats:
        """What each feature adds, and the trees' mean last.

        Parameters
        ----------
        values : rows × columns, as learned from; NaN where missing

        Returns
        -------
        rows × (columns + 1); a row adds up to the raw prediction.
        """
        contributions = np.empty((len(values), self._features + 1))
        for block in _blocks(len(values)):
            added = np.zeros((self._features, len(values[block])))
            for tree, outcomes in self._outcomes(values[block]):
                for feature, table in zip(tree.features, tree.added, strict=True):
                    added[feature] += table.take(outcomes, mode="wrap")
            contributions[block, :-1] = added.T
        contributions[:, -1] = self._mean
        return contributions

    def _outcomes(self, rows: Floats) -> Iterator[tuple[_Tree, npt.NDArray[np.intp]]]:
        """Each tree, and the outcomes of its splits per row."""
        columns = np.ascontiguousarray(rows.T)
        is_zero = np.abs(columns) <= ZERO
        columns = np.where(is_zero, 0.0, columns)
        without_zeros = np.where(is_zero, np.nan, columns)
        holds = np.empty(len(rows), dtype=bool)
        for tree in self._trees:
            outcomes = np.zeros(len(rows), dtype=np.min_scalar_type(len(tree.score) - 1))
            for split in tree.splits:
                column = (without_zeros if split.zero_is_missing else columns)[split.feature]
                (np.greater if split.greater else np.less_equal)(column, split.threshold, out=holds)
                outcomes += outcomes
                outcomes |= holds.view(np.uint8)
            yield tree, outcomes.astype(np.intp)


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, start + ROWS_PER_BLOCK) for start in range(0, rows, ROWS_PER_BLOCK))


def _record(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _fits(tree: Mapping[str, str]) -> bool:
    counts = f"{tree.get('leaf_count', '')} {tree.get('internal_count', '')}".split()
    return (
        int(tree["num_leaves"]) <= MOST_SPLITS + 1
        and tree["num_cat"] == "0"
        and tree.get("is_linear", "0") == "0"
        and "0" not in counts
    )


def _mean(tree: Mapping[str, str]) -> float:
    """The mean prediction of the rows that the tree learned from."""
    values = np.array(tree["leaf_value"].split(), dtype=float)
    if len(values) == 1:
        return float(values[0])
    counts = np.array(tree["leaf_count"].split(), dtype=float)
    return float(values @ counts / counts.sum())


def _tree(record: Mapping[str, str]) -> _Tree:
    columns = {name: [float(word) for word in record.get(name, "").split()] for name in _COLUMNS}
    splits = tuple(
        _split(int(feature), threshold, int(kind))
        for feature, threshold, kind in zip(
            columns["split_feature"], columns["threshold"], columns["decision_type"], strict=True
        )
    )
    features = tuple(sorted({split.feature for split in splits}))
    outcomes = np.arange(2 ** len(splits))
    added, score = np.zeros((len(features), len(outcomes))), np.zeros(len(outcomes))
    for value, gates in _leaves(splits, columns):
        passed = np.array([(outcomes & gate.mask) == gate.required for gate in gates.values()])
        score[passed.all(axis=0)] = value
        if gates:
            rows = [features.index(feature) for feature in gates]
            shares = np.array([gate.share for gate in gates.values()])
            added[rows] += _shapley(value, passed.astype(float), shares)
    return _Tree(splits, features, added, score)


def _split(feature: int, threshold: float, kind: int) -> _Split:
    missing = kind & _MISSING_TYPE
    # without missing values in training LightGBM reads NaN as zero
    missing_left = threshold >= 0 if missing == _NEVER_MISSING else bool(kind & _DEFAULT_LEFT)
    return _Split(feature, threshold, missing_left, missing == _ZERO_IS_MISSING)


def _leaves(
    splits: tuple[_Split, ...], columns: Mapping[str, list[float]]
) -> Iterator[tuple[float, dict[int, _Gate]]]:
    """The value of each leaf, and the gates of the features on its path."""

    def count(node: int) -> float:
        return columns["internal_count"][node] if node >= 0 else columns["leaf_count"][~node]

    def below(node: int, gates: dict[int, _Gate]) -> Iterator[tuple[float, dict[int, _Gate]]]:
        if node < 0:
            yield columns["leaf_value"][~node], gates
            return
        split, bit = splits[node], 1 << (len(splits) - 1 - node)
        for side in ("left_child", "right_child"):
            child = int(columns[side][node])
            gate = gates.get(split.feature, _Gate())
            holds = (side == "right_child") == split.greater
            further = _Gate(
                gate.share * count(child) / count(node),
                gate.mask | bit,
                gate.required | (bit if holds else 0),
            )
            yield from below(child, {**gates, split.feature: further})

    yield from below(0 if splits else ~0, {})


def _shapley(value: float, passed: Floats, shares: Floats) -> Floats:
    """What each gate on the way to a leaf adds; gates × outcomes, like `passed`.

    With a coalition S the leaf counts v · Π_{i∈S} o_i · Π_{i∉S} z_i: o_i is 1 where the row
    passes gate i and else 0, z_i the gate's share. Hence the Shapley value
    φ_i = v · (o_i − z_i) · ∫₀¹ Π_{j≠i} (z_j (1 − t) + o_j t) dt, and Gauss–Legendre
    integrates that polynomial exactly.
    """
    points, weights = _legendre(len(shares))
    factors = shares[:, None, None] * (1 - points) + passed[..., None] * points
    other_gates = factors.prod(axis=0) / factors
    return np.asarray(value * (passed - shares[:, None]) * (other_gates @ weights))


@cache
def _legendre(gates: int) -> tuple[Floats, Floats]:
    """Points and weights on [0, 1] for polynomials of degree `gates` − 1."""
    points, weights = np.polynomial.legendre.leggauss((gates + 1) // 2)
    return (points + 1) / 2, weights / 2
