"""What a training needs of memory, and what there is: told before the work begins."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from features.orders.log import OrderLog
from training.settings import TrainingSettings

BASE_MB = 550
"""Libraries and models."""
PER_MILLION_ROWS_MB = 1_200
"""The log, its features and the purchases that the recommender learns from."""
MEGA = 1e6

_LIMITS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
"""Files with what a container may use and uses, of both versions of control groups."""


@dataclass(frozen=True)
class MemoryOutlook:
    """What a training will need at most, and what it can have; megabytes.

    `there` is None where the system does not tell.
    """

    needed: int
    there: int | None

    @property
    def is_enough(self) -> bool:
        """Whether the training can be expected to end; also where nobody knows."""
        return self.there is None or self.needed <= self.there

    def sentence(self) -> str:
        """Both figures in one line, and what to do where it is not enough."""
        there = "unknown" if self.there is None else f"{self.there:,} MB"
        words = f"Memory: this training needs about {self.needed:,} MB; there is {there}."
        if self.is_enough:
            return words
        return (
            f"{words} The system may end it without a word: give it more memory, train.threads = 1 "
            "or a smaller engine.memory, or learn from fewer years of orders."
        )


def memory_outlook(log: OrderLog[TrainingSettings]) -> MemoryOutlook:
    """What a training on `log` will need, by what was measured on logs of several sizes."""
    return MemoryOutlook(needed_megabytes(log.report.rows_used), available())


def needed_megabytes(rows: int) -> int:
    """The peak of a training, by its order lines.

    Measured were 2,316 MB with 1.47 million lines, 1,094 MB with 540,000 and 563 MB with 3,000.
    """
    return round(BASE_MB + rows / MEGA * PER_MILLION_ROWS_MB)


def available(root: Path = Path("/")) -> int | None:
    """What this process can still have, in megabytes: of its container, else of the machine."""
    amounts = [*_left_in_container(root), *_left_in_machine(root)]
    return round(min(amounts) / MEGA) if amounts else None


def _left_in_container(root: Path) -> Iterator[int]:
    for limit, usage in _LIMITS:
        with suppress(OSError, ValueError):
            most = int((root / limit.lstrip("/")).read_text())
            yield max(0, most - int((root / usage.lstrip("/")).read_text()))


def _left_in_machine(root: Path) -> Iterator[int]:
    with suppress(OSError, ValueError):
        for line in (root / "proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                yield int(line.split()[1]) * 1024
