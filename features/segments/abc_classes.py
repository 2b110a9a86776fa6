"""ABC: the customers who together bring the first 80 %, the next 15 % and the last 5 %.

Pareto's rule as stock keeping uses it, on customers: sorted by profit, a customer belongs to
A as long as those before have not brought the share of A yet; whoever crosses it is in it.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.config import Segments
from features.segments.profit import past_profit
from features.segments.ranks import TOLERANCE, Floats, places
from features.segments.system import (
    DEFAULTS,
    CutPoints,
    Description,
    Words,
    figure,
    groups,
    percent,
)

CLASSES = ("C", "B", "A")


@dataclass(frozen=True)
class Abc:
    """The ABC class of each customer."""

    settings: Segments = DEFAULTS

    name = "abc"
    columns = ("abc",)

    @property
    def needs(self) -> tuple[str, ...]:
        return (f"spend_{self.settings.window_days}d",)

    def cut_points(self, customers: pd.DataFrame) -> CutPoints:
        """`above`: the profits to be exceeded for B and for A, never below 0."""
        profit = past_profit(customers, self.settings.window_days)
        shares = self.settings.abc
        return {"above": [_edge(profit, shares.a + shares.b), _edge(profit, shares.a)]}

    def assign(self, customers: pd.DataFrame, cut_points: CutPoints | None = None) -> pd.DataFrame:
        """`abc`: A, B or C; who brought nothing is C."""
        cuts = cut_points or self.cut_points(customers)
        profit = past_profit(customers, self.settings.window_days)
        return groups(customers, abc=np.array(CLASSES)[places(profit, cuts["above"])])

    def describe(self, cut_points: CutPoints | None = None) -> Description:
        days, shares = self.settings.window_days, self.settings.abc
        a, b, c = (percent(share) for share in (shares.a, shares.b, shares.c))
        return Description(
            name=self.name,
            title=Words("ABC", "ABC分类"),
            rule=Words(
                f"Customers sorted by profit of the last {days} days (net spend where no costs are "
                f"known): A bring the first {a} of it, B the next {b}, C the last {c} or nothing.",
                f"按最近{days}天的利润（无成本数据时用净消费额）从高到低排序："
                f"A类贡献前{a}，B类贡献其后{b}，C类贡献最后{c}或没有贡献。",
            ),
            groups={
                "A": Words("A: the few who bring most", "A类：贡献大部分的少数客户"),
                "B": Words("B: the middle", "B类：中间客户"),
                "C": Words("C: the many who bring little", "C类：贡献很小的多数客户"),
            },
            cut_points=_in_this_run(cut_points["above"]) if cut_points else (),
        )


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


def _in_this_run(above: list[float]) -> tuple[Words, ...]:
    b, a = (figure(edge) for edge in above)
    return (Words(f"A from more than {a}, B from more than {b}.", f"A类高于{a}，B类高于{b}。"),)
