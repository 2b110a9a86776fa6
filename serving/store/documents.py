"""What is kept of customers and answered as it is: JSON, made once with the score."""

from collections.abc import Mapping
from typing import Any, TypedDict


class LikelyCategory(TypedDict):
    """A category that the next order may hold."""

    category: str
    probability: float


class NextOrderDocument(TypedDict):
    """When the next order is expected; days in ISO 8601."""

    date: str | None
    low: str | None
    high: str | None
    p_order_7d: float | None
    p_order_30d: float | None
    p_order_90d: float | None
    expected_value: float | None
    categories: list[LikelyCategory]


class LifetimeTermDocument(TypedDict):
    """The horizon (year 0) or a year after it: what it adds to the lifetime value."""

    year: int
    revenue: float | None
    cost: float | None
    discount_years: float
    discount_factor: float
    present_value: float | None


class ProfileDocument(TypedDict):
    """What a customer has bought so far."""

    orders: int | None
    spend: float | None
    first_order_date: str | None
    last_order_date: str | None
    days_since_last_order: float | None
    usual_gap_days: float | None


class ProfitDocument(TypedDict):
    """What the profit of a year was made of; None: not known."""

    window_days: int
    base: float | None
    cross_sell: float | None
    saved_cost: float | None
    referrals: float | None
    contact_cost: float | None


class ReasonDocument(TypedDict):
    """A sentence that explains a score, in every language, and its figures."""

    code: str
    about: str
    effect: str
    figures: Mapping[str, float]
    text: Mapping[str, str]


class FactorsDocument(TypedDict):
    """What each feature moves, against the average customer."""

    risk: Mapping[str, float]
    value: Mapping[str, float]


class ChangeDocument(TypedDict):
    """What moved a score since the last run."""

    feature: str
    value: float | None
    before: float | None
    effect: str
    text: Mapping[str, str]


class SinceLastRunDocument(TypedDict):
    """What the run before said, and why this one says something else."""

    run_id: str
    as_of: str
    churn_probability: float | None
    clv: float | None
    reasons: list[ChangeDocument]


class RankedProduct(TypedDict):
    """A product as answers list it; `why` names its facts."""

    rank: int
    product_id: str
    product_name: str | None
    category: str | None
    kind: str
    score: float | None
    why: Mapping[str, Any]


class RunLineage(TypedDict):
    """The part of a run that every answer carries."""

    run_id: str
    models: Mapping[str, Mapping[str, str]]
    data_fingerprint: str
    as_of: str
    horizon_days: int
    currency: str


class CustomerDocument(TypedDict, total=False):
    """Everything about a customer; what each field means, `serving.customers.schemas` says.

    Documents of earlier releases lack some of them.
    """

    customer_id: str
    status: str
    as_of: str
    horizon_days: int
    currency: str
    p_order: float | None
    churn_probability: float | None
    churn_percentile: float | None
    retention_risk: str | None
    rhythm: str | None
    p_alive: float | None
    churn_label: str
    clv: float | None
    clv_low: float | None
    clv_median: float | None
    clv_high: float | None
    value_if_order: float | None
    value_if_order_low: float | None
    value_if_order_high: float | None
    clv_lifetime: float | None
    lifetime_terms: list[LifetimeTermDocument]
    clv_basis: str
    expected_orders_given_order: float | None
    expected_orders: float | None
    expected_order_value: float | None
    referral_value: float | None
    value_at_risk: float | None
    value_at_risk_pace: str | None
    contact_effect: float | None
    contact_effect_low: float | None
    contact_effect_high: float | None
    expected_profit: float | None
    suggested_action: str | None
    name: str | None
    consent: bool | None
    next_order: NextOrderDocument
    at_risk_on: str | None
    reasons: list[ReasonDocument]
    factors: FactorsDocument | None
    since_last_run: SinceLastRunDocument | None
    segments: Mapping[str, str | None]
    indices: Mapping[str, int | None]
    profit: ProfitDocument | None
    profile: ProfileDocument
    recommendations: list[RankedProduct]
    lineage: RunLineage
    segments_as_of: str


class ExhibitBody(TypedDict):
    """What an exhibit shows: texts by language; `data` of its own shape, None where `why_not`."""

    title: Mapping[str, str]
    method: Mapping[str, str]
    data: Any
    why_not: Mapping[str, str] | None
