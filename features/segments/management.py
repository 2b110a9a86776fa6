"""The management score, 0 to 100, and its classes VIP, regular and potential.

A weighted mean of three parts, each a place among all customers from 0 (nobody below) to
100: behaviour (how recent and how often), contribution (profit) and loyalty.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.config import Segments
from features.segments.levels import loyalty_index
from features.segments.profit import past_profit
from features.segments.ranks import TOLERANCE, Floats, edges, parts, places
from features.segments.system import (
    DEFAULTS,
    CutPoints,
    Description,
    Words,
    figure,
    groups,
    percent,
)

CENTILES = parts(101)
"""They part the customers into the places 0 to 100."""


@dataclass(frozen=True)
class Management:
    """The score of each customer and its class."""

    settings: Segments = DEFAULTS

    name = "management"
    columns = ("management_score", "management_class")

    @property
    def needs(self) -> tuple[str, ...]:
        days = self.settings.window_days
        return (
            "days_since_last_order",
            f"orders_{days}d",
            f"spend_{days}d",
            "gap_variation",
            "churn_probability",
        )

    def cut_points(self, customers: pd.DataFrame) -> CutPoints:
        """Per measure the 100 values that part the customers into the places 0 to 100."""
        measures = self._measures(customers)
        return {name: edges(values, CENTILES) for name, values in measures.items()}

    def assign(self, customers: pd.DataFrame, cut_points: CutPoints | None = None) -> pd.DataFrame:
        """`management_score`, a whole number as text, and `management_class`."""
        cuts, rules = cut_points or self.cut_points(customers), self.settings.management
        place = {
            name: places(values, cuts[name]) for name, values in self._measures(customers).items()
        }
        weighted = (
            rules.behaviour * (place["recency"] + place["frequency"]) / 2
            + rules.contribution * place["contribution"]
            + rules.loyalty * place["loyalty"]
        )
        mean = weighted / (rules.behaviour + rules.contribution + rules.loyalty)
        # halves go up, also those that are a hair less in binary
        score = np.floor(mean + 0.5 + TOLERANCE).astype(int)
        classes = np.array(["potential", "regular", "vip"])
        return groups(
            customers,
            management_score=score.astype(str),
            management_class=classes[
                np.searchsorted([rules.regular_from, rules.vip_from], score, side="right")
            ],
        )

    def describe(self, cut_points: CutPoints | None = None) -> Description:
        rules, days = self.settings.management, self.settings.window_days
        whole = rules.behaviour + rules.contribution + rules.loyalty
        behaviour, contribution, loyalty = (
            percent(weight / whole)
            for weight in (rules.behaviour, rules.contribution, rules.loyalty)
        )
        return Description(
            name=self.name,
            title=Words("Management score", "客户管理评分"),
            rule=Words(
                f"0 to 100: {behaviour} behaviour (days since the last order and orders of the last "
                f"{days} days), {contribution} contribution (profit of the same days, net spend where "
                f"no costs are known), {loyalty} loyalty (regularity and probability of an order in "
                "the horizon); each part is the customer's place among all, 0 to 100. "
                f"VIP from {rules.vip_from}, regular from {rules.regular_from}, potential below.",
                f"0至100分：行为{behaviour}（距上次下单天数与最近{days}天订单数），贡献{contribution}"
                f"（同期利润，无成本数据时用净消费额），忠诚{loyalty}（规律性与预测期内下单概率）；各项为客户"
                f"在全体中的位次，0至100。{rules.vip_from}分起为VIP客户，{rules.regular_from}分起为"
                "普通客户，其余为潜力客户。",
            ),
            groups={
                "vip": Words("VIP", "VIP客户"),
                "regular": Words("regular", "普通客户"),
                "potential": Words("potential", "潜力客户"),
            },
            cut_points=_in_this_run(cut_points) if cut_points else (),
        )

    def _measures(self, customers: pd.DataFrame) -> dict[str, Floats]:
        days = self.settings.window_days
        return {
            # more recent is better
            "recency": -customers["days_since_last_order"].to_numpy(dtype=float),
            "frequency": customers[f"orders_{days}d"].to_numpy(dtype=float),
            "contribution": past_profit(customers, days),
            "loyalty": loyalty_index(customers),
        }


def _in_this_run(cuts: CutPoints) -> tuple[Words, ...]:
    if not cuts["contribution"]:
        return ()
    half = len(CENTILES) // 2
    silence, orders, profit, loyalty = (
        figure(abs(cuts[name][half]))
        for name in ("recency", "frequency", "contribution", "loyalty")
    )
    return (
        Words(
            f"In the middle stand {silence} days since the last order, {orders} orders, a profit of "
            f"{profit} and a loyalty of {loyalty}.",
            f"居中的客户：距上次下单{silence}天，{orders}单，利润{profit}，忠诚{loyalty}。",
        ),
    )
