"""ABC: the customers who together bring the first 80 %, the next 15 % and the last 5 %.

Pareto's rule as stock keeping uses it, on customers: sorted by profit, a customer belongs to
A as long as those before have not brought the share of A yet; whoever crosses it is in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from features.segments.profit import past_profit
from features.segments.ranks import TOLERANCE, Floats, places
from features.segments.system import CutPoints, Rule, Words, figure, percent

CLASSES = ("C", "B", "A")


@dataclass(frozen=True)
class Abc(Rule):
    """The ABC class of each customer; who brought nothing is C."""

    name: ClassVar = "abc"
    columns: ClassVar = ("abc",)
    title: ClassVar = Words("ABC", "ABC分类")
    labels: ClassVar = {
        "A": Words("A: the few who bring most", "A类：贡献大部分的少数客户"),
        "B": Words("B: the middle", "B类：中间客户"),
        "C": Words("C: the many who bring little", "C类：贡献很小的多数客户"),
    }

    @property
    def needs(self) -> tuple[str, ...]:
        return (f"spend_{self.settings.window_days}d",)

    def cut_points(self, customers: pd.DataFrame) -> CutPoints:
        """`above`: the profits to be exceeded for B and for A, never below 0."""
        profit = past_profit(customers, self.settings.window_days)
        shares = self.settings.abc
        return {"above": [_edge(profit, shares.a + shares.b), _edge(profit, shares.a)]}

    def _groups(self, customers: pd.DataFrame, cuts: CutPoints) -> Sequence[Any]:
        profit = past_profit(customers, self.settings.window_days)
        return (np.array(CLASSES)[places(profit, cuts["above"])],)

    def _rule(self) -> Words:
        days, shares = self.settings.window_days, self.settings.abc
        a, b, c = (percent(share) for share in (shares.a, shares.b, shares.c))
        return Words(
            f"Customers sorted by profit of the last {days} days (net spend where no costs are "
            f"known): A bring the first {a} of it, B the next {b}, C the last {c} or nothing.",
            f"按最近{days}天的利润（无成本数据时用净消费额）从高到低排序："
            f"A类贡献前{a}，B类贡献其后{b}，C类贡献最后{c}或没有贡献。",
        )

    def _in_this_run(self, cuts: CutPoints) -> tuple[Words, ...]:
        b, a = (figure(edge) for edge in cuts["above"])
        return (Words(f"A from more than {a}, B from more than {b}.", f"A类高于{a}，B类高于{b}。"),)


def _edge(profit: Floats, share: float) -> float:
    """The highest profit above which customers bring at least `share` of all, ≥ 0."""
    values, counts = np.unique(profit[profit > 0], return_counts=True)
    if not len(values):
        return 0.0
    # summed from the top, without rounding away what stands above a value
    from_here = np.cumsum((values * counts)[::-1])[::-1]
    above = np.append(from_here[1:], 0.0)
    reached = above >= (share - TOLERANCE) * from_here[0]
    return float(values[reached].max(initial=0.0))
