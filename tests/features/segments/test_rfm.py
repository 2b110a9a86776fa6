"""RFM on customers whose cell and group are obvious."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from features.segments.catalogue import assign_all
from features.segments.rfm import GROUPS, Rfm, quintile_scores


def customers(**columns: list[float]) -> pd.DataFrame:
    names = ["days_since_last_order", "orders_365d", "spend_365d"]
    frame = pd.DataFrame(dict(zip(names, columns.values(), strict=True)), dtype="float64")
    return frame.set_axis([f"c{number}" for number in frame.index])


def test_cells_from_best_to_worst():
    frame = customers(r=[1, 2, 3, 4, 5], f=[50, 40, 30, 20, 10], m=[9, 8, 7, 6, 5])
    assert list(Rfm().assign(frame)["rfm_cell"]) == ["555", "444", "333", "222", "111"]


def test_the_three_digits_are_recency_frequency_and_money():
    frame = customers(r=[1, 2, 3, 4, 5], f=[10, 20, 30, 40, 50], m=[30, 10, 20, 50, 40])
    assert list(Rfm().assign(frame)["rfm_cell"]) == ["513", "421", "332", "245", "154"]


@pytest.mark.parametrize(
    ("recent", "often", "much", "group"),
    [
        (True, True, True, "important_value"),
        (False, True, True, "important_keep"),
        (True, False, True, "important_develop"),
        (False, False, True, "important_win_back"),
        (True, True, False, "general_value"),
        (False, True, False, "general_keep"),
        (True, False, False, "general_develop"),
        (False, False, False, "general_win_back"),
    ],
)
def test_groups_by_above_and_below_the_mean(recent, often, much, group):
    """The customer in question beside one who is the opposite in everything."""
    frame = customers(
        r=[10, 90] if recent else [90, 10],
        f=[8, 2] if often else [2, 8],
        m=[800, 200] if much else [200, 800],
    )
    assert Rfm().assign(frame)["rfm_group"].iloc[0] == group


def test_who_is_exactly_average_is_not_above():
    frame = customers(r=[5, 5, 5], f=[2, 2, 2], m=[7, 7, 7])
    found = Rfm().assign(frame)
    assert set(found["rfm_group"]) == {"general_win_back"}
    assert set(found["rfm_cell"]) == {"111"}


def test_the_catalogue_gives_the_promised_columns_and_keeps_the_index():
    frame = customers(r=[1, 50], f=[1, 3], m=[-4, 10])
    found = assign_all(frame).groups[list(Rfm.columns)]
    assert list(found.index) == ["c0", "c1"]
    assert set(found["rfm_group"]) <= set(GROUPS.values())


def test_no_customer_no_segment():
    nobody = assign_all(customers(r=[1], f=[1], m=[1]).head(0)).groups
    assert nobody.empty
    assert list(nobody.columns)[:2] == ["rfm_cell", "rfm_group"]


def test_scores_count_the_customers_below():
    """One, and one more for each fifth of the customers with a smaller value."""
    assert list(quintile_scores(np.arange(10.0))) == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert list(quintile_scores(np.array([7.0]))) == [1]
    assert list(quintile_scores(np.array([0.0] * 9 + [1]))) == [1] * 9 + [5]


@given(
    arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e6, 1e6, width=32)),
    st.randoms(use_true_random=False),
)
def test_scores_are_ranks_of_values(values, random):
    scores = quintile_scores(values)
    assert ((scores >= 1) & (scores <= 5)).all()
    for smaller, larger in [
        random.sample(range(len(values)), 2) for _ in values if len(values) > 1
    ]:
        assert (values[smaller] < values[larger]) <= (scores[smaller] <= scores[larger])
        assert (values[smaller] == values[larger]) <= (scores[smaller] == scores[larger])
    order = np.argsort(values, kind="stable")
    assert list(quintile_scores(values[order])) == list(scores[order])
