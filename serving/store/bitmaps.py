"""Who has which value, as one bitmap of places per value; see `serving.store.facets`.

A customer's place is that of their row in the run. The bitmaps are compressed while they are
counted and combined (S. Chambi, D. Lemire and others, "Better bitmap performance with Roaring
bitmaps", 2016).
"""

import json
import math
from array import array
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Self, TypeVar

from pyroaring import BitMap

from features.libraries.deferred import is_loaded

EXACT_UNITS = 2**53
"""Whole numbers below it are all doubles."""
MANY = 10_000
"""Numbers from which on whole columns are quicker."""

Value = TypeVar("Value", bound=Hashable)


class Bitmaps:
    """The bitmaps of a column, opened when they are first asked for.

    Parameters
    ----------
    packed : value → its bitmap as bytes
    """

    def __init__(self, packed: Mapping[str, bytes]) -> None:
        self._packed = packed
        self._open: dict[str, BitMap] = {}

    @classmethod
    def of(cls, values: Sequence[str | None]) -> Self:
        """Of a value per customer; None is in no bitmap."""
        by_value = places_of(values)
        return cls({value: pack(bitmap) for value, bitmap in by_value.items() if value is not None})

    @classmethod
    def of_several(cls, values: Sequence[Iterable[str]]) -> Self:
        """Of any number of values per customer."""
        places: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
        for place, own_values in enumerate(values):
            for value in own_values:
                places[value].append(place)
        return cls({value: pack(BitMap(held)) for value, held in places.items()})

    @property
    def packed(self) -> Mapping[str, bytes]:
        return self._packed

    @property
    def values(self) -> list[str]:
        return list(self._packed)

    def having(self, values: Iterable[str]) -> BitMap:
        """Who has one of `values`."""
        return BitMap().union(*(self._bitmap(value) for value in values if value in self._packed))

    def sizes(self, fitting: BitMap) -> dict[str, int]:
        """How many of those `fitting` have each value."""
        return {
            value: self._bitmap(value).intersection_cardinality(fitting) for value in self._packed
        }

    def _bitmap(self, value: str) -> BitMap:
        if value not in self._open:
            self._open[value] = unpack(self._packed[value])
        return self._open[value]


class Numbers:
    """A number per customer, as one bitmap per binary digit of how far it lies above the lowest.

    Parameters
    ----------
    with_number : whose number is known
    digits : the bitmaps, of the lowest digit first
    lowest : in units of the last decimal
    decimals : of the numbers
    """

    def __init__(
        self, *, with_number: BitMap, digits: Sequence[BitMap], lowest: int, decimals: int
    ) -> None:
        self._known = with_number
        self._digits = digits
        self._lowest = lowest
        self._decimals = decimals

    @classmethod
    def of(cls, values: Sequence[float | None], *, decimals: int) -> Self:
        """Of a number per customer, rounded to `decimals`; None is not known."""
        if len(values) >= MANY and is_loaded("numpy"):
            columns = _columns_of_many(values, decimals)
            if columns is not None:
                return cls(**columns, decimals=decimals)
        units = [None if value is None else round(value * 10**decimals) for value in values]
        lowest = min((unit for unit in units if unit is not None), default=0)
        above = [0 if unit is None else unit - lowest for unit in units]
        with_number = BitMap(row for row, value in enumerate(values) if value is not None)
        return cls(
            with_number=with_number, digits=digits_of(above), lowest=lowest, decimals=decimals
        )

    def packed(self) -> tuple[list[bytes], list[int]]:
        """The bitmaps and what else there is; see `opened`."""
        parts = [pack(bitmap) for bitmap in (self._known, *self._digits)]
        return parts, [self._lowest, self._decimals]

    @classmethod
    def opened(cls, parts: Sequence[bytes], header: Sequence[int]) -> Self:
        """What was `packed`."""
        with_number, *digits = map(unpack, parts)
        return cls(with_number=with_number, digits=digits, lowest=header[0], decimals=header[1])

    @property
    def known(self) -> BitMap:
        """Who has a number."""
        return self._known

    def at_least(self, amount: float) -> BitMap:
        """Who has so much or more."""
        return self._above(math.ceil(round(amount * 10**self._decimals, 6)) - self._lowest)

    def within(self, low: float | None, high: float | None) -> BitMap:
        """Who has a number from `low` to `high`, both of them too; None: no end."""
        places = self._known if low is None else self.at_least(low)
        if high is None:
            return places
        least_above = math.floor(round(high * 10**self._decimals, 6)) + 1 - self._lowest
        return places - self._above(least_above)

    def sum_of(self, fitting: BitMap) -> float:
        """The sum of the numbers of those `fitting`; what is not known counts as nothing."""
        fitting_known = fitting & self._known
        units = sum(
            digit.intersection_cardinality(fitting_known) << exponent
            for exponent, digit in enumerate(self._digits)
        )
        units += self._lowest * len(fitting_known)
        return float(round(units / 10**self._decimals, self._decimals))

    def highest(self, fitting: BitMap, number: int, below: float | None = None) -> list[float]:
        """The numbers of so many of those `fitting`, the highest: each different one once.

        Parameters
        ----------
        below : only numbers below it are looked at; None: all

        Returns
        -------
        Numbers, −∞ among them where there are fewer that are known.
        """
        candidates = fitting & self._known
        if below is not None:
            candidates = candidates - self._above(round(below * 10**self._decimals) - self._lowest)
        is_short = len(candidates) < number
        chosen = candidates if is_short else self._top(candidates, number)
        numbers = [(unit + self._lowest) / 10**self._decimals for unit in self._different(chosen)]
        return [*numbers, -math.inf] if is_short else numbers

    def _above(self, least: int) -> BitMap:
        if least <= 0:
            return self._known
        if least.bit_length() > len(self._digits):
            return BitMap()
        above, equal = BitMap(), self._known
        for exponent in reversed(range(len(self._digits))):
            digit = self._digits[exponent]
            if least >> exponent & 1:
                equal = equal & digit
            else:
                above = above | (equal & digit)
                equal = equal - digit
        return above | equal

    def _top(self, candidates: BitMap, number: int) -> BitMap:
        """Who of `candidates` has one of the `number` highest; all who share the last of them."""
        chosen = BitMap()
        for digit in reversed(self._digits):
            high = candidates & digit
            if len(chosen) + len(high) >= number:
                candidates = high
            else:
                chosen = chosen | high
                candidates = candidates - digit
        return chosen | candidates

    def _different(self, candidates: BitMap) -> list[int]:
        """The different numbers of `candidates`, above the lowest."""
        groups = [(candidates, 0)] if candidates else []
        for digit in reversed(self._digits):
            parted = [
                ((bitmap & digit, 2 * number + 1), (bitmap - digit, 2 * number))
                for bitmap, number in groups
            ]
            groups = [group for pair in parted for group in pair if group[0]]
        return [number for _, number in groups]


def _columns_of_many(values: Sequence[float | None], decimals: int) -> dict[str, Any] | None:
    """What `Numbers.of` makes of many values, by whole columns, in a fraction of the time.

    For who publishes a run and has numpy at hand; a server does without. None: there are numbers
    whose units a double does not hold one by one.
    """
    import numpy as np

    scaled = np.rint(np.array(values, dtype=float) * 10**decimals)
    is_known = ~np.isnan(scaled)
    known = scaled[is_known]
    if len(known) and np.abs(known).max() >= EXACT_UNITS:
        return None
    known = known.astype(np.int64)
    lowest = int(known.min()) if len(known) else 0
    above = np.zeros(len(scaled), dtype=np.int64)
    above[is_known] = known - lowest

    def places(holds: Any) -> BitMap:
        rows = array("I")
        rows.frombytes(np.flatnonzero(holds).astype(np.uint32).tobytes())
        return BitMap(rows)

    digits = range(int(above.max(initial=0)).bit_length())
    return {
        "with_number": places(is_known),
        "digits": [places(above >> exponent & 1) for exponent in digits],
        "lowest": lowest,
    }


def digits_of(numbers: Sequence[int]) -> list[BitMap]:
    """One bitmap per binary digit of numbers ≥ 0, the lowest first."""
    length = max(numbers, default=0).bit_length()
    digits = []
    for start in range(0, length, 8):
        bytes_at = places_of(number >> start & 255 for number in numbers)
        digits += [
            BitMap().union(*(bitmap for byte, bitmap in bytes_at.items() if byte >> bit & 1))
            for bit in range(min(8, length - start))
        ]
    return digits


def places_of(values: Iterable[Value]) -> dict[Value, BitMap]:
    """Value → where it stands, in the order of first places."""
    rows_of: defaultdict[Value, array[int]] = defaultdict(partial(array, "I"))
    for row, value in enumerate(values):
        rows_of[value].append(row)
    return {value: BitMap(rows) for value, rows in rows_of.items()}


def everybody(customers: int) -> BitMap:
    """All places of so many customers."""
    return BitMap(range(customers))


def pack(bitmap: BitMap) -> bytes:
    """As bytes, in the portable format of Roaring bitmaps; `unpack` reads them."""
    bitmap.run_optimize()
    return bitmap.serialize()


def unpack(packed: bytes) -> BitMap:
    """What `pack` wrote."""
    return BitMap.deserialize(packed)


def joined(parts: Mapping[str, Sequence[bytes]], header: Mapping[str, object]) -> bytes:
    """Named lists of byte strings and what is told beside them, as one; see `parted`."""
    sizes = {name: [len(part) for part in bitmaps] for name, bitmaps in parts.items()}
    head = json.dumps({**header, "sizes": sizes}, ensure_ascii=False).encode()
    body = b"".join(part for bitmaps in parts.values() for part in bitmaps)
    return len(head).to_bytes(4, "big") + head + body


def parted(data: bytes) -> tuple[dict[str, list[bytes]], dict[str, Any]]:
    """What was `joined`."""
    at = 4 + int.from_bytes(data[:4], "big")
    header = json.loads(data[4:at])
    parts: dict[str, list[bytes]] = {}
    for name, sizes in header.pop("sizes").items():
        parts[name] = []
        for size in sizes:
            parts[name].append(data[at : at + size])
            at += size
    return parts, header
