"""The next round of several treatments, made when the one before is over."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from features.errors import ConfigError
from serving.campaigns.decisions.treatments import next_round
from serving.campaigns.form import ListFilter
from serving.campaigns.plan import SIMULATED, DecisionPlan
from serving.campaigns.proposal import CampaignProposal, propose
from serving.campaigns.request import HOLD_OUT_ARM, CampaignFilter, CampaignRequest
from serving.campaigns.store import CampaignRecord, CampaignStore
from serving.errors import CampaignConflict

CREATED_BY = "score run"


def make_next_rounds(
    store: CampaignStore,
    clock: Callable[[], datetime],
    progress: Callable[[str], None] = lambda _: None,
) -> list[CampaignRecord]:
    """Choose and draw the next round of each decision whose latest round is over.

    Members are chosen anew from the latest run, by what was asked for at first; shares are those
    that the round before has shown. A decision whose stop rule says so, or that was cancelled, has
    no next round. Where nobody is left to choose, the next score run tries again.
    """
    new_rounds, campaigns = [], store.campaigns()
    for campaign in campaigns:
        plan = campaign.plan.get("decision")
        if plan is None or campaign.plan["origin"] == SIMULATED or not _goes_on(campaign):
            continue
        if any(_follows(other, plan) for other in campaigns):
            continue
        try:
            new_rounds.append(_made(store, campaign, plan, clock))
        except (ConfigError, CampaignConflict) as error:
            progress(f"no next round of {campaign.plan['name']}: {error}")
            continue
        progress(f"made round {plan['round'] + 1} of {plan['decision_id']}")
    return new_rounds


def _goes_on(campaign: CampaignRecord) -> bool:
    results = campaign.results
    reading = results.get("decision") if results and results["is_final"] else None
    return campaign.cancelled_at is None and reading is not None and reading["stop"] is None


def _follows(other: CampaignRecord, plan: DecisionPlan) -> bool:
    later = other.plan.get("decision")
    return (
        later is not None
        and later["decision_id"] == plan["decision_id"]
        and later["round"] == plan["round"] + 1
    )


def _made(
    store: CampaignStore,
    campaign: CampaignRecord,
    plan: DecisionPlan,
    clock: Callable[[], datetime],
) -> CampaignRecord:
    proposal = _proposal(store, campaign, plan)
    number, decision_id = plan["round"] + 1, plan["decision_id"]
    first_name = campaign.plan["name"].removesuffix(f" · {plan['round']}")
    return store.add(
        CampaignRecord(
            campaign_id=f"{decision_id}-{number}",
            starts_on=proposal.starts_on,
            ends_on=proposal.ends_on,
            plan={
                **proposal.to_dict(),
                "name": f"{first_name} · {number}",
                "created_at": clock().isoformat(),
                "created_by": CREATED_BY,
                "request": campaign.plan["request"],
            },
            request_key=f"round {number} of {decision_id}",
        ),
        proposal.members,
    )


def _proposal(
    store: CampaignStore, campaign: CampaignRecord, plan: DecisionPlan
) -> CampaignProposal:
    """From the latest run, without those who are in a campaign or were contacted often enough."""
    reading = campaign.results and campaign.results["decision"]
    assert reading is not None  # noqa: S101 - `_goes_on` has seen it
    (shares,) = reading["next"]
    request = request_of(campaign.plan["request"])
    run, listed, busy = store.candidates(request.chosen_from, days=request.horizon_days)
    if run.info.as_of < campaign.ends_on:
        raise ConfigError(f"the scores are of {run.info.as_of}, before its end.")
    if plan["most_contacts"] is not None:
        busy |= _often_contacted(store, plan, plan["most_contacts"])
    return propose(
        request,
        run,
        listed,
        busy,
        partial(store.figures_of, run.info),
        later_round=next_round(plan, shares["shares"]),
    )


def _often_contacted(store: CampaignStore, plan: DecisionPlan, most: int) -> set[str]:
    contacts = Counter(
        member.customer_id
        for campaign in store.campaigns()
        if (decision := campaign.plan.get("decision")) is not None
        and decision["decision_id"] == plan["decision_id"]
        for member in store.members(campaign.campaign_id)
        if member.arm != HOLD_OUT_ARM
    )
    return {customer for customer, count in contacts.items() if count >= most}


def request_of(stored: Mapping[str, Any]) -> CampaignRequest:
    """What was asked for in round 1, for a later one: with no first day and no seed of its own."""
    chosen = dict(stored["wanted"])
    segments = [f"{system}:{value}" for system, value in chosen.pop("segments", [])]
    filters = {name: value for name, value in chosen.items() if name in FILTERS and value}
    fields = {name: value for name, value in stored.items() if name not in NOT_REPEATED}
    return CampaignRequest.model_validate(
        {**fields, "filter": ListFilter.model_validate({**filters, "segment": segments})}
    )


FILTERS = {*CampaignFilter.model_fields, "consent"}
NOT_REPEATED = {"wanted", "starts_on", "seed"}
