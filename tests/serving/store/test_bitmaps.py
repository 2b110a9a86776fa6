"""Bitmaps of values: counts as by hand, whatever the number of values and customers."""

import math
from collections import Counter

import numpy as np
import pytest
from pyroaring import BitMap

from serving.store.bitmaps import (
    MANY,
    Bitmaps,
    Numbers,
    digits_of,
    everybody,
    joined,
    pack,
    parted,
    places_of,
    unpack,
)


@pytest.mark.parametrize("customers", [0, 1, 7, 8, 9, 1000])
@pytest.mark.parametrize("different", [1, 3, 255, 256, 700])
def test_every_value_has_its_customers(customers, different):
    values = [None if n % 11 == 5 else f"v{n * n % different}" for n in range(customers)]
    found = Bitmaps.of(values)
    expected = Counter(value for value in values if value is not None)
    assert found.sizes(everybody(customers)) == expected
    assert len(found.having(["v0", "nothing"])) == expected["v0"]
    assert Bitmaps(found.packed).sizes(everybody(customers)) == expected


VALUES = [3.5, None, -2.25, 0.0, 3.5, 700.01, -2.25, None, 12.0, 0.01]
ALL = everybody(len(VALUES))


@pytest.fixture(params=["made", "opened"])
def numbers(request):
    made = Numbers.of(VALUES, decimals=2)
    return made if request.param == "made" else Numbers.opened(*made.packed())


@pytest.mark.parametrize("amount", [-1e6, -2.25, -2.24, 0.0, 0.011, 3.5, 700.01, 700.02, 1e12])
def test_who_has_so_much_is_found(numbers, amount):
    expected = [n for n, one in enumerate(VALUES) if one is not None and one >= amount]
    assert list(numbers.at_least(amount)) == expected


def test_numbers_add_up(numbers):
    assert numbers.sum_of(ALL) == 714.52
    assert numbers.sum_of(BitMap()) == 0
    assert Numbers.of([], decimals=2).sum_of(BitMap()) == 0


@pytest.mark.parametrize("fitting", [ALL, BitMap([0, 1, 2, 6, 7, 8, 9]), BitMap()])
@pytest.mark.parametrize("below", [None, 3.5, 0.0, -2.25, 900.0])
@pytest.mark.parametrize("number", [1, 2, 3, 8, 9])
def test_the_highest_are_found_with_all_that_are_alike(numbers, fitting, below, number):
    mine = [VALUES[n] for n in fitting if VALUES[n] is not None]
    mine = sorted((one for one in mine if below is None or one < below), reverse=True)
    found = numbers.highest(fitting, number, below)
    assert (-math.inf in found) == (len(mine) < number)
    assert {one for one in found if one != -math.inf} == set(mine[:number])
    assert len(found) == len(set(found))


def test_bitmaps_are_packed_and_opened():
    bitmap = places_of([True, False, False, True, True] * 100)[True]
    assert len(bitmap) == 300
    assert unpack(pack(bitmap)) == bitmap
    assert unpack(pack(BitMap())) == BitMap()


def test_what_is_joined_is_parted():
    parts = {"a": [b"12", b""], "b\u00e9": [], "c": [b"345"]}
    assert parted(joined(parts, {"told": "x"})) == (parts, {"told": "x"})
    assert parted(joined({}, {})) == ({}, {})


@pytest.mark.parametrize("highest", [900.0, 1e17])
def test_many_numbers_have_the_bitmaps_of_few(highest):
    drawn = np.random.default_rng(7).uniform(-80, 900, MANY).round(2).tolist()
    values = [*drawn, None, 0.125, 0.375, -80.0, None, highest]
    units = [None if value is None else round(value * 100) for value in values]
    above = [0 if unit is None else unit + 8_000 for unit in units]
    parts, header = Numbers.of(values, decimals=2).packed()
    known = BitMap(row for row, value in enumerate(values) if value is not None)
    assert parts == [pack(bitmap) for bitmap in (known, *digits_of(above))]
    assert header == [-8_000, 2]
