"""The sections of `[predict]`: what is predicted, and what the words mean."""

from typing import Literal

from pydantic import Field, model_validator

from features.settings.section import Section

LEAST_KNOWN_COST_SHARE = 0.95
"""Share of the money paid by known customers whose cost is known, from which values are margin."""


class RiskBands(Section):
    """Lower edges of the bands of `retention_risk`, as churn probabilities."""

    medium: float = Field(0.25, gt=0, lt=1)
    high: float = Field(0.50, gt=0, lt=1)
    critical: float = Field(0.75, gt=0, lt=1)

    @model_validator(mode="after")
    def _ascending(self) -> "RiskBands":
        if not self.medium < self.high < self.critical:
            raise ValueError("medium < high < critical must hold")
        return self


class Predict(Section):
    """What is predicted."""

    horizon_days: int = Field(90, ge=7, le=730)
    discount_rate_per_year: float = Field(0.10, ge=0, le=1)
    lifetime_years: float = Field(5.0, gt=0, le=30)
    churn: Literal["silence", "cancellation"] = "silence"
    """What churn is: no order in the horizon, or a contract cancelled in it."""
    contract_days: int = Field(30, ge=1, le=3660)
    """Length of a contract's period, where churn is cancellation."""
    value: Literal["auto", "revenue", "margin"] = "auto"
    """What values are counted in; "auto": see `features.orders.value_basis`."""
    cost_per_order: float = Field(0.0, ge=0)
    """Service and marketing of an order beside its goods, where values are margin."""
    referral_share: float = Field(0.20, ge=0, le=1)
    """What people referred are worth counts as this share of it for who referred them."""
    recommendations: int = Field(20, ge=1, le=200)
    risk: RiskBands = RiskBands()

    @model_validator(mode="after")
    def _costs_of_a_margin(self) -> "Predict":
        if self.value == "revenue" and self.cost_per_order:
            raise ValueError("cost_per_order makes a margin: leave it out where value is revenue")
        return self
