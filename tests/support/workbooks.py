"""What stands in the cells of an Excel workbook, read from its XML."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET
from zipfile import ZipFile

NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"

Sheet = list[list[str | float | None]]


def parts_of(path: Path) -> dict[str, bytes]:
    """Every file inside the workbook."""
    with ZipFile(path) as book:
        return {name: book.read(name) for name in book.namelist()}


def sheets_of(path: Path) -> list[Sheet]:
    """Rows of cells per sheet: text, numbers, None where a cell is empty."""
    parts = parts_of(path)
    names = sorted(
        (name for name in parts if name.startswith("xl/worksheets/sheet")),
        key=lambda name: int(re.findall(r"\d+", name)[0]),
    )
    shared = _shared(parts.get("xl/sharedStrings.xml"))
    return [_rows(ET.fromstring(parts[name]), shared) for name in names]  # noqa: S314 - our own file


def _shared(part: bytes | None) -> list[str]:
    if part is None:
        return []
    return [_text(entry) for entry in ET.fromstring(part)]  # noqa: S314 - our own file


def _rows(sheet: ET.Element, shared: list[str]) -> Sheet:
    rows: Sheet = []
    for row in sheet.iter(f"{NS}row"):
        cells: list[str | float | None] = []
        for cell in row:
            place = _column(cell.attrib["r"])
            cells += [None] * (place - len(cells))
            cells.append(_value(cell, shared))
        rows.append(cells)
    return rows


def _column(reference: str) -> int:
    letters = re.sub(r"\d", "", reference)
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def _value(cell: ET.Element, shared: list[str]) -> str | float | None:
    assert cell.find(f"{NS}f") is None, "a formula"
    kind = cell.attrib.get("t", "n")
    if kind == "inlineStr":
        return _text(cell)
    value = cell.findtext(f"{NS}v")
    if value is None:
        return None
    return shared[int(value)] if kind == "s" else float(value)


def _text(element: ET.Element) -> str:
    text = "".join(part.text or "" for part in element.iter(f"{NS}t"))
    # what XML cannot hold is written as _x000D_, and such a text itself with its _ escaped
    return re.sub(r"_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), text)
