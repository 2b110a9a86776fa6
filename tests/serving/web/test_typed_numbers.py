"""Numbers as people of several countries type them."""

import math

import pytest

from serving.web.typed_numbers import number_in


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("1,000", 1000),
        ("1,000.50", 1000.5),
        ("1.000,50", 1000.5),
        ("-1.234.567,8", -1234567.8),
        ("1.234.567", 1234567),
        ("12,5", 12.5),
        ("−5", -5),
        ("１，０００．５", 1000.5),
        ("５０％", 50),
        ("￥1,000", 1000),
        ("500元", 500),
        ("3百", 300),
        ("1.5万元", 15000),
        ("2亿", 2e8),
    ],
)
def test_amounts_are_read_as_they_are_written(typed, number):
    assert number_in(typed) == number


@pytest.mark.parametrize("typed", ["", "abc", "万", "1.5.6", "1,2.3,4", "1.000,", "5 or 6"])
def test_what_is_no_number_is_none(typed):
    assert math.isnan(number_in(typed))
