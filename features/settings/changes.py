"""When a customer counts as changed."""

from pydantic import Field

from features.settings.tables import Section


class Changes(Section):
    """Thresholds of `GET /v1/changes`, each against what was told of a customer last."""

    churn_points: float = Field(0.10, gt=0, le=1)
    """A churn probability that moved so far is told."""
    clv_share: float = Field(0.25, gt=0, le=100)
    """A value that moved by this share of what was told last is told …"""
    least_clv: float = Field(1.0, ge=0)
    """… if that is at least so many units of the currency."""
    band_margin: float = Field(0.05, ge=0, le=1)
    """Another risk band is told once the churn probability has moved so far, too."""
