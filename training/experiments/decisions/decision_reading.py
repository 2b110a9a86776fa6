"""The reading of a decision as it is kept and answered: JSON, and no table library is needed."""

from typing import Literal, TypedDict

from training.experiments.campaign_reading import EffectInterval, Verdict

WhyStop = Literal["rounds_done", "exploring_costs_more_than_it_can_bring"]


class RoundEffect(TypedDict):
    """What an arm brought more than the control arm per member, the cost of the contact taken off.

    `effect` is of all rounds up to this one; its intervals hold the truth of all arms in all
    rounds together in 9 of 10 decisions, however often they are looked at.
    """

    arm: str
    effect: EffectInterval
    verdict: Verdict


class ReadRound(TypedDict):
    """A round: members per arm, and the effects known after it."""

    round: int
    members: dict[str, int]
    effects: list[RoundEffect]


class GroupShares(TypedDict):
    """The shares of the next round in a group, and the chance of each arm to be the best there."""

    group: str
    best: dict[str, float]
    shares: dict[str, float]


class DecisionReading(TypedDict):
    """See `training.experiments.decisions.decide.read_decision`.

    `exploring_cost`: what those in other arms than the best would have brought more in it, by
    what is known now; `equal_shares_cost`: the same had all rounds been dealt equally.
    """

    control: str
    rounds: list[ReadRound]
    effects: list[RoundEffect]
    next: list[GroupShares]
    stop: WhyStop | None
    best: str
    exploring_cost: float
    equal_shares_cost: float
