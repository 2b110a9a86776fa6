"""The shapes of requests and answers: what OpenAPI promises, and the tests hold to.

Answers about customers are sent as the store keeps them, ready-made; the tests validate
them against these models.
"""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, RootModel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from features.language.languages import Language, languages
from serving.web.shape import ApiShape

FIRST_YEAR, LAST_YEAR = 1980, 2099
"""Years that orders, and days in requests, may be of."""


def _day(value: object) -> date:
    """A day as JSON and addresses write it; numbers and times of day are none."""
    if type(value) is date:
        return value
    if isinstance(value, str) and len(value) == len("2026-03-01") and value[4] == value[7] == "-":
        return day_within(value)
    raise ValueError("must be a date such as 2026-03-01")


def day_within(text: str) -> date:
    """The day of an ISO date in the years that orders may be of; else `ValueError`."""
    day = date.fromisoformat(text)
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"must be from {FIRST_YEAR} to {LAST_YEAR}")
    return day


IsoDay = Annotated[date, BeforeValidator(_day)]
Status = Literal["scored", "one_order", "too_new", "already_lapsed"]
Risk = Literal["critical", "high", "medium", "low"]
Rhythm = Literal["on_time", "late", "overdue"]
Pace = Literal["own", "comparable"]
Probability = Annotated[float, Field(ge=0, le=1)]
SuggestedAction = Literal[
    "no_contact",
    "leave",
    "personal_call",
    "win_back_offer",
    "personal_message",
    "reminder",
    "thank_you",
    "newsletter",
]
Effect = Literal["raises_risk", "lowers_risk", "raises_value", "lowers_value"]
Money = Annotated[float, Field(description="Units of the run's currency")]


class FieldProblem(ApiShape):
    location: list[str | int]
    message: str


class Problem(ApiShape):
    """An error, after RFC 9457."""

    type: str = Field(examples=["urn:regulars:problem:unknown-customer"])
    title: str
    status: int
    detail: str
    request_id: str = Field(description="As in the header X-Request-ID and in the server's log")
    errors: list[FieldProblem] = Field(description="Each problem of a request that does not fit")


class Model(ApiShape):
    version: str
    grade: str = Field(description="A (best) to E, against its baseline; –: cannot be judged")
    stands_in: str | None = Field(None, description="The baseline that answers instead")


class Lineage(ApiShape):
    run_id: str
    models: dict[str, Model]
    data_fingerprint: str
    as_of: date
    horizon_days: int
    currency: str


class Text(RootModel[dict[Language, str]]):
    # a text in every language, as the catalogues have them
    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core_schema)
        properties = {
            language: {"type": "string", "title": language.title()} for language in languages()
        }
        schema.update(
            additionalProperties=False,
            properties=properties,
            minProperties=1,
            description="In every language, or in the one that `lang` or Accept-Language asks for",
            title=cls.__name__,
        )
        return schema


class Factors(ApiShape):
    """What each feature moves, against the average customer; for data scientists."""

    risk: dict[str, float] = Field(description="In log odds of churn; below 0.005 left out")
    value: dict[str, float] = Field(description="In the log of the value; below 0.005 left out")


class Reason(ApiShape):
    """A sentence that explains a score: true of the customer, and in the model."""

    code: str
    about: Literal["risk", "value"]
    effect: Effect
    figures: dict[str, float] = Field(description="The figures in the text, by name")
    text: Text


class Recommendation(ApiShape):
    rank: int = Field(description="Its place in this list, from 1")
    product_id: str
    product_name: str | None
    category: str | None
    kind: Literal["repeat", "new"]
    score: float | None
    why: dict[str, Any] = Field(examples=[{"code": "every_n_days", "days": 21}])


class NextCategory(ApiShape):
    """A category that the next order may hold; an order may hold several."""

    category: str
    probability: Probability


class NextOrder(ApiShape):
    date_: date | None = Field(alias="date")
    low: date | None = Field(description="Start of the 80 % interval")
    high: date | None = Field(description="End of the 80 % interval")
    p_order_7d: Probability | None
    p_order_30d: Probability | None
    p_order_90d: Probability | None
    expected_value: Money | None = Field(description="On the basis of `clv_basis`")
    categories: list[NextCategory] = Field(
        description="Likeliest first, given an order; empty where the orders name no categories"
    )


class LifetimeTerm(ApiShape):
    """The horizon (year 0) or a year after it: what it adds to the lifetime value."""

    year: int = Field(description="0: the horizon; 1: the year that begins where it ends")
    revenue: Money | None = Field(description="Q: what the customer is expected to pay")
    cost: Money | None = Field(
        description="C: of goods, service and, after the horizon, contacts; 0 where values are "
        "revenue"
    )
    discount_years: float = Field(
        ge=0, description="t: from the end of the horizon to the middle of the year; 0 in it"
    )
    discount_factor: Probability = Field(
        description="(1 + i)^(−t); i is `predict.discount_rate_per_year`"
    )
    present_value: Money | None = Field(
        description="(`revenue` − `cost`) × `discount_factor`; all add up to `clv_lifetime`"
    )


class Profile(ApiShape):
    orders: int | None
    spend: Money | None
    first_order_date: date | None
    last_order_date: date | None
    days_since_last_order: float | None
    usual_gap_days: float | None


StandIns = Annotated[str | None, Field(description="Baselines that answer instead of models")]


class RunFields(ApiShape):
    run_id: str
    as_of: date
    horizon_days: int
    currency: str
    stand_ins: StandIns
