"""What may be told of a campaign's result, and how loudly.

A figure is told in large only where the campaign is over and its interval says which side of 0
the profit lies on. Everything else is told as where the truth may lie.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, TypedDict

from serving.campaigns.store import CampaignRecord, MeasuredCampaign
from training.experiments.campaign_reading import (
    ArmEffect,
    EffectInterval,
    Verdict,
    verdict_of,
)
from training.experiments.pooling import pool

HeadlineState = Literal["not_measured", "open", "too_small_to_tell", "positive", "negative"]
SaveRateTold = Literal["share", "at_least", "all", "lost", "cannot_tell"]
POOLED = ("ordered", "revenue", "profit")
"""Measures of which campaigns are pooled."""


class CampaignHeadline(TypedDict):
    """The first line of a result; `profit` in all, None where no figure may be told in large."""

    state: HeadlineState
    profit: EffectInterval | None


class LikelyRange(TypedDict):
    """Where something lies in 9 of 10 cases."""

    low: float
    high: float


class PooledCampaigns(TypedDict):
    """Ended campaigns of one contacted arm together; see `training.experiments.pooling`.

    `spread` is the standard deviation of the campaigns' true effects; `next` where the effect of
    another campaign is expected, None with fewer than three.
    """

    measure: str
    campaigns: int
    per_contact: EffectInterval
    verdict: Verdict
    spread: float
    next: LikelyRange | None


def profit_of(measured: MeasuredCampaign | None) -> ArmEffect | None:
    """The profit of the contacts; None before anything was measured, and where several arms were
    contacted, which have no profit in common.
    """
    effects = measured["effects"] if measured else []
    profits = [effect for effect in effects if effect["measure"] == "profit"]
    return profits[0] if len(profits) == 1 else None


def headline_of(measured: MeasuredCampaign | None) -> CampaignHeadline:
    """How the result of a campaign is told first."""
    profit = profit_of(measured)
    if measured is None or profit is None:
        return {"state": "not_measured", "profit": None}
    if not measured["is_final"]:
        return {"state": "open", "profit": None}
    if profit["verdict"] == "too_small_to_tell":
        return {"state": "too_small_to_tell", "profit": None}
    return {"state": profit["verdict"], "profit": profit["total"]}


def save_rate_told(measured: MeasuredCampaign | None) -> SaveRateTold | None:
    """How the share of the value at risk that a contact saved may be told.

    A share is told as such only where its interval lies within 0 and 1; one that surely is above
    0 but may be above everything there was to save, as "at least". None: not measured.
    """
    rate = measured["save_rate"] if measured else None
    if rate is None:
        return None
    if rate["low"] >= 1:
        return "all"
    if rate["low"] > 0:
        return "share" if rate["high"] <= 1 else "at_least"
    return "lost" if rate["high"] < 0 else "cannot_tell"


def pooled(ended: Iterable[CampaignRecord]) -> list[PooledCampaigns]:
    """What several ended campaigns say together, per contact; empty for fewer than two.

    Only campaigns in which one arm was contacted count, those of the latest one's currency.
    """
    results = [(campaign.plan["currency"], campaign.results) for campaign in ended]
    single = [
        (currency, measured)
        for currency, measured in results
        if measured is not None and profit_of(measured) is not None
    ]
    same_money = [measured for currency, measured in single if currency == single[0][0]]
    answers = (_pooled(measure, same_money) for measure in POOLED)
    return [answer for answer in answers if answer is not None]


def _pooled(measure: str, results: Sequence[MeasuredCampaign]) -> PooledCampaigns | None:
    effects = [
        effect
        for measured in results
        for effect in measured["effects"]
        if effect["measure"] == measure and effect["standard_error"] > 0
    ]
    together = pool(
        [effect["per_contact"]["value"] for effect in effects],
        [effect["standard_error"] for effect in effects],
    )
    if together is None:
        return None
    low, high = together.next_low, together.next_high
    return {
        "measure": measure,
        "campaigns": together.campaigns,
        "per_contact": {"value": together.value, "low": together.low, "high": together.high},
        "verdict": verdict_of(together.low, together.high),
        "spread": together.spread,
        "next": None if low is None or high is None else {"low": low, "high": high},
    }
