"""Value × potential × loyalty, each low, middle or high.

Value is what a customer has brought, potential what is predicted beyond going on as before,
loyalty how regular and how likely to stay. The three together tell what to do: high value and
low loyalty want to be held, low value and high potential want to be developed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from features.segments.profit import past_profit, run_rate
from features.segments.ranks import Floats, edges, places
from features.segments.system import CutPoints, Rule, Words, figure, percent
from features.settings.funnel import LoyaltyWeights

LEVELS = ("low", "middle", "high")
SATISFACTION = "mean_satisfaction_365d"


@dataclass(frozen=True)
class ValuePotentialLoyalty(Rule):
    """Three levels for each customer: low, middle or high."""

    name: ClassVar = "value_potential_loyalty"
    columns: ClassVar = ("value_level", "potential_level", "loyalty_level")
    title: ClassVar = Words("Value × potential × loyalty", "价值×潜力×忠诚")
    labels: ClassVar = {
        "low": Words("low", "低"),
        "middle": Words("middle", "中"),
        "high": Words("high", "高"),
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
        found = {
            name: edges(values, [levels.middle_from, levels.high_from])
            for name, values in self._measures(customers).items()
        }
        for above in found.values():
            above[1:] = [max(edge, 0.0) for edge in above[1:]]
        return found

    def _groups(self, customers: pd.DataFrame, cuts: CutPoints) -> Sequence[Any]:
        return [
            np.array(LEVELS)[places(values, cuts[name])]
            for name, values in self._measures(customers).items()
        ]

    def _rule(self) -> Words:
        days, levels = self.settings.window_days, self.settings.levels
        middle, high = percent(levels.middle_from), percent(levels.high_from)
        parts = loyalty_words(self.settings.loyalty)
        return Words(
            f"Value: profit of the last {days} days (net spend where no costs are known). "
            "Potential: predicted value in the horizon beyond going on at the past rate. Loyalty: "
            f"{parts.en}. Middle with more than {middle} of the customers below, high "
            f"from {high}; a potential is high only above 0.",
            f"价值：最近{days}天的利润（无成本数据时用净消费额）。潜力：预测期价值超出按以往水平延续"
            f"的部分。忠诚：{parts.zh}。低于自己的客户达{middle}为中，达{high}为高；潜力须大于0才为高。",
        )

    def _in_this_run(self, cuts: CutPoints) -> tuple[Words, ...]:
        names = {"value": "价值", "potential": "潜力", "loyalty": "忠诚"}
        return tuple(
            Words(
                f"{name.capitalize()}: middle from more than {figure(cuts[name][0])}, high from more than {figure(cuts[name][1])}.",
                f"{chinese}：高于{figure(cuts[name][0])}为中，高于{figure(cuts[name][1])}为高。",
            )
            for name, chinese in names.items()
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
    satisfaction is a tenth of `mean_satisfaction_365d`. Of whom that says nothing, and where the
    table has no such column, the first two decide.
    """
    regularity = (1 / (1 + customers["gap_variation"])).fillna(0)
    retention = 1 - customers["churn_probability"].fillna(1)
    two = weights.regularity * regularity + weights.retention * retention
    whole = weights.regularity + weights.retention
    if SATISFACTION not in customers:
        return (two / whole).to_numpy(dtype=float)
    told = customers[SATISFACTION] / 10
    three = (two + weights.satisfaction * told) / (whole + weights.satisfaction)
    return three.fillna(two / whole).to_numpy(dtype=float)


def loyalty_words(weights: LoyaltyWeights) -> Words:
    """What `loyalty_index` is, for a rule."""
    parts = [
        figure(weight) for weight in (weights.regularity, weights.retention, weights.satisfaction)
    ]
    return Words(
        "mean of regularity, 1 ÷ (1 + variation of the gaps), of the probability of an order in the "
        f"horizon and, where known, of satisfaction (weights {' : '.join(parts)})",
        "购买规律性（1÷（1+间隔变异系数））、预测期内下单概率与（已知时）满意度的加权平均"
        f"（权重{'：'.join(parts)}）",
    )
