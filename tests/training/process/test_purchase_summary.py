import numpy as np
import pandas as pd
import pytest

from features.errors import DataError
from training.process.purchase_summary import group_summary, read_summary


def frame(x, t_x, T):  # noqa: N803
    return pd.DataFrame({"x": x, "t_x": t_x, "T": T})


def test_keeps_the_order_of_the_rows_and_ignores_index_and_other_columns():
    summary = frame([2, 0], [30, 0], [40, 50]).assign(name="n").set_index(pd.Index(["b", "b"]))
    counts = read_summary(summary)
    assert counts.x.tolist() == [2.0, 0.0]
    assert counts.t_x.tolist() == [30.0, 0.0]
    assert counts.T.tolist() == [40.0, 50.0]


def test_reads_nullable_columns():
    summary = frame([2, 0], [30, 0], [40, 50]).astype("Int64")
    assert read_summary(summary).x.dtype == np.float64


def test_reads_an_empty_summary():
    assert len(read_summary(frame([], [], []).astype(float))) == 0


def test_reports_every_missing_and_unfit_column_at_once():
    summary = pd.DataFrame({"x": ["one"], "frequency": [1]})
    with pytest.raises(DataError) as caught:
        read_summary(summary)
    assert len(caught.value.problems) == 3
    assert "column 'x' holds" in str(caught.value)
    assert "no column 't_x' (have: x, frequency)" in str(caught.value)


def test_refuses_a_column_that_occurs_twice():
    summary = frame([1], [1], [2])
    with pytest.raises(DataError, match="column 'T' occurs 2 times"):
        read_summary(pd.concat([summary, summary["T"]], axis=1))


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ((-1, 0, 9), "a negative x"),
        ((1.5, 3, 9), "an x that is not a whole number"),
        ((2, -3, 9), "a negative t_x"),
        ((0, 0, -9), "a negative T"),
        ((2, 10, 9), "t_x beyond T"),
        ((0, 3, 9), "t_x other than 0 though x is 0"),
        ((2, 0, 9), "t_x of 0 though x is above 0"),
        ((2, 3, np.nan), "a missing or infinite value"),
        ((2, 3, np.inf), "a missing or infinite value"),
    ],
)
def test_names_the_problem_and_the_first_row_that_has_it(row, problem):
    x, t_x, T = ([good, bad] for good, bad in zip((1, 5, 9), row, strict=True))  # noqa: N806
    with pytest.raises(DataError, match=f"1 of 2 rows have {problem}.*first in row 2") as caught:
        read_summary(frame(x, t_x, T))
    assert problem in caught.value.problems[0]


def test_reports_the_problems_of_all_rows_together():
    with pytest.raises(DataError) as caught:
        read_summary(frame([-1, 2, 0], [0, 10, 3], [9, 9, 9]))
    assert len(caught.value.problems) == 3


def test_groups_stand_for_all_customers_in_ascending_order():
    groups = group_summary(read_summary(frame([1, 0, 1, 1], [5, 0, 5, 3], [9, 9, 9, 9])))
    assert groups.x.tolist() == [0, 1, 1]
    assert groups.t_x.tolist() == [0, 3, 5]
    assert groups.customers.tolist() == [1, 1, 2]
