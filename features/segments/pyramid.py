"""The customer pyramid: platinum, gold, iron, lead, and the two tiers of the 80/20 rule.

V. A. Zeithaml, R. T. Rust and K. N. Lemon, "The Customer Pyramid: Creating and Serving
Profitable Customers", California Management Review 43 (2001); the tiers 1/4/15/80 % are
J. Curry's ("The Customer Marketing Method", 2000). Once on past profit, once on predicted
value.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from features.segments.profit import past_profit
from features.segments.ranks import Floats, edges, places
from features.segments.system import CutPoints, Rule, Words, figure, percent

TIERS = ("lead", "iron", "gold", "platinum")
TWO_TIERS = ("base", "top")


_LABELS = {
    "platinum": Words("platinum", "铂金层"),
    "gold": Words("gold", "黄金层"),
    "iron": Words("iron", "铁层"),
    "lead": Words("lead", "铅层"),
    "top": Words("top", "头部"),
    "base": Words("base", "基础"),
}


@dataclass(frozen=True)
class Pyramid(Rule):
    """Tiers by profit of the window; who brings nothing is lead and base."""

    name: ClassVar[str] = "pyramid"
    columns: ClassVar[tuple[str, ...]] = ("pyramid", "two_tier")
    title: ClassVar[Words] = Words("Customer pyramid", "客户金字塔")
    labels: ClassVar = _LABELS
    measure: ClassVar[Words] = Words(
        "profit of the last {days} days (net spend where no costs are known)",
        "最近{days}天的利润（无成本数据时用净消费额）",
    )

    @property
    def needs(self) -> tuple[str, ...]:
        return (f"spend_{self.settings.window_days}d",)

    def cut_points(self, customers: pd.DataFrame) -> CutPoints:
        """The values to be exceeded for iron, gold and platinum, and for the upper of two."""
        shares = self.settings.pyramid
        gold = shares.platinum + shares.gold
        return {
            "above": self._edges(customers, [gold + shares.iron, gold, shares.platinum]),
            "two_above": self._edges(customers, [shares.top]),
        }

    def _groups(self, customers: pd.DataFrame, cuts: CutPoints) -> Sequence[Any]:
        value = self._value(customers)
        return (
            np.array(TIERS)[places(value, cuts["above"])],
            np.array(TWO_TIERS)[places(value, cuts["two_above"])],
        )

    def _rule(self) -> Words:
        shares, days = self.settings.pyramid, self.settings.window_days
        top = percent(shares.top)
        en, zh = (text.format(days=days) for text in self.measure)
        tiers = ("platinum", "gold", "iron", "lead")
        sizes = [percent(getattr(shares, tier)) for tier in tiers]
        listed = ", ".join(f"{tier} {size}" for tier, size in zip(tiers, sizes, strict=True))
        listed_zh = "、".join(f"{_LABELS[t].zh}{s}" for t, s in zip(tiers, sizes, strict=True))
        return Words(
            f"Customers sorted by {en}, from the top: {listed}; equal values share the lower "
            f"tier, and who brings nothing is lead. In two tiers: the top {top} and the base.",
            f"按{zh}从高到低：{listed_zh}；数值相同者同归较低一层，没有贡献者归铅层。"
            f"两层划分：前{top}为头部，其余为基础。",
        )

    def _in_this_run(self, cuts: CutPoints) -> tuple[Words, ...]:
        if not cuts["above"]:
            return ()
        iron, gold, platinum = (figure(edge) for edge in cuts["above"])
        return (
            Words(
                f"Platinum from more than {platinum}, gold from more than {gold}, iron from more than {iron}.",
                f"铂金层高于{platinum}，黄金层高于{gold}，铁层高于{iron}。",
            ),
        )

    def _value(self, customers: pd.DataFrame) -> Floats:
        return past_profit(customers, self.settings.window_days)

    def _edges(self, customers: pd.DataFrame, top_shares: list[float]) -> list[float]:
        found = edges(self._value(customers), [1 - share for share in top_shares])
        return [max(edge, 0.0) for edge in found]


@dataclass(frozen=True)
class PyramidOfClv(Pyramid):
    """The same tiers by predicted customer value."""

    name = "pyramid_clv"
    columns = ("pyramid_clv", "two_tier_clv")
    title = Words("Customer pyramid by predicted value", "按预测价值的客户金字塔")
    measure = Words("predicted value in the horizon (CLV)", "预测期内的预测客户价值（CLV）")

    @property
    def needs(self) -> tuple[str, ...]:
        return ("clv",)

    def _value(self, customers: pd.DataFrame) -> Floats:
        return customers["clv"].fillna(0).to_numpy(dtype=float)
