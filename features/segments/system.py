"""The shape of a segment system: a published rule that puts every customer into one group.

A rule has two kinds of cut points. Those of the configuration (`Segments`) are chosen by
the shop; those of `cut_points` are computed from the customers of a date (the spend above
which the best 1 % lie, say). Stored with a run, they put a customer who comes later, or whose
orders have changed, into the same groups without reading all customers again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import pandas as pd

from features.language.message import Phrase
from features.segments.ranks import TOLERANCE
from features.settings.segments import Segments

DEFAULTS = Segments()
"""The cut points that come with Regulars."""

CutPoints = Mapping[str, list[float]]
"""Finite numbers by name, ready for JSON."""


@dataclass(frozen=True)
class SystemDescription:
    """A rule as it is shown to the user.

    Attributes
    ----------
    name : of the system
    title : what a marketer calls it
    rule : how it decides, with the cut points of the configuration
    cut_points : the cut points of a run, one sentence each; empty where there are none
    groups : value → what it is called
    """

    name: str
    title: Phrase
    rule: Phrase
    groups: Mapping[str, Phrase]
    cut_points: tuple[Phrase, ...] = ()


class SegmentSystem(Protocol):
    """Puts every customer of a table into one group per column.

    `name` is unique among the systems; `columns` are those that `assign` returns, of which
    `indices` are numbers and not groups; `needs` are the columns of the feature table or of the
    scores without which it cannot decide.
    """

    @property
    def name(self) -> str: ...

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def indices(self) -> tuple[str, ...]: ...

    @property
    def needs(self) -> tuple[str, ...]: ...

    def cut_points(self, customers: pd.DataFrame) -> CutPoints:
        """The cut points that these customers set, one row per customer."""
        ...

    def assign(self, customers: pd.DataFrame, cut_points: CutPoints | None = None) -> pd.DataFrame:
        """One row per customer, same index: groups as text without gaps, indices as whole numbers
        from 0 to 100, missing where they are not known.

        `cut_points` are those of an earlier `cut_points`; None: those of these customers.
        """
        ...

    def describe(self, cut_points: CutPoints | None = None) -> SystemDescription:
        """The rule, with the cut points of a run where they are given."""
        ...


@dataclass(frozen=True)
class SystemRule(ABC):
    """Base of the systems that follow from the settings alone.

    A system defines its names, `needs`, `cut_points` and the parts below.
    """

    settings: Segments = DEFAULTS

    name: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]
    indices: ClassVar[tuple[str, ...]] = ()
    """Those of `columns` that are whole numbers from 0 to 100."""
    title: ClassVar[Phrase]
    labels: ClassVar[Mapping[str, Phrase]]
    """Group → what it is called."""

    @abstractmethod
    def cut_points(self, customers: pd.DataFrame) -> CutPoints: ...

    def assign(self, customers: pd.DataFrame, cut_points: CutPoints | None = None) -> pd.DataFrame:
        """See `SegmentSystem.assign`."""
        cuts = self.cut_points(customers) if cut_points is None else cut_points
        columns = dict(zip(self.columns, self._groups(customers, cuts), strict=True))
        table = groups(customers, **columns)
        return table.assign(**{name: whole(columns[name]) for name in self.indices})

    def describe(self, cut_points: CutPoints | None = None) -> SystemDescription:
        """See `SegmentSystem.describe`."""
        return SystemDescription(
            name=self.name,
            title=self.title,
            rule=self._rule(),
            groups=self.labels,
            cut_points=self._in_this_run(cut_points) if cut_points else (),
        )

    @abstractmethod
    def _groups(self, customers: pd.DataFrame, cuts: CutPoints) -> Sequence[Any]:
        """The groups of each column of `columns`, in order."""

    @abstractmethod
    def _rule(self) -> Phrase:
        """How it decides, with the cut points of the configuration."""

    def _in_this_run(self, cuts: CutPoints) -> tuple[Phrase, ...]:  # noqa: ARG002
        """The cut points of a run, a sentence each."""
        return ()


def whole(values: Any) -> pd.api.extensions.ExtensionArray:
    """Numbers rounded to whole ones, halves upwards; missing where they are NaN."""
    # halves count as such also where binary makes them a little less
    return pd.array(np.floor(np.asarray(values, dtype=float) + 0.5 + TOLERANCE), dtype="Int64")


def groups(customers: pd.DataFrame, **columns: Any) -> pd.DataFrame:
    """Text columns on the index of `customers`."""
    return pd.DataFrame(columns, index=customers.index, dtype="str")


def figure(number: float) -> str:
    """A number as a rule shows it: two decimals at most.

    >>> figure(1234.5), figure(365)
    ('1,234.5', '365')
    """
    text = f"{number:,.2f}"
    return text.rstrip("0").rstrip(".")


def percent(share: float) -> str:
    """A share as a rule shows it.

    >>> percent(0.15)
    '15%'
    """
    return f"{figure(100 * share)}%"
