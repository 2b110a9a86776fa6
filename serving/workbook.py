"""The churn list as an Excel workbook."""

from pathlib import Path
from typing import IO, Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from serving import lists
from serving.store import ChurnFilter, ChurnPage, SortKey, Store

MOST_SHEET_ROWS = 1_048_576
"""Rows of a sheet, its header included; what is more goes to another sheet."""


def write_workbook(
    path: Path | IO[bytes], store: Store, wanted: ChurnFilter, *, sort: SortKey, first: ChurnPage
) -> None:
    """Write the whole filtered list to `path`, or into an open file, row by row.

    Numbers are numbers, text is text: no cell is a formula or a link, whatever an id holds.
    The header and the ids stay in sight.
    """
    names = lists.header(first)
    with Workbook(path, {"constant_memory": True}) as book:
        sheet, place = new_sheet(book, names), 1
        for block in lists.row_blocks(store, wanted, sort=sort, first=first):
            for cells in block:
                if place == MOST_SHEET_ROWS:
                    sheet, place = new_sheet(book, names), 1
                write_row(sheet, place, cells)
                place += 1


def new_sheet(book: Workbook, names: list[str]) -> Worksheet:
    """A sheet with a header, which stays in sight as the first column does."""
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 1)
    for column, name in enumerate(names):
        sheet.write_string(0, column, name)
    return sheet


def write_row(sheet: Worksheet, place: int, cells: list[Any]) -> None:
    """Cells of a row as what they are: text, yes or no, numbers; None stays empty."""
    for column, cell in enumerate(cells):
        if isinstance(cell, str):
            sheet.write_string(place, column, cell)
        elif isinstance(cell, bool):
            sheet.write_boolean(place, column, cell)
        elif cell is not None:
            sheet.write_number(place, column, cell)
