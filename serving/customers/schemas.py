"""The shapes of answers about customers, and of what is asked about several."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from serving.web.schemas import (
    Effect,
    Factors,
    LifetimeTerm,
    Lineage,
    Money,
    NextOrder,
    Pace,
    Probability,
    Profile,
    Reason,
    Recommendation,
    Rhythm,
    Risk,
    Status,
    SuggestedAction,
    Text,
)
from serving.web.shape import ApiShape


class Change(ApiShape):
    """What moved a score since the last run."""

    feature: str
    value: float | None
    before: float | None
    effect: Effect
    text: Text


class SinceLastRun(ApiShape):
    """What the run before said, and why this one says something else."""

    run_id: str
    as_of: date
    churn_probability: Probability | None
    clv: Money | None
    reasons: list[Change]


class ProfitParts(ApiShape):
    """What the profit of the last `window_days` was made of; null: not known."""

    window_days: int
    base: Money | None = Field(description="Of categories bought on the first purchase day")
    cross_sell: Money | None = Field(description="Of categories added since")
    saved_cost: Money | None = Field(
        description="Cost of contacts below that of customers in their first year"
    )
    referrals: Money | None = Field(
        description="`predict.referral_share` of the base and cross-sell of whom the customer was "
        "the first to refer"
    )
    contact_cost: Money | None = Field(description="Spent on contacts of the customer")


class Customer(ApiShape):
    """Everything that the latest run says about a customer."""

    customer_id: str
    status: Status
    as_of: date
    horizon_days: int
    currency: str
    p_order: Probability | None = Field(
        None, description="P(at least one order in the next `horizon_days`), calibrated"
    )
    churn_probability: Probability | None = Field(
        description="Calibrated P(churn in the next `horizon_days`), see `churn_label`; with "
        "silence 1 − `p_order`"
    )
    churn_percentile: Probability | None = Field(
        description="Share of customers with a lower churn probability"
    )
    retention_risk: Risk | None = Field(
        description="Band of `churn_probability` alone; GET /v1/models has the edges"
    )
    rhythm: Rhythm | None = Field(
        None,
        description="Silence beyond 80 % (late) or 95 % (overdue) of gaps like the customer's; "
        "null for the too new, and for contracts",
    )
    p_alive: Probability | None = Field(
        description="P(still a customer); at least `p_order`, as who orders is one"
    )
    churn_label: Literal["silence", "cancellation"] = Field(
        description="What churn is: no order in the horizon, or a contract cancelled in it"
    )
    clv: Money | None = Field(
        description="Expected value in the horizon, see `clv_basis`: `p_order` × `value_if_order`"
    )
    clv_low: Money | None = Field(
        description="1 in 10 bring less; 0 where `p_order` < 0.9. Rounded down"
    )
    clv_median: Money | None = Field(
        None,
        description="Half bring no more: 0 where `p_order` < 0.5. Not to be added up: `clv` is",
    )
    clv_high: Money | None = Field(
        description="1 in 10 bring more; 0 where `p_order` < 0.1. Rounded up"
    )
    value_if_order: Money | None = Field(
        None, description="Expected value in the horizon given at least one order"
    )
    value_if_order_low: Money | None = Field(
        None, description="Of those who order, 1 in 10 bring less. Rounded down"
    )
    value_if_order_high: Money | None = Field(
        None, description="Of those who order, 1 in 10 bring more. Rounded up"
    )
    clv_lifetime: Money | None = Field(
        description="`clv` + discounted value of the years after it, up to `predict.lifetime_years`"
    )
    lifetime_terms: list[LifetimeTerm] = Field(
        [], description="What `clv_lifetime` is the sum of; empty: of an earlier release"
    )
    clv_basis: Literal["revenue", "margin"] = Field(
        description="What all values and expected order values are counted in"
    )
    expected_orders_given_order: float | None = Field(description="Of those who order, at least 1")
    expected_orders: float | None = Field(description="p_order × expected_orders_given_order")
    expected_order_value: Money | None = Field(
        description="Expected value of an order; clv = expected_orders × it"
    )
    referral_value: Money | None = Field(
        description="`predict.referral_share` of the `clv` of whom the customer was the first to "
        "refer; in addition to nobody's `clv`. Null where no referrals are known"
    )
    value_at_risk: Money | None = Field(
        description="Value in the horizon at the usual pace × churn probability. The pace is that "
        "of the last 365 days: 0 without an order in them"
    )
    value_at_risk_pace: Pace | None = Field(
        None, description="`comparable`: who bought on one day only has no pace of their own"
    )
    contact_effect: Money | None = Field(
        None,
        description="Margin that a contact adds, before its cost, as the latest measured campaign "
        "that can tell customers apart has it. Null: there is none, or orders came since the run",
    )
    contact_effect_low: Money | None = Field(
        None, description="Low end of the 90 % interval of the effect on customers like this one"
    )
    contact_effect_high: Money | None = Field(None, description="Its high end")
    expected_profit: Money | None = Field(
        description="`contact_effect` − cost of a contact; where it is null, save rate × value at "
        "risk × net profit share − cost of a contact"
    )
    suggested_action: SuggestedAction | None
    name: str | None = Field(description="As the table of customers says")
    consent: bool | None = Field(description="Whether the customer may be contacted, if known")
    next_order: NextOrder
    at_risk_on: date | None = Field(
        description="The day on which silence makes the customer high risk"
    )
    reasons: list[Reason] = Field(
        description="Sentences on the risk, then on the value; empty: no single reason"
    )
    factors: Factors | None = Field(None, description="All contributions of the models")
    since_last_run: SinceLastRun | None = Field(
        description="Against the latest run of an earlier date; null for who was not in it"
    )
    segments: dict[str, str | None]
    indices: dict[str, Annotated[int, Field(ge=0, le=100)] | None] = Field(
        {}, description="Scores from 0 to 100, the higher the better; null where not known"
    )
    profit: ProfitParts | None = Field(
        None, description="Null: of a run of an earlier release, or of a customer who came since"
    )
    profile: Profile
    recommendations: list[Recommendation]
    lineage: Lineage
    segments_as_of: date | None = Field(
        None, description="Of the run that the segments are from, where orders came in since"
    )
    score_pending: bool = Field(
        False, description="Orders are kept that these figures do not know yet"
    )


class UnknownItem(ApiShape):
    """An id that the latest run does not know."""

    customer_id: str
    status: Literal["unknown"]


class CustomerIds(ApiShape):
    """The body of a batch request."""

    customer_ids: list[Annotated[str, Field(min_length=1)]] = Field(min_length=1, max_length=1_000)


class Batch(ApiShape):
    """Answers in the order of the ids."""

    run_id: str
    as_of: date
    results: list[Customer | UnknownItem]


class Recommendations(ApiShape):
    customer_id: str
    run_id: str
    sold_within_days: int | None = Field(
        description="No stock is known: only products that were sold to anybody in so many days "
        "are listed. Null: stock is known, or the shop sets no such limit"
    )
    recommendations: list[Recommendation]


class NextOrderSaid(ApiShape):
    date_: date | None = Field(alias="date")
    low: date | None
    high: date | None


class Outcome(ApiShape):
    """What happened in a run's horizon, by the orders or by later runs; null where unknown."""

    known_on: date = Field(description="The first day after the horizon")
    ordered: bool | None
    orders: int | None
    spend: Money | None
    reason: Literal["horizon_not_over", "no_run_at_its_end", "orders_corrected"] | None = Field(
        description="Why something is unknown"
    )


class HistoryEntry(Lineage):
    """What a run said about a customer; the meaning of each field is as in `Customer`."""

    created_at: datetime
    status: Status
    churn_probability: Probability | None
    retention_risk: Risk | None
    clv: Money | None
    clv_low: Money | None
    clv_high: Money | None
    next_order: NextOrderSaid
    outcome: Outcome


class History(ApiShape):
    """The runs that are kept, the latest first."""

    customer_id: str
    runs: list[HistoryEntry]
