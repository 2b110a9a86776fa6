"""Families of near-duplicates: products of one kind, such as the colours of one bag.

A product joins the family of the most bought product whose name is alike (cosine of the words,
rare words counting more), or which is bought in the same orders so regularly that the two are
one choice. How many of a family a list may hold is read from the shop's own orders.
"""

import math
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import sparse

from training.past.purchase_history import Floats, Ints, place_in_group
from training.recommend.baskets import Baskets
from training.recommend.together import Together

LEAST_ALIKE = 0.6
"""Cosine of two names from which they name the same kind of thing."""
LEAST_CORRELATION = 0.5
"""Correlation in orders from which two products are bought as one."""
NAMES_AT_ONCE = 1_000
MOST_NAMES = 20_000
"""Names that are compared, those of the most bought products: the rest are alone."""
MOST_OF_A_KIND = 0.5
"""Share of the products beyond which one name is a placeholder."""
COMMON_SHARE = 0.05
"""A word in a larger share of the names than this says nothing of the kind."""

_WORD = re.compile(r"[^\W\d_]+", re.UNICODE)
_PICTOGRAPH = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True)
class Families:
    """The family of each product, and how often real orders hold one twice.

    Attributes
    ----------
    family : per product the code of the product that leads its family
    shared_pairs : share of the pairs of products in one order that are of one family
    """

    family: Ints
    shared_pairs: float

    @classmethod
    def of(cls, log: Baskets, names: list[str | None], together: Together) -> Self:
        """Families of the products of `log`, the first of `names`, and of those never sold."""
        bought = np.bincount(log.product, minlength=len(names))
        order = np.lexsort((np.arange(len(names)), -bought))
        pairs = [_by_name(names, order), _by_orders(together)]
        family = _joined_to_leaders(np.concatenate(pairs), order)
        return cls(family, _shared_pairs(log, family))

    def most_in(self, limit: int) -> int:
        """How many of one family a list of `limit` products may hold: as a real order does."""
        return 1 + math.ceil((limit - 1) * self.shared_pairs)


def words_of(name: str) -> list[str]:
    """The words of a name without digits, in lower case; pairs of signs where they are written
    without blanks.

    >>> words_of("JUMBO BAG 2 RED"), words_of("红色水杯")
    (['jumbo', 'bag', 'red'], ['红色', '色水', '水杯'])
    """
    words = []
    for word in _WORD.findall(name.casefold()):
        if _PICTOGRAPH.search(word) and len(word) > 1:
            words += [word[start : start + 2] for start in range(len(word) - 1)]
        else:
            words.append(word)
    return words


def _by_name(names: list[str | None], order: Ints) -> Ints:
    """Pairs of product codes whose names are alike."""
    codes_of: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for code in order.tolist():
        if words := tuple(sorted(set(words_of(names[code] or "")))):
            codes_of[words].append(code)
    most = max(MOST_OF_A_KIND * sum(map(len, codes_of.values())), 1)
    # names that differ in numbers alone, such as Product 1 and Product 2, tell no kinds
    telling = {words: codes for words, codes in codes_of.items() if len(codes) <= most}
    same = [(codes[0], code) for codes in telling.values() for code in codes[1:]]
    first = [(words, codes[0]) for words, codes in telling.items()][:MOST_NAMES]
    similar = _similar([words for words, _ in first], [code for _, code in first])
    return np.concatenate([np.array(same, dtype=np.int64).reshape(-1, 2), similar])


def _similar(names: list[tuple[str, ...]], codes: list[int]) -> Ints:
    """Pairs of codes whose sets of words have a cosine of `LEAST_ALIKE` or more."""
    none = np.empty((0, 2), dtype=np.int64)
    if not names:
        return none
    vocabulary: dict[str, int] = {}
    row = np.repeat(np.arange(len(names)), [len(words) for words in names])
    column = np.array([vocabulary.setdefault(w, len(vocabulary)) for words in names for w in words])
    used = np.bincount(column)
    rarity = np.log((len(names) + 1) / used)
    weight = rarity[column]
    length = np.sqrt(np.bincount(row, weight**2, len(names)))
    # a frequent word alone makes no two names alike, so it need not be multiplied out
    telling = used[column] <= max(COMMON_SHARE * len(names), 20)
    table = sparse.csr_array(
        ((weight / length[row])[telling], (row[telling], column[telling])),
        shape=(len(names), len(vocabulary)),
    )
    others = sparse.csr_array(table.T)
    code = np.array(codes)
    parts = [none]
    for start in range(0, len(names), NAMES_AT_ONCE):
        cosine = (table[start : start + NAMES_AT_ONCE] @ others).tocoo()
        is_alike = (cosine.data >= LEAST_ALIKE) & (cosine.row + start < cosine.col)
        parts.append(np.stack([code[cosine.row[is_alike] + start], code[cosine.col[is_alike]]], 1))
    return np.concatenate(parts)


def _by_orders(together: Together) -> Ints:
    """Pairs of products that are bought as one."""
    strong = together.correlations() >= LEAST_CORRELATION
    return np.stack([together.first[strong], together.second[strong]], axis=1)


def _joined_to_leaders(pairs: Ints, order: Ints) -> Ints:
    """Per product its leader: the most bought one that it is paired with and that leads itself.

    Only leaders gather others, so likeness does not hand itself on from one to the next.
    """
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    ranks = np.sort(rank[pairs], axis=1)
    ranks = ranks[np.lexsort((ranks[:, 0], ranks[:, 1]))]
    leader = np.arange(len(order))
    for better, worse in ranks.tolist():
        if leader[worse] == worse and leader[better] == better:
            leader[worse] = better
    return np.asarray(order[leader][rank], dtype=np.int64)


def _shared_pairs(log: Baskets, family: Ints) -> float:
    """Share of the pairs of products within an order that are of one family; each order counts once."""
    key = np.sort(log.basket * (len(family) + 1) + family[log.product])
    size = log.size.astype(float)
    last = np.append(key[1:] != key[:-1], True) if len(key) else np.empty(0, dtype=bool)
    held = place_in_group(key)[last] + 1.0
    twins = np.bincount(key[last] // (len(family) + 1), held * (held - 1), minlength=len(size))
    with_pairs = size > 1
    if not with_pairs.any():
        return 0.0
    shares: Floats = twins[with_pairs] / (size * (size - 1))[with_pairs]
    return float(shares.mean())
