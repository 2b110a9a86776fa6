"""Tables as Excel workbooks, made while they are sent.

What is needed of ECMA-376 (Office Open XML, part 1, chapter 18) is little: a sheet is rows of
cells, and texts stand in their cells. A library that can do more takes several times as long.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from math import isfinite
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

MOST_SHEET_ROWS = 1_048_576
"""Rows of a sheet, its header included; what is more goes to another sheet."""
MOST_SIGNS = 32_767
"""Of a text in a cell; what is more is cut off."""
ROWS_AT_ONCE = 500
LEVEL = 1
"""Of zlib: the next one takes twice as long for a tenth of the size."""

Row = Sequence[Any]

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_HEAD = (
    f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
    '<pane xSplit="1" ySplit="1" topLeftCell="B2" activePane="bottomRight" state="frozen"/>'
    "</sheetView></sheetViews><sheetData>"
)
_END = "</sheetData></worksheet>"
_UNFIT = re.compile("[&<>\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def workbook_bytes(names: Sequence[str], blocks: Iterable[Iterable[Row]]) -> Iterator[bytes]:
    """A workbook of rows under a header, piece by piece.

    Numbers are numbers, text is text: no cell is a formula or a link, whatever an id holds;
    None, and a number that is none, stay empty. The header and the first column stay in sight.
    """
    rows = chain.from_iterable(blocks)
    outlet = _Outlet()
    with ZipFile(outlet, "w", ZIP_DEFLATED, compresslevel=LEVEL) as book:
        number = 0
        upcoming = list(islice(rows, 1))
        while upcoming or not number:
            number += 1
            sheet_rows = islice(chain(upcoming, rows), MOST_SHEET_ROWS - 1)
            with book.open(f"xl/worksheets/sheet{number}.xml", "w", force_zip64=True) as sheet:
                for text in _sheet(names, sheet_rows):
                    sheet.write(text.encode())
                    yield outlet.taken()
            upcoming = list(islice(rows, 1))
        for name, text in _others(number).items():
            book.writestr(name, text)
    yield outlet.taken()


class _Outlet:
    """A file that is only written to, and read while it grows."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """There is nothing to close."""

    def taken(self) -> bytes:
        """What was written since the last call."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _sheet(names: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """The XML of a sheet, some rows at a time."""
    letters = [_letters(column) for column in range(len(names))]
    yield _HEAD
    numbered = enumerate(chain([names], rows), start=1)
    while block := list(islice(numbered, ROWS_AT_ONCE)):
        yield "".join(_row(number, cells, letters) for number, cells in block)
    yield _END


def _row(number: int, cells: Row, letters: Sequence[str]) -> str:
    written = "".join(
        _cell(f"{letter}{number}", cell)
        for letter, cell in zip(letters, cells, strict=True)
        if cell is not None
    )
    return f'<row r="{number}">{written}</row>'


def _cell(reference: str, cell: Any) -> str:
    if isinstance(cell, str):
        return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{_text(cell)}</t></is></c>'
    if isinstance(cell, bool):
        return f'<c r="{reference}" t="b"><v>{cell:d}</v></c>'
    return f'<c r="{reference}"><v>{cell}</v></c>' if isfinite(cell) else ""


@lru_cache(maxsize=4_096)
def _text(text: str) -> str:
    """A text as XML; what XML cannot hold is written as _xHHHH_ (ECMA-376, 22.9.2.19)."""
    return _UNFIT.sub(_escaped, text[:MOST_SIGNS])


def _escaped(match: "re.Match[str]") -> str:
    sign = match[0]
    return _ENTITIES.get(sign) or f"_x{ord(sign):04X}_"


def _letters(column: int) -> str:
    """The name of a column, from 0 on: A to Z, then AA to ZZ, and so on."""
    rest, last = divmod(column, 26)
    return (_letters(rest - 1) if rest else "") + chr(ord("A") + last)


def _others(sheets: int) -> Mapping[str, str]:
    """The parts beside the sheets: what they are, and how they hang together."""
    numbers = range(1, sheets + 1)
    kinds = [
        ("workbook.xml", "sheet.main"),
        *((f"worksheets/sheet{n}.xml", "worksheet") for n in numbers),
    ]
    overrides = "".join(
        f'<Override PartName="/xl/{name}" ContentType="{_KIND}.{kind}+xml"/>'
        for name, kind in kinds
    )
    listed = "".join(f'<sheet name="Sheet{n}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers)
    relations = "".join(
        f'<Relationship Id="rId{n}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    return {
        "xl/workbook.xml": f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}">'
        f"<bookViews><workbookView/></bookViews><sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
        f"{relations}</Relationships>",
        "_rels/.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship '
        f'Id="rId1" Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types"><Default '
        'Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>',
    }
