"""The shapes of requests and answers: what OpenAPI promises, and the tests hold to.

Answers about customers are sent as the store keeps them, ready-made; the tests validate
them against these models.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, RootModel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from features.language.languages import Language, languages
from serving.web.shape import ApiShape

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
            required=list(properties),
            title=cls.__name__,
        )
        return schema


class Reason(ApiShape):
    """A sentence that explains a score: true of the customer, and in the model."""

    code: str
    about: Literal["risk", "value"]
    effect: Effect
    figures: dict[str, float] = Field(description="The figures in the text, by name")
    text: Text


class Factors(ApiShape):
    """What each feature moves, against the average customer; for data scientists."""

    risk: dict[str, float] = Field(description="In log odds of churn; below 0.005 left out")
    value: dict[str, float] = Field(description="In the log of the value; below 0.005 left out")


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


class Profile(ApiShape):
    orders: int | None
    spend: Money | None
    first_order_date: date | None
    last_order_date: date | None
    days_since_last_order: float | None
    usual_gap_days: float | None


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
        description="`clv` + discounted value of the periods after it, up to "
        "`predict.lifetime_years`"
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
        description="Value in the horizon at the usual pace × churn probability"
    )
    value_at_risk_pace: Pace | None = Field(
        None, description="`comparable`: who bought on one day only has no pace of their own"
    )
    expected_profit: Money | None = Field(
        description="Save rate × value at risk × net profit share − cost of a contact"
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
    recommendations: list[Recommendation]


class PopularProducts(ApiShape):
    """What to show somebody who has not ordered yet, most popular first."""

    as_of: date
    recommendations: list[Recommendation]


class NextOrderSaid(ApiShape):
    date_: date | None = Field(alias="date")
    low: date | None
    high: date | None


class Outcome(ApiShape):
    """What happened in a run's horizon, as far as later runs tell; null where unknown."""

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


class Told(ApiShape):
    retention_risk: Risk | None
    churn_probability: Probability | None
    clv: Money | None


class ChangeOfCustomer(ApiShape):
    """A customer who came, went or moved by more than the thresholds since told last."""

    kind: Literal["new", "changed", "removed", "erased"]
    customer_id: str | None = Field(
        description="Null for one who was erased: ask for those you hold, who is unknown is it"
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


class Erasure(ApiShape):
    """What was removed, where and when; it names nobody."""

    erased_at: datetime
    erasure_ids: list[str] = Field(description="Keyed hashes, by which they are kept out")
    rows: dict[str, int] = Field(description="Table of the store → rows removed")
    files_removed: list[str] = Field(description="Derived files, which the next run makes anew")
    files_rewritten: dict[str, int]
    not_changed: str = Field(description="What is not Regulars' to change")


StandIns = Annotated[str | None, Field(description="Baselines that answer instead of models")]


class RunFields(ApiShape):
    run_id: str
    as_of: date
    horizon_days: int
    currency: str
    stand_ins: StandIns


class Exhibits(RunFields):
    exhibits: list[str]


class Exhibit(RunFields):
    """An aggregate of the whole run; at most some hundred figures, and none of one customer."""

    exhibit: str
    title: Text
    method: Text = Field(description="How it is counted")
    data: dict[str, Any] | None = Field(
        description="Its shape is the exhibit's own, see docs/exhibits.md; null where there is none"
    )
    why_not: Text | None = Field(description="Why there are no data")


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


class Bundle(ApiShape):
    bundle_id: str
    models: dict[str, Model]


class Models(ApiShape):
    """Which models speak, in which run, from which data."""

    run_id: str
    as_of: date
    horizon_days: int
    currency: str
    created_at: datetime
    data_fingerprint: str
    clv_basis: Literal["revenue", "margin"]
    risk_bands: dict[str, float] = Field(description="Lower edges, as churn probabilities")
    models: dict[str, Model]
    bundle: Bundle | None = Field(
        description="The models that are published now; they speak from the next run on"
    )
    backtests: dict[str, Any] | None = Field(
        description="The exhibit of this name, see docs/exhibits.md; null where there is none"
    )
    ledger: dict[str, Any] | None = Field(
        description="Past runs beside what happened: the exhibit 'promise'; null likewise"
    )
    drift: dict[str, Any] | None = Field(description="The exhibit of this name; null likewise")


class Health(ApiShape):
    status: Literal["ok"]


class Readiness(ApiShape):
    """What answers; the ids are told to callers with a key, where there are keys."""

    status: Literal["ready"]
    run_id: str | None
    bundle_id: str | None
    scorer: Literal["ready", "starting", "none"] = Field(
        description="The process that scores new orders; answers from the store need none"
    )
    scores_pending: int | None = Field(
        description="Customers with orders that their score does not know yet"
    )
