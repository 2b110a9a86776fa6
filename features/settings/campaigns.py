"""What campaigns cost and are assumed to earn, until campaigns have told."""

from pydantic import Field

from features.settings.tables import Section


class Campaigns(Section):
    """Assumptions of expected profits and defaults of campaigns; `docs/campaigns.md`."""

    cost_per_contact: float = Field(0.0, ge=0, le=1e9)
    """In units of the currency."""
    save_rate: float = Field(0.05, gt=0, le=1)
    """Share of the value at risk that a contact is assumed to save."""
    margin_share: float = Field(0.30, gt=0, le=1)
    """Net profit ÷ revenue, where the orders do not tell what they cost."""
    hold_out: float = Field(0.10, gt=0, le=0.5)
    """Share of the chosen customers who are not contacted, so that the effect can be measured."""
