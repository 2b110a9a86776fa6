"""What the rounds of several treatments say so far, from what their members brought."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from serving.campaigns.decisions.treatments import design_of
from serving.campaigns.plan import DecisionPlan
from serving.campaigns.store import CampaignRecord, CampaignStore
from training.experiments.decisions.decide import read_decision
from training.experiments.decisions.decision_reading import DecisionReading
from training.experiments.decisions.round_reading import DrawnRound
from training.experiments.reading import KNOWN_BEFORE

SEED = 20_260_101


def earlier_rounds(store: CampaignStore, plan: DecisionPlan) -> list[CampaignRecord]:
    """The rounds of the same decision before this one, in their order."""
    rounds = [
        (decision["round"], campaign)
        for campaign in store.campaigns()
        if (decision := campaign.plan.get("decision")) is not None
        and decision["decision_id"] == plan["decision_id"]
        and decision["round"] < plan["round"]
    ]
    return [campaign for _, campaign in sorted(rounds, key=lambda pair: pair[0])]


def read_rounds(
    store: CampaignStore, campaign: CampaignRecord, members: pd.DataFrame, margin_share: float
) -> DecisionReading | None:
    """All rounds up to this one, which is over; None where it is none of several treatments.

    Parameters
    ----------
    members : of this round, as `serving.campaigns.measuring.members_with_outcomes`
    margin_share : net profit ÷ revenue where the margin of an order is not known
    """
    plan = campaign.plan.get("decision")
    if plan is None:
        return None
    design = design_of(plan)
    rounds = []
    for earlier in earlier_rounds(store, plan):
        share = earlier.results["margin_share"] if earlier.results else margin_share
        rows = [vars(member) for member in store.members(earlier.campaign_id)]
        rounds.append(_round(pd.DataFrame(rows), design.arms, share))
    rounds.append(_round(members, design.arms, margin_share))
    return read_decision(design, rounds, seed=SEED)


def _round(members: pd.DataFrame, arms: Sequence[str], margin_share: float) -> DrawnRound:
    """What each brought is the margin, the cost of the contact not taken off."""
    revenue = members["revenue"].astype(float).fillna(0.0)
    margin = members["margin"].astype(float).fillna(revenue * margin_share)
    numbers = {name: number for number, name in enumerate(arms)}
    covariates = members[list(KNOWN_BEFORE)].astype(float)
    varying = covariates.loc[:, covariates.notna().any() & (covariates.max() > covariates.min())]
    return DrawnRound(
        outcome=np.asarray(margin, dtype=np.float64),
        arms=np.asarray(members["arm"].map(numbers), dtype=np.int64),
        groups=np.zeros(len(members), dtype=np.int64),
        known=varying,
    )
