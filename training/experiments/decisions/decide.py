"""Rounds of a decision read back, and the shares of the next one.

The effect of an arm is compared with the control arm within each round. A round's difference
less the truth, ÷ its standard error, is a standard normal z whatever the shares were made
of, since they were fixed before its outcomes (the batched estimator of K. W. Zhang, L. Janson &
S. A. Murphy, NeurIPS 33 (2020)). Rounds are put together with weights √information that were
fixed before the first one, so that sums of z have a known distribution although the shares
follow the outcomes; an estimate that pools all members of an arm would be biased, and too sure.
The interval holds those effects that `training.experiments.decisions.boundaries` does not reject at this
look, Bonferroni-corrected for the number of treatments.
"""

from collections.abc import Sequence

import numpy as np

from features.errors import ConfigError
from training.experiments.campaign_reading import EffectInterval, verdict_of
from training.experiments.decisions.boundaries import boundaries
from training.experiments.decisions.decision_design import MISS, DecisionDesign
from training.experiments.decisions.decision_reading import (
    DecisionReading,
    GroupShares,
    ReadRound,
    RoundEffect,
    WhyStop,
)
from training.experiments.decisions.round_reading import (
    DrawnRound,
    RoundReading,
    contrasts,
    read_round,
)
from training.experiments.decisions.shares import ArmBelief, belief, beliefs_by_group, next_shares
from training.experiments.effect import Floats

CONTROL = 0


def read_decision(
    design: DecisionDesign,
    rounds: Sequence[DrawnRound],
    *,
    groups: Sequence[str] = ("all",),
    seed: int,
) -> DecisionReading:
    """What is known after some rounds, and how the next one is shared out.

    Parameters
    ----------
    design : as it was fixed before the first round
    rounds : at least one, in their order
    groups : names of the groups of `DrawnRound.groups`
    seed : of the draws by which the chance of being the best is counted

    Raises
    ------
    ConfigError
        When there are no rounds, or more than were planned.
    """
    design.check()
    if not 1 <= len(rounds) <= design.rounds:
        raise ConfigError(f"rounds: {len(rounds)} were held; planned were 1 to {design.rounds}.")
    count, costs = len(design.arms), np.array(design.costs)
    readings = [read_round(drawn, count) for drawn in rounds]
    known = belief(readings, costs, control=CONTROL, seed=seed)
    by_group = [known]
    if len(groups) > 1:
        by_group = beliefs_by_group(
            [_of_group(rounds, group, count) for group in range(len(groups))],
            costs,
            control=CONTROL,
            seed=seed,
        )
    rounds_read = [_round(design, readings[: number + 1]) for number in range(len(readings))]
    members = np.array([reading.members for reading in readings])
    behind = known.means.max() - known.means
    return {
        "control": design.arms[CONTROL],
        "rounds": rounds_read,
        "effects": rounds_read[-1]["effects"],
        "next": [
            _shares(design, group, believed)
            for group, believed in zip(groups, by_group, strict=True)
        ],
        "stop": why_stop(design, len(rounds), known),
        "best": design.arms[int(known.means.argmax())],
        "exploring_cost": float((members * behind).sum()),
        "equal_shares_cost": float(members.sum() * behind.mean()),
    }


def effect_over_rounds(
    design: DecisionDesign, readings: Sequence[RoundReading], arm: int
) -> EffectInterval:
    """The effect of an arm against the control arm after these rounds, its cost not taken off.

    With differences D of the rounds, their standard errors s and weights w = √information, the
    interval holds every effect θ with |Σ w·(D − θ)/s| ≤ c·√Σ w², c of this look.
    """
    differences, errors = contrasts(readings, arm, CONTROL)
    weights = np.sqrt(np.array(design.information[: len(readings)]))
    miss = MISS / (len(design.arms) - 1)
    critical = boundaries(design.information, miss)[len(readings) - 1]
    weighed = np.where(np.isfinite(errors), weights / errors, 0.0)
    if weighed.sum() <= 0:
        return {"value": 0.0, "low": float("-inf"), "high": float("inf")}
    value = float((weighed * differences).sum() / weighed.sum())
    half = float(critical * np.sqrt((weights**2).sum()) / weighed.sum())
    return {"value": value, "low": value - half, "high": value + half}


def why_stop(design: DecisionDesign, held: int, known: ArmBelief) -> WhyStop | None:
    """Why there is no next round: all were held, or exploring one more costs more than knowing
    the best arm for all rounds that are left could bring. None: go on.
    """
    left = design.rounds - held
    if left <= 0:
        return "rounds_done"
    costs = float(np.array(design.floors) @ (known.means.max() - known.means))
    return "exploring_costs_more_than_it_can_bring" if known.loss * left < costs else None


def _round(design: DecisionDesign, readings: Sequence[RoundReading]) -> ReadRound:
    effects: list[RoundEffect] = []
    for arm in range(1, len(design.arms)):
        gross, cost = effect_over_rounds(design, readings, arm), design.costs[arm]
        net: EffectInterval = {
            "value": gross["value"] - cost,
            "low": gross["low"] - cost,
            "high": gross["high"] - cost,
        }
        verdict = verdict_of(net["low"], net["high"])
        effects.append({"arm": design.arms[arm], "effect": net, "verdict": verdict})
    members = readings[-1].members.tolist()
    return {
        "round": len(readings),
        "members": dict(zip(design.arms, members, strict=True)),
        "effects": effects,
    }


def _of_group(rounds: Sequence[DrawnRound], group: int, count: int) -> list[RoundReading]:
    """The rounds as the members of one group alone tell them."""
    readings = []
    for drawn in rounds:
        chosen = drawn.groups == group
        group_round = DrawnRound(
            outcome=drawn.outcome[chosen],
            arms=drawn.arms[chosen],
            groups=drawn.groups[chosen],
            known=None if drawn.known is None else drawn.known[chosen],
        )
        readings.append(read_round(group_round, count))
    return readings


def _shares(design: DecisionDesign, group: str, believed: ArmBelief) -> GroupShares:
    shares: Floats = next_shares(believed.best, np.array(design.floors))
    return {
        "group": group,
        "best": dict(zip(design.arms, believed.best.tolist(), strict=True)),
        "shares": dict(zip(design.arms, shares.tolist(), strict=True)),
    }
