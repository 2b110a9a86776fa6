"""Who has which value, as one bitmap per value; see `serving.store.facets`.

The bit of the first customer is the highest. A bitmap is a whole number, of which Python counts
and combines the bits a machine word at a time.
"""

import json
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

LEVEL = 1
"""Of zlib: a bitmap of few customers shrinks to little, and that of half of them to no less."""
BYTE_VALUES = 255
"""Values that are told apart in one byte, beside all others."""


class Bitmaps:
    """The bitmaps of a column, opened when they are first asked for.

    Parameters
    ----------
    packed : value → its bitmap, compressed
    """

    def __init__(self, packed: Mapping[str, bytes]) -> None:
        self._packed = packed
        self._open: dict[str, int] = {}

    @classmethod
    def of(cls, values: Sequence[str | None]) -> Self:
        """Of a value per customer; None is in no bitmap."""
        names = [value for value in dict.fromkeys(values) if value is not None]
        found: dict[str, bytes] = {}
        for start in range(0, len(names), BYTE_VALUES):
            part = names[start : start + BYTE_VALUES]
            some: dict[str | None, int] = {name: code for code, name in enumerate(part)}
            coded = bytes(some.get(value, BYTE_VALUES) for value in values)
            found |= {
                name: pack(_where(coded, {code}), len(values)) for code, name in enumerate(part)
            }
        return cls(found)

    @property
    def packed(self) -> Mapping[str, bytes]:
        return self._packed

    @property
    def values(self) -> list[str]:
        return list(self._packed)

    def having(self, values: Iterable[str]) -> int:
        """Who has one of `values`."""
        found = 0
        for value in values:
            if value in self._packed:
                found |= self._bitmap(value)
        return found

    def sizes(self, fitting: int) -> dict[str, int]:
        """How many of those `fitting` have each value."""
        return {value: (self._bitmap(value) & fitting).bit_count() for value in self._packed}

    def _bitmap(self, value: str) -> int:
        if value not in self._open:
            self._open[value] = unpack(self._packed[value])
        return self._open[value]


class Numbers:
    """A number per customer, as one bitmap per binary digit of how far it lies above the lowest.

    Parameters
    ----------
    known : whose number is known
    places : the bitmaps, of the lowest digit first
    lowest : in units of the last decimal
    decimals : of the numbers
    """

    def __init__(self, *, known: int, places: Sequence[int], lowest: int, decimals: int) -> None:
        self._known = known
        self._places = places
        self._lowest = lowest
        self._decimals = decimals

    @classmethod
    def of(cls, values: Sequence[float | None], *, decimals: int) -> Self:
        """Of a number per customer, rounded to `decimals`; None is not known."""
        units = [None if value is None else round(value * 10**decimals) for value in values]
        lowest = min((one for one in units if one is not None), default=0)
        above = [0 if one is None else one - lowest for one in units]
        known = marked(value is not None for value in values)
        return cls(known=known, places=digits_of(above), lowest=lowest, decimals=decimals)

    def packed(self, customers: int) -> tuple[list[bytes], list[int]]:
        """The bitmaps and what else there is; see `opened`."""
        parts = [pack(bitmap, customers) for bitmap in (self._known, *self._places)]
        return parts, [self._lowest, self._decimals]

    @classmethod
    def opened(cls, parts: Sequence[bytes], told: Sequence[int]) -> Self:
        """What was `packed`."""
        known, *places = map(unpack, parts)
        return cls(known=known, places=places, lowest=told[0], decimals=told[1])

    def at_least(self, amount: float) -> int:
        """Who has so much or more."""
        return self._above(math.ceil(round(amount * 10**self._decimals, 6)) - self._lowest)

    def sum_of(self, fitting: int) -> float:
        """The sum of the numbers of those `fitting`; what is not known counts as nothing."""
        mine = fitting & self._known
        units = sum((digit & mine).bit_count() << place for place, digit in enumerate(self._places))
        units += self._lowest * mine.bit_count()
        return float(round(units / 10**self._decimals, self._decimals))

    def highest(self, fitting: int, number: int, below: float | None = None) -> list[float]:
        """The numbers of so many of those `fitting`, the highest: each different one once.

        Parameters
        ----------
        below : only numbers below it are looked at; None: all

        Returns
        -------
        Numbers, −∞ among them where there are fewer that are known.
        """
        mine = fitting & self._known
        if below is not None:
            mine &= ~self._above(round(below * 10**self._decimals) - self._lowest)
        few = mine.bit_count() < number
        chosen = mine if few else self._top(mine, number)
        found = [(one + self._lowest) / 10**self._decimals for one in self._different(chosen)]
        return [*found, -math.inf] if few else found

    def _above(self, least: int) -> int:
        if least <= 0:
            return self._known
        if least.bit_length() > len(self._places):
            return 0
        above, equal = 0, self._known
        for place in reversed(range(len(self._places))):
            digit = self._places[place]
            if least >> place & 1:
                equal &= digit
            else:
                above |= equal & digit
                equal &= ~digit
        return above | equal

    def _top(self, mine: int, number: int) -> int:
        """Who of `mine` has one of the highest so many numbers; all with the last of them."""
        chosen = 0
        for digit in reversed(self._places):
            high = mine & digit
            if (chosen | high).bit_count() >= number:
                mine = high
            else:
                chosen |= high
                mine &= ~digit
        return chosen | mine

    def _different(self, mine: int) -> list[int]:
        """The different numbers of `mine`, above the lowest."""
        groups = [(mine, 0)] if mine else []
        for digit in reversed(self._places):
            parted = [
                ((bitmap & digit, 2 * number + 1), (bitmap & ~digit, 2 * number))
                for bitmap, number in groups
            ]
            groups = [group for pair in parted for group in pair if group[0]]
        return [number for _, number in groups]


def digits_of(numbers: Sequence[int]) -> list[int]:
    """One bitmap per binary digit of numbers ≥ 0, the lowest first."""
    length = max(numbers, default=0).bit_length()
    found = []
    for place in range(0, length, 8):
        coded = bytes(number >> place & 255 for number in numbers)
        found += [
            _where(coded, {byte for byte in range(256) if byte >> bit & 1})
            for bit in range(min(8, length - place))
        ]
    return found


def marked(marks: Iterable[bool]) -> int:
    """Who is marked."""
    return _where(bytes(marks), {1})


def pack(bitmap: int, customers: int) -> bytes:
    return zlib.compress(bitmap.to_bytes(customers // 8 + 1, "big"), LEVEL)


def unpack(packed: bytes) -> int:
    return int.from_bytes(zlib.decompress(packed), "big")


def joined(parts: Mapping[str, Sequence[bytes]], told: Mapping[str, object]) -> bytes:
    """Named lists of byte strings and what is told beside them, as one; see `parted`."""
    sizes = {name: [len(part) for part in some] for name, some in parts.items()}
    head = json.dumps({**told, "sizes": sizes}, ensure_ascii=False).encode()
    body = b"".join(part for some in parts.values() for part in some)
    return len(head).to_bytes(4, "big") + head + body


def parted(data: bytes) -> tuple[dict[str, list[bytes]], dict[str, Any]]:
    """What was `joined`."""
    at = 4 + int.from_bytes(data[:4], "big")
    told = json.loads(data[4:at])
    parts: dict[str, list[bytes]] = {}
    for name, sizes in told.pop("sizes").items():
        parts[name] = []
        for size in sizes:
            parts[name].append(data[at : at + size])
            at += size
    return parts, told


def _where(coded: bytes, codes: set[int]) -> int:
    """Who has one of `codes`, each customer's being a byte."""
    signs = bytes(ord("1") if code in codes else ord("0") for code in range(256))
    return int(coded.translate(signs) or b"0", 2)
