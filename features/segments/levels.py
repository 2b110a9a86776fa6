"""Value × potential × loyalty, each low, middle or high.

Value is what a customer has brought, potential what is predicted beyond going on as before,
loyalty how regular and how likely to stay. The three together tell what to do: high value and
low loyalty want to be held, low value and high potential want to be developed.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.config import Segments
from features.segments.profit import past_profit, run_rate
from features.segments.ranks import Floats, edges, places
from features.segments.system import (
    DEFAULTS,
    CutPoints,
    Description,
    Words,
    figure,
    groups,
    percent,
)

LEVELS = ("low", "middle", "high")


@dataclass(frozen=True)
class ValuePotentialLoyalty:
    """Three levels for each customer."""

    settings: Segments = DEFAULTS

    name = "value_potential_loyalty"
    columns = ("value_level", "potential_level", "loyalty_level")

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

    def assign(self, customers: pd.DataFrame, cut_points: CutPoints | None = None) -> pd.DataFrame:
        """`value_level`, `potential_level` and `loyalty_level`: low, middle or high."""
        cuts = cut_points or self.cut_points(customers)
        return groups(
            customers,
            **{
                f"{name}_level": np.array(LEVELS)[places(values, cuts[name])]
                for name, values in self._measures(customers).items()
            },
        )

    def describe(self, cut_points: CutPoints | None = None) -> Description:
        days, levels = self.settings.window_days, self.settings.levels
        middle, high = percent(levels.middle_from), percent(levels.high_from)
        return Description(
            name=self.name,
            title=Words("Value × potential × loyalty", "价值×潜力×忠诚"),
            rule=Words(
                f"Value: profit of the last {days} days (net spend where no costs are known). "
                "Potential: predicted value in the horizon beyond going on at the past rate. Loyalty: "
                "mean of regularity, 1 ÷ (1 + variation of the gaps), and of the probability of an "
                f"order in the horizon. Middle with more than {middle} of the customers below, high "
                f"from {high}; a potential is high only above 0.",
                f"价值：最近{days}天的利润（无成本数据时用净消费额）。潜力：预测期价值超出按以往水平延续"
                "的部分。忠诚：购买规律性（1÷（1+间隔变异系数））与预测期内下单概率的平均。低于自己的客户"
                f"达{middle}为中，达{high}为高；潜力须大于0才为高。",
            ),
            groups={
                "low": Words("low", "低"),
                "middle": Words("middle", "中"),
                "high": Words("high", "高"),
            },
            cut_points=_in_this_run(cut_points) if cut_points else (),
        )

    def _measures(self, customers: pd.DataFrame) -> dict[str, Floats]:
        days = self.settings.window_days
        clv = customers["clv"].fillna(0).to_numpy(dtype=float)
        return {
            "value": past_profit(customers, days),
            "potential": clv - run_rate(customers, days),
            "loyalty": loyalty_index(customers),
        }


def loyalty_index(customers: pd.DataFrame) -> Floats:
    """Mean of regularity and retention, within [0, 1].

    Regularity is 1 ÷ (1 + coefficient of variation of the gaps), 0 without a rhythm (fewer
    than three purchase days); retention is 1 − `churn_probability`, 0 where that is unknown.
    """
    regularity = (1 / (1 + customers["gap_variation"])).fillna(0)
    retention = 1 - customers["churn_probability"].fillna(1)
    return ((regularity + retention) / 2).to_numpy(dtype=float)


def _in_this_run(cuts: CutPoints) -> tuple[Words, ...]:
    names = {"value": "价值", "potential": "潜力", "loyalty": "忠诚"}
    return tuple(
        Words(
            f"{name.capitalize()}: middle from more than {figure(cuts[name][0])}, high from more than {figure(cuts[name][1])}.",
            f"{chinese}：高于{figure(cuts[name][0])}为中，高于{figure(cuts[name][1])}为高。",
        )
        for name, chinese in names.items()
        if cuts[name]
    )
