"""The figures of a run that expected profits rest on, as everybody reads them."""

from collections.abc import Mapping
from typing import Any, TypedDict


class MeasuredTreatment(TypedDict):
    """The best treatment of a measured decision: its profit per contact more than no contact, with
    its 90 % interval, which lies above 0.
    """

    treatment: str
    campaign_id: str
    rounds: int
    profit: float
    low: float
    high: float


class RunEconomics(TypedDict, total=False):
    """What `serving.scoring.economics.economics_of` says, as a run keeps it, ready for JSON.

    All or, of a run of an earlier release, nothing; `targeting`, the evidence of a model of who
    can be persuaded, only where there is one; without `value_share` it is the margin share.
    """

    cost_per_contact: float
    hold_out: float
    save_rate: float
    save_rate_low: float
    save_rate_high: float
    save_rate_campaigns: int
    margin_share: float
    margin_source: str
    value_share: float
    order_value: float
    spend_cv: float
    high_value_from: float
    consent_known: bool
    channel_costs: Mapping[str, float]
    action_names: Mapping[str, Mapping[str, str]]
    targeting: Mapping[str, Any]
    treatment: MeasuredTreatment


def value_share(economics: RunEconomics, margin_share: float | None = None) -> float:
    """What of the value at risk is profit, where somebody takes the margin for `margin_share`."""
    own_share = float(economics["margin_share"])
    share = float(economics.get("value_share", own_share))
    return share if margin_share is None else share * margin_share / own_share
