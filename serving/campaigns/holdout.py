"""Drawing: who is left alone, and who is in a test; by a recorded seed, never drawn again."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TypeVar

VALUE_LEVELS = ("low", "middle", "high")

Key = TypeVar("Key")


def strata(risks: Sequence[str | None], values: Sequence[float]) -> list[str]:
    """Per customer `risk/value`: the band of risk and the third of the value they are in.

    >>> strata(["high", "high", "low"], [1.0, 5.0, 3.0])
    ['high/low', 'high/high', 'low/middle']
    """
    ordered = sorted(values)
    edges = [ordered[len(ordered) * third // 3] for third in (1, 2)] if ordered else []
    return [
        f"{risk or 'unknown'}/{VALUE_LEVELS[bisect_right(edges, value)]}"
        for risk, value in zip(risks, values, strict=True)
    ]


def hold_out(strata_of: Mapping[str, str], share: float, seed: str) -> set[str]:
    """Whom to leave alone: `share` of everybody and of each stratum, at random.

    Customers stand in a row by stratum, within it in the order of SHA-256 of seed and id; every
    (1 ÷ share)-th of the row is held out, from a random start. So everybody has the same
    chance, a stratum's part is off its share by less than one customer, and the same seed
    gives the same hold-out for ever.

    Parameters
    ----------
    strata_of : customer id → stratum
    share : above 0, at most 0.5; rounded to whole customers, at least one
    seed : any text
    """
    if not strata_of:
        return set()
    share = max(round(share * len(strata_of)), 1) / len(strata_of)
    row = sorted(strata_of, key=lambda name: (strata_of[name], _digest(seed, name)))
    start = int(_digest(seed, ""), 16) / 2**256
    # against rounding where n × share is whole
    steps = [math.floor(number * share + start + 1e-9) for number in range(len(row) + 1)]
    return {name for number, name in enumerate(row) if steps[number + 1] > steps[number]}


def every_nth(cells: Mapping[str, str], size: int) -> list[str]:
    """A test sample of `size` customers in which every cell has its share (Hughes).

    As `features.segments.break_even.every_nth`: sorted by cell, then id, every Nth is taken,
    N = all ÷ `size`, which is from 1 to all.

    >>> every_nth({"a": "555", "b": "555", "c": "111", "d": "111"}, 2)
    ['d', 'b']
    """
    row = sorted(cells, key=lambda name: (cells[name], name))
    return [row[(2 * number + 1) * len(row) // (2 * size)] for number in range(size)]


def _digest(seed: str, customer_id: str) -> str:
    return sha256(f"{seed}\n{customer_id}".encode()).hexdigest()
