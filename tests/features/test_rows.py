import numpy as np
import pandas as pd

from features.rows import Rows, column, values_of

TABLE = pd.DataFrame(
    {"orders": [1, 2, 3], "spend": [1.5, np.nan, 4.0]}, index=pd.Index(["a", "b", "c"])
)


def test_rows_hold_what_the_table_holds():
    rows = Rows.of(TABLE)
    assert len(rows) == 3
    assert list(rows.columns) == list(TABLE)
    assert rows["orders"].tolist() == [1.0, 2.0, 3.0]
    assert "spend" in rows
    assert "clv" not in rows
    pd.testing.assert_frame_equal(rows.table(TABLE.index), TABLE.astype(float))
    assert Rows.of(rows) is rows


def test_either_is_read_alike():
    rows = Rows.of(TABLE)
    for name in TABLE:
        np.testing.assert_array_equal(column(rows, name), column(TABLE, name))
    np.testing.assert_array_equal(values_of(rows), values_of(TABLE))
    assert values_of(TABLE).flags["C_CONTIGUOUS"]


def test_some_rows_and_other_columns():
    rows = Rows.of(TABLE)
    assert rows.at(np.array([2, 0]))["orders"].tolist() == [3.0, 1.0]
    assert rows.at(TABLE["orders"].to_numpy() > 1)["orders"].tolist() == [2.0, 3.0]
    wider = rows.aligned(["clv", "orders"])
    assert np.isnan(wider[:, 0]).all()
    assert wider[:, 1].tolist() == [1.0, 2.0, 3.0]


def test_rows_of_single_customers():
    rows = Rows.stacked([{"b": 2.0, "a": 1.0}, {"a": 3.0, "b": 4.0, "c": 5.0}], ["a", "b"])
    assert rows.numbers.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert len(Rows.stacked([], ["a", "b"])) == 0
