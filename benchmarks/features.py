"""The feature engine beside plain pandas and the bare scan: CPU-seconds and peak memory.

Each contender runs in a process of its own on the same file of clean lines. Ours also types,
judges, keys and accounts for every row (`read_orders`), which pandas does not; so what features
cost once the log is read stands in rows of their own.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

COLUMNS = ("customer_id", "order_id", "ordered_at", "product_id", "category", "channel")
COLUMNS += ("quantity", "amount", "discount", "cost")


def run(lines: int) -> None:
    from benchmarks.generate import write_lines

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lines.parquet"
        write_lines(file, lines)
        found = {name: measured(name, file) for name in CONTENDERS}
    scan, pandas = found["bare scan"]["cpu"], found["pandas, one cutoff"]["cpu"]
    print(f"\n{found['bare scan']['rows']:,} lines\n")
    print("| contender | CPU s | ÷ pandas, one cutoff | ÷ scan | peak MB |\n|---|---|---|---|---|")
    for name, cost in found.items():
        shares = {name: cost["cpu"]}
        if "features_cpu" in cost:
            shares = {
                f"{name}, log in hand": cost["features_cpu"],
                f"{name}, and reading": cost["cpu"],
            }
        for share, cpu in shares.items():
            print(
                f"| {share} | {cpu:.1f} | {cpu / pandas:.2f} | {cpu / scan:.0f} | {cost['mb']:,.0f} |"
            )


def measured(name: str, file: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.features", name, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def scan(file: Path) -> dict[str, float]:
    import duckdb

    # minima and maxima would come from the file's statistics: a hash must read every value
    columns = ", ".join(f"bit_xor(hash({name}))" for name in COLUMNS)
    ((count, *_),) = duckdb.sql(f"SELECT count(*), {columns} FROM '{file}'").fetchall()
    return {"rows": count}


def pandas_one(file: Path, cutoffs: int = 1) -> dict[str, float]:
    import pandas as pd

    from benchmarks.pandas_features import pandas_features

    lines = pd.read_parquet(file)
    end = lines["ordered_at"].max().normalize() + timedelta(days=1)
    for step in range(cutoffs):
        pandas_features(lines, end - timedelta(days=30 * step))
    return {"rows": len(lines)}


def ours_one(file: Path, cutoffs: int = 1) -> dict[str, float]:
    from features.engines.build import build_features
    from features.orders.log import read_orders
    from features.settings.loading import settings_from
    from serving.settings import Settings

    columns = {name: name for name in COLUMNS}
    settings = settings_from(
        {
            "data": {
                "transactions": str(file),
                "columns": columns,
                "rules": {"duplicates": "keep"},
            },
            "store": {"quarantine": str(file.parent / "quarantine.parquet")},
        },
        Settings,
        root=file.parent,
    )
    with read_orders(settings) as log:
        if not cutoffs:
            return {"rows": log.report.rows_read}
        read = time.process_time()
        for step in range(cutoffs):
            build_features(log, log.end - timedelta(days=30 * step))
        return {"rows": log.report.rows_read, "features_cpu": time.process_time() - read}


CONTENDERS: dict[str, Callable[[Path], dict[str, float]]] = {
    "bare scan": scan,
    "pandas, one cutoff": pandas_one,
    "pandas, six cutoffs": lambda file: pandas_one(file, 6),
    "regulars, reading alone": lambda file: ours_one(file, 0),
    "regulars, one cutoff": ours_one,
    "regulars, six cutoffs": lambda file: ours_one(file, 6),
}


if __name__ == "__main__":
    started = time.process_time()
    found = CONTENDERS[sys.argv[1]](Path(sys.argv[2]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**found, "cpu": time.process_time() - started, "mb": peak}))
