"""Settings of the segments that look at interactions: the funnel, and loyalty with satisfaction."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from features.settings.section import Section

FunnelKind = Literal["visit", "search", "enquiry", "quote", "cart"]
"""The kinds of interactions that lead to a purchase."""


class FunnelStages(Section):
    """Which interactions make a stage on the way to the purchase; see `features.segments.interactions.funnel`."""

    awareness: tuple[FunnelKind, ...] = ("visit",)
    interest: tuple[FunnelKind, ...] = ("search", "enquiry")
    decision: tuple[FunnelKind, ...] = ("quote", "cart")
    loyal_from_purchase_days: int = Field(3, ge=2)
    """Purchase days from which a customer is loyal."""
    within_days: int = Field(90, ge=7, le=365)
    """Who goes on to the next stage does so within this time."""

    @model_validator(mode="after")
    def _once(self) -> "FunnelStages":
        kinds = [kind for stage in self.kinds().values() for kind in stage]
        if len(set(kinds)) < len(kinds):
            raise ValueError("a kind of interaction belongs to one stage")
        return self

    def kinds(self) -> Mapping[str, tuple[FunnelKind, ...]]:
        """Stage before the purchase → its kinds, in the order of the stages."""
        return {
            "awareness": self.awareness,
            "interest": self.interest,
            "decision": self.decision,
        }


class LoyaltyWeights(Section):
    """Weights of the parts of loyalty; their ratio counts."""

    regularity: float = Field(1.0, ge=0)
    retention: float = Field(1.0, ge=0)
    satisfaction: float = Field(1.0, ge=0)
    """Of those whose satisfaction is known."""

    @model_validator(mode="after")
    def _usable(self) -> "LoyaltyWeights":
        if self.regularity + self.retention <= 0:
            raise ValueError("one of regularity and retention must weigh something")
        return self
