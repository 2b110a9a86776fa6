"""What a training needs of memory, and what there is: told before the work begins."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from features.orders.log import OrderLog
from training.settings import TrainingSettings

BASE_MB = 550
"""Libraries and models."""
PER_MILLION_ROWS_MB = 1_250
"""The log, its features and the purchases that the recommender learns from."""
MEGA = 1e6


class _ControlGroup(NamedTuple):
    """The files of a container's control group, and what it can drop at once (cached files)."""

    limit: str
    usage: str
    statistics: str
    droppable: str


_CONTROL_GROUPS = (
    _ControlGroup("memory.max", "memory.current", "memory.stat", "inactive_file"),
    _ControlGroup(
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file",
    ),
)
"""Of both versions, below `/sys/fs/cgroup`."""


@dataclass(frozen=True)
class MemoryOutlook:
    """What a training will need at most, and what it can have.

    `available_mb` is None where the system does not tell.
    """

    needed_mb: int
    available_mb: int | None

    @property
    def is_enough(self) -> bool:
        """Whether the training can be expected to end; also where nobody knows."""
        return self.available_mb is None or self.needed_mb <= self.available_mb

    def sentence(self) -> str:
        """Both figures in one line, and what to do where it is not enough."""
        needed = f"Memory: this training needs about {self.needed_mb:,} MB"
        if self.available_mb is None:
            return f"{needed}; how much there is, the system does not tell."
        figures = f"{needed}; {self.available_mb:,} MB are available."
        if self.is_enough:
            return figures
        return (
            f"{figures} The system may end it without a word: give it more memory, train.threads = "
            "1 or a smaller engine.memory, or learn from fewer years of orders."
        )


def memory_outlook(log: OrderLog[TrainingSettings]) -> MemoryOutlook:
    """What a training on `log` will need, by what was measured on logs of several sizes."""
    return MemoryOutlook(needed_mb(log.report.rows_used), available_mb())


def needed_mb(rows: int) -> int:
    """The peak of a training, by its order lines.

    Measured were 2,362 MB with 1.47 million lines, 1,094 MB with 540,000 and 563 MB with 3,000.
    """
    return round(BASE_MB + rows / MEGA * PER_MILLION_ROWS_MB)


def available_mb(root: Path = Path("/")) -> int | None:
    """What this process can still have, in megabytes: of its container, else of the machine."""
    amounts = [*_left_in_container(root), *_left_in_machine(root)]
    return round(min(amounts) / MEGA) if amounts else None


def _left_in_container(root: Path) -> Iterator[int]:
    folder = root / "sys/fs/cgroup"
    for group in _CONTROL_GROUPS:
        with suppress(OSError, ValueError):
            limit, usage = (int((folder / name).read_text()) for name in (group.limit, group.usage))
            droppable = sum(_values_of(folder / group.statistics, group.droppable))
            yield max(0, limit - usage + droppable)


def _left_in_machine(root: Path) -> Iterator[int]:
    with suppress(OSError, ValueError):
        for kilobytes in _values_of(root / "proc/meminfo", "MemAvailable:"):
            yield kilobytes * 1024


def _values_of(file: Path, name: str) -> Iterator[int]:
    """The number behind a name in a file of the system with one of each per line."""
    for line in file.read_text().splitlines():
        first, *numbers = line.split()
        if first == name:
            yield int(numbers[0])
