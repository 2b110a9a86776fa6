"""The same features from the embedded engine and from Spark, half a million customers at once.

Needs the extra `spark` and Java 17. Prints what each took and how far they are apart.
"""

import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pandas as pd
from pyspark.sql import SparkSession

from benchmarks.generate import LINES_PER_CUSTOMER
from benchmarks.generate import write_lines as write_orders
from features.catalogue import FEATURES
from features.engines.exports import write_features, write_lines
from features.engines.spark import build_features
from features.orders.log import read_orders
from features.segments.rfm import Rfm
from features.settings.loading import settings_from
from features.settings.segments import Segments
from serving.settings import Settings

CUSTOMERS = 520_000
DRIVER_MEMORY = "3g"
TICKS = os.sysconf("SC_CLK_TCK")
COLUMNS = {
    "customer_id": "customer_id",
    "order_id": "order_id",
    "ordered_at": "ordered_at",
    "product_id": "product_id",
    "category": "category",
    "channel": "channel",
    "quantity": "quantity",
    "amount": "amount",
    "discount": "discount",
    "cost": "cost",
}


def run() -> None:
    print("\n## Embedded engine and Spark\n\n| step | seconds | CPU s |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_orders(folder / "orders.parquet", int(CUSTOMERS * LINES_PER_CUSTOMER))
        as_of = _embedded(folder)
        _spark(folder, as_of)
        _compare(folder)


def _embedded(folder: Path) -> pd.Timestamp:
    settings = settings_from(
        {"data": {"transactions": "orders.parquet", "columns": COLUMNS}}, Settings, root=folder
    )
    with _step("read and judge the orders"):
        reading = read_orders(settings)
        log = reading.__enter__()
    with _step("write the clean lines"):
        lines = write_lines(log, folder / "lines.parquet")
    with _step("features, embedded engine"):
        rows = write_features(log, [log.end], folder / "embedded.parquet")
    as_of = log.end
    reading.__exit__(None, None, None)
    print(f"| {lines:,} lines, {rows:,} customers as of {as_of} | | |", flush=True)
    return as_of


def _spark(folder: Path, as_of: pd.Timestamp) -> None:
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", DRIVER_MEMORY)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.local.dir", str(folder / "spill"))
        .config("spark.log.level", "ERROR")
        .config("spark.sql.shuffle.partitions", "8")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    java = session.sparkContext._gateway.proc.pid  # noqa: SLF001
    with _step("features, Spark", pid=java):
        table = build_features(session, folder / "lines.parquet", as_of, currency="EUR")
        table.write.parquet(str(folder / "spark"))
    session.stop()


@contextmanager
def _step(name: str, *, pid: int | None = None) -> Iterator[None]:
    started, cpu = time.monotonic(), _cpu(pid)
    yield
    print(f"| {name} | {time.monotonic() - started:.0f} | {_cpu(pid) - cpu:.0f} |", flush=True)


def _cpu(pid: int | None) -> float:
    """CPU-seconds of this process, or of another one so far."""
    if pid is None:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _compare(folder: Path) -> None:
    connection = duckdb.connect()
    connection.execute(f"""
        CREATE TABLE pairs AS SELECT ours, theirs
        FROM '{folder}/embedded.parquet' AS ours
        FULL JOIN '{folder}/spark/*.parquet' AS theirs
          ON ours.customer_id = theirs.customer_id AND ours.as_of = theirs.as_of""")
    alone = (
        "SELECT count(*) FROM pairs WHERE ours.customer_id IS NULL OR theirs.customer_id IS NULL"
    )
    print(f"\n{_value(connection, alone)} customers in one table only")
    differing, furthest = 0, 0.0
    for name in FEATURES:
        unlike = f"ours.{name} IS DISTINCT FROM theirs.{name}"
        gap = f"abs(ours.{name} - theirs.{name}) / greatest(abs(ours.{name}), 1)"
        cells, apart, nulls = connection.execute(f"""
            SELECT count(*), coalesce(max({gap}), 0), count(*) FILTER ({gap} IS NULL)
            FROM pairs WHERE {unlike}""").fetchone() or (0, 0, 0)
        assert nulls == 0, name
        if cells:
            print(f"- {name}: {cells:,} cells differ, by {apart:.1e} at most")
        differing, furthest = differing + cells, max(furthest, apart)
    total = len(FEATURES) * int(_value(connection, "SELECT count(*) FROM pairs"))
    print(f"\n{total:,} cells, {differing:,} not bit for bit the same, by {furthest:.1e} at most")
    print(f"{_other_segments(connection):,} customers in another RFM cell or group")
    assert furthest <= 1e-9


def _value(connection: duckdb.DuckDBPyConnection, query: str) -> object:
    return connection.execute(query).fetchall()[0][0]


def _other_segments(connection: duckdb.DuckDBPyConnection) -> int:
    rfm = Rfm(Segments())
    ours, theirs = (
        rfm.assign(connection.execute(f"SELECT {side}.* FROM pairs").df())
        for side in ("ours", "theirs")
    )
    return int((ours != theirs).any(axis="columns").sum())


if __name__ == "__main__":
    run()
