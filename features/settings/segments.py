"""`[segments]`: cut points of the segment systems."""

from typing import Literal

from pydantic import Field, model_validator

from features.settings.funnel import FunnelStages, LoyaltyWeights
from features.settings.rfm import RfmSettings
from features.settings.section import Section


def _whole(shares: dict[str, float]) -> None:
    if abs(sum(shares.values()) - 1) > 1e-9:
        raise ValueError(f"the shares {', '.join(shares)} must add up to 1")


class AbcShares(Section):
    """Shares of the whole contribution that the classes bring, best customers first."""

    a: float = Field(0.80, gt=0, lt=1)
    b: float = Field(0.15, gt=0, lt=1)
    c: float = Field(0.05, gt=0, lt=1)

    @model_validator(mode="after")
    def _add_up(self) -> "AbcShares":
        _whole(self.model_dump())
        return self


class PyramidShares(Section):
    """Shares of the customers in the tiers, from the top."""

    platinum: float = Field(0.01, gt=0, lt=1)
    gold: float = Field(0.04, gt=0, lt=1)
    iron: float = Field(0.15, gt=0, lt=1)
    lead: float = Field(0.80, gt=0, lt=1)
    top: float = Field(0.20, gt=0, lt=1)
    """The upper of the two tiers of the 80/20 view."""

    @model_validator(mode="after")
    def _add_up(self) -> "PyramidShares":
        _whole(self.model_dump(exclude={"top"}))
        return self


class LifecycleRules(Section):
    """When a relationship is young, fading or over; see `features.segments.lifecycle`."""

    exploration_days: int = Field(2, ge=1)
    """Purchase days up to which a customer is still trying the shop."""
    decline_gaps: float = Field(2.0, gt=1)
    """Silence in own usual gaps from which a customer declines."""
    lost_gaps: float = Field(4.0, gt=1)
    lost_after_days_min: int = Field(90, ge=1)
    lost_after_days_max: int = Field(365, ge=1)
    growth_ratio: float = Field(1.25, ge=1)
    """Daily spend of the last period against the time before, from which it grows."""
    decline_ratio: float = Field(0.50, gt=0, le=1)

    @model_validator(mode="after")
    def _in_order(self) -> "LifecycleRules":
        if self.decline_gaps > self.lost_gaps:
            raise ValueError("decline_gaps <= lost_gaps must hold")
        if self.lost_after_days_min > self.lost_after_days_max:
            raise ValueError("lost_after_days_min <= lost_after_days_max must hold")
        return self


class Levels(Section):
    """Shares of the customers below the middle and below the high level."""

    middle_from: float = Field(1 / 3, gt=0, lt=1)
    high_from: float = Field(2 / 3, gt=0, lt=1)

    @model_validator(mode="after")
    def _ascending(self) -> "Levels":
        if not self.middle_from < self.high_from:
            raise ValueError("middle_from < high_from must hold")
        return self


class ManagementScore(Section):
    """Weights of the parts of the score (their ratio counts) and lower edges of its classes."""

    behaviour: float = Field(0.30, ge=0)
    contribution: float = Field(0.50, ge=0)
    loyalty: float = Field(0.20, ge=0)
    referral_share: float = Field(0.20, ge=0, le=1)
    """What people referred have spent counts as this share of it for who referred them."""
    vip_from: int = Field(80, ge=1, le=100)
    regular_from: int = Field(50, ge=1, le=100)

    @model_validator(mode="after")
    def _usable(self) -> "ManagementScore":
        if self.behaviour + self.contribution + self.loyalty <= 0:
            raise ValueError("one of behaviour, contribution and loyalty must weigh something")
        if not self.regular_from < self.vip_from:
            raise ValueError("regular_from < vip_from must hold")
        return self


class GrowthShare(Section):
    """Cut points of the growth-share matrix."""

    growth: float | None = Field(None, ge=-1)
    """Growth from which it is high; None: the growth of all together."""
    relative_share: float = Field(1.0, gt=0)
    """Sales in mean sales from which they are high."""


class RelationshipRules(Section):
    """When which relation suits a customer; see `features.segments.relations.relationship`."""

    service_enquiries: int = Field(3, ge=1)
    service_returned_share: float = Field(0.25, gt=0, le=1)
    community_purchase_days: int = Field(3, ge=1)
    data_driven_purchase_days: int = Field(5, ge=1)


class ClusterSearch(Section):
    """How many clusters are tried, and how each number is judged."""

    fewest: int = Field(3, ge=2, le=20)
    most: int = Field(8, ge=2, le=20)
    resamples: int = Field(10, ge=2, le=200)

    @model_validator(mode="after")
    def _ascending(self) -> "ClusterSearch":
        if self.fewest > self.most:
            raise ValueError("fewest <= most must hold")
        return self


class Affinity(Section):
    """Which pairs of products or categories are worth a line."""

    min_support: float = Field(0.001, gt=0, lt=1)
    min_orders: int = Field(10, ge=1)
    pairs: int = Field(200, ge=1, le=10_000)


class Segments(Section):
    """Cut points of the segment systems; `docs/segments.md` tells their rules."""

    window_days: Literal[30, 90, 180, 365] = 365
    """How far back orders and spend count."""
    period_days: Literal[90, 180] = 180
    """Growth and trend compare this long a period with the one before."""
    rfm: RfmSettings = RfmSettings()
    abc: AbcShares = AbcShares()
    pyramid: PyramidShares = PyramidShares()
    lifecycle: LifecycleRules = LifecycleRules()
    levels: Levels = Levels()
    loyalty: LoyaltyWeights = LoyaltyWeights()
    management: ManagementScore = ManagementScore()
    growth_share: GrowthShare = GrowthShare()
    relationship: RelationshipRules = RelationshipRules()
    clusters: ClusterSearch = ClusterSearch()
    affinity: Affinity = Affinity()
    funnel: FunnelStages = FunnelStages()
