"""ABC on customers whose shares add up in the head."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.segments.abc_classes import Abc
from features.settings.segments import Segments
from tests.features.segments.customers import cents, customers


def classes(*profits, **shares):
    settings = Segments.model_validate({"abc": shares} if shares else {})
    return "".join(Abc(settings).assign(customers(spend_365d=list(map(float, profits))))["abc"])


def test_the_textbook():
    # 80 % of 100 are brought before the second, 95 % before the third
    assert classes(80, 15, 5) == "ABC"
    assert classes(5, 80, 15) == "CAB"


@pytest.mark.parametrize(
    ("profits", "expected"),
    [
        ((90, 10), "AB"),  # who crosses the border is above it
        ((79, 15, 5, 1), "AABC"),  # 79 % before the second, 94 % before the third
        ((40, 40, 10, 5, 5), "AABBB"),  # the two 5s share: 90 % before both
        ((10, 10, 10), "AAA"),  # all alike
        ((100, 0, -20), "ACC"),  # returns do not make the whole smaller
        ((0, 0), "CC"),
        ((-1,), "C"),
        ((7,), "A"),
    ],
)
def test_borders_and_ties(profits, expected):
    assert classes(*profits) == expected


def test_other_shares():
    assert classes(50, 30, 20, a=0.5, b=0.3, c=0.2) == "ABC"


def test_the_published_cut_points():
    system = Abc()
    cuts = system.cut_points(customers(spend_365d=[80.0, 15, 5]))
    assert cuts == {"above": [5.0, 15.0]}
    assert (
        system.describe(cuts).cut_points[0].into("en") == "A from more than 15, B from more than 5."
    )


@given(st.lists(cents(), min_size=1, max_size=30), st.integers(1, 4), st.integers(1, 1000))
def test_copies_and_scale_change_no_share(profits, copies, scale):
    table = customers(spend_365d=profits)
    larger = pd.concat([table] * copies)
    larger["spend_365d"] *= scale
    once = Abc().assign(table)["abc"].value_counts(normalize=True)
    again = Abc().assign(larger)["abc"].value_counts(normalize=True)
    pd.testing.assert_series_equal(again, once, check_like=True)


@given(st.lists(cents(), min_size=1, max_size=30))
def test_more_profit_is_never_a_lower_class(profits):
    table = customers(spend_365d=sorted(profits))
    found = list(Abc().assign(table)["abc"])
    assert found == sorted(found, reverse=True)
