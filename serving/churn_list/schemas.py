"""The shapes of the churn list."""

from datetime import date

from pydantic import Field

from serving.web.schemas import (
    Money,
    Pace,
    Probability,
    Reason,
    Rhythm,
    Risk,
    StandIns,
    Status,
    SuggestedAction,
)
from serving.web.shape import ApiShape


class ListItem(ApiShape):
    """A customer in a list; the meaning of each field is as in `Customer`."""

    customer_id: str
    status: Status
    retention_risk: Risk | None
    churn_probability: Probability | None
    value_at_risk: Money | None
    value_at_risk_pace: Pace | None
    p_order: Probability | None
    rhythm: Rhythm | None
    clv: Money | None
    clv_low: Money | None
    clv_median: Money | None
    clv_high: Money | None
    value_if_order: Money | None
    value_if_order_low: Money | None
    value_if_order_high: Money | None
    expected_orders: float | None
    expected_order_value: Money | None
    at_risk_on: date | None
    contact_effect: Money | None = None
    contact_effect_low: Money | None = None
    contact_effect_high: Money | None = None
    expected_profit: Money | None
    suggested_action: SuggestedAction | None
    name: str | None
    consent: bool | None
    orders: int | None
    spend: Money | None
    last_order_date: date | None
    days_since_last_order: float | None
    usual_gap_days: float | None
    next_order_date: date | None
    next_order_low: date | None
    next_order_high: date | None
    segments: dict[str, str | None]
    indices: dict[str, int | None]
    reasons: list[Reason]


class ChurnList(ApiShape):
    """A page of the churn list; `total` and `total_value_at_risk` are of the whole."""

    run_id: str
    as_of: date
    horizon_days: int
    currency: str
    stand_ins: StandIns
    total: int
    total_value_at_risk: Money
    customers: list[ListItem]
    next_cursor: str | None = Field(description="Send it as `cursor`; null on the last page")
