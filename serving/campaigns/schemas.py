"""The shapes of campaigns: what OpenAPI promises, and the tests hold to."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field

from serving.campaigns.plan import CampaignStatus
from serving.campaigns.telling import HeadlineState, SaveRateTold
from serving.web.schemas import Money, Probability, Risk
from serving.web.shape import ApiShape
from training.experiments.campaign_reading import Verdict


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


class OrderedPowerShown(ApiShape):
    """The same of the share who order; differences of shares."""

    usual: Probability = Field(description="Will order without a contact, as predicted")
    detectable: float = Field(description="Found with 80 % power")
    expected: float = Field(description="Save rate × chance of no order")
    is_enough: bool


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
    ordered: OrderedPowerShown | None = Field(None, description="Null in campaigns of before")


class TestCell(ApiShape):
    cell: str
    customers: int
    chosen: int


class Exploring(ApiShape):
    """Members who will not be in the best arm; each costs what it would have brought more."""

    first_round: float
    later_rounds: float = Field(description="In all of them, at least")
    equal_shares: float = Field(description="In all rounds, if shares never moved")


class DecisionRound(ApiShape):
    """A round of several treatments."""

    decision_id: str | None = Field(description="The campaign that is round 1; null of a proposal")
    round: int
    rounds: int = Field(description="At most")
    treatments: dict[str, float] = Field(description="Name → cost of a contact")
    shares: dict[str, float] = Field(description="Arm → probability with which each was drawn")
    hold_out: float = Field(description="Least share of those not contacted")
    explore: float = Field(description="Least share of each treatment")
    members: int = Field(description="Planned in each round")
    most_contacts: int | None
    exploring: Exploring


class Plan(ApiShape):
    name: str
    origin: Literal["regulars", "contacts", "simulated"] = Field(
        description="contacts: made elsewhere, read from the table of contacts; simulated: of the "
        "demo, with made-up effects"
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
    decision: DecisionRound | None = Field(None, description="Null but with several treatments")


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
    status: CampaignStatus
    cancelled_at: datetime | None
    measured_until: date | None
    created_at: datetime
    created_by: str


class EffectShown(ApiShape):
    value: float
    low: float = Field(description="Start of the 90 % interval")
    high: float


class NextRange(ApiShape):
    low: float
    high: float


class PooledMeasure(ApiShape):
    """Ended campaigns of one contacted arm together (random effects; see docs/campaigns.md)."""

    measure: Literal["ordered", "revenue", "profit"]
    campaigns: int
    per_contact: EffectShown
    verdict: Verdict
    spread: float = Field(description="Standard deviation of the campaigns' true effects")
    next: NextRange | None = Field(
        description="Where the effect of another campaign lies in 9 of 10 cases; null below three"
    )


class CampaignList(ApiShape):
    campaigns: list[Campaign]
    pooled: list[PooledMeasure]


class Headline(ApiShape):
    state: HeadlineState = Field(description="open: not over, figures still move")
    profit: EffectShown | None = Field(
        description="In all; null where no figure may be told: open, or too small to tell"
    )


class Members(ApiShape):
    campaign_id: str
    members: list[MemberShown]
    next_cursor: str | None


class CampaignContact(ApiShape):
    """Somebody to contact; addresses are those of the shop's table of customers today."""

    customer_id: str
    name: str | None
    email: str | None
    phone: str | None
    language: str | None
    arm: str
    reason: str | None = Field(description="The clearest sign of the risk, one sentence")
    offer_1: str | None
    offer_2: str | None
    offer_3: str | None
    code: str = Field(description="Personal: an order that names it came from this contact")


class ContactsLeftOut(ApiShape):
    refused: int
    without_consent: int
    erased: int


class CampaignContactsPage(ApiShape):
    """Whom to contact; `total` + all of `left_out` are those drawn for contact."""

    campaign_id: str
    contacts: list[CampaignContact]
    total: int
    without_address: int = Field(description="Of `total`: neither mail address nor phone number")
    left_out: ContactsLeftOut
    next_offset: int | None = Field(description="Send it as `offset`; null on the last page")


class Results(ApiShape):
    campaign_id: str
    status: CampaignStatus
    currency: str
    headline: Headline
    save_rate_told: SaveRateTold | None = Field(
        description="How `measured.save_rate` may be told: as a share, at least its low end, that "
        "something was lost, or not at all"
    )
    measured: dict[str, Any] | None = Field(
        description="Null before the first score run after the start; see docs/campaigns.md"
    )
