"""Decisions that learn, in worlds whose truth is known: what exploring costs, and what is claimed.

Three treatments bring 0, ½ and 1 × 0.1 standard deviations more than nothing; 2,000 contacts a
round, six rounds, 500 worlds, seeds 0 to 499. Regret is what the contacts would have brought more
in the best arm; equal shares' is 100 %. An interval is covered if it holds the truth after every
round; a world is called positive if any interval of any round lies above 0.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from training.experiments.decisions.decide import effect_over_rounds, why_stop
from training.experiments.decisions.decision_design import DecisionDesign
from training.experiments.decisions.drawing import draw_arms
from training.experiments.decisions.round_reading import (
    DrawnRound,
    RoundReading,
    contrasts,
    read_round,
)
from training.experiments.decisions.shares import belief, next_shares
from training.experiments.effect import Floats
from training.experiments.effect_shrinkage import NORMAL_90

WORLDS, MEMBERS, ROUNDS = 500, 2_000, 6
UNIT = 0.1

Noise = Callable[[np.random.Generator], Floats]


@dataclass(frozen=True)
class World:
    """Effects in standard deviations of the outcome; arm 0 is the control arm.

    `drift` is added to everybody's outcome from round to round; `explained` the share of the
    variance that a covariate explains; `tail`: buyers with log-normal amounts instead of a
    normal outcome; `stops`: by the stop rule.
    """

    name: str
    effects: tuple[float, ...]
    drift: float = 0.0
    explained: float = 0.0
    tail: bool = False
    stops: bool = False


WORLDS_TRIED = (
    World("0, ½, 1 (0: nothing)", (0, UNIT / 2, UNIT)),
    World("0, ½, 1 beside nothing", (0, 0, UNIT / 2, UNIT)),
    World("no effects", (0, 0, 0)),
    World("no effects, three beside nothing", (0, 0, 0, 0)),
    World("0, ½, 1, seasons", (0, UNIT / 2, UNIT), drift=0.3),
    World("0, ½, 1, half explained", (0, UNIT / 2, UNIT), explained=0.5),
    World("0, ½, 1, heavy tail", (0, UNIT / 2, UNIT), tail=True),
    World("no effects, heavy tail", (0, 0, 0), tail=True),
    World("0, ½, 1, stop rule", (0, UNIT / 2, UNIT), stops=True),
    World("0, ½, 2, stop rule", (0, UNIT / 2, 2 * UNIT), stops=True),
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Of one world: regret ÷ equal shares', coverage, called positive, width of the last interval ÷
    that of one looked at once on the same members, and on equal shares; bias; rounds held.
    """

    regret: float
    covered: float
    all_covered: bool
    positive: bool
    width: float
    width_equal: float
    bias: float
    rounds: int


def run() -> None:
    print("| world | regret | covered per arm | all arms | called positive | width ÷ fixed sample"
          " | ÷ equal shares | bias in sd | rounds | ms |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|")
    for world in WORLDS_TRIED:
        started = time.process_time()
        outcomes = [_held(world, seed) for seed in range(WORLDS)]
        spent = (time.process_time() - started) / WORLDS * 1e3

        def mean(name: str, outcomes: list[Outcome] = outcomes) -> float:
            return float(np.mean([getattr(outcome, name) for outcome in outcomes]))

        print(
            f"| {world.name} | {mean('regret'):.1%} | {mean('covered'):.1%} "
            f"| {mean('all_covered'):.1%} | {mean('positive'):.1%} | {mean('width'):.2f} "
            f"| {mean('width_equal'):.2f} | {mean('bias'):+.4f} | {mean('rounds'):.1f} "
            f"| {spent:.0f} |",
            flush=True,
        )


def _held(world: World, seed: int) -> Outcome:
    """All rounds of one world."""
    rng = np.random.default_rng(seed)
    effects = np.array(world.effects)
    count = len(effects)
    design = DecisionDesign(
        arms=tuple(map(str, range(count))), costs=(0.0,) * count, rounds=ROUNDS, members=MEMBERS
    )
    shares, regret = np.array(design.equal_shares), 0.0
    readings: list[RoundReading] = []
    misses, positive = np.zeros(count - 1, dtype=bool), False
    for number in range(ROUNDS):
        drawn = _round(world, rng, shares, f"{seed} {number}", number)
        readings.append(read_round(drawn, count))
        regret += float((effects.max() - effects[drawn.arms]).sum())
        for arm in range(1, count):
            interval = effect_over_rounds(design, readings, arm)
            misses[arm - 1] |= not interval["low"] <= effects[arm] - effects[0] <= interval["high"]
            positive |= interval["low"] > 0
        known = belief(readings, np.zeros(count), control=0, seed=seed)
        shares = next_shares(known.best, np.array(design.floors))
        if world.stops and why_stop(design, number + 1, known):
            regret += (
                float(effects.max() - effects[known.means.argmax()])
                * MEMBERS
                * (ROUNDS - number - 1)
            )
            break
    equal = MEMBERS * ROUNDS * float(effects.max() - effects.mean())
    width, width_equal, bias = _last(design, readings, effects)
    return Outcome(
        regret=regret / equal if equal else 0.0,
        covered=1 - float(misses.mean()),
        all_covered=not misses.any(),
        positive=positive,
        width=width,
        width_equal=width_equal,
        bias=bias,
        rounds=len(readings),
    )


def _round(
    world: World, rng: np.random.Generator, shares: Floats, seed: str, number: int
) -> DrawnRound:
    names = [str(member) for member in range(MEMBERS)]
    arms = np.array(draw_arms(names, ["all"] * MEMBERS, {"all": shares.tolist()}, seed))
    known = rng.normal(size=MEMBERS)
    left = _heavy(rng) if world.tail else rng.normal(size=MEMBERS)
    noise = np.sqrt(world.explained) * known + np.sqrt(1 - world.explained) * left
    return DrawnRound(
        outcome=np.array(world.effects)[arms] + noise + world.drift * number,
        arms=arms,
        groups=np.zeros(MEMBERS, dtype=np.int64),
        known=pd.DataFrame({"known": known}) if world.explained else None,
    )


def _heavy(rng: np.random.Generator) -> Floats:
    """One in five buys, for a log-normal amount; mean 0 and variance 1."""
    amounts = np.where(rng.random(MEMBERS) < 0.2, rng.lognormal(0, 1, MEMBERS), 0.0)
    mean, square = 0.2 * np.exp(0.5), 0.2 * np.exp(2)
    return np.asarray((amounts - mean) / np.sqrt(square - mean**2))


def _last(
    design: DecisionDesign, readings: list[RoundReading], effects: Floats
) -> tuple[float, float, float]:
    """Widths of the last intervals and the bias of their estimates, over the arms."""
    rows = []
    for arm in range(1, len(effects)):
        interval = effect_over_rounds(design, readings, arm)
        half = interval["value"] - interval["low"]
        _, errors = contrasts(readings, arm, 0)
        fixed = NORMAL_90 / np.sqrt((1 / errors**2).sum())
        equal = NORMAL_90 * np.sqrt(2 * len(effects) / (MEMBERS * len(readings)))
        rows.append((half / fixed, half / equal, interval["value"] - effects[arm] + effects[0]))
    width, width_equal, bias = np.mean(rows, axis=0)
    return float(width), float(width_equal), float(bias)


if __name__ == "__main__":
    run()
