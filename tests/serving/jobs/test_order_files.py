"""Files that people send: safe names, one folder, bounded when unpacked."""

import os
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import DataError
from serving.jobs.order_files import (
    SENT,
    TAKING_IN,
    OrderFiles,
    clean_sent,
    ending_of,
    safe_name,
    unpacked,
)
from serving.jobs.store import JobStore
from tests.serving.jobs.test_store import added
from tests.support.stores import fresh_database


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("orders_export_1.csv", "orders_export_1.csv"),
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\Users\\Ann\\My orders (2).XLSX", "My_orders_2.xlsx"),
        ("订单 2026.csv.gz", "订单_2026.csv.gz"),
        (".csv", "orders.csv"),
        ("a" * 300 + ".parquet", "a" * 50 + ".parquet"),
    ],
)
def test_names_are_safe_and_still_tell_the_file(sent, name):
    assert safe_name(sent) == name


@given(st.text(max_size=40), st.sampled_from([".csv", ".xlsx", ".zip", ".tsv.gz"]))
def test_no_name_leads_out_of_its_folder(text, ending):
    name = safe_name(text + ending)
    assert not set("/\\\0~") & set(name)
    assert not name.startswith(".")
    assert ending_of(name) is not None


def test_what_cannot_be_read_is_refused_by_its_name():
    for name in ("orders.pdf", "orders", "orders.exe", "orders.csv.exe"):
        with pytest.raises(DataError, match=r"CSV \(\.csv"):
            safe_name(name)


def test_a_zip_is_unpacked_into_one_folder(tmp_path):
    file = tmp_path / "orders.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../evil.csv", "a,b\n")
        archive.writestr("2025/orders.csv", "a,b\n1,2\n")
        archive.writestr("2026/orders.csv", "a,b\n3,4\n")
        archive.writestr("__MACOSX/._orders.csv", "x")
        archive.writestr("readme.md", "x")
    files = unpacked(file, tmp_path / "new", most_bytes=1_000)
    assert [path.name for path in files] == ["orders.csv", "orders-2.csv"]
    assert {path.parent for path in files} == {tmp_path / "new"}
    assert files[1].read_text() == "a,b\n3,4\n"
    assert not (tmp_path.parent / "evil.csv").exists()


def test_a_zip_that_grows_beyond_measure_is_refused_while_it_is_unpacked(tmp_path):
    file = tmp_path / "bomb.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("orders.csv", b"0" * 5_000_000)
    assert file.stat().st_size < 10_000
    with pytest.raises(DataError, match=r"serve\.upload_bytes"):
        unpacked(file, tmp_path / "new", most_bytes=2_000_000)


@pytest.mark.parametrize(
    ("names", "words"),
    [(["a.md"], "no file of orders"), ([f"{n}.csv" for n in range(201)], "201 files")],
)
def test_a_zip_without_orders_or_with_too_many_files_is_refused(tmp_path, names, words):
    with zipfile.ZipFile(tmp_path / "orders.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    with pytest.raises(DataError, match=words):
        unpacked(tmp_path / "orders.zip", tmp_path / "new", most_bytes=1_000)
    (tmp_path / "broken.zip").write_bytes(b"PK\3\4 nothing")
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpacked(tmp_path / "broken.zip", tmp_path / "new", most_bytes=1_000)


def test_a_file_must_be_like_those_that_are_read(tmp_path):
    folder = OrderFiles(tmp_path, "data/orders/*.csv")
    assert folder.takes_several
    assert folder.why_not("May.CSV") is None
    assert folder.why_not("May.xlsx") == "*.csv"
    assert folder.name_for("May.CSV") == "May.csv"
    # what the pattern would not find is not taken
    named = OrderFiles(tmp_path, "orders/Export-*.CSV")
    assert named.why_not("export-may.csv") == "Export-*.CSV"
    assert named.why_not("Export-may.csv") is None
    assert named.name_for("Export-may.csv") == "Export-may.CSV"
    single = OrderFiles(tmp_path, "orders.parquet")
    assert not single.takes_several
    assert single.why_not("other.parquet") is None
    assert single.why_not("other.csv") == "*.parquet"
    assert not OrderFiles(tmp_path, "*/orders.csv").can_take


def test_what_belongs_to_no_job_is_removed(tmp_path):
    store = JobStore(fresh_database())
    (tmp_path / SENT).mkdir()
    waiting, lost, fresh = (tmp_path / SENT / f"{n}~orders.csv" for n in range(3))
    for file in (waiting, lost, fresh):
        file.write_text("a")
    now = datetime.now(UTC)
    old = (now - timedelta(days=2)).timestamp()
    for file in (waiting, lost):
        os.utime(file, (old, old))
    job = added(store, "take_in", file=str(waiting), mode="add")
    for name in (job.job_id, "job_gone"):
        (tmp_path / f"{TAKING_IN}{name}").mkdir()
    clean_sent(tmp_path, store.unfinished(), now)
    assert {path.name for path in (tmp_path / SENT).iterdir()} == {waiting.name, fresh.name}
    assert [path.name for path in tmp_path.glob(f"{TAKING_IN}*")] == [f"{TAKING_IN}{job.job_id}"]
