"""Every file of a folder of exports is looked at when somebody is erased."""

import csv

import pandas as pd

from serving.privacy.export_files import clean_exports
from serving.web.workbook import workbook_bytes

IDS = ["bob", "=1+1", "a&b"]


def write(folder):
    table = pd.DataFrame({"customer_id": [*IDS, "ann"], "clv": [1.0, 2.0, 3.0, 4.0]})
    table.to_parquet(folder / "scores.parquet", index=False)
    table[["clv"]].to_parquet(folder / "nobody.parquet", index=False)
    below = folder / "below"
    below.mkdir()
    with (below / "list.CSV").open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["customer_id", "note"])
        rows.writerows([["bob", "x\ny"], ["'=1+1", ""], ["a&b", ""], ["ann", "bob was here"]])
    (folder / "words.txt").write_text("ann and bob", encoding="utf-8")
    (folder / "other.txt").write_text("ann", encoding="utf-8")
    rows = [["customer"], *([name] for name in IDS)]
    (folder / "list.xlsx").write_bytes(b"".join(workbook_bytes(rows[0], [rows[1:]])))


def test_tables_lose_the_rows_and_the_rest_is_named(tmp_path):
    write(tmp_path)
    cleaned = clean_exports([tmp_path], IDS)
    assert cleaned.rewritten == {
        str(tmp_path / "below" / "list.CSV"): 3,
        str(tmp_path / "scores.parquet"): 3,
    }
    assert cleaned.not_changed == (str(tmp_path / "list.xlsx"), str(tmp_path / "words.txt"))
    assert list(pd.read_parquet(tmp_path / "scores.parquet")["customer_id"]) == ["ann"]
    listed = pd.read_csv(tmp_path / "below" / "list.CSV")
    assert listed.to_numpy().tolist() == [["ann", "bob was here"]]
    assert not list(tmp_path.rglob("*.unfinished"))


def test_nobody_to_erase_leaves_files_as_they_are(tmp_path):
    write(tmp_path)
    cleaned = clean_exports([tmp_path], ["nobody"])
    assert set(cleaned.rewritten.values()) == {0}
    assert cleaned.not_changed == ()
