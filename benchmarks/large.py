"""A log of any size: `regulars features` in bounded memory, and its growth with the log.

The command is a process of its own: its CPU-seconds, and the most memory that it ever held.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.features import COLUMNS

CONFIG = """
[data]
transactions = "lines-*.parquet"
[data.columns]
{columns}
[data.rules]
duplicates = "keep"
[engine]
folder = "."
"""


def run(lines: int, folder: Path | None = None) -> None:
    """Measure a tenth of `lines`, then `lines`, in `folder`, which needs 150 bytes a line."""
    found = []
    for size in (lines // 10, lines):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            found.append(measured(Path(place), size))
            print(_row(found[-1]) if len(found) > 1 else f"{_HEAD}\n{_row(found[-1])}", flush=True)
    small, large = found
    growth = large["cpu"] / small["cpu"]
    print(f"\nten times the lines cost {growth:.1f} x the CPU-seconds")


_HEAD = """
| lines | customers | seconds | CPU s | lines per CPU s | peak MB |
|---|---|---|---|---|---|"""


def _row(found: dict[str, float]) -> str:
    return (
        f"| {found['lines']:,.0f} | {found['rows']:,.0f} | {found['seconds']:.0f} | "
        f"{found['cpu']:.0f} | {found['lines'] / found['cpu']:,.0f} | {found['mb']:,.0f} |"
    )


def measured(folder: Path, lines: int) -> dict[str, float]:
    """Write a log and measure the command on it."""
    from benchmarks.generate import write_log

    write_log(folder, lines)
    (folder / "regulars.toml").write_text(config())
    command = ["features", "--json", "--output", str(folder / "features.parquet")]
    found, answer = observed([sys.executable, "-m", "serving.commands.main", *command], folder)
    return {**found, "lines": count_of(folder / "lines-*.parquet"), "rows": answer["rows"]}


def config() -> str:
    return CONFIG.format(columns="\n".join(f'{name} = "{name}"' for name in COLUMNS))


def observed(command: list[str], folder: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Run a command, which starts no other: what it cost, and its answer."""
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        out.seek(0)
        said = out.read()
    assert status == 0, said
    cost = {
        "seconds": time.monotonic() - started,
        "cpu": usage.ru_utime + usage.ru_stime,
        "mb": usage.ru_maxrss / 1024,
    }
    return cost, json.loads(said)


def count_of(pattern: Path) -> int:
    import duckdb

    ((count,),) = duckdb.sql(f"SELECT count(*) FROM read_parquet('{pattern}')").fetchall()
    return int(count)
