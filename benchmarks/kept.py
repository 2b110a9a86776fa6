"""A day of new lines on top of a kept log: CPU-seconds to read, judge and compute what it touches.

Each step is a process of its own; importing is left out.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.large import config, count_of


def run(lines: int, folder: Path | None = None) -> None:
    """Measure on a log of `lines`, in `folder`, which needs 250 bytes a line."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        usual, rest = _without_last_day(place, lines)
        print(
            "\n| step | new lines | rows judged | CPU s | of it features |\n|---|---|---|---|---|"
        )
        _step(place, "first reading", None)
        _step(place, "nothing new", None)
        _step(place, "a day of usual size", usual)
        _step(place, "the rest of the busiest day", rest)


def _step(place: Path, title: str, new: Path | None) -> None:
    added = 0
    if new is not None:
        added = count_of(new)
        new.replace(place / new.name)
    command = [sys.executable, "-m", "benchmarks.kept", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    print(
        f"| {title} | {added:,} | {found['rows_judged']:,} | {found['cpu']:.1f} "
        f"| {found['features']:.1f} |",
        flush=True,
    )


def _without_last_day(place: Path, lines: int) -> list[Path]:
    """Write a log but for its last day, which lies aside in two files: as much as a usual day
    brings, and the rest.
    """
    import duckdb

    from benchmarks.generate import DAYS, write_log

    write_log(place, lines)
    (place / "regulars.toml").write_text(config() + '[store]\nlog = "log.duckdb"\n')
    aside = place / "aside"
    aside.mkdir()
    connection = duckdb.connect(config={"memory_limit": "2GB", "threads": 2})
    connection.execute(f"""
        SET enable_progress_bar = false;
        SET VARIABLE last_day =
            (SELECT max(ordered_at)::DATE FROM read_parquet('{place}/lines-*.parquet'));
        CREATE TABLE day AS FROM read_parquet('{place}/lines-*.parquet')
        WHERE ordered_at >= getvariable('last_day')""")
    ((day_lines,),) = connection.execute("SELECT count(*) FROM day").fetchall()
    usual = min(999, 1000 * (lines // DAYS) // day_lines)
    files = [aside / "lines-new-1.parquet", aside / "lines-new-2.parquet"]
    for file, condition in zip(files, (f"< {usual}", f">= {usual}"), strict=True):
        rows = f"FROM day WHERE hash(order_id) % 1000 {condition}"
        connection.execute(f"COPY ({rows}) TO '{file}' (FORMAT parquet)")
    for file in sorted(place.glob("lines-*.parquet")):
        rows = f"FROM read_parquet('{file}') WHERE ordered_at < getvariable('last_day')"
        connection.execute(f"COPY ({rows}) TO '{aside / file.name}' (FORMAT parquet)")
        (aside / file.name).replace(file)
    connection.close()
    return files


def open_kept(place: Path) -> dict[str, float]:
    """Bring the kept log and its features up to date."""
    from features.engines.kept_features import kept_features
    from features.orders.kept_log import KeptLog, open_kept_log
    from features.settings.loading import load_settings
    from serving.settings import Settings

    started = time.process_time()
    with open_kept_log(load_settings(place / "regulars.toml", Settings)) as log:
        assert isinstance(log, KeptLog)
        opened = time.process_time()
        kept_features(log, log.end)
        features = time.process_time() - opened
    cpu = time.process_time() - started
    return {"rows_judged": log.rows_judged, "cpu": cpu, "features": features}


if __name__ == "__main__":
    print(json.dumps(open_kept(Path(sys.argv[1]))))
