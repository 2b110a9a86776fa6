"""The shapes of campaigns: what OpenAPI promises, and the tests hold to."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat

from serving.campaigns.wish import Wish
from serving.store.protocol import ChurnFilter
from serving.web.schemas import Money, Probability, Risk, Status
from serving.web.shape import ApiShape

Segment = Annotated[str, Field(pattern=r"^[^:\x00]+:[^\x00]+$", max_length=300)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*\S[^\x00]*$")]
Amount = Annotated[FiniteFloat, Field(ge=0, le=1e12)]
Text200 = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


class CampaignFilter(ApiShape):
    """Which customers may be chosen; as of `GET /v1/churn-list`."""

    risk: list[Risk] = Field([])
    status: list[Status] = Field([])
    segment: list[Segment] = Field([], description="system:value; all given must hold")
    min_value_at_risk: FiniteFloat | None = None

    def filter(self) -> ChurnFilter:
        pairs = (text.partition(":") for text in self.segment)
        return ChurnFilter(
            risk=tuple(self.risk),
            status=tuple(self.status),
            segments=tuple((system, value) for system, _, value in pairs),
            min_value_at_risk=self.min_value_at_risk,
        )


class CampaignRequest(ApiShape):
    """A campaign as it is asked for; what is left out, the score run's economics say."""

    name: Name
    filter: CampaignFilter = CampaignFilter()
    choose: Literal["best", "every_nth"] = Field(
        "best",
        description="best: the highest expected profits, none below 0; every_nth: a test of all "
        "RFM cells in their shares",
    )
    contacts: int | None = Field(None, ge=1, le=100_000_000, description="How many to contact")
    amount: Amount | None = Field(None, description="What that may cost, instead of `contacts`")
    hold_out: float | None = Field(
        None, gt=0, le=0.5, description="Share of the chosen who are not contacted"
    )
    cost_per_contact: Amount | None = None
    margin_share: float | None = Field(None, gt=0, le=1, description="Net profit ÷ revenue")
    save_rate: float | None = Field(
        None, gt=0, le=1, description="Share of the value at risk that a contact saves"
    )
    net_profit_per_sale: float | None = Field(None, gt=0, le=1e12)
    starts_on: str | None = Field(
        None, json_schema_extra={"format": "date"}, description="Default: the scores' date"
    )
    horizon_days: int | None = Field(None, ge=1, le=730)
    roll_out_of: Text200 | None = Field(
        None, description="A measured test whose RFM cells at or above break-even are contacted"
    )
    seed: Text200 | None = Field(None, description="Of the hold-out; of a proposal, to keep it")

    def wish(self) -> Wish:
        """Raises `ValueError` where `starts_on` is no date."""
        values = self.model_dump(exclude={"filter", "starts_on"})
        starts_on = None if self.starts_on is None else date.fromisoformat(self.starts_on)
        return Wish(**values, wanted=self.filter.filter(), starts_on=starts_on)


class Assumed(ApiShape):
    cost_per_contact: Money
    margin_share: Probability
    save_rate: float
    save_rate_low: float = Field(description="Start of the 90 % interval")
    save_rate_high: float
    hold_out: Probability
    net_profit_per_sale: Money
    spend_cv: float = Field(description="Scatter of spend around what is usual")
    sources: dict[str, str] = Field(
        description="Figure → request, setting, costs, measured, mean_order or uplift_model"
    )


class Counts(ApiShape):
    """`listed` by the filter; `chosen` of them, `contacts` + `hold_out`; the others, and why."""

    listed: int
    without_consent: int
    in_another_campaign: int
    not_worth_it: int
    beyond_budget: int
    chosen: int
    contacts: int
    hold_out: int


class Arm(ApiShape):
    arm: str
    contacted: bool
    members: int


class Stratum(ApiShape):
    stratum: str = Field(description="risk/value")
    customers: int
    hold_out: int


class Expected(ApiShape):
    """Of those who are contacted; the interval is that of the save rate."""

    cost: Money
    value_at_risk: Money
    saved_revenue: Money
    profit: Money
    profit_low: Money
    profit_high: Money


class BreakEven(ApiShape):
    cost_per_contact: Money
    net_profit_per_sale: Money
    response: float | None = Field(description="cost per contact ÷ net profit per sale")
    save_rate: float | None = Field(description="From which the contacts pay for themselves")


class PowerShown(ApiShape):
    """What a campaign of this size can tell from chance; effects are revenue per contact."""

    detectable: Money = Field(description="Found with 80 % power")
    detectable_save_rate: float | None
    expected: Money
    is_enough: bool
    needed_hold_out: Probability | None = Field(
        description="Share that finds the expected effect; null where not even half does"
    )
    needed_contacts: int | None = Field(description="With half of all held out")


class TestCell(ApiShape):
    cell: str
    customers: int
    chosen: int


class Plan(ApiShape):
    name: str
    origin: Literal["regulars", "contacts"] = Field(
        description="contacts: made elsewhere, read from the table of contacts"
    )
    choose: Literal["best", "every_nth"] | None
    run_id: str | None
    currency: str
    clv_basis: Literal["revenue", "margin"] | None = Field(
        description="What values at risk are counted in; null where none are known"
    )
    starts_on: date
    ends_on: date
    seed: str | None
    assumptions: Assumed | None
    counts: Counts | None
    arms: list[Arm]
    strata: list[Stratum]
    expected: Expected | None
    break_even: BreakEven | None
    power: PowerShown | None
    cells: list[TestCell]


class MemberShown(ApiShape):
    customer_id: str
    arm: str
    stratum: str
    retention_risk: Risk | None
    rfm_group: str | None
    rfm_cell: str | None
    value_at_risk: Money | None
    expected_profit: Money | None
    orders: int | None
    revenue: Money | None


class Proposal(Plan):
    preview: list[MemberShown] = Field(description="The 20 highest expected profits")


class Campaign(Plan):
    campaign_id: str
    status: Literal["running", "ended", "cancelled"]
    cancelled_at: datetime | None
    measured_until: date | None
    created_at: datetime
    created_by: str


class CampaignList(ApiShape):
    campaigns: list[Campaign]


class Members(ApiShape):
    campaign_id: str
    members: list[MemberShown]
    next_cursor: str | None


class Results(ApiShape):
    campaign_id: str
    status: Literal["running", "ended", "cancelled"]
    currency: str
    measured: dict[str, Any] | None = Field(
        description="Null before the first score run after the start; see docs/campaigns.md"
    )
