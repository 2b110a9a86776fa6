"""Tables as Excel workbooks, made while they are sent.

What is needed of ECMA-376 (Office Open XML, part 1, chapter 18) is little: a sheet is rows of
cells, texts stand in their cells, and each column has one style. A library that can do more takes
several times as long.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import chain, islice
from math import isfinite
from typing import Any, Literal
from zipfile import ZIP_DEFLATED, ZipFile

from serving.store.run import MoneyFormat

MOST_SHEET_ROWS = 1_048_576
"""Rows of a sheet, its header included; what is more goes to another sheet."""
MOST_SIGNS = 32_767
"""Of a text in a cell; what is more is cut off."""
MOST_TITLE_SIGNS = 31
"""Of the name of a sheet."""
ROWS_AT_ONCE = 500
LEVEL = 1
"""Of zlib: the next one takes twice as long for a tenth of the size."""
FIRST_DAY = date(1899, 12, 30).toordinal()
"""Day 0 of a workbook, of all days from 1 March 1900 on."""

CellKind = Literal["plain", "text", "sentence", "whole", "number", "share", "money", "day"]
"""How the cells of a column are shown; `plain`: as they are. Days are dates or ISO 8601 texts."""

Row = Sequence[Any]

_STYLES: Mapping[CellKind, int] = {
    "plain": 0,
    "text": 2,
    "sentence": 2,
    "whole": 3,
    "number": 4,
    "share": 5,
    "money": 6,
    "day": 7,
}
"""Kind → its number among the formats of cells in `_styles`."""
_HEADER_STYLE, _NOTE_STYLE = 1, 8
_WIDTHS: Mapping[CellKind, int] = {
    "plain": 16,
    "text": 16,
    "sentence": 60,
    "whole": 12,
    "number": 12,
    "share": 12,
    "money": 14,
    "day": 12,
}
_NOTE_WIDTHS = (34, 30, 90)

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PANE = '<pane xSplit="1" ySplit="1" topLeftCell="B2" activePane="bottomRight" state="frozen"/>'
_UNFIT = re.compile("[&<>\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_NO_TITLE_SIGN = re.compile(r"[\[\]:*?/\\'\"&<>\x00-\x1f]")


@dataclass(frozen=True)
class WorkbookColumn:
    """A column of a sheet: its header, and how its cells are shown."""

    title: str
    kind: CellKind = "plain"


@dataclass(frozen=True, kw_only=True)
class WorkbookNotes:
    """A last sheet that explains the others: rows of texts and numbers, at most three to a row."""

    title: str
    rows: Sequence[Row]


@dataclass(frozen=True, kw_only=True)
class _SheetPart:
    """A sheet that was written: its title, and the cells that can be filtered, such as A1:C9."""

    title: str
    filtered: str | None


def workbook_bytes(
    columns: Sequence[WorkbookColumn | str],
    blocks: Iterable[Iterable[Row]],
    *,
    title: str = "Sheet1",
    money: MoneyFormat | None = None,
    notes: WorkbookNotes | None = None,
    has_filters: bool = True,
) -> Iterator[bytes]:
    """A workbook of rows under a header, piece by piece.

    Numbers are numbers, text is text: no cell is a formula or a link, whatever an id holds;
    None, and a number that is none, stay empty. The header and the first column stay in sight.

    Parameters
    ----------
    columns : as many as a row has cells; a text is the header of a plain column
    title : of the sheet; rows beyond the end of one go to another of that title and a number
    money : how amounts are written; None: with two digits and no sign of a currency
    notes : a last sheet
    has_filters : whether rows can be filtered by each column; not where tables stand below others
    """
    typed = [WorkbookColumn(column) if isinstance(column, str) else column for column in columns]
    rows = chain.from_iterable(blocks)
    outlet = _Outlet()
    parts: list[_SheetPart] = []
    with ZipFile(outlet, "w", ZIP_DEFLATED, compresslevel=LEVEL) as book:
        upcoming = list(islice(rows, 1))
        while upcoming or not parts:
            sheet = _Sheet(
                typed, islice(chain(upcoming, rows), MOST_SHEET_ROWS - 1), has_filters=has_filters
            )
            with book.open(_path(len(parts) + 1), "w", force_zip64=True) as file:
                for text in sheet.xml():
                    file.write(text.encode())
                    yield outlet.taken()
            parts.append(_SheetPart(title=_title(title, len(parts) + 1), filtered=sheet.filtered))
            upcoming = list(islice(rows, 1))
        if notes is not None:
            book.writestr(_path(len(parts) + 1), _notes(notes.rows))
            parts.append(_SheetPart(title=_title(notes.title, 1), filtered=None))
        for name, text in _others(parts, money).items():
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


class _Sheet:
    """A sheet of typed columns; `filtered` is known once `xml` was read to its end."""

    def __init__(
        self, columns: Sequence[WorkbookColumn], rows: Iterable[Row], *, has_filters: bool
    ) -> None:
        self._columns = columns
        self._rows = rows
        self._has_filters = has_filters
        self.filtered: str | None = None

    def xml(self) -> Iterator[str]:
        """The XML, some rows at a time."""
        letters = [_letters(column) for column in range(len(self._columns))]
        cells = [
            (letter, f' s="{_STYLES[column.kind]}"', column.kind == "day")
            for letter, column in zip(letters, self._columns, strict=True)
        ]
        widths = [_WIDTHS[column.kind] for column in self._columns]
        yield _head(widths, _PANE)
        header = [(letter, f' s="{_HEADER_STYLE}"', False) for letter in letters]
        yield _row(1, [column.title for column in self._columns], header)
        number = 1
        numbered = enumerate(self._rows, start=2)
        while block := list(islice(numbered, ROWS_AT_ONCE)):
            number = block[-1][0]
            yield "".join(_row(place, row, cells) for place, row in block)
        filtered = ""
        if letters and self._has_filters:
            self.filtered = f"A1:{letters[-1]}{number}"
            filtered = f'<autoFilter ref="{self.filtered}"/>'
        yield f'</sheetData>{filtered}<pageSetup orientation="landscape"/></worksheet>'


def _head(widths: Sequence[int], pane: str = "") -> str:
    """The beginning of a sheet, up to its first row."""
    columns = "".join(
        f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
        for number, width in enumerate(widths, start=1)
    )
    return (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">{pane}'
        f"</sheetView></sheetViews>{f'<cols>{columns}</cols>' if columns else ''}<sheetData>"
    )


def _row(number: int, row: Row, cells: Sequence[tuple[str, str, bool]]) -> str:
    written = "".join(
        _cell(f"{letter}{number}", _day(cell) if is_day else cell, style)
        for (letter, style, is_day), cell in zip(cells, row, strict=True)
        if cell is not None
    )
    return f'<row r="{number}">{written}</row>'


def _cell(reference: str, cell: Any, style: str) -> str:
    if isinstance(cell, str):
        text = f'<is><t xml:space="preserve">{_text(cell)}</t></is>'
        return f'<c r="{reference}"{style} t="inlineStr">{text}</c>'
    if isinstance(cell, bool):
        return f'<c r="{reference}"{style} t="b"><v>{cell:d}</v></c>'
    return f'<c r="{reference}"{style}><v>{cell}</v></c>' if isfinite(cell) else ""


@lru_cache(maxsize=4_096)
def _day(day: date | str) -> int | str:
    """The number of a day; a text that is none stays a text."""
    try:
        moment = date.fromisoformat(day) if isinstance(day, str) else day
    except ValueError:
        return str(day)
    return moment.toordinal() - FIRST_DAY


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


def _notes(rows: Sequence[Row]) -> str:
    """The sheet of the explanations, its first row in bold."""
    texts = []
    for number, row in enumerate(rows, start=1):
        style = _HEADER_STYLE if number == 1 else _NOTE_STYLE
        cells = [(_letters(column), f' s="{style}"', False) for column in range(len(row))]
        texts.append(_row(number, row, cells))
    return f"{_head(_NOTE_WIDTHS)}{''.join(texts)}</sheetData></worksheet>"


def _path(number: int) -> str:
    return f"xl/worksheets/sheet{number}.xml"


def _title(title: str, number: int) -> str:
    """The name of a sheet as workbooks take it."""
    ending = f" {number}" if number > 1 else ""
    plain = _NO_TITLE_SIGN.sub(" ", title).strip() or "Sheet"
    return plain[: MOST_TITLE_SIGNS - len(ending)] + ending


def _styles(money: MoneyFormat | None) -> str:
    """The formats of cells, in the order of `_STYLES`."""
    decimals = f"#,##0.{'0' * money.digits}".rstrip(".") if money else "#,##0.00"
    sign = (money.prefix if money else "").replace('"', "")
    amount = f'"{sign}"{decimals}' if sign else decimals
    formats = {164: "#,##0.0", 165: "0.0%", 166: f"{amount};-{amount}"}
    written = "".join(
        f'<numFmt numFmtId="{number}" formatCode="{_text(code).replace(chr(34), "&quot;")}"/>'
        for number, code in formats.items()
    )
    border = '<border><left/><right/><top/><bottom style="thin"/><diagonal/></border>'
    wrapped = '<alignment vertical="top" wrapText="1"/>'
    cells = "".join(
        f'<xf numFmtId="{number}" fontId="{font}" fillId="{fill}" borderId="{line}" xfId="0" '
        f'applyNumberFormat="1" applyFont="1" applyFill="1" applyBorder="1" applyAlignment="1">'
        f"{alignment}</xf>"
        for number, font, fill, line, alignment in (
            (0, 0, 0, 0, ""),
            (49, 1, 2, 1, wrapped),
            (49, 0, 0, 0, ""),
            (3, 0, 0, 0, ""),
            (164, 0, 0, 0, ""),
            (165, 0, 0, 0, ""),
            (166, 0, 0, 0, ""),
            (14, 0, 0, 0, ""),
            (0, 0, 0, 0, '<alignment horizontal="left" vertical="top" wrapText="1"/>'),
        )
    )
    return (
        f'{_XML}<styleSheet xmlns="{_MAIN}"><numFmts count="{len(formats)}">{written}</numFmts>'
        '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
        '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="3"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill><fill><patternFill patternType="solid">'
        '<fgColor rgb="FFE8ECEF"/><bgColor indexed="64"/></patternFill></fill></fills>'
        f'<borders count="2"><border><left/><right/><top/><bottom/><diagonal/></border>{border}'
        '</borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
        f'</cellStyleXfs><cellXfs count="{_NOTE_STYLE + 1}">{cells}</cellXfs><cellStyles count="1">'
        '<cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )


def _workbook(parts: Sequence[_SheetPart]) -> str:
    """The names of the sheets, what of each is filtered, and that headers are printed anew."""
    sheets = "".join(
        f'<sheet name="{_text(part.title)}" sheetId="{number}" r:id="rId{number}"/>'
        for number, part in enumerate(parts, start=1)
    )
    areas = [
        (number, part.title, re.sub(r"([A-Z]+)(\d+)", r"$\1$\2", part.filtered))
        for number, part in enumerate(parts)
        if part.filtered
    ]
    filtered = "".join(
        f'<definedName name="_xlnm._FilterDatabase" localSheetId="{number}" hidden="1">'
        f"'{_text(title)}'!{area}</definedName>"
        for number, title, area in areas
    )
    repeated = "".join(
        f'<definedName name="_xlnm.Print_Titles" localSheetId="{number}">'
        f"'{_text(title)}'!$1:$1</definedName>"
        for number, title, _ in areas
    )
    return (
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><bookViews><workbookView/>'
        f"</bookViews><sheets>{sheets}</sheets>"
        f"{f'<definedNames>{filtered}{repeated}</definedNames>' if areas else ''}</workbook>"
    )


def _others(parts: Sequence[_SheetPart], money: MoneyFormat | None) -> Mapping[str, str]:
    """The parts beside the sheets: what they are, and how they hang together."""
    numbers = range(1, len(parts) + 1)
    kinds = [
        ("workbook.xml", "sheet.main"),
        ("styles.xml", "styles"),
        *((f"worksheets/sheet{n}.xml", "worksheet") for n in numbers),
    ]
    overrides = "".join(
        f'<Override PartName="/xl/{name}" ContentType="{_KIND}.{kind}+xml"/>'
        for name, kind in kinds
    )
    relations = "".join(
        f'<Relationship Id="rId{n}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    styles = f'<Relationship Id="rStyles" Type="{_RELATIONS}/styles" Target="styles.xml"/>'
    return {
        "xl/workbook.xml": _workbook(parts),
        "xl/styles.xml": _styles(money),
        "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
        f"{relations}{styles}</Relationships>",
        "_rels/.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship '
        f'Id="rId1" Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types"><Default '
        'Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>',
    }
