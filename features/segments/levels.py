"""Value × potential × loyalty, each low, middle or high.

Value is the past profit of a customer, potential the predicted profit beyond the past rate, loyalty
the regularity and the probability to stay. The three together suggest what to do: keep customers of
high value and low loyalty, develop customers of low value and high potential.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from features.language.message import Message, Phrase, message, message_in, message_list
from features.segments.profit import past_profit, run_rate
from features.segments.ranks import Floats, edges, places
from features.segments.system import CutPoints, SystemRule, figure, percent
from features.settings.funnel import LoyaltyWeights

LEVELS = ("low", "middle", "high")
SATISFACTION = "mean_satisfaction_365d"

_BETWEEN_WEIGHTS = message_in("between weights", " : ")
_MEASURES = {
    "value": message("Value"),
    "potential": message("Potential"),
    "loyalty": message("Loyalty"),
}


@dataclass(frozen=True)
class ValuePotentialLoyalty(SystemRule):
    """Three levels for each customer: low, middle or high."""

    name: ClassVar = "value_potential_loyalty"
    columns: ClassVar = ("value_level", "potential_level", "loyalty_level")
    title: ClassVar = message("Value × potential × loyalty")
    labels: ClassVar = {
        "low": message("low"),
        "middle": message("middle"),
        "high": message("high"),
    }

    @property
    def needs(self) -> tuple[str, ...]:
        return (
            f"spend_{self.settings.window_days}d",
            "days_since_first_order",
            "gap_variation",
            "clv",
            "churn_probability",
            "horizon_days",
        )

    def cut_points(self, customers: pd.DataFrame) -> CutPoints:
        """The values to be exceeded for middle and high; a high value or potential is above 0."""
        levels = self.settings.levels
        cuts = {
            name: edges(values, [levels.middle_from, levels.high_from])
            for name, values in self._measures(customers).items()
        }
        for above in cuts.values():
            above[1:] = [max(edge, 0.0) for edge in above[1:]]
        return cuts

    def _groups(self, customers: pd.DataFrame, cuts: CutPoints) -> Sequence[Any]:
        return [
            np.array(LEVELS)[places(values, cuts[name])]
            for name, values in self._measures(customers).items()
        ]

    def _rule(self) -> Phrase:
        days, levels = self.settings.window_days, self.settings.levels
        middle, high = percent(levels.middle_from), percent(levels.high_from)
        parts = loyalty_words(self.settings.loyalty)
        return message(
            "Value: profit of the last %(days)s days (net spend where no costs are known). Potential: "
            "predicted value in the horizon beyond going on at the past rate. Loyalty: %(loyalty_rule)s. "
            "Middle with more than %(middle)s of the customers below, high from %(high)s; a potential is "
            "high only above 0.",
            days=days,
            loyalty_rule=parts,
            middle=middle,
            high=high,
        )

    def _in_this_run(self, cuts: CutPoints) -> tuple[Phrase, ...]:
        return tuple(
            message(
                "%(measure)s: middle from more than %(middle)s, high from more than %(high)s.",
                measure=_MEASURES[name],
                middle=figure(cuts[name][0]),
                high=figure(cuts[name][1]),
            )
            for name in _MEASURES
            if cuts[name]
        )

    def _measures(self, customers: pd.DataFrame) -> dict[str, Floats]:
        days = self.settings.window_days
        clv = customers["clv"].fillna(0).to_numpy(dtype=float)
        return {
            "value": past_profit(customers, days),
            "potential": clv - run_rate(customers, days),
            "loyalty": loyalty_index(customers, self.settings.loyalty),
        }


def loyalty_index(customers: pd.DataFrame, weights: LoyaltyWeights) -> Floats:
    """Weighted mean of regularity, retention and, where it is known, satisfaction, within [0, 1].

    Regularity is 1 ÷ (1 + coefficient of variation of the gaps), 0 without a rhythm (fewer
    than three purchase days); retention is 1 − `churn_probability`, 0 where that is unknown;
    satisfaction is a tenth of `mean_satisfaction_365d`. Where a customer has no satisfaction, or
    the table no such column, the first two decide.
    """
    regularity = (1 / (1 + customers["gap_variation"])).fillna(0)
    retention = 1 - customers["churn_probability"].fillna(1)
    two = weights.regularity * regularity + weights.retention * retention
    whole = weights.regularity + weights.retention
    if SATISFACTION not in customers:
        return (two / whole).to_numpy(dtype=float)
    satisfaction = customers[SATISFACTION] / 10
    three = (two + weights.satisfaction * satisfaction) / (whole + weights.satisfaction)
    return three.fillna(two / whole).to_numpy(dtype=float)


def loyalty_words(weights: LoyaltyWeights) -> Phrase:
    """What `loyalty_index` is, for a rule."""
    parts = [
        figure(weight) for weight in (weights.regularity, weights.retention, weights.satisfaction)
    ]
    return message(
        "mean of regularity, 1 ÷ (1 + variation of the gaps), of the probability of an order in the "
        "horizon and, where known, of satisfaction (weights %(weights)s)",
        weights=message_list(map(Message, parts), _BETWEEN_WEIGHTS),
    )
