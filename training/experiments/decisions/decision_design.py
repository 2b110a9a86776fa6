"""A decision that learns: which treatments it tries, for how long, and what trying them costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from features.errors import ConfigError

HOLD_OUT = 0.05
"""Least share of the control arm: what everything is measured against."""
EXPLORE = 0.02
"""Least share of each treatment."""
MISS = 0.10
"""The chance that any interval misses at any look."""
LEADER = 0.5
"""Share of the best arm in later rounds, for planning how much they tell."""


@dataclass(frozen=True, kw_only=True)
class ExplorationCost:
    """What trying treatments costs if the best one brings `advantage` more per member than the others.

    Attributes
    ----------
    first_round : with equal shares
    later_rounds : all together at least, by the floors alone
    equal_shares : of all rounds, if shares never moved
    """

    first_round: float
    later_rounds: float
    equal_shares: float


@dataclass(frozen=True, kw_only=True)
class DecisionDesign:
    """What is fixed before the first round and never changed afterwards.

    Attributes
    ----------
    arms : names, the control arm (nobody is contacted) first
    costs : of a contact, per arm; 0 for the control arm
    rounds : how many there are at most
    members : expected in each round
    hold_out, explore : least share of the control arm and of each other arm
    """

    arms: tuple[str, ...]
    costs: tuple[float, ...]
    rounds: int
    members: int
    hold_out: float = HOLD_OUT
    explore: float = EXPLORE

    @cached_property
    def floors(self) -> tuple[float, ...]:
        """Least share of each arm."""
        return (self.hold_out, *[self.explore] * (len(self.arms) - 1))

    @cached_property
    def equal_shares(self) -> tuple[float, ...]:
        """Those of the first round."""
        return (1 / len(self.arms),) * len(self.arms)

    @cached_property
    def information(self) -> tuple[float, ...]:
        """What each round is planned to tell of a difference to the control arm: 1 ÷ its variance
        in units of that of one member. Weights of the rounds follow it, whatever is drawn.
        """
        count, members = len(self.arms), self.members
        later = 1 / (1 / (members * self.hold_out) + 1 / (members * LEADER))
        return (members / (2 * count), *[later] * (self.rounds - 1))

    def exploration_cost(self, advantage: float) -> ExplorationCost:
        """What trying costs, in units of the outcome."""
        rivals = len(self.arms) - 1
        floors = self.hold_out + self.explore * (rivals - 1)
        later = self.members * (self.rounds - 1)
        even = rivals / len(self.arms)
        return ExplorationCost(
            first_round=self.members * even * advantage,
            later_rounds=later * floors * advantage,
            equal_shares=(self.members + later) * even * advantage,
        )

    def check(self) -> None:
        """Raises `ConfigError` naming everything that cannot be."""
        problems = []
        if len(set(self.arms)) != len(self.arms) or len(self.arms) < 2:
            problems.append("arms: at least two, each with a name of its own.")
        if self.rounds < 1:
            problems.append("rounds: at least one.")
        if sum(self.floors) >= 1 or min(self.floors) <= 0:
            problems.append("hold_out, explore: above 0, and together below 1.")
        problems += _cost_problems(self.costs, len(self.arms))
        if problems:
            raise ConfigError(problems)


def _cost_problems(costs: Sequence[float], arms: int) -> list[str]:
    if len(costs) != arms or costs[0] != 0 or min(costs) < 0:
        return ["costs: one per arm, 0 for the control arm, none below 0."]
    return []


def affordable(shares: Sequence[float], costs: Sequence[float], budget: float) -> int | None:
    """How many members a round may have for a budget; None where contacts cost nothing.

    >>> affordable([0.5, 0.5], [0.0, 2.0], 100.0)
    100
    """
    mean_cost = sum(share * cost for share, cost in zip(shares, costs, strict=True))
    return None if mean_cost <= 0 else int(budget / mean_cost + 1e-9)
