"""The RFM test and its break-even, with the numbers of the textbook."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import ConfigError
from features.segments.break_even import break_even_response, every_nth, read_back, roll_out

MONEY = {"cost_per_contact": 0.62, "net_profit_per_sale": 35.00}


def test_the_break_even_of_the_textbook():
    assert break_even_response(0.62, 35.00) == 0.62 / 35
    assert f"{break_even_response(0.62, 35.00):.2%}" == "1.77%"


@pytest.mark.parametrize("money", [(0.62, 0), (0.62, -1), (-1, 35), (1, float("nan"))])
def test_impossible_money_is_refused(money):
    with pytest.raises(ConfigError):
        break_even_response(*money)


def test_a_test_of_40_000_among_800_000_in_125_equal_cells():
    cells = [f"{r}{f}{m}" for r in range(1, 6) for f in range(1, 6) for m in range(1, 6)]
    everybody = pd.Series(np.tile(cells, 6400))
    sample = every_nth(everybody, 40_000)
    assert sample.is_unique
    assert Counter(everybody[sample]) == dict.fromkeys(cells, 320)


def test_every_second_of_six():
    cells = pd.Series(["111", "555", "111", "555", "555", "555"], index=list("abcdef"))
    assert list(every_nth(cells, 3)) == ["c", "d", "f"]
    assert list(every_nth(cells, 6)) == ["a", "c", "b", "d", "e", "f"]


@given(st.lists(st.sampled_from(["111", "315", "555"]), min_size=1, max_size=80), st.data())
def test_a_cell_is_off_its_share_by_less_than_one(cells, data):
    size = data.draw(st.integers(1, len(cells)))
    everybody = pd.Series(cells)
    sample = every_nth(everybody, size)
    assert len(set(sample)) == len(sample) == size
    found = Counter(everybody[sample])
    for cell, count in Counter(cells).items():
        assert abs(found[cell] - count * size / len(cells)) < 1


@pytest.mark.parametrize("size", [0, 4])
def test_a_sample_that_cannot_be_drawn_is_refused(size):
    with pytest.raises(ConfigError, match="cannot be drawn from 3 customers"):
        every_nth(pd.Series(["111"] * 3), size)


@pytest.fixture
def result():
    """Of 1000 contacts each: 50, 18 and 17 responses; break-even is 17.7."""
    cells = np.repeat(["111", "345", "555"], 1000)
    responded = np.concatenate([np.arange(1000) < count for count in (17, 18, 50)])
    return read_back(pd.Series(cells), pd.Series(responded), **MONEY)


def test_the_response_is_read_back_per_cell(result):
    assert list(result.index) == ["555", "345", "111"]
    assert list(result["contacts"]) == [1000] * 3
    assert list(result["responses"]) == [50, 18, 17]
    assert list(result["response_rate"]) == [0.05, 0.018, 0.017]
    assert list(result["roll_out"]) == [True, True, False]
    assert result["profit"].tolist() == pytest.approx([50 * 35 - 620, 18 * 35 - 620, 17 * 35 - 620])
    assert result.loc["555", "break_even_index"] == pytest.approx(100 * (0.05 * 35 / 0.62 - 1))
    assert (result["response_low"] < result["response_rate"]).all()
    assert (result["response_rate"] < result["response_high"]).all()


def test_the_interval_is_that_of_wilson():
    found = read_back(pd.Series(["555"] * 10), pd.Series([True] + [False] * 9), **MONEY)
    z = 1.2815515655446004
    for bound in found[["response_low", "response_high"]].iloc[0]:
        # its definition: the share p whose z-test against 1 of 10 just holds
        assert (0.1 - bound) ** 2 == pytest.approx(z**2 * bound * (1 - bound) / 10)


def test_exactly_at_break_even_is_rolled_out():
    responded = pd.Series([True] + [False] * 9)
    money = {"cost_per_contact": 0.1, "net_profit_per_sale": 1.0}
    found = read_back(pd.Series(["555"] * 10), responded, **money)
    assert found["roll_out"].all()
    assert found["break_even_index"].item() == pytest.approx(0)


def test_contacts_that_cost_nothing_always_pay():
    money = {"cost_per_contact": 0.0, "net_profit_per_sale": 1.0}
    found = read_back(pd.Series(["111"]), pd.Series([False]), **money)
    assert found["roll_out"].all()
    assert found["break_even_index"].item() == float("inf")


def test_roll_out_names_the_others_of_the_good_cells(result):
    cells = pd.Series(["555", "111", "345", "555", "222"], index=list("abcde"))
    assert list(roll_out(cells, result, pd.Index(["a"]))) == ["c", "d"]


def test_responses_of_other_customers_are_refused():
    with pytest.raises(ConfigError, match="not of the same customers"):
        read_back(pd.Series(["111"], index=["a"]), pd.Series([True], index=["b"]), **MONEY)
