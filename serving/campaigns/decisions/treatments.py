"""Rounds of several treatments: what is fixed beforehand, and the draw of a round."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from serving.campaigns.plan import DecisionPlan
from serving.campaigns.request import HOLD_OUT_ARM, CampaignRequest
from serving.campaigns.store import CampaignMember
from training.experiments.decisions.decision_design import EXPLORE, HOLD_OUT, DecisionDesign
from training.experiments.decisions.drawing import draw_arms


def design_of(plan: DecisionPlan) -> DecisionDesign:
    """What was fixed before the first round."""
    return DecisionDesign(
        arms=(HOLD_OUT_ARM, *plan["treatments"]),
        costs=(0.0, *plan["treatments"].values()),
        rounds=plan["rounds"],
        members=plan["members"],
        hold_out=plan["hold_out"],
        explore=plan["explore"],
    )


def first_round(request: CampaignRequest) -> DecisionPlan | None:
    """The plan of round 1, with equal shares; None where there are no treatments.

    How many members there are is known when they are chosen; see `sized`.
    """
    if not request.treatments or request.rounds is None:
        return None
    arms = [HOLD_OUT_ARM, *(treatment.name for treatment in request.treatments)]
    return {
        "decision_id": None,
        "round": 1,
        "rounds": request.rounds,
        "treatments": {
            treatment.name: treatment.cost_per_contact for treatment in request.treatments
        },
        "shares": dict.fromkeys(arms, 1 / len(arms)),
        "hold_out": request.hold_out or HOLD_OUT,
        "explore": request.explore or EXPLORE,
        "members": 0,
        "most_contacts": request.most_contacts,
        "exploring": {"first_round": 0.0, "later_rounds": 0.0, "equal_shares": 0.0},
    }


def next_round(plan: DecisionPlan, shares: Mapping[str, float]) -> DecisionPlan:
    """The plan of the round after this one, with the shares that were read."""
    return {**plan, "round": plan["round"] + 1, "shares": dict(shares)}


def sized(plan: DecisionPlan, members: int) -> DecisionPlan:
    """With the members of round 1, and what exploring costs; later rounds keep both."""
    if plan["round"] > 1:
        return plan
    known: DecisionPlan = {**plan, "members": members}
    cost = design_of(known).exploration_cost(1.0)
    return {
        **known,
        "exploring": {
            "first_round": cost.first_round,
            "later_rounds": cost.later_rounds,
            "equal_shares": cost.equal_shares,
        },
    }


def priced(request: CampaignRequest, plan: DecisionPlan | None) -> CampaignRequest:
    """The request with the mean cost of a contact of this round and the share held out in it."""
    if plan is None:
        return request
    held_out = plan["shares"][HOLD_OUT_ARM]
    cost = sum(plan["shares"][name] * cost_each for name, cost_each in plan["treatments"].items())
    changes = {"hold_out": held_out, "cost_per_contact": cost / (1 - held_out)}
    return request.model_copy(update=changes)


def with_treatments(
    members: Sequence[CampaignMember], strata: Sequence[str], plan: DecisionPlan, seed: str
) -> list[CampaignMember]:
    """The members with the arms that are drawn for them, each stratum by the same shares."""
    names = list(plan["shares"])
    shares = {stratum: tuple(plan["shares"].values()) for stratum in strata}
    arms = draw_arms([member.customer_id for member in members], strata, shares, seed)
    return [
        replace(member, arm=names[arm], stratum=stratum)
        for member, arm, stratum in zip(members, arms, strata, strict=True)
    ]
