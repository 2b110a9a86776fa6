"""A server under mixed traffic for long, with orders, exports and score runs: what fails, what grows.

    python -m benchmarks.soak [--config regulars.toml] [--minutes N] [--per-second N] [--runs N]

The server is a process of its own, asked at a steady rate: customers, lists, pages, products,
batches, predictions, orders, exports. `regulars score` runs meanwhile, evenly spread. After that
the whole list is exported a hundred times at once. Told are failed calls, PSS of server and scorer
together, open files and the store's write-ahead file, before and after the warm-up. The shop of
`--config` is not trained here, and orders are sent to it: use a copy. Without one, a small shop is
made up and trained.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from serving.settings import load_shop
from tests.support.servers import free_port, serving
from tests.support.shop import write_config
from tests.support.soak import (
    MEGABYTE,
    Answered,
    Held,
    Traffic,
    Watch,
    exports_at_once,
    send_steadily,
)
from tests.support.trained import trained_shop

WARM_UP = 0.25
"""The share of the time after which nothing should grow any more."""

LOOKS_SECONDS = 5.0
AFTER_SECONDS = 30.0
MOST_GROWTH = 0.1
MOST_WAL_BYTES = 64 * MEGABYTE
"""When all is done: a run that is published makes the file as long as it is, for a while."""
REGULARS = (sys.executable, "-m", "serving.commands.main")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    parser.add_argument("--config", type=Path, help="settings of a trained and scored shop")
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--per-second", type=float, default=15.0, help="calls")
    parser.add_argument("--runs", type=int, default=2, help="score runs meanwhile")
    parser.add_argument("--exports", type=int, default=100, help="at once, in the end")
    arguments = parser.parse_args()
    run(
        arguments.config,
        arguments.minutes,
        arguments.per_second,
        arguments.runs,
        arguments.exports,
    )


def run(
    config: Path | None = None,
    minutes: float = 120.0,
    per_second: float = 15.0,
    runs: int = 2,
    exports: int = 100,
) -> None:
    """Print what was answered and held; fail where calls failed or something grew."""
    with _shop(config) as file:
        settings = load_shop(file)
        store = Path(settings.database_url(settings.store.url).removeprefix("sqlite:///"))
        with serving(file, free_port()) as (address, server):
            watch = Watch(server.pid, store)
            seconds = minutes * 60
            with watch.every(LOOKS_SECONDS):
                answered, scored = soak(address, file, seconds, per_second, runs)
                ended = watch.look()
                burst = exports_at_once(address, exports)
                peak = max(watch.between(ended.seconds, ended.seconds + 1e9), key=_total)
                time.sleep(AFTER_SECONDS)
                after = watch.look()
    _tell(answered, scored, watch, ended, minutes)
    print(f"{exports} exports at once {dict(burst)}: {peak.total_mb:.0f} MB at most")
    print(f"{AFTER_SECONDS:.0f} s later: {_memory(after)}")
    warm = [held.total_mb for held in watch.between(seconds * WARM_UP, ended.seconds)]
    growth = _growth(warm)
    print(f"growth after the warm-up, its last third beside its first: {growth:+.1%}")
    assert answered.failed == 0, answered.examples
    assert scored == [0] * runs, f"score runs ended with {scored}"
    assert growth < MOST_GROWTH
    assert after.wal_bytes < MOST_WAL_BYTES


def soak(
    address: str, config: Path, seconds: float, per_second: float, runs: int
) -> tuple[Answered, list[int]]:
    """Traffic for so long, with score runs meanwhile; the answers, and how the runs ended."""
    until = time.monotonic() + seconds
    starts = iter([time.monotonic() + seconds * n / (runs + 1) for n in range(1, runs + 1)])
    running: list[subprocess.Popen[bytes]] = []
    due = next(starts, None)

    def is_over() -> bool:
        nonlocal due
        if due is not None and time.monotonic() >= due:
            due = next(starts, None)
            running.append(_scoring(config))
        return time.monotonic() >= until and all(job.poll() is not None for job in running)

    answered = send_steadily(address, Traffic(address), per_second=per_second, is_over=is_over)
    return answered, [job.wait() for job in running]


def _scoring(config: Path) -> subprocess.Popen[bytes]:
    words = [*REGULARS, "score", "--config", str(config)]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL)


@contextmanager
def _shop(config: Path | None) -> Iterator[Path]:
    if config is not None:
        yield config
        return
    with tempfile.TemporaryDirectory() as folder, trained_shop(Path(folder)) as shop:
        file = write_config(shop.settings)
        assert _scoring(file).wait() == 0
        yield file


def _tell(
    answered: Answered, scored: Sequence[int], watch: Watch, ended: Held, minutes: float
) -> None:
    calls = sum(answered.statuses.values())
    print(f"{calls} calls in {ended.seconds / 60:.1f} minutes, {len(scored)} score runs: {scored}")
    print(f"failed {answered.failed}, refused for want of capacity {answered.refused}")
    print(f"statuses {dict(sorted(answered.statuses.items()))}")
    for line in answered.examples:
        print(f"  {line}")
    for number in count():
        at = minutes * 60 * number / 6
        looks = watch.between(at, at + LOOKS_SECONDS * 2)
        if not looks or number > 6:
            break
        print(f"minute {at / 60:4.1f}: {_memory(looks[0])}, {looks[0].files} files")
    looks = watch.between(0, ended.seconds)
    warm = watch.between(ended.seconds * WARM_UP, ended.seconds)
    print(f"at most {_memory(max(looks, key=_total))}")
    files = [held.files for held in warm]
    print(f"files after the warm-up: {min(files)}–{max(files)}")
    longest = max(held.wal_bytes for held in looks) / MEGABYTE
    print(f"write-ahead file at most {longest:.1f} MB, in the end {ended.wal_bytes / MEGABYTE:.1f}")


def _growth(figures: Sequence[float]) -> float:
    """The middle of the last third beside that of the first."""
    third = max(1, len(figures) // 3)
    first, last = sorted(figures[:third]), sorted(figures[-third:])
    return last[len(last) // 2] / first[len(first) // 2] - 1


def _total(held: Held) -> float:
    return held.total_mb


def _memory(held: Held) -> str:
    parts = " + ".join(f"{megabytes:.0f}" for megabytes in held.memory_mb)
    return f"{held.total_mb:.0f} MB ({parts})"


if __name__ == "__main__":
    main()
