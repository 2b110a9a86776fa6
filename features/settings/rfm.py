"""Settings of RFM: what the groups compare with, and the shop's own bins, weights and codes."""

import math
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from features.settings.section import Section

# values of a filter are written as system:value|value
GroupText = Annotated[str, StringConstraints(pattern=r"^[^:|\x00]+$", max_length=40)]

MOST_BINS = 9


class RfmBins(Section):
    """How one of recency, frequency and money is scored: by equal parts or at cut points."""

    quantiles: int = Field(5, ge=2, le=MOST_BINS)
    """Equal parts of the customers, each a score."""
    cuts: tuple[float, ...] | None = Field(None, min_length=1, max_length=MOST_BINS - 1)
    """Ascending, in days, orders or money; they take the place of the parts."""
    weight: float = Field(1.0, ge=0)
    """In the weighted score; the ratio counts."""
    codes: tuple[GroupText, ...] | None = None
    """What the scores are called in the cell, the worst first; None: 1, 2, 3 …"""

    @property
    def scores(self) -> int:
        """How many scores there are."""
        return self.quantiles if self.cuts is None else len(self.cuts) + 1

    @model_validator(mode="after")
    def _usable(self) -> "RfmBins":
        if self.cuts is not None:
            if "quantiles" in self.model_fields_set:
                raise ValueError("quantiles and cuts exclude each other")
            if not all(map(math.isfinite, self.cuts)) or list(self.cuts) != sorted({*self.cuts}):
                raise ValueError("cuts must be finite and ascending, each once")
        if self.codes is not None and len({*self.codes}) != self.scores:
            raise ValueError(f"codes must be {self.scores} different texts, one per score")
        return self


class RfmSettings(Section):
    """What the eight groups compare with, and RFM the shop's own way."""

    average: Literal["mean", "median"] = "mean"
    """What the eight groups compare recency, frequency and money with."""
    recency: RfmBins = RfmBins()
    frequency: RfmBins = RfmBins()
    money: RfmBins = RfmBins()
    separator: Annotated[str, StringConstraints(pattern=r"^[^:|\x00]*$", max_length=3)] = ""
    """Between the codes of a cell."""
    labels: dict[GroupText, float] = Field({"high": 67, "middle": 34, "low": 0}, min_length=1)
    """Name of a class → the weighted score from which it begins; one begins at 0."""

    @model_validator(mode="after")
    def _usable(self) -> "RfmSettings":
        if self.recency.weight + self.frequency.weight + self.money.weight <= 0:
            raise ValueError("one of recency, frequency and money must weigh something")
        starts = sorted(self.labels.values())
        if starts[0] != 0 or starts[-1] > 100 or len({*starts}) < len(starts):
            raise ValueError(
                "labels must begin at different scores from 0 to 100, one of them at 0"
            )
        return self
