"""Four indices of a customer, 0 to 100: satisfaction, loyalty, profit contribution, lifetime value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from features.language.message import Phrase, message
from features.segments.levels import SATISFACTION, loyalty_index, loyalty_words
from features.segments.profit import past_profit
from features.segments.ranks import CENTILES, edges, places
from features.segments.system import CutPoints, SystemRule

LIFETIME = "clv_lifetime"


@dataclass(frozen=True)
class FourIndices(SystemRule):
    """CS, CL, CPC and CLV of the model of customer value (客户价值分析模型)."""

    name: ClassVar = "four_indices"
    columns: ClassVar = ("satisfaction_index", "loyalty_index", "profit_index", "lifetime_index")
    indices: ClassVar = columns
    title: ClassVar = message("Four indices of customer value")
    labels: ClassVar = {}

    @property
    def needs(self) -> tuple[str, ...]:
        days = self.settings.window_days
        return (f"spend_{days}d", "gap_variation", "churn_probability", LIFETIME)

    def cut_points(self, customers: pd.DataFrame) -> CutPoints:
        """The 100 values each that divide the customers by profit and by lifetime value."""
        return {
            "profit": edges(past_profit(customers, self.settings.window_days), CENTILES),
            "lifetime": edges(customers[LIFETIME].dropna().to_numpy(dtype=float), CENTILES),
        }

    def _groups(self, customers: pd.DataFrame, cuts: CutPoints) -> Sequence[Any]:
        satisfaction = (
            10 * customers[SATISFACTION].to_numpy(dtype=float)
            if SATISFACTION in customers
            else np.full(len(customers), np.nan)
        )
        lifetime = customers[LIFETIME].to_numpy(dtype=float)
        place = places(np.nan_to_num(lifetime, nan=-np.inf), cuts["lifetime"])
        return (
            satisfaction,
            100 * loyalty_index(customers, self.settings.loyalty),
            places(past_profit(customers, self.settings.window_days), cuts["profit"]).astype(float),
            np.where(np.isfinite(lifetime), place, np.nan),
        )

    def _rule(self) -> Phrase:
        return message(
            "Each 0 to 100. Satisfaction: ten times the mean score of the last 365 days; "
            "not known where there is none. Loyalty: 100 times the %(loyalty_rule)s. Profit contribution: "
            "the place among all customers by profit of the last %(days)s days. Lifetime value: the "
            "place by predicted lifetime value. 0: nobody is below, 100: nearly all are.",
            loyalty_rule=loyalty_words(self.settings.loyalty),
            days=self.settings.window_days,
        )
