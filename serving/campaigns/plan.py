"""A campaign's plan as it is kept and answered: JSON, made once and never changed."""

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

from serving.campaigns.request import Choose

CampaignStatus = Literal["planned", "running", "ended", "cancelled"]


SIMULATED = "simulated"
"""Where a campaign of a simulation comes from: it is never measured anew, and teaches nothing."""
DERIVED_SEED = "derived-"
"""Begins a seed that is made of run and request, and so is no secret."""


class CampaignArm(TypedDict):
    """An arm, whether it is contacted, and how many customers it holds."""

    arm: str
    contacted: bool
    members: int


class StratumSize(TypedDict):
    """Customers of a stratum (`risk/value`), and how many of them are held out."""

    stratum: str
    customers: int
    hold_out: int


class ChosenCounts(TypedDict):
    """`listed` by the filter; `chosen` of them, `contacts` + `hold_out`; the others, and why."""

    listed: int
    without_consent: int
    in_another_campaign: int
    not_worth_it: int
    beyond_budget: int
    chosen: int
    contacts: int
    hold_out: int


class ExpectedMoney(TypedDict):
    """Of those who are contacted, in money; the interval is that of the save rate."""

    cost: float
    value_at_risk: float
    saved_revenue: float
    profit: float
    profit_low: float
    profit_high: float


class BreakEvenPoint(TypedDict):
    """The response, and the save rate, from which contacts pay for themselves; None: nowhere."""

    cost_per_contact: float
    net_profit_per_sale: float
    response: float | None
    save_rate: float | None


class SampledCell(TypedDict):
    """An RFM cell of a test: customers listed and chosen."""

    cell: str
    customers: int
    chosen: int


class AssumedFigures(TypedDict):
    """See `serving.campaigns.assumptions.Assumptions`."""

    cost_per_contact: float
    margin_share: float
    save_rate: float
    save_rate_low: float
    save_rate_high: float
    hold_out: float
    net_profit_per_sale: float
    spend_cv: float
    sources: dict[str, str]


class OrderedPowerFigures(TypedDict):
    """See `serving.campaigns.power.OrderedPower`."""

    usual: float
    detectable: float
    expected: float
    is_enough: bool


class PowerFigures(TypedDict):
    """See `serving.campaigns.power.Power`; plans of an earlier release lack `ordered`."""

    detectable: float
    detectable_save_rate: float | None
    expected: float
    is_enough: bool
    needed_hold_out: float | None
    needed_contacts: int | None
    ordered: NotRequired[OrderedPowerFigures | None]


class ExploringPlan(TypedDict):
    """Members who will not be in the best arm: in round 1, at least in all later ones, and in all
    with equal shares. Each costs what the best arm would have brought more.
    """

    first_round: float
    later_rounds: float
    equal_shares: float


class DecisionPlan(TypedDict):
    """A round of several treatments.

    Attributes
    ----------
    decision_id : the campaign that is round 1; None of a proposal that was not kept
    round, rounds : number of this one, and how many there are at most
    treatments : name → cost of a contact
    shares : arm → share of the members, the probability with which each was drawn
    hold_out, explore : least share of the control arm and of each treatment
    members : planned in each round
    most_contacts : of a customer in all rounds; None: no limit
    """

    decision_id: str | None
    round: int
    rounds: int
    treatments: dict[str, float]
    shares: dict[str, float]
    hold_out: float
    explore: float
    members: int
    most_contacts: int | None
    exploring: ExploringPlan


class ProposedPlan(TypedDict):
    """What is planned; what is None is not known of campaigns that were made elsewhere.

    Of those `costs` holds arm → cost per member; `decision` is there with several treatments.
    """

    name: str
    origin: str
    choose: Choose | None
    run_id: str | None
    currency: str
    clv_basis: Literal["revenue", "margin"] | None
    starts_on: str
    ends_on: str
    seed: str | None
    assumptions: AssumedFigures | None
    counts: ChosenCounts | None
    arms: list[CampaignArm]
    strata: list[StratumSize]
    expected: ExpectedMoney | None
    break_even: BreakEvenPoint | None
    power: PowerFigures | None
    cells: list[SampledCell]
    costs: NotRequired[Mapping[str, float]]
    decision: NotRequired[DecisionPlan]


class CampaignPlan(ProposedPlan):
    """A plan that was kept; `request` is what was asked for (`CampaignRequest.to_dict`)."""

    created_at: str
    created_by: str
    request: NotRequired[Mapping[str, Any]]


class CampaignView(CampaignPlan):
    """A campaign as it is answered: its plan without the request, and how far it is."""

    campaign_id: str
    status: CampaignStatus
    cancelled_at: str | None
    measured_until: str | None


def secret_of(campaign: CampaignView) -> str:
    """What hashes of ids and personal codes are keyed with: a given seed, else the campaign's id."""
    seed = campaign["seed"]
    return campaign["campaign_id"] if seed is None or seed.startswith(DERIVED_SEED) else seed
