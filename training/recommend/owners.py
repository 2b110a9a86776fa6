"""A number for each customer id, the same in every log, on every machine and in every process.

SipHash-2-4 (Aumasson and Bernstein, 2012) of the id in UTF-8 under a fixed key, its bits mixed once
more: what pandas hashes texts to, without pandas, which the process that scores single customers
does not load. Models in force hold the numbers of the customers they learned from: by another hash
such a customer would be taken for a stranger and count as their own neighbour.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Owners = npt.NDArray[np.uint64]
Words = Any
"""A word of 64 bits as `int`, or an array of them: the same arithmetic holds for both."""

KEY = b"0123456789123456"
WORD_BYTES = 8
ONE_BY_ONE = 16
"""So many ids are hashed one after the other; arrays are quicker for more."""
_BEGIN = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
"""The constants of the paper, which spell "somepseudorandomlygeneratedbytes"."""
_END = 0xFF
_ALL_BITS = (1 << 64) - 1
_MIXING = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))
"""How far to shift and by what to multiply, after Steele, Lea and Flood (2014)."""


def owners_of(customers: Iterable[str]) -> Owners:
    """The number of each customer id."""
    texts = [customer.encode() for customer in customers]
    owners = np.empty(len(texts), dtype=np.uint64)
    if len(texts) <= ONE_BY_ONE:
        owners[:] = [_hashed(map(int, _words_of([text])[0])) for text in texts]
        return owners
    words = np.array([len(text) // WORD_BYTES for text in texts], dtype=np.int64)
    # ids with equally many words at once
    for count in np.unique(words):
        rows = np.flatnonzero(words == count)
        owners[rows] = _hashed(_words_of([texts[row] for row in rows]).T)
    return owners


def _words_of(texts: list[bytes]) -> npt.NDArray[np.uint64]:
    """Texts of equally many words (texts × words); the last byte of the last is the length."""
    size = (len(texts[0]) // WORD_BYTES + 1) * WORD_BYTES
    padded = b"".join(text.ljust(size - 1, b"\0") + bytes([len(text) % 256]) for text in texts)
    return np.frombuffer(padded, dtype="<u8").reshape(len(texts), -1).astype(np.uint64)


def _hashed(words: Iterable[Words]) -> Words:
    """The hash of a text, or of many, by their words one after the other."""
    k0, k1 = (int.from_bytes(KEY[start : start + WORD_BYTES], "little") for start in (0, 8))
    v0, v1, v2, v3 = (key ^ begin for key, begin in zip((k0, k1) * 2, _BEGIN, strict=True))
    for word in words:
        v0, v1, v2, v3 = _rounds(v0, v1, v2, word ^ v3, 2)
        v0 = v0 ^ word
    v0, v1, v2, v3 = _rounds(v0, v1, v2 ^ _END, v3, 4)
    mixed = v0 ^ v1 ^ v2 ^ v3
    for bits, factor in _MIXING:
        mixed = (mixed ^ (mixed >> bits)) * factor & _ALL_BITS
    return mixed


def _rounds(
    v0: Words, v1: Words, v2: Words, v3: Words, number: int
) -> tuple[Words, Words, Words, Words]:
    """The rounds of the paper."""
    for _ in range(number):
        v0 = v0 + v1 & _ALL_BITS
        v1 = _turned(v1, 13) ^ v0
        v2 = v2 + v3 & _ALL_BITS
        v3 = _turned(v3, 16) ^ v2
        v0 = _turned(v0, 32) + v3 & _ALL_BITS
        v3 = _turned(v3, 21) ^ v0
        v2 = v2 + v1 & _ALL_BITS
        v1 = _turned(v1, 17) ^ v2
        v2 = _turned(v2, 32)
    return v0, v1, v2, v3


def _turned(word: Words, bits: int) -> Words:
    """A word turned left by so many bits."""
    return (word << bits | word >> 64 - bits) & _ALL_BITS
