"""Who can be persuaded, learned from measured campaigns; used only where it beats chance."""

import numpy as np
import pandas as pd

from features.engines.build import build_features
from features.orders.log import OrderLog
from serving.campaigns.service import status_of
from serving.campaigns.store import CampaignRecord, CampaignStore, UpliftVerdict
from serving.scoring.lessons import Targeting
from training.experiments.effect import Bools, Floats
from training.experiments.effect_line import EffectLine, effect_line
from training.experiments.learner_names import LearnerName
from training.experiments.learners import LEARNERS, LearnerChoice, choose_learner
from training.experiments.uplift import is_enough

JUDGE_SEED = 20_260_101


def judged(log: OrderLog, campaign: CampaignRecord, members: pd.DataFrame) -> UpliftVerdict | None:
    """Whether customers of a measured campaign can be told apart by how they react.

    Parameters
    ----------
    members : one row per member: `customer_id`, `contacted`, `revenue`

    Returns
    -------
    The learner that ranks best, the Qini of the choice out of fold, its 90 % interval,
    `beats_random` and the `line` from its predictions to effects, ready for JSON; None where the campaign is too small to try.
    """
    features, treated, revenue = _learned_from(log, campaign, members)
    if not is_enough(treated):
        return None
    choice = choose_learner(features, treated, revenue, seed=JUDGE_SEED)
    curve = choice.curve
    return {
        "learner": choice.learner,
        "qini": curve.value,
        "low": curve.low,
        "high": curve.high,
        "members": len(treated),
        "beats_random": curve.beats_random,
        "line": _line(choice, choice.learner, treated, revenue).figures(),
    }


def targeting_of(store: CampaignStore, log: OrderLog) -> Targeting | None:
    """The model of the latest campaign that was measured to its end and can tell; None: none."""
    for campaign in store.campaigns():
        uplift = campaign.results.get("uplift") if campaign.results else None
        if status_of(campaign) != "ended" or not uplift or not uplift["beats_random"]:
            continue
        contacted = {arm["arm"] for arm in campaign.plan["arms"] if arm["contacted"]}
        members = pd.DataFrame([vars(member) for member in store.members(campaign.campaign_id)])
        members = members.assign(contacted=members["arm"].isin(contacted))
        features, treated, revenue = _learned_from(log, campaign, members)
        # campaigns that an earlier release has measured knew one learner, and no line
        learner = uplift.get("learner", "r")
        kept = uplift.get("line")
        if kept is None:
            choice = choose_learner(features, treated, revenue, seed=JUDGE_SEED)
            line = _line(choice, learner, treated, revenue)
        else:
            line = EffectLine(**kept)
        if line.slope <= 0:
            continue
        model = LEARNERS[learner](seed=JUDGE_SEED).fit(features, treated, revenue)
        evidence = {"campaign_id": campaign.campaign_id, **uplift, "line": line.figures()}
        return Targeting(model=model, line=line, judged=evidence)
    return None


def _line(
    choice: LearnerChoice, learner: LearnerName, treated: Bools, revenue: Floats
) -> EffectLine:
    return effect_line(choice.rankings[learner], treated, revenue)


def _learned_from(
    log: OrderLog, campaign: CampaignRecord, members: pd.DataFrame
) -> tuple[pd.DataFrame, Bools, Floats]:
    """What was known of the members on the first morning, their arms, and what they spent."""
    if campaign.starts_on <= log.first_day:
        return pd.DataFrame(), np.zeros(0, dtype=bool), np.zeros(0)
    features = build_features(log, campaign.starts_on)
    with_features = members[members["customer_id"].isin(features.index)]
    revenue = with_features["revenue"].astype(float).fillna(0.0).to_numpy()
    return (
        features.loc[with_features["customer_id"]],
        with_features["contacted"].to_numpy(dtype=bool),
        np.asarray(revenue, dtype=np.float64),
    )
