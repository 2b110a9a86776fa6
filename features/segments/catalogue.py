"""The one catalogue of segment systems. To add a system: a file here, a line below."""

from typing import Protocol

import pandas as pd

from features.segments import rfm


class SegmentSystem(Protocol):
    """Assigns every customer of a feature table to groups."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that `assign` returns."""
        ...

    def assign(self, features: pd.DataFrame) -> pd.DataFrame:
        """One row per customer, same index, the system's text columns."""
        ...


SYSTEMS: tuple[SegmentSystem, ...] = (rfm.Rfm(),)


def assign_all(features: pd.DataFrame) -> pd.DataFrame:
    """Columns of all systems side by side; one row per customer, index as given."""
    return pd.concat([system.assign(features) for system in SYSTEMS], axis=1)
