from datetime import date, datetime

import numpy as np
from python_calamine import CalamineWorkbook

from serving.churn_list import lists
from serving.churn_list.export_words import ExportWords
from serving.churn_list.files import write_list
from serving.churn_list.list_columns import LIST_COLUMNS, columns_for_people
from serving.contacts.left_out import contactable
from serving.store.protocol import ChurnFilter
from serving.store.run import MoneyFormat
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


def written(store, path, wanted=None, sort="value_at_risk", language=None):
    wanted = wanted or ChurnFilter()
    found = contactable(store, wanted, sort=sort, limit=lists.ROWS_PER_READ)
    write_list(path, store, wanted, sort=sort, contactable=found, language=language)
    return found.first


def titles(first, language=None):
    wording = ExportWords(language, first.run.info, for_people=True)
    return [wording.title(name) for name in columns_for_people(first.run.info)]


def test_the_workbook_holds_the_list_with_its_types(tmp_path):
    store = kept(customers=40)
    first = written(store, tmp_path / "list.xlsx")
    customers, notes = CalamineWorkbook.from_path(tmp_path / "list.xlsx").sheet_names
    assert (customers, notes) == ("Customers", "About this list")
    sheet = CalamineWorkbook.from_path(tmp_path / "list.xlsx").get_sheet_by_name(customers)
    header, *rows = sheet.to_python()
    assert header == titles(first)
    names = columns_for_people(first.run.info)
    wording = ExportWords(None, first.run.info, for_people=True)
    blocks = lists.row_blocks(
        store, ChurnFilter(), sort="value_at_risk", first=first, wording=wording
    )
    machine = lists.header(first)
    expected = [dict(zip(machine, row, strict=True)) for block in blocks for row in block]
    assert len(rows) == len(expected) == 40
    for found, row in zip(rows, expected, strict=True):
        for name, cell in zip(names, found, strict=True):
            kind = LIST_COLUMNS[name].kind if name in LIST_COLUMNS else "text"
            if row[name] is None:
                assert cell == ""
            elif kind == "day":
                assert cell == date.fromisoformat(row[name])
                assert not isinstance(cell, datetime)
            else:
                assert cell == row[name]
                assert isinstance(cell, str) == (kind in {"text", "sentence"})


def test_amounts_have_the_currency_and_shares_their_percent(tmp_path):
    written(kept(customers=3), tmp_path / "list.xlsx")
    styles = parts_of(tmp_path / "list.xlsx")["xl/styles.xml"].decode()
    assert "&quot;£&quot;#,##0.00;-&quot;£&quot;#,##0.00" in styles
    assert 'formatCode="0.0%"' in styles
    assert "&quot;JP¥&quot;#,##0;" in workbook._styles(MoneyFormat(prefix="JP¥", digits=0))


def test_the_notes_explain_every_column_in_the_readers_language(tmp_path):
    first = written(kept(customers=9), tmp_path / "list.xlsx", language="zh")
    sheet, notes = sheets_of(tmp_path / "list.xlsx")
    assert sheet[0] == titles(first, "zh")
    assert not [title for title in sheet[0] if title.isascii()]
    explained = {row[0]: row[1:] for row in notes if len(row) == 3}
    assert [explained[title][0] for title in sheet[0]] == columns_for_people(first.run.info)
    own = [
        title
        for title, name in zip(sheet[0], columns_for_people(first.run.info), strict=True)
        if name in LIST_COLUMNS
    ]
    assert all(explained[title][1] and not explained[title][1].isascii() for title in own)
    assert ["本文件中的客户数", 9] in notes


def test_hostile_ids_stay_text(tmp_path):
    written(kept(ids=HOSTILE), tmp_path / "list.xlsx")
    sheet, _ = sheets_of(tmp_path / "list.xlsx")
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
    sheet, notes = sheets_of(tmp_path / "list.xlsx")
    assert {row[sheet[0].index("Risk")] for row in sheet[1:]} == {"Critical"}
    assert ["Filter", "Risk: Critical"] in notes
    assert ["Sorted by", "Customer value"] in notes
    values = [row[sheet[0].index("Customer value")] for row in sheet[1:]]
    assert values == sorted(values, reverse=True)


def test_nobody_is_a_header_alone(tmp_path):
    store = kept(customers=5)
    first = written(store, tmp_path / "list.xlsx", ChurnFilter(min_value_at_risk=1e9))
    assert sheets_of(tmp_path / "list.xlsx")[:-1] == [[titles(first)]]


def test_the_header_stays_in_sight_and_filters(tmp_path):
    written(kept(customers=3), tmp_path / "list.xlsx")
    sheet = parts_of(tmp_path / "list.xlsx")["xl/worksheets/sheet1.xml"]
    assert b'<pane xSplit="1" ySplit="1" topLeftCell="B2"' in sheet
    last = workbook._letters(len(columns_for_people(run_info())) - 1)
    assert f'<autoFilter ref="A1:{last}4"/>'.encode() in sheet


def test_what_does_not_fit_on_a_sheet_goes_to_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "MOST_SHEET_ROWS", 11)
    first = written(kept(customers=25), tmp_path / "list.xlsx")
    *sheets, _ = sheets_of(tmp_path / "list.xlsx")
    assert [len(sheet) for sheet in sheets] == [11, 11, 6]
    assert [sheet[0] for sheet in sheets] == [titles(first)] * 3
    names = CalamineWorkbook.from_path(tmp_path / "list.xlsx").sheet_names
    assert names == ["Customers", "Customers 2", "Customers 3", "About this list"]
    assert len({row[0] for sheet in sheets for row in sheet[1:]}) == 25


def test_numbers_are_written_as_numbers_and_what_is_none_stays_empty(tmp_path):
    cells = [0, -1.5e-9, 1e300, np.float64(0.25), float("nan"), float("inf"), None, True, "x"]
    with (tmp_path / "list.xlsx").open("wb") as file:
        file.writelines(workbook.workbook_bytes([f"c{n}" for n in range(len(cells))], [[cells]]))
    (sheet,) = sheets_of(tmp_path / "list.xlsx")
    assert sheet[1] == [0, -1.5e-9, 1e300, 0.25, None, None, None, True, "x"]
