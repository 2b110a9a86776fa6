"""Attributes of the shop's own table of customers as segments: levels of texts, thirds of numbers."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.language.message import Message, Phrase, message, message_in
from features.segments.ranks import edges, places
from features.segments.system import CutPoints, SystemDescription, figure, groups
from features.settings.segments import Segments
from features.settings.tables import Customers, level_column, number_column

COLUMN = "customer_"
"""Before the name of an attribute: the segment system of it."""

NOT_KNOWN, OTHER = "not_known", "other"
THIRDS = ("low", "middle", "high")
_LABELS = {
    "low": message("low"),
    "middle": message("middle"),
    "high": message("high"),
    NOT_KNOWN: message("not known"),
    OTHER: message_in("level of an attribute", "other"),
}


@dataclass(frozen=True)
class CustomerAttribute:
    """One attribute: the level of each customer, or low, middle, high of a number.

    Attributes
    ----------
    attribute : its name in the configuration
    levels : the names of its levels; none: it is a number
    """

    attribute: str
    levels: tuple[str, ...]
    settings: Segments

    indices = ()

    @property
    def name(self) -> str:
        return f"attribute_{self.attribute}"

    @property
    def columns(self) -> tuple[str, ...]:
        return (f"{COLUMN}{self.attribute}",)

    @property
    def needs(self) -> tuple[str, ...]:
        if not self.levels:
            return (number_column(self.attribute),)
        return tuple(level_column(self.attribute, level) for level in self.levels)

    def cut_points(self, customers: pd.DataFrame) -> CutPoints:
        """Of a number, the values to be exceeded for middle and high."""
        if self.levels:
            return {}
        (column,) = self.needs
        values = customers[column].dropna().to_numpy(dtype=float)
        shares = self.settings.levels
        return {"above": edges(values, [shares.middle_from, shares.high_from])}

    def assign(self, customers: pd.DataFrame, cut_points: CutPoints | None = None) -> pd.DataFrame:
        """See `SegmentSystem.assign`; who is not in the table, or of no level, is told apart."""
        cuts = self.cut_points(customers) if cut_points is None else cut_points
        column = customers[self.needs[0]]
        if self.levels:
            flags = [(customers[name] == 1).to_numpy() for name in self.needs]
            values = np.select(flags, list(self.levels), default=OTHER)
        else:
            numbers = column.fillna(-np.inf).to_numpy(dtype=float)
            values = np.array(THIRDS)[places(numbers, cuts["above"])]
        is_known = column.notna().to_numpy()
        return groups(customers, **{self.columns[0]: np.where(is_known, values, NOT_KNOWN)})

    def describe(self, cut_points: CutPoints | None = None) -> SystemDescription:
        """See `SegmentSystem.describe`."""
        title = Message(self.attribute.replace("_", " ").capitalize())
        names: Mapping[str, Phrase] = {
            level: _LABELS.get(level, Message(level.replace("_", " ")))
            for level in (*(self.levels or THIRDS), *((OTHER,) if self.levels else ()), NOT_KNOWN)
        }
        cuts = (cut_points or {}).get("above")
        return SystemDescription(
            name=self.name,
            title=title,
            rule=_LEVELS if self.levels else _NUMBER,
            groups=names,
            cut_points=(_ABOVE.filled(middle=figure(cuts[0]), high=figure(cuts[1])),)
            if cuts
            else (),
        )


def attribute_systems(customers: Customers | None, settings: Segments) -> list[CustomerAttribute]:
    """One system per attribute of the configuration."""
    if customers is None:
        return []
    return [
        CustomerAttribute(name, tuple(customers.levels.get(name, ())), settings)
        for name in customers.attributes
    ]


_LEVELS = message("As the shop's own table of customers says, by the levels of the configuration.")
_NUMBER = message("As the shop's own table of customers says, by thirds of the customers.")
_ABOVE = message("Middle from more than %(middle)s, high from more than %(high)s.")
