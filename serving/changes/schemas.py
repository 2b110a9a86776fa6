"""The shapes of the feed of changes."""

from datetime import date
from typing import Literal

from pydantic import Field

from serving.web.schemas import Money, Probability, Risk
from serving.web.shape import ApiShape


class Told(ApiShape):
    retention_risk: Risk | None
    churn_probability: Probability | None
    clv: Money | None


class ChangeOfCustomer(ApiShape):
    """A customer who came, went or moved by more than the thresholds since told last."""

    kind: Literal["new", "changed", "removed", "erased"]
    customer_id: str | None = Field(
        description="Null for a customer who was erased: ask for those you hold; whoever is unknown was erased"
    )
    run_id: str
    as_of: date
    before: Told | None = Field(description="What was told last; null for a new customer")
    after: Told | None = Field(description="Null for a customer who is no longer there")


class Changes(ApiShape):
    """Changes, oldest first; `next_cursor` is there also when there is nothing more yet."""

    changes: list[ChangeOfCustomer]
    next_cursor: str = Field(description="Send it as `since`; keep it when you stop")
    has_more: bool
