"""The stage of the relationship: exploration, growth, stable, decline, lost, reactivated.

After F. R. Dwyer, P. H. Schurr and S. Oh, "Developing Buyer-Seller Relationships", Journal of
Marketing 51 (1987), and the four stages 考察、形成、稳定、退化 drawn from it, told apart
by the number of purchase days, the customer's own rhythm and the trend of spend.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.language.message import Phrase, message, message_in
from features.segments.ranks import Floats
from features.segments.system import CutPoints, SystemRule, figure, percent
from features.segments.trend import daily_trend, trend_columns

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Lifecycle(SystemRule):
    """The stage of each customer: the first of the rule whose condition holds."""

    name: ClassVar = "lifecycle"
    columns: ClassVar = ("lifecycle",)
    title: ClassVar = message_in("rule", "Lifecycle")
    labels: ClassVar = {
        "exploration": message("exploration"),
        "growth": message("growth"),
        "stable": message_in("stage of the lifecycle", "stable"),
        "decline": message("decline"),
        "lost": message("lost"),
        "reactivated": message("reactivated"),
    }

    @property
    def needs(self) -> tuple[str, ...]:
        return (*_RHYTHM, *trend_columns(self.settings.period_days))

    def cut_points(self, customers: pd.DataFrame) -> CutPoints:
        """`usual_gap_days`: the median gap, for those who have no rhythm of their own yet."""
        gaps = customers.loc[customers["repeat_purchase_days"] >= 2, "mean_gap_days"]
        rules = self.settings.lifecycle
        unknown = rules.lost_after_days_min / rules.lost_gaps
        return {"usual_gap_days": [float(gaps.median()) if len(gaps) else unknown]}

    def _groups(self, customers: pd.DataFrame, cuts: CutPoints) -> Sequence[Any]:
        rules = self.settings.lifecycle
        (shop_gap,) = cuts["usual_gap_days"]
        repeats = customers["repeat_purchase_days"].to_numpy(dtype=float)
        silence = customers["days_since_last_order"].to_numpy(dtype=float)
        gap = _own(customers["mean_gap_days"].to_numpy(dtype=float), repeats >= 2, shop_gap)
        lost_after = self._lost_after(gap)
        unusual = silence > customers["max_gap_days"].fillna(0).to_numpy(dtype=float)
        trend = daily_trend(customers, self.settings.period_days)
        conditions: dict[str, Booleans] = {
            "lost": (silence > lost_after) & (unusual | (silence > rules.lost_after_days_max)),
            "reactivated": self._came_back(customers, repeats, shop_gap),
            "exploration": repeats + 1 <= rules.exploration_days,
            "decline": (unusual & (silence > rules.decline_gaps * gap))
            | (trend < rules.decline_ratio),
            # a customer too new for a trend counts as growing
            "growth": np.isnan(trend) | (trend >= rules.growth_ratio),
        }
        stages = np.full(len(customers), "stable", dtype=object)
        for stage, holds in reversed(conditions.items()):
            stages[holds] = stage
        return (stages,)

    def _rule(self) -> Phrase:
        rules, days = self.settings.lifecycle, self.settings.period_days
        lost = (figure(rules.lost_gaps), rules.lost_after_days_min, rules.lost_after_days_max)
        grown, fallen = percent(rules.growth_ratio - 1), percent(1 - rules.decline_ratio)
        return message(
            "The first that holds. Lost: silent for %(gaps)s usual gaps (at least %(least)s, at most "
            "%(most)s days) and longer than ever. Reactivated: came back with the last order after such "
            "a silence. Exploration: at most %(exploration_days)s purchase days. Decline: silent for "
            "%(decline_gaps)s usual gaps and longer than ever, or daily spend of the last %(days)s days "
            "down by more than %(fallen)s on the time before. Growth: up by at least %(grown)s, or too "
            "young to tell. Else stable.",
            gaps=lost[0],
            least=lost[1],
            most=lost[2],
            exploration_days=rules.exploration_days,
            decline_gaps=figure(rules.decline_gaps),
            days=days,
            fallen=fallen,
            grown=grown,
        )

    def _in_this_run(self, cuts: CutPoints) -> tuple[Phrase, ...]:
        days = figure(cuts["usual_gap_days"][0])
        return (
            message("Usual gap of those without a rhythm of their own: %(days)s days.", days=days),
        )

    def _lost_after(self, gap: Floats) -> Floats:
        """Days of silence after which someone with this usual gap counts as lost."""
        rules = self.settings.lifecycle
        days = rules.lost_gaps * gap
        return np.asarray(days.clip(rules.lost_after_days_min, rules.lost_after_days_max))

    def _came_back(self, customers: pd.DataFrame, repeats: Floats, shop_gap: float) -> Booleans:
        """Whether the last gap was one after which the customer counted as lost."""
        last_gap = customers["last_gap_days"].fillna(0).to_numpy(dtype=float)
        before = customers["first_to_last_days"].to_numpy(dtype=float) - last_gap
        earlier = before / np.maximum(repeats - 1, 1)
        return np.asarray(last_gap > self._lost_after(_own(earlier, repeats >= 3, shop_gap)))


def _own(gap: Floats, has_own: Booleans, shop: float) -> Floats:
    return np.where(has_own, gap, shop)


_RHYTHM = (
    "days_since_last_order",
    "repeat_purchase_days",
    "first_to_last_days",
    "mean_gap_days",
    "max_gap_days",
    "last_gap_days",
)
