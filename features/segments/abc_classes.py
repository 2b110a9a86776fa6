"""ABC: the customers who together bring the first 80 %, the next 15 % and the last 5 %.

Pareto's rule as used in stock keeping, applied to customers. Sorted by profit, a customer belongs
to A as long as the customers before have not brought the share of A; the one who crosses it is in A.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from features.language.message import Phrase, message
from features.segments.profit import past_profit
from features.segments.ranks import TOLERANCE, Floats, places
from features.segments.system import CutPoints, SystemRule, figure, percent

CLASSES = ("C", "B", "A")


@dataclass(frozen=True)
class Abc(SystemRule):
    """The ABC class of each customer; a customer who brought nothing is C."""

    name: ClassVar = "abc"
    columns: ClassVar = ("abc",)
    title: ClassVar = message("ABC")
    labels: ClassVar = {
        "A": message("A: those who bring most"),
        "B": message("B: the middle"),
        "C": message("C: those who bring little"),
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

    def _rule(self) -> Phrase:
        days, shares = self.settings.window_days, self.settings.abc
        a, b, c = (percent(share) for share in (shares.a, shares.b, shares.c))
        return message(
            "Customers sorted by profit of the last %(days)s days (net spend where no costs are known): "
            "A bring the first %(a)s of it, B the next %(b)s, C the last %(c)s or nothing.",
            days=days,
            a=a,
            b=b,
            c=c,
        )

    def _in_this_run(self, cuts: CutPoints) -> tuple[Phrase, ...]:
        b, a = (figure(edge) for edge in cuts["above"])
        return (message("A from more than %(a)s, B from more than %(b)s.", a=a, b=b),)


def _edge(profit: Floats, share: float) -> float:
    """The highest profit above which customers bring at least `share` of all, ≥ 0."""
    values, counts = np.unique(profit[profit > 0], return_counts=True)
    if not len(values):
        return 0.0
    # summed from the top, so that rounding does not lose the sum above a value
    from_here = np.cumsum((values * counts)[::-1])[::-1]
    above = np.append(from_here[1:], 0.0)
    reached = above >= (share - TOLERANCE) * from_here[0]
    return float(values[reached].max(initial=0.0))
