import numpy as np

from serving.churn_list import lists
from serving.churn_list.workbook import write_workbook
from serving.store.protocol import ChurnFilter
from serving.web import workbook
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_runs
from tests.support.workbooks import parts_of, sheets_of

HOSTILE = [
    "=1+1",
    "+A1",
    "-2+3",
    "@SUM(A1)",
    '=HYPERLINK("http://example.com")',
    "http://example.com/",
    "mailto:a@example.com",
    "internal:Sheet2!A1",
    "{=A1}",
    "0012",
    "1e5",
    "TRUE",
    "2024-01-01",
    " room ",
    "tab\there",
    "line\nbreak",
    "<b>&amp;",
    "_x0041_",
    "北京",
    "🍵",
    "a\u0301",
    "ab\u202ecd",
    "bell\u0007",
]


def kept(**options):
    store = fresh_runs()
    store.publish(run_info(), *score_tables(**options))
    return store


def written(store, path, wanted=None, sort="value_at_risk"):
    wanted = wanted or ChurnFilter()
    first = store.churn_list(wanted, sort=sort, limit=lists.ROWS_PER_READ)
    write_workbook(path, store, wanted, sort=sort, first=first)
    return first


def test_the_workbook_holds_the_list_with_its_types(tmp_path):
    store = kept(customers=40)
    first = written(store, tmp_path / "list.xlsx")
    (sheet,) = sheets_of(tmp_path / "list.xlsx")
    assert sheet[0] == lists.header(first)
    expected = [
        row
        for block in lists.row_blocks(store, ChurnFilter(), sort="value_at_risk", first=first)
        for row in block
    ]
    assert len(sheet) - 1 == len(expected) == 40
    for found, row in zip(sheet[1:], expected, strict=True):
        assert found + [None] * (len(row) - len(found)) == row
        assert [type(cell) is float for cell in found] == [
            isinstance(cell, int | float) for cell in row[: len(found)]
        ]


def test_hostile_ids_stay_text(tmp_path):
    written(kept(ids=HOSTILE), tmp_path / "list.xlsx")
    (sheet,) = sheets_of(tmp_path / "list.xlsx")
    assert sorted(row[0] for row in sheet[1:]) == sorted(HOSTILE)
    parts = parts_of(tmp_path / "list.xlsx")
    content = b"".join(part for name, part in parts.items() if "sheet" in name)
    assert b"<f>" not in content
    assert b"<f " not in content
    assert b"<hyperlink" not in content
    assert not any("externalLink" in name for name in parts)


def test_the_filter_and_the_order_are_those_of_the_list(tmp_path):
    store = kept(customers=80)
    wanted = ChurnFilter(risk=("critical",))
    written(store, tmp_path / "list.xlsx", wanted, sort="clv")
    (sheet,) = sheets_of(tmp_path / "list.xlsx")
    assert {row[sheet[0].index("retention_risk")] for row in sheet[1:]} == {"critical"}
    values = [row[sheet[0].index("clv")] for row in sheet[1:]]
    assert values == sorted(values, reverse=True)


def test_nobody_is_a_header_alone(tmp_path):
    store = kept(customers=5)
    first = written(store, tmp_path / "list.xlsx", ChurnFilter(min_value_at_risk=1e9))
    assert sheets_of(tmp_path / "list.xlsx") == [[lists.header(first)]]


def test_the_header_stays_in_sight(tmp_path):
    written(kept(customers=3), tmp_path / "list.xlsx")
    sheet = parts_of(tmp_path / "list.xlsx")["xl/worksheets/sheet1.xml"]
    assert b'<pane xSplit="1" ySplit="1" topLeftCell="B2"' in sheet


def test_what_does_not_fit_on_a_sheet_goes_to_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "MOST_SHEET_ROWS", 11)
    first = written(kept(customers=25), tmp_path / "list.xlsx")
    sheets = sheets_of(tmp_path / "list.xlsx")
    assert [len(sheet) for sheet in sheets] == [11, 11, 6]
    assert [sheet[0] for sheet in sheets] == [lists.header(first)] * 3
    assert len({row[0] for sheet in sheets for row in sheet[1:]}) == 25


def test_numbers_are_written_as_numbers_and_what_is_none_stays_empty(tmp_path):
    cells = [0, -1.5e-9, 1e300, np.float64(0.25), float("nan"), float("inf"), None, True, "x"]
    with (tmp_path / "list.xlsx").open("wb") as file:
        file.writelines(workbook.workbook_bytes([f"c{n}" for n in range(len(cells))], [[cells]]))
    (sheet,) = sheets_of(tmp_path / "list.xlsx")
    assert sheet[1] == [0, -1.5e-9, 1e300, 0.25, None, None, None, True, "x"]
