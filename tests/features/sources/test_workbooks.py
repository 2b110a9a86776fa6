"""Workbooks: typed cells, long ids, several sheets, and what cannot be read."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import xlsxwriter

from features.errors import DataError
from features.orders.log import check_orders
from features.settings.engine import Engine
from features.sources import open_source
from features.sql import engine
from tests.support.shop import shop_settings

HEADER = ["order", "customer", "when", "product", "amount"]
LONG_ID = "2800000000000098746"


def write(
    file: Path, sheets: dict[str, list[list[object]]], *, hidden: tuple[str, ...] = ()
) -> Path:
    with xlsxwriter.Workbook(str(file), {"default_date_format": "yyyy-mm-dd hh:mm:ss"}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            if name in hidden:
                sheet.hide()
            for place, row in enumerate(rows):
                for column, cell in enumerate(row):
                    if isinstance(cell, str):
                        sheet.write_string(place, column, cell)
                    elif cell is not None:
                        sheet.write(place, column, cell)
    return file


def orders(year: int, count: int = 5, first: int = 0) -> list[list[object]]:
    return [
        HEADER,
        *(
            [f"{LONG_ID}{n}", f"c{n % 3}", datetime(year, 3, 1 + n % 28, 14, 30), f"p{n}", 12.5 + n]  # noqa: DTZ001
            for n in range(first, first + count)
        ),
    ]


def read(pattern: str, root: Path, sheet: str | None = None):
    source = open_source(pattern, root, sheet=sheet)
    with engine(Engine()) as connection:
        types = source.columns(connection)
        connection.execute(f"CREATE TABLE read_rows AS {source.relation(connection)}")
        source.verify(connection, "read_rows")
        rows = connection.execute("SELECT * FROM read_rows ORDER BY source_file, source_row").df()
    return types, rows, source


def refusal(pattern: str, root: Path, sheet: str | None = None) -> str:
    with pytest.raises(DataError) as caught:
        read(pattern, root, sheet)
    assert len(caught.value.problems) == 1
    return str(caught.value)


def test_cells_keep_their_types_and_long_ids_their_digits(tmp_path):
    write(tmp_path / "orders.xlsx", {"Orders": orders(2024)})
    types, rows, source = read("orders.xlsx", tmp_path)
    assert types == {"order": "VARCHAR", "customer": "VARCHAR", "when": "TIMESTAMP",
                     "product": "VARCHAR", "amount": "DOUBLE"}  # fmt: skip
    assert list(rows["order"]) == [f"{LONG_ID}{n}" for n in range(5)]
    assert list(rows["when"].dt.strftime("%d %H:%M")) == [f"0{1 + n} 14:30" for n in range(5)]
    assert list(rows["source_row"]) == [1, 2, 3, 4, 5]
    assert set(rows["source_file"]) == {f"{tmp_path / 'orders.xlsx'} [Orders]"}
    assert source.settings == {"sheet": "Orders"}


def test_a_column_of_numbers_and_texts_is_text_as_it_was_typed(tmp_path):
    rows = [
        HEADER,
        [536365, 17850, date(2024, 1, 2), "p", 5],
        ["C536366", 12.5, "13/01/2024", 7, True],
    ]
    write(tmp_path / "orders.xlsx", {"Orders": rows})
    types, found, _ = read("orders.xlsx", tmp_path)
    assert list(found["order"]) == ["536365", "C536366"]
    assert list(found["customer"]) == [17850.0, 12.5]
    assert list(found["when"]) == ["2024-01-02", "13/01/2024"]
    assert list(found["product"]) == ["p", "7"]
    assert list(found["amount"]) == ["5", "TRUE"]
    assert types["customer"] == "DOUBLE"


def test_what_stands_above_the_header_and_empty_rows_are_no_rows(tmp_path):
    rows = [
        ["Export of May"],
        [],
        *orders(2024, 2),
        [],
        [None, None, None, None, ""],
        *orders(2024, 1, 3)[1:],
    ]
    write(tmp_path / "orders.xlsx", {"Orders": rows})
    assert len(read("orders.xlsx", tmp_path)[1]) == 3


def test_the_sheet_with_orders_is_chosen_and_named(tmp_path):
    notes = [["a", "b", "c"], *([["x", "y", "z"]] * 50)]
    sheets = {"Notes": notes, "Empty": [], "Orders": orders(2024), "Old": orders(2020, 40)}
    write(tmp_path / "orders.xlsx", sheets, hidden=("Old",))
    _, rows, source = read("orders.xlsx", tmp_path)
    assert len(rows) == 5
    assert source.name.endswith("orders.xlsx [Orders]")


def test_sheets_with_the_same_header_are_read_together(tmp_path):
    write(
        tmp_path / "orders.xlsx",
        {"2023": orders(2023), "2024": orders(2024, 3, 9), "Notes": [["a"]]},
    )
    _, rows, source = read("orders.xlsx", tmp_path)
    assert len(rows) == 8
    assert source.name.endswith("[2023, 2024]")
    assert list(rows["source_row"]) == [1, 2, 3, 4, 5, 1, 2, 3]


def test_a_setting_names_a_sheet_or_a_pattern(tmp_path):
    write(
        tmp_path / "orders.xlsx", {"2023": orders(2023), "2024": orders(2024, 3), "Notes": [["a"]]}
    )
    assert len(read("orders.xlsx", tmp_path, "2024")[1]) == 3
    assert len(read("orders.xlsx", tmp_path, "20*")[1]) == 8
    assert len(read("orders.xlsx", tmp_path, "*")[1]) == 8
    assert "no sheet 'Orders' (have: 2023, 2024, Notes). Set data.sheet" in refusal(
        "orders.xlsx", tmp_path, "Orders"
    )
    assert "no sheet with a header" in refusal("orders.xlsx", tmp_path, "Notes")


def test_sheets_of_different_types_are_united(tmp_path):
    first, second = orders(2023, 2), orders(2024, 2)
    first[1][4], first[2][4] = 5, 6
    second[1][4] = "7.50"
    write(tmp_path / "orders.xlsx", {"2023": first, "2024": second})
    assert list(read("orders.xlsx", tmp_path)[1]["amount"]) == ["5", "6", "7.50", "13.5"]


def test_overlapping_sheets_count_once(tmp_path):
    write(tmp_path / "orders.xlsx", {"a": orders(2024, 5), "b": orders(2024, 5, 3)})
    columns = {"customer_id": "customer", "order_id": "order", "ordered_at": "when"}
    columns |= {"product_id": "product", "amount": "amount"}
    data = {"transactions": "orders.xlsx", "sheet": "*", "columns": columns}
    with check_orders(shop_settings(tmp_path, data=data)) as report:
        assert (report.rows_read, report.rows_used, report.orders) == (10, 8, 8)
        assert report.revenue == sum(12.5 + n for n in range(8))
        assert str(report.first_day) == "2024-03-01"


def test_files_that_are_no_workbooks(tmp_path):
    for name, content in [("a.xlsx", b"PK\3\4"), ("b.xls", b"order,customer\n"), ("c.ods", b"x")]:
        (tmp_path / name).write_bytes(content)
        assert "cannot be read as a workbook" in refusal(name, tmp_path)


def test_a_time_zone_is_no_part_of_a_cell(tmp_path):
    moment = datetime(2024, 3, 1, 14, 30, tzinfo=UTC).replace(tzinfo=None)
    write(tmp_path / "orders.xlsx", {"Orders": [HEADER, ["1", "c", moment, "p", 1]]})
    assert read("orders.xlsx", tmp_path)[1]["when"][0] == moment
