"""The shapes of what is scored at once: lines of a customer in, a prediction out."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from features.reading.line_as_sent import sent_line
from features.reading.values.sent import sent_moment, sent_number
from serving.live.messages import LoneRequest
from serving.web.schemas import (
    FIRST_YEAR,
    LAST_YEAR,
    Factors,
    LifetimeTerm,
    Model,
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
)
from serving.web.shape import ApiShape

MOST_LINES = 2_000
"""In a request; a body of one MB holds about 5,000."""
MOST_FEATURES = 500
LARGEST = 1e12


def _moment(text: str) -> str:
    moment = sent_moment(text)
    _in_range(text, moment.year)
    return text if _is_iso(text) else moment.isoformat()


def _is_iso(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _number(value: object) -> object:
    return sent_number(value) if isinstance(value, str) else value


def _day(text: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a date such as 2024-03-31") from None
    return _in_range(text, day.year)


def _in_range(text: str, year: int) -> str:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"must be from {FIRST_YEAR} to {LAST_YEAR}")
    return text


Text = Annotated[str, Field(min_length=1, max_length=200)]
_Bounded = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
_Written = Annotated[str, Field(max_length=100, pattern="[0-9]", examples=["1.234,50 €"])]
Number = Annotated[_Bounded, BeforeValidator(_number, json_schema_input_type=_Bounded | _Written)]
"""A number, or its text where that can mean one thing only."""
Moment = Annotated[
    str,
    Field(
        max_length=40,
        description="ISO 8601; without an offset it is read as `data.naive_timestamps` says",
        examples=["2026-03-01T14:05:00+01:00"],
        json_schema_extra={"format": "date-time"},
    ),
    AfterValidator(_moment),
]
Day = Annotated[
    str,
    Field(
        max_length=10,
        description="ISO 8601",
        examples=["2026-03-31"],
        json_schema_extra={"format": "date"},
    ),
    AfterValidator(_day),
]


class OrderLine(ApiShape):
    """One line of an order, as the shop's rules will judge it."""

    order_id: Text | None = Field(None, description="Without it a day is an order")
    ordered_at: Moment
    product_id: Text | None = None
    product_name: Text | None = None
    category: Text | None = None
    channel: Text | None = None
    quantity: Number = Field(1.0, description="Negative where goods come back")
    amount: Number | None = Field(
        None, description="Net paid for the line; negative for a return", examples=[25.5]
    )
    unit_price: Number | None = Field(
        None, description="Where `amount` is not given: it is quantity × unit_price"
    )
    discount: Number = 0.0
    cost: Number | None = None
    currency: Text | None = Field(None, description="ISO 4217; that of the shop by default")
    status: Text | None = Field(
        None,
        description="What became of the order, in the words of `data.rules.status`, or `purchase`, "
        "`none` (cancelled, not paid), `return`; without it the line stands",
        examples=["cancelled"],
    )
    status_at: Moment | None = Field(None, description="From when it holds; always, by default")
    document: Text | None = Field(
        None, description="What kind of paper the line is, in the words of `data.rules.document`"
    )
    refunded: Number = Field(0.0, description="Money given back of the line", examples=[10.0])
    refunded_at: Moment | None = Field(None, description="From when; always, by default")


class ScoreRequest(ApiShape):
    """A customer's whole past, for one answer; nothing of it is kept."""

    customer_id: Text
    lines: list[OrderLine] = Field(min_length=1, max_length=MOST_LINES)
    as_of: Day | None = Field(
        None,
        description="Lines of this day and later are not seen. By default the day after the "
        "last line, and not before the date of the last score run",
    )
    consents: bool = Field(
        False, description="To personal recommendations, where `recommend.needs_consent` asks"
    )

    features: dict[Text, _Bounded | None] = Field(
        {},
        max_length=MOST_FEATURES,
        description="Values of features that the shop's tables of interactions, contacts and "
        "customers would tell, by their names in docs/features.md; those left out are unknown",
        examples=[{"attribute_age": 41}],
    )

    def to_request(self) -> LoneRequest:
        """What the scorer is asked."""
        return LoneRequest(
            customer_id=self.customer_id,
            lines=tuple(sent_line(line.model_dump()) for line in self.lines),
            as_of=None if self.as_of is None else date.fromisoformat(self.as_of),
            consents=self.consents,
            features=self.features,
        )


class PutAside(ApiShape):
    """A line that does not count, and the rule that says so."""

    line: int = Field(description="Its place in `lines`, from 0")
    reason: str = Field(examples=["cancelled_same_day"])


class PredictionLineage(ApiShape):
    """Which models speak. No run does: nothing was read from the store."""

    models: dict[str, Model]
    as_of: date
    horizon_days: int
    currency: str


class Prediction(ApiShape):
    """What a score run of `as_of` would say; the meaning of each field is as in `Customer`.

    What only a run can say is left out: the percentile among all customers, segments, what
    referrals are worth, and what changed since the run before.
    """

    customer_id: str
    status: Status
    as_of: date
    horizon_days: int
    currency: str
    churn_probability: Probability | None
    retention_risk: Risk | None
    rhythm: Rhythm | None
    p_alive: Probability | None
    churn_label: Literal["silence", "cancellation"]
    clv: Money | None
    clv_low: Money | None
    clv_high: Money | None
    clv_median: Money | None
    clv_lifetime: Money | None
    lifetime_terms: list[LifetimeTerm]
    clv_basis: Literal["revenue", "margin"]
    p_order: Probability | None
    expected_orders_given_order: float | None
    expected_orders: float | None
    expected_order_value: Money | None
    value_if_order: Money | None
    value_if_order_low: Money | None
    value_if_order_high: Money | None
    value_at_risk: Money | None
    value_at_risk_pace: Pace | None
    next_order: NextOrder
    at_risk_on: date | None
    reasons: list[Reason]
    factors: Factors
    profile: Profile
    recommendations: list[Recommendation]
    lineage: PredictionLineage
    put_aside: list[PutAside]
    features_unknown: list[str] = Field(
        description="Features that the models look at, of tables beside the orders, whose values "
        "were not sent: as of a customer of whom those tables hold nothing"
    )


class PopularProducts(ApiShape):
    """What to show somebody who has not ordered yet, most popular first."""

    as_of: date
    recommendations: list[Recommendation]
