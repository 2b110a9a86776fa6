"""The Qini curve: what a ranking of customers gains over contacting as many at random.

N. J. Radcliffe, Direct Marketing Analytics Journal (2007). A ranking is used only when its gain
is above 0 with confidence, out of fold.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.experiments.effect import Bools, Floats

BOOTSTRAPS = 500
CONFIDENCE = 0.90
SHARES = tuple(tenth / 10 for tenth in range(11))
"""Where the curve is drawn."""


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """The gain of contacting the best-ranked `share` alone, per customer of all, with its 90 %
    interval; `at_random`: of as many drawn at random.
    """

    share: float
    gain: float
    low: float
    high: float
    at_random: float


@dataclass(frozen=True, kw_only=True)
class Qini:
    """The gain of a ranking over no ranking.

    Attributes
    ----------
    value : mean over all shares contacted of the gain over contacting as many at random, per
        customer, in units of the outcome
    low, high : 90 % interval by bootstrap over customers
    points : of the curve, at `SHARES`
    """

    value: float
    low: float
    high: float
    points: tuple[CurvePoint, ...]

    @property
    def beats_random(self) -> bool:
        return self.low > 0


def qini(ranking: Floats, treated: Bools, outcome: Floats, *, seed: int = 0) -> Qini:
    """The judge of a ranking: the gain over chance of contacting the highest first.

    At every share k of the customers, gain(k) = Σ over the first k of y·w/p − y·(1 − w)/(1 − p),
    an unbiased estimate of what contacting them all would add; chance would add k × gain of
    all. Ties of the ranking are broken at random.

    Parameters
    ----------
    ranking : higher is contacted earlier
    treated : arms as drawn
    outcome : same rows
    """
    rng = np.random.default_rng(seed)
    values = _ranked(ranking, treated, outcome, rng)
    count = len(values)
    areas, curves = [_area(values)], [_gains_at_shares(values)]
    for _ in range(BOOTSTRAPS):
        # customers drawn with replacement, in the order in which they stand
        drawn = np.repeat(values, rng.multinomial(count, np.full(count, 1 / count)))
        areas.append(_area(drawn))
        curves.append(_gains_at_shares(drawn))
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    low, high = np.quantile(areas[1:], tails)
    return Qini(
        value=areas[0],
        low=float(low),
        high=float(high),
        points=_points(curves[0], *np.quantile(curves[1:], tails, axis=0)),
    )


def qini_area(ranking: Floats, treated: Bools, outcome: Floats, *, seed: int = 0) -> float:
    """The value of `qini` without its interval."""
    return _area(_ranked(ranking, treated, outcome, np.random.default_rng(seed)))


def gains(ranking: Floats, treated: Bools, outcome: Floats, shares: Sequence[float]) -> list[float]:
    """The effect per contact among the best-ranked `share` of the customers, for each share."""
    order = np.argsort(-ranking, kind="stable")
    effects = []
    for share in shares:
        first = order[: max(1, round(len(order) * share))]
        arms = treated[first]
        if not 0 < arms.sum() < len(arms):
            effects.append(float("nan"))
            continue
        effects.append(float(outcome[first][arms].mean() - outcome[first][~arms].mean()))
    return effects


def treated_share(treated: Bools) -> float:
    """The share that was contacted: the chance with which each was."""
    return float(treated.mean())


def _ranked(ranking: Floats, treated: Bools, outcome: Floats, rng: np.random.Generator) -> Floats:
    """What each customer says of the gain, the highest-ranked first."""
    order = np.lexsort((rng.random(len(ranking)), -ranking))
    chance = treated_share(treated)
    # centred arms: the mean of the outcome is no gain, and its noise must not look like one
    centred = outcome - float(outcome.mean())
    return np.where(treated, centred / chance, -centred / (1 - chance))[order]


def _area(values: Floats) -> float:
    gain = np.cumsum(values)
    at_random = gain[-1] * np.arange(1, len(values) + 1) / len(values)
    return float((gain - at_random).mean() / len(values))


def _gains_at_shares(values: Floats) -> Floats:
    """Per customer of all."""
    gain = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.rint(np.array(SHARES) * len(values)).astype(int)
    return np.asarray(gain[ends] / len(values))


def _points(gain: Floats, low: Floats, high: Floats) -> tuple[CurvePoint, ...]:
    rows = zip(SHARES, gain.tolist(), low.tolist(), high.tolist(), strict=True)
    return tuple(
        CurvePoint(share=share, gain=value, low=start, high=end, at_random=share * float(gain[-1]))
        for share, value, start, end in rows
    )
