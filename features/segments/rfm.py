"""RFM: quintile scores, the cell `555`…`111` and the eight groups.

Recency is days since the last order, frequency and money are orders and net spend of the
window. Quintile scores run from 1 to 5 (5 = most recent, most orders, most spend); equal
values share a score. The eight groups compare each of the three with its mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from features.segments.ranks import Floats, Integers, edges, parts, places
from features.segments.system import CutPoints, Rule, Words, figure

GROUPS = {
    # (recency, frequency, money above the mean): name
    (True, True, True): "important_value",
    (False, True, True): "important_keep",
    (True, False, True): "important_develop",
    (False, False, True): "important_win_back",
    (True, True, False): "general_value",
    (False, True, False): "general_keep",
    (True, False, False): "general_develop",
    (False, False, False): "general_win_back",
}
QUINTILES = parts(5)


@dataclass(frozen=True)
class Rfm(Rule):
    """The RFM cell (three digits R, F, M) and group of each customer."""

    name: ClassVar = "rfm"
    columns: ClassVar = ("rfm_cell", "rfm_group")
    title: ClassVar = Words("RFM", "RFM分析")
    labels: ClassVar = {
        "important_value": Words("important value", "重要价值"),
        "important_keep": Words("important keep", "重要保持"),
        "important_develop": Words("important develop", "重要发展"),
        "important_win_back": Words("important win-back", "重要挽留"),
        "general_value": Words("general value", "一般价值"),
        "general_keep": Words("general keep", "一般保持"),
        "general_develop": Words("general develop", "一般发展"),
        "general_win_back": Words("general win-back", "一般挽留"),
    }

    @property
    def needs(self) -> tuple[str, ...]:
        days = self.settings.window_days
        return ("days_since_last_order", f"orders_{days}d", f"spend_{days}d")

    def cut_points(self, customers: pd.DataFrame) -> CutPoints:
        """Edges of the quintiles and means; recency in days of silence, negated."""
        measures = self._measures(customers)
        return {
            **{f"{name}_edges": edges(values, QUINTILES) for name, values in measures.items()},
            **{
                f"{name}_mean": [float(values.mean()) if len(values) else 0.0]
                for name, values in measures.items()
            },
        }

    def _groups(self, customers: pd.DataFrame, cuts: CutPoints) -> Sequence[Any]:
        measures = self._measures(customers)
        r, f, m = (1 + places(values, cuts[f"{name}_edges"]) for name, values in measures.items())
        high = zip(
            *(values > cuts[f"{name}_mean"][0] for name, values in measures.items()), strict=True
        )
        cell = (100 * r + 10 * f + m).astype(str)
        return cell, [GROUPS[bool(r), bool(f), bool(m)] for r, f, m in high]

    def _rule(self) -> Words:
        days = self.settings.window_days
        return Words(
            f"Recency (days since the last order), frequency and money (orders and net spend of "
            f"the last {days} days) are each scored 1 to 5 by fifths of the customers, 5 being "
            "the best; equal values share a score. The three digits are the cell. The group "
            "compares each of the three with its mean.",
            f"按最近一次下单距今天数（R）、最近{days}天的订单数（F）和净消费额（M）分别排序，"
            "每五分之一的客户为一档，得1至5分，5分最好，数值相同得分相同；三位数字即RFM单元。"
            "分组看三项各自高于还是低于平均值。",
        )

    def _in_this_run(self, cuts: CutPoints) -> tuple[Words, ...]:
        days, orders, spend = (
            figure(abs(cuts[f"{name}_mean"][0])) for name in ("recency", "frequency", "money")
        )
        return (
            Words(
                f"Means: {days} days of silence, {orders} orders, {spend} spent.",
                f"平均值：距上次下单{days}天，{orders}单，消费{spend}。",
            ),
            *(
                Words(
                    f"{en}: a score of 5 from {side} than {figure(abs(cuts[f'{name}_edges'][-1]))}{unit}.",
                    f"{zh}：{zh_side}{figure(abs(cuts[f'{name}_edges'][-1]))}{zh_unit}得5分。",
                )
                for name, en, zh, side, zh_side, unit, zh_unit in _SENTENCES
                if cuts[f"{name}_edges"]
            ),
        )

    def _measures(self, customers: pd.DataFrame) -> dict[str, Floats]:
        silence, orders, spend = self.needs
        return {
            # more recent is better
            "recency": -customers[silence].to_numpy(dtype=float),
            "frequency": customers[orders].to_numpy(dtype=float),
            "money": customers[spend].to_numpy(dtype=float),
        }


def quintile_scores(values: Floats, above: Sequence[float] | None = None) -> Integers:
    """Scores 1–5: one, and one more for each fifth of the customers with a smaller value.

    `above` are the edges of other customers; None: those of these.

    >>> quintile_scores(np.array([10.0, 20, 30, 40, 50]))
    array([1, 2, 3, 4, 5])
    >>> quintile_scores(np.array([1.0, 1, 1, 2, 9]))
    array([1, 1, 1, 4, 5])
    """
    return np.asarray(1 + places(values, edges(values, QUINTILES) if above is None else above))


_SENTENCES = (
    ("recency", "Recency", "最近一次", "less", "不到", " days", "天"),
    ("frequency", "Frequency", "频次", "more", "超过", " orders", "单"),
    ("money", "Money", "金额", "more", "超过", "", ""),
)
