"""What has been decided about a file so far."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from features.proposal.columns import Column
from features.proposal.log import Log
from features.proposal.names import likeness


@dataclass
class Draft:
    """Decisions, filled in one after the other; each step sees those before it.

    Attributes
    ----------
    log : the file
    mapped : field → its columns
    why : field → what spoke for it, or a doubt to check
    candidates : unmapped field → columns that might still be it
    notes : sentences for the person
    """

    log: Log
    mapped: dict[str, tuple[str, ...]] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    candidates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def take(self, name: str, column: Column, why: str = "") -> None:
        """Read the field `name` from `column`."""
        self.mapped[name] = (*self.mapped.get(name, ()), column.name)
        self.why[name] = why or self.why.get(name, "")

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)

    def column(self, name: str) -> Column | None:
        """The (first) column of the field, if one was found."""
        return self.log.columns[self.mapped[name][0]] if name in self.mapped else None

    def free(self) -> list[Column]:
        """Columns that no field is read from yet, in the order of the file."""
        used = {name for names in self.mapped.values() for name in names}
        return [column for column in self.log.columns.values() if column.name not in used]

    def liked(self, name: str, least: float = 1.0) -> list[Column]:
        """Free columns whose name speaks for the field, the likeliest first."""
        named = [column for column in self.free() if likeness(name, column.name) >= least]
        return sorted(named, key=lambda column: -likeness(name, column.name))

    @property
    def times(self) -> "pd.Series[Any]":
        """When each sampled line was ordered."""
        times = self.log.columns[self.mapped["ordered_at"][0]].times
        assert times is not None, "ordered_at is taken from a column of dates"  # noqa: S101
        return times


def percent(share: float) -> str:
    """A share for a sentence: ``25 %``, and never 0 or 100 where it is not."""
    if 0 < share < 0.01:
        return "under 1 %"
    return "over 99 %" if 0.99 < share < 1 else f"{share:.0%}".replace("%", " %")


def listed(names: list[str] | tuple[str, ...]) -> str:
    """Names in quotes for a sentence."""
    return ", ".join(f"'{name}'" for name in names)
