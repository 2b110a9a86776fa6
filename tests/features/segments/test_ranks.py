"""Edges and places: the arithmetic under all systems that compare customers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.segments.ranks import edges, parts, places

VALUES = st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=60).map(np.array)


@given(VALUES, st.integers(2, 12))
def test_who_exceeds_an_edge_has_that_share_below(values, number):
    shares = parts(number)
    found = places(values, edges(values, shares))
    for value, place in zip(values, found, strict=True):
        below = (values < value).sum()
        # in whole numbers: part ÷ number of all customers are below
        assert place == sum(number * below >= part * len(values) for part in range(1, number))


def test_no_customers_no_edges():
    assert edges(np.array([]), [0.5]) == []


@pytest.mark.parametrize("count", [3, 7, 35, 50, 99])
def test_shares_that_are_not_exact_in_binary_count_whole_customers(count):
    values = np.arange(count, dtype=float)
    for share in (0.95, 0.6, 0.99, 1 / 3):
        (edge,) = edges(values, [share])
        assert edge == -(-count * round(share * 300) // 300) - 1
