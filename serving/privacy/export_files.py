"""Exports that hold customers: rewritten without them, or named where that cannot be done."""

import csv
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape


@dataclass(frozen=True)
class CleanedExports:
    """What became of the files of some folders.

    Attributes
    ----------
    rewritten : file → how many rows were removed
    not_changed : files that hold an id and cannot be rewritten
    """

    rewritten: dict[str, int]
    not_changed: tuple[str, ...]


def clean_exports(
    folders: Collection[Path], customer_ids: Collection[str], *, quoted: str = "'"
) -> CleanedExports:
    """Take customers out of every file of `folders` and of the folders below.

    Tables in Parquet and CSV with a column `customer_id` lose their rows. Every other file is
    searched for the ids, workbooks in what they hold packed.

    Parameters
    ----------
    quoted : sign that stands before a text in CSV which a spreadsheet would take for a formula

    Raises
    ------
    OSError
        When a file cannot be read or replaced.
    """
    ids = set(customer_ids)
    rewritten: dict[str, int] = {}
    not_changed = []
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
        removed = None
        if path.suffix == ".parquet":
            removed = _parquet_without(path, ids)
        elif path.suffix.lower() == ".csv":
            removed = _csv_without(path, {*ids, *(quoted + customer for customer in ids)})
        if removed is not None:
            rewritten[str(path)] = removed
        elif _holds(path, ids):
            not_changed.append(str(path))
    return CleanedExports(rewritten, tuple(not_changed))


def _parquet_without(path: Path, ids: set[str]) -> int | None:
    """Rewrite a table; returns how many rows were removed, None where it names no customers."""
    # the server, which has no exports, loads no such library
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    if "customer_id" not in table.column_names:
        return None
    column = table["customer_id"].cast(pa.string())
    remaining = table.filter(pc.invert(pc.is_in(column, pa.array(sorted(ids), pa.string()))))
    unfinished = path.with_name(f".{path.name}.unfinished")
    pq.write_table(remaining, unfinished)
    unfinished.replace(path)
    return int(table.num_rows - remaining.num_rows)


def _csv_without(path: Path, written: set[str]) -> int | None:
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with path.open(encoding="utf-8-sig", newline="") as old:
            rows = csv.reader(old)
            header = next(rows, [])
            if "customer_id" not in header:
                return None
            position = header.index("customer_id")
            removed = 0
            with unfinished.open("w", encoding="utf-8-sig", newline="") as new:
                writer = csv.writer(new)
                writer.writerow(header)
                for row in rows:
                    if row[position : position + 1] and row[position] in written:
                        removed += 1
                    else:
                        writer.writerow(row)
    except (UnicodeDecodeError, csv.Error):
        unfinished.unlink(missing_ok=True)
        return None
    unfinished.replace(path)
    return removed


def _holds(path: Path, ids: set[str]) -> bool:
    sought = [form.encode() for customer in ids for form in {customer, escape(customer)}]
    if not zipfile.is_zipfile(path):
        content = path.read_bytes()
        return any(form in content for form in sought)
    with zipfile.ZipFile(path) as packed:
        return any(form in packed.read(name) for name in packed.namelist() for form in sought)
