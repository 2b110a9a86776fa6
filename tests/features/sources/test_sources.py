"""Files of orders: what can be read, what is refused, and that no row is lost on the way."""

import gzip
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from features.errors import DataError
from features.orders.log import check_orders
from features.settings.engine import Engine
from features.sources import FrameSource, missing_columns, open_source
from features.sql import engine
from tests.support.shop import shop_settings, simulate_orders

HEADER = "customer,order,time,product,amount"
ROWS = [f"c{n % 7},o{n},2024-01-{1 + n % 28:02d} 10:00,p{n % 5},{n}.50" for n in range(60)]


@pytest.fixture
def connection():
    with engine(Engine()) as connection:
        yield connection


def read(connection: duckdb.DuckDBPyConnection, pattern: str, root: Path) -> pd.DataFrame:
    """The rows as the engine gets them."""
    source = open_source(pattern, root)
    names = list(source.columns(connection))
    connection.execute(f"CREATE OR REPLACE TABLE found AS {source.relation(connection)}")
    source.verify(connection, "found")
    found = connection.execute("SELECT * FROM found ORDER BY source_file, source_row").df()
    assert sorted(found.columns) == sorted([*names, "source_file", "source_row"])
    return found


def write(path: Path, rows: list[str] = ROWS, *, header: str = HEADER, end: str = "\n") -> Path:
    text = end.join([header, *rows, ""]).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def checked(folder: Path, *, reasons: bool = False) -> int | dict[str, int]:
    """Rows read, or reason → rows put aside, by the doctor, of `orders*.csv` in a folder."""
    columns = {"customer_id": "customer", "order_id": "order", "ordered_at": "time"}
    columns |= {"product_id": "product", "amount": "amount"}
    data = {"transactions": "orders*.csv", "columns": columns}
    with check_orders(shop_settings(folder, data=data)) as report:
        assert report.rows_read == report.rows_used + report.rows_quarantined
        counts = {count.reason: count.rows for count in report.quarantined}
        return counts if reasons else report.rows_read


def refused(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        checked(folder)
    assert len(caught.value.problems) == 1
    assert "\n" not in str(caught.value)
    return str(caught.value)


NAMES = [
    "orders.csv",
    "orders.csv.gz",
    "orders.txt",
    "ORDERS.CSV",
    "orders[1].csv",
    "orders *?.csv",
    'it\'s "May".csv',
    "订单 🛒.csv",
]


@pytest.mark.parametrize("name", NAMES)
def test_csv_by_name(tmp_path, connection, name):
    write(tmp_path / name)
    (tmp_path / "orders1.csv").write_text("another,file\n1,2\n")
    found = read(connection, name, tmp_path)
    assert len(found) == 60
    assert set(found["source_file"]) == {str(tmp_path / name)}
    assert list(found["source_row"]) == list(range(1, 61))
    assert found.loc[7, "order"] == "o7"


@pytest.mark.parametrize(
    "name", ["orders.parquet", "orders.pq", "orders[1].parquet", "it's.parquet"]
)
def test_parquet_by_name(tmp_path, connection, name):
    simulate_orders(customers=5).to_parquet(tmp_path / name)
    found = read(connection, name, tmp_path)
    assert set(found["source_file"]) == {str(tmp_path / name)}
    assert list(found["source_row"]) == list(range(1, len(found) + 1))
    pd.testing.assert_frame_equal(
        found.drop(columns=["source_file", "source_row"]),
        simulate_orders(customers=5),
        check_dtype=False,
    )


def test_a_folder_name_may_hold_brackets(tmp_path, connection):
    folder = tmp_path / "shop [1]"
    folder.mkdir()
    write(folder / "orders-1.csv")
    write(folder / "orders-2.csv")
    assert len(read(connection, "orders-*.csv", folder)) == 120


@pytest.mark.parametrize("pattern", ["../orders.csv", "../order*.csv"])
def test_a_source_is_named_by_its_shortest_path(tmp_path, monkeypatch, pattern):
    monkeypatch.chdir(tmp_path)
    Path("shop").mkdir()
    Path("orders.csv").write_text("a,b\n1,2\n")
    assert open_source(pattern, Path("shop")).name == "orders.csv"


def test_a_path_through_a_link_stays_as_it_is(tmp_path):
    (tmp_path / "far" / "shop").mkdir(parents=True)
    (tmp_path / "shop").symlink_to(tmp_path / "far" / "shop")
    (tmp_path / "far" / "orders.csv").write_text("a,b\n1,2\n")
    for other in (None, "c,d\n3,4\n"):
        if other:
            (tmp_path / "orders.csv").write_text(other)
        name = open_source("../orders.csv", tmp_path / "shop").name
        assert name == str(tmp_path / "shop" / ".." / "orders.csv")


def test_globs_read_files_in_order_of_name_and_go_down_into_folders(tmp_path, connection):
    for name in ("2024/b.csv", "2023/a.csv", "2023/deep/c.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write(tmp_path / name, ROWS[:3])
    found = read(connection, "**/*.csv", tmp_path)
    assert list(found["source_row"]) == [1, 2, 3] * 3
    assert [Path(file).name for file in found["source_file"][::3]] == ["a.csv", "c.csv", "b.csv"]


def test_columns_of_several_files_are_matched_by_name(tmp_path, connection):
    write(tmp_path / "1.csv", ["c1,5"], header="customer,amount")
    write(tmp_path / "2.csv", ["6;c2;web"], header="amount;customer;channel")
    found = read(connection, "*.csv", tmp_path)
    assert list(found["customer"]) == ["c1", "c2"]
    assert list(found["amount"]) == ["5", "6"]
    assert found["channel"].isna().tolist() == [True, False]

    pd.DataFrame({"a": [1], "b": ["x"]}).to_parquet(tmp_path / "1.parquet")
    pd.DataFrame({"b": ["y"], "a": [2]}).to_parquet(tmp_path / "2.parquet")
    found = read(connection, "*.parquet", tmp_path)
    assert list(found["a"]) == [1, 2]
    assert list(found["b"]) == ["x", "y"]


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters_and_line_ends(tmp_path, sign, end):
    rows = [row.replace(",", sign) for row in ROWS]
    write(tmp_path / "orders.csv", rows, header=HEADER.replace(",", sign), end=end)
    assert checked(tmp_path) == 60


def test_lines_above_the_header_and_blank_lines_are_no_rows(tmp_path):
    write(tmp_path / "orders.csv", ["", HEADER, *ROWS[:30], "", *ROWS[30:]], header="Export of May")
    assert checked(tmp_path) == 60


def test_a_byte_order_mark_belongs_to_no_name(tmp_path):
    write(tmp_path / "orders.csv", header="\ufeff" + HEADER)
    assert checked(tmp_path) == 60


def test_header_names_are_trimmed_filled_and_made_distinct(tmp_path, connection):
    write(tmp_path / "orders.csv", ["1,2,3,4"], header='"a ""x"", b", ,c,C')
    assert list(open_source("orders.csv", tmp_path).columns(connection)) == [
        'a "x", b',
        "column1",
        "c",
        "C_1",
    ]


def test_quoted_values_far_down_are_read_as_quoted(tmp_path, connection):
    """A reader that learns the quote from a sample takes these quotes for text."""
    rows = ROWS * 500
    write(tmp_path / "orders.csv", [*rows, '"Smith, J","o ""9""\n2",2024-01-02,"p",5'])
    last = read(connection, "orders.csv", tmp_path).iloc[-1]
    assert last["customer"] == "Smith, J"
    assert last["order"] == 'o "9"\n2'
    assert last["source_row"] == 30_001


@pytest.mark.parametrize(
    "note", ["ring\nat the door", "ring\nat the door\nor leave it", "ring\n\nat the door"]
)
def test_a_last_value_of_several_lines_is_no_line_below_the_table(tmp_path, connection, note):
    rows = ["c,o1,2024-01-02,p,5", f'c,o2,2024-01-02,5,"{note}"']
    write(tmp_path / "orders.csv", rows)
    assert read(connection, "orders.csv", tmp_path)["amount"].iloc[-1] == note


def test_signs_that_are_comments_elsewhere_are_rows(tmp_path, connection):
    write(tmp_path / "orders.csv", ["#1,o,2024-01-02,p,5", *ROWS, "# c,o,2024-01-02,p,5"])
    assert len(read(connection, "orders.csv", tmp_path)) == 62


@pytest.mark.parametrize("where", [30, 30_000])
@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("c1,o1", "has 2 values where the header has 5 names"),
        ("Total: 60 rows", "has 1 values where the header has 5 names"),
        ("c1,o1,2024-01-02,p1,5,6", "has 6 values where the header has 5 names"),
        ('c1,"o1,2024-01-02,p1,5', "a quote is not closed"),
        ('c1,"o1"x,2024-01-02,p1,5', "a quote is not closed"),
    ],
)
def test_a_broken_row_is_named_and_the_file_refused(tmp_path, where, row, fault):
    rows = ROWS * (1 if where == 30 else 501)
    write(tmp_path / "orders-1.csv")
    write(tmp_path / "orders-2.csv", [*rows[:where], row, *rows[where:]])
    assert f"line {where + 2} of orders-2.csv: {fault}" in refused(tmp_path)


@pytest.mark.parametrize("apart", [1, 2, 40])
def test_two_stray_quotes_do_not_swallow_what_lies_between(tmp_path, apart):
    rows = list(ROWS)
    rows[3] = 'c1,"o1,2024-01-02 10:00,p1,5'
    rows[3 + apart] = 'c1,o1",2024-01-02 10:00,p1,5'
    write(tmp_path / "orders.csv", rows)
    assert refused(tmp_path).endswith(
        "orders.csv: row 4 holds further rows inside a quoted value. Mend its quotes."
    )


def test_a_stray_quote_inside_a_value_is_text(tmp_path, connection):
    write(tmp_path / "orders.csv", ['c1,12" plate,2024-01-02 10:00,p1,5', *ROWS])
    assert read(connection, "orders.csv", tmp_path).loc[0, "order"] == '12" plate'


def test_mixed_line_ends_are_refused_rather_than_misread(tmp_path):
    text = "\r\n".join([HEADER, *ROWS[:30], ""]) + "\n".join([*ROWS[30:], ""])
    (tmp_path / "orders.csv").write_bytes(text.encode())
    assert "line ends differ" in refused(tmp_path)


def test_nul_bytes_are_values_like_others(tmp_path):
    write(tmp_path / "orders.csv", [*ROWS, "c\0,o\0,2024-01-02 10:00,p\0,5", "c,o,\0,p,\0"])
    assert checked(tmp_path, reasons=True) == {"bad_date": 1}


def test_a_last_record_of_fifty_megabytes_is_refused_and_does_not_vanish(tmp_path):
    write(tmp_path / "orders.csv", [*ROWS, f"c,o,2024-01-02 10:00,{'p' * 50_000_000},5"])
    assert "line 62 is longer than 2 MB" in refused(tmp_path)


def test_an_export_that_was_cut_off_is_refused_whole(tmp_path):
    file = write(tmp_path / "orders.csv")
    whole = file.read_bytes()
    file.write_bytes(whole + bytes(100_000))
    assert refused(tmp_path).endswith(
        "ends in 100,000 zero bytes: the export was cut off. Export it again."
    )
    file.write_bytes(whole + b"c,o,2024-01")
    assert "line 62 of orders.csv: has 3 values" in refused(tmp_path)


def test_a_file_of_twenty_thousand_columns_is_refused(tmp_path):
    header = ",".join([HEADER, *(f"x{number}" for number in range(20_000))])
    write(tmp_path / "orders.csv", [row + ",1" * 20_000 for row in ROWS], header=header)
    assert "has 20,005 columns, and at most 10,000 are read" in refused(tmp_path)


def test_a_header_alone_has_no_rows(tmp_path):
    write(tmp_path / "orders.csv", [])
    assert checked(tmp_path) == 0


@pytest.mark.parametrize("name", ["file_row_number", "source_file", "Source_Row"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_column_with_a_name_of_ours_is_refused(tmp_path, connection, name, ending):
    frame = pd.DataFrame({"customer": ["c"], name: ["x"], "amount": [1]})
    if ending == "csv":
        frame.to_csv(tmp_path / "orders.csv", index=False)
    else:
        frame.to_parquet(tmp_path / "orders.parquet")
    sentence = f"column '{name}' has a name that Regulars needs for itself. Rename it."
    for source in (open_source(f"orders.{ending}", tmp_path), FrameSource(frame)):
        with pytest.raises(DataError, match=sentence):
            source.columns(connection)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_other_names_that_the_engine_or_the_report_use_are_free(tmp_path, ending):
    names = ["filename", "position", "reason", "file_index", "is_return", "typed_lines", "turn"]
    lines = simulate_orders(customers=5).assign(**dict.fromkeys(names, "mine"))
    lines.loc[0, "amount"] = None
    if ending == "csv":
        lines.to_csv(tmp_path / "orders.csv", index=False)
    else:
        lines.to_parquet(tmp_path / "orders.parquet")
    settings = shop_settings(tmp_path, data={"transactions": f"orders.{ending}"})
    with check_orders(settings) as report:
        assert report.rows_quarantined == 1
    aside = pd.read_parquet(settings.path(settings.store.quarantine))
    assert aside.loc[0, "reason"] == "bad_amount"
    assert aside.loc[0, "reason_1"] == "mine"
    assert aside.loc[0, "filename"] == "mine"


def problem(pattern: str, root: Path, connection: duckdb.DuckDBPyConnection) -> str:
    with pytest.raises(DataError) as caught:
        open_source(pattern, root).columns(connection)
    return str(caught.value)


def test_files_that_cannot_be_used(tmp_path, connection):
    write(tmp_path / "orders.csv")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "empty2.csv").touch()
    (tmp_path / "book.xlsx").write_bytes(b"PK\3\4")
    (tmp_path / "noending").write_text("x")
    (tmp_path / "text.parquet").write_text("not parquet")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"a,b,c\n" * 1000)[:20])
    (tmp_path / "plain.csv.gz").write_bytes(b"a,b,c\n1,2,3\n")
    simulate_orders(customers=3).to_parquet(tmp_path / "orders.parquet")
    (tmp_path / "folder").mkdir()

    def said(pattern: str) -> str:
        return problem(pattern, tmp_path, connection)

    for nowhere in ("missing.csv", "missing*.parquet", "folder", ""):
        assert "no such file. Set data.transactions in regulars.toml" in said(nowhere)
    assert said("empty*.csv").splitlines() == [
        f"{tmp_path / name}: the file is empty. Export it again."
        for name in ("empty.csv", "empty2.csv")
    ]
    assert "cannot be read as a workbook" in said("book.xlsx")
    assert "not a file that can be read" in said("noending")
    assert "files of several kinds (csv, parquet)" in said("orders.*")
    assert "cannot be read as Parquet" in said("text.parquet")
    assert "cannot be read (" in said("cut.csv.gz")
    assert "cannot be read (" in said("plain.csv.gz")


def test_every_missing_column_is_said_with_its_setting(tmp_path):
    write(tmp_path / "orders.csv")
    columns = {"customer_id": "Customer", "ordered_at": "time", "amount": "Amount"}
    columns["discount"] = ["d1", "d2"]
    data = {"transactions": "orders.csv", "columns": columns}
    with pytest.raises(DataError) as caught, check_orders(shop_settings(tmp_path, data=data)):
        pass
    have = "(have: customer, order, time, product, amount)"
    assert caught.value.problems == tuple(
        f"{tmp_path / 'orders.csv'}: no column '{name}' {have}. Set data.columns.{field} in "
        "regulars.toml."
        for field, name in [
            ("customer_id", "Customer"),
            ("amount", "Amount"),
            ("discount", "d1"),
            ("discount", "d2"),
        ]
    )
    assert missing_columns({"a": "VARCHAR"}, {"amount": ("a",)}, "x") == []


def test_a_frame_is_a_source(connection):
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]}, index=[5, 5])
    source = FrameSource(frame, "notebook")
    assert list(source.columns(connection)) == ["a", "b"]
    found = connection.execute(source.relation(connection)).fetchall()
    assert found == [(1, "x", "notebook", 1), (2, None, "notebook", 2)]
