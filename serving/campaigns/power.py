"""How small an effect a campaign of this size can tell from chance."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import cast

from serving.campaigns.plan import PowerFigures

CONFIDENCE = 0.90
"""Of the two-sided interval by which an effect is judged."""
POWER = 0.80

DETECTION = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) + NormalDist().inv_cdf(POWER)
"""How many standard errors an effect must be, to be told from 0 in 4 of 5 campaigns: 2.486."""


@dataclass(frozen=True, kw_only=True)
class OrderedPower:
    """What a campaign can tell of the share who order, which scatters less than money.

    Attributes
    ----------
    usual : share of the chosen who will order without a contact, as predicted
    detectable : smallest difference of the shares that is found with 80 % power
    expected : the share that a contact is assumed to add: save rate × chance of no order
    is_enough : whether that would be found
    """

    usual: float
    detectable: float
    expected: float
    is_enough: bool


@dataclass(frozen=True, kw_only=True)
class Power:
    """What a campaign can tell.

    Attributes
    ----------
    detectable : smallest effect per contact, in revenue, that is found with 80 % power
    detectable_save_rate : the same as a share of the value at risk; None where nothing is
    expected : effect per contact by the assumed save rate
    is_enough : whether the expected effect would be found
    needed_hold_out : share of the chosen that finds the expected effect with these contacts;
        None where not even half of them do
    needed_contacts : contacts that find it with half of all held out
    ordered : the same of the share who order; None where nothing is known of it
    """

    detectable: float
    detectable_save_rate: float | None
    expected: float
    is_enough: bool
    needed_hold_out: float | None
    needed_contacts: int | None
    ordered: OrderedPower | None = None

    def to_dict(self) -> PowerFigures:
        return cast("PowerFigures", asdict(self))


def spend_variance(clv: float, churn_probability: float, spend_cv: float) -> float:
    """Variance of a customer's spend in the horizon, given what is expected of them.

    With probability P = 1 − churn they spend A on average, A = clv ÷ P, scattered with
    coefficient of variation c: E[y²] = P·A²·(1 + c²), so Var = clv²·((1 + c²) ÷ P − 1).

    >>> spend_variance(10.0, 0.5, 0.0)
    100.0
    """
    orders = max(1 - churn_probability, 0.01)
    return clv * clv * ((1 + spend_cv * spend_cv) / orders - 1)


def power_of(
    contacts: int, held_out: int, *, variance: float, expected: float, value_at_risk: float
) -> Power | None:
    """What `contacts` against `held_out` customers can tell; None where one of them is nobody.

    The standard error of the difference of two means, σ·√(1/n₁ + 1/n₂).

    Parameters
    ----------
    variance : of a customer's spend around what is predicted, mean over the chosen
    expected : effect per contact that is assumed, in revenue
    value_at_risk : mean of the chosen
    """
    if not contacts or not held_out:
        return None
    detectable = DETECTION * math.sqrt(variance * (1 / contacts + 1 / held_out))
    needed, least = None, None
    if expected > 0 and variance > 0:
        # 1/n₁ + 1/n₂ of two arms that find the expected effect
        reciprocals = (expected / DETECTION) ** 2 / variance
        least = math.ceil(2 / reciprocals)
        rest = reciprocals - 1 / contacts
        needed_held_out = math.ceil(1 / rest) if rest > 0 else math.inf
        if needed_held_out <= contacts:
            needed = needed_held_out / (needed_held_out + contacts)
    return Power(
        detectable=detectable,
        detectable_save_rate=detectable / value_at_risk if value_at_risk > 0 else None,
        expected=expected,
        is_enough=expected >= detectable,
        needed_hold_out=needed,
        needed_contacts=least,
    )


def ordered_power(
    contacts: int, held_out: int, *, churn: Sequence[float], save_rate: float
) -> OrderedPower | None:
    """What `contacts` against `held_out` customers can tell of the share who order.

    A customer orders with probability 1 − churn, whatever the arm: variance churn × (1 − churn),
    beside what is predicted of each.

    Parameters
    ----------
    churn : probability of no order of each of the chosen
    save_rate : share of those who would stay away that a contact is assumed to bring back
    """
    if not contacts or not held_out or not churn:
        return None
    variance = sum(p * (1 - p) for p in churn) / len(churn)
    away = sum(churn) / len(churn)
    detectable = DETECTION * math.sqrt(variance * (1 / contacts + 1 / held_out))
    return OrderedPower(
        usual=1 - away,
        detectable=detectable,
        expected=save_rate * away,
        is_enough=save_rate * away >= detectable,
    )
