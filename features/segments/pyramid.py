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

from features.language.message import Message, Phrase, message, message_in, message_list
from features.segments.profit import past_profit
from features.segments.ranks import Floats, edges, places
from features.segments.system import CutPoints, SystemRule, figure, percent

TIERS = ("lead", "iron", "gold", "platinum")
TWO_TIERS = ("base", "top")


_LABELS = {
    "platinum": message("platinum"),
    "gold": message("gold"),
    "iron": message("iron"),
    "lead": message("lead"),
    "top": message("top"),
    "base": message("base"),
}


@dataclass(frozen=True)
class Pyramid(SystemRule):
    """Tiers by profit of the window; customers who bring nothing are lead and base."""

    name: ClassVar[str] = "pyramid"
    columns: ClassVar[tuple[str, ...]] = ("pyramid", "two_tier")
    title: ClassVar[Phrase] = message("Customer pyramid")
    labels: ClassVar = _LABELS
    measure: ClassVar[Message] = message(
        "profit of the last %(days)s days (net spend where no costs are known)"
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

    def _rule(self) -> Phrase:
        shares, days = self.settings.pyramid, self.settings.window_days
        tiers = ("platinum", "gold", "iron", "lead")
        listed = message_list(
            (
                message(
                    "%(tier)s %(share)s", tier=_LABELS[tier], share=percent(getattr(shares, tier))
                )
                for tier in tiers
            ),
            message_in("between the parts of a sentence", ", "),
        )
        return message(
            "Customers sorted by %(measure)s, from the top: %(tiers)s; equal values share the "
            "lower tier, and who brings nothing is lead. In two tiers: the top %(top)s and the base.",
            measure=self.measure.filled(days=days),
            tiers=listed,
            top=percent(shares.top),
        )

    def _in_this_run(self, cuts: CutPoints) -> tuple[Phrase, ...]:
        if not cuts["above"]:
            return ()
        iron, gold, platinum = (figure(edge) for edge in cuts["above"])
        return (
            message(
                "Platinum from more than %(platinum)s, gold from more than %(gold)s, iron from more than "
                "%(iron)s.",
                platinum=platinum,
                gold=gold,
                iron=iron,
            ),
        )

    def _value(self, customers: pd.DataFrame) -> Floats:
        return past_profit(customers, self.settings.window_days)

    def _edges(self, customers: pd.DataFrame, top_shares: list[float]) -> list[float]:
        values = edges(self._value(customers), [1 - share for share in top_shares])
        return [max(edge, 0.0) for edge in values]


@dataclass(frozen=True)
class PyramidOfClv(Pyramid):
    """The same tiers by predicted customer value."""

    name = "pyramid_clv"
    columns = ("pyramid_clv", "two_tier_clv")
    title = message("Customer pyramid by predicted value")
    measure = message("predicted value in the horizon (CLV)")

    @property
    def needs(self) -> tuple[str, ...]:
        return ("clv",)

    def _value(self, customers: pd.DataFrame) -> Floats:
        return customers["clv"].fillna(0).to_numpy(dtype=float)
