"""The result of a campaign as it is kept and answered: JSON, and no table library is needed."""

from typing import Literal, NotRequired, TypedDict

Verdict = Literal["positive", "negative", "too_small_to_tell"]


def verdict_of(low: float, high: float) -> Verdict:
    """Which side of 0 an interval lies on."""
    if low > 0:
        return "positive"
    return "negative" if high < 0 else "too_small_to_tell"


class EffectInterval(TypedDict):
    """A figure with its 90 % interval."""

    value: float
    low: float
    high: float


class ArmOutcome(TypedDict):
    """What the members of an arm did; money in units of the currency."""

    arm: str
    contacted: bool
    members: int
    buyers: int
    response_rate: float
    response_low: float
    response_high: float
    visit_rate: float | None
    orders: int
    revenue: float
    revenue_per_member: float
    cost: float


class EffectFigures(TypedDict):
    """What the contact changed, beside its cost where the measure is profit."""

    per_contact: EffectInterval
    total: EffectInterval
    verdict: Verdict
    standard_error: float
    variance_left: float


class ArmEffect(EffectFigures):
    """The effect of an arm's contact on one measure."""

    arm: str
    measure: str
    contacts: int
    plain: NotRequired[float]
    """Difference of the arms' means per contact, before the adjustment, its cost taken off."""


class GroupEffect(EffectFigures):
    """A group's profit per contact, alone and drawn toward that of the other groups."""

    system: str
    value: str
    hold_out: int
    contacts: int
    shrunken: EffectInterval | None


class ReadCell(TypedDict):
    """An RFM cell read back; see `features.segments.break_even.read_back`."""

    cell: str
    roll_out: bool


class MeasuredSaveRate(EffectInterval):
    """Value saved ÷ value at risk, with its standard error."""

    standard_error: float


class EffectLineFigures(TypedDict):
    """A line from predicted effects to those that came; see `training.experiments.effect_line`."""

    centre: float
    mean: float
    slope: float
    mean_variance: float
    slope_variance: float
    covariance: float
    lowest: float
    highest: float


class CampaignReading(TypedDict):
    """The result of a campaign, ready for JSON; see `read_campaign`."""

    arms: list[ArmOutcome]
    effects: list[ArmEffect]
    segments: list[GroupEffect]
    cells: list[ReadCell]
    save_rate: MeasuredSaveRate | None
