"""The management score, 0 to 100, and its classes VIP, regular and potential.

A weighted mean of three parts, each the rank among all customers from 0 (nobody below) to
100: behaviour (how recent and how often), contribution (profit, and a share of what referred
people have spent) and loyalty. The shop chooses the weights, or `learned_weights`
learns them from the value that customers then brought.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from features.errors import DataError, NotEnoughData
from features.language.message import Phrase, message, message_in
from features.segments.levels import loyalty_index, loyalty_words
from features.segments.profit import past_profit
from features.segments.ranks import CENTILES, Floats, edges, places
from features.segments.system import DEFAULTS, CutPoints, SystemRule, figure, percent, whole
from features.settings.segments import Segments

REFERRAL_SPEND = "referral_spend"


@dataclass(frozen=True)
class Management(SystemRule):
    """The score of each customer, a whole number, and its class."""

    name: ClassVar = "management"
    columns: ClassVar = ("management_score", "management_class")
    indices: ClassVar = ("management_score",)
    title: ClassVar = message_in("rule", "Management score")
    labels: ClassVar = {
        "vip": message_in("class of customers", "VIP"),
        "regular": message("regular"),
        "potential": message("potential"),
    }

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
        """Per measure the 100 values that divide the customers into the ranks 0 to 100."""
        measures = self._measures(customers)
        return {name: edges(values, CENTILES) for name, values in measures.items()}

    def parts(self, customers: pd.DataFrame, cuts: CutPoints) -> tuple[Floats, Floats, Floats]:
        """Behaviour, contribution and loyalty, 0 to 100 each."""
        ranks = {
            name: places(values, cuts[name]).astype(float)
            for name, values in self._measures(customers).items()
        }
        behaviour = (ranks["recency"] + ranks["frequency"]) / 2
        return behaviour, ranks["contribution"], ranks["loyalty"]

    def exact(self, customers: pd.DataFrame, cuts: CutPoints | None = None) -> Floats:
        """The score before it is rounded, 0 to 100; `cuts` as in `assign`."""
        rules = self.settings.management
        behaviour, contribution, loyalty = self.parts(
            customers, self.cut_points(customers) if cuts is None else cuts
        )
        weighted = (
            rules.behaviour * behaviour
            + rules.contribution * contribution
            + rules.loyalty * loyalty
        )
        return np.asarray(weighted / (rules.behaviour + rules.contribution + rules.loyalty))

    def _groups(self, customers: pd.DataFrame, cuts: CutPoints) -> Sequence[Any]:
        rules = self.settings.management
        score = whole(self.exact(customers, cuts)).to_numpy()
        classes = np.array(["potential", "regular", "vip"])
        edges_below = [rules.regular_from, rules.vip_from]
        return score, classes[np.searchsorted(edges_below, score, side="right")]

    def _rule(self) -> Phrase:
        rules, days = self.settings.management, self.settings.window_days
        whole = rules.behaviour + rules.contribution + rules.loyalty
        behaviour, contribution, loyalty = (
            percent(weight / whole)
            for weight in (rules.behaviour, rules.contribution, rules.loyalty)
        )
        referred, parts = percent(rules.referral_share), loyalty_words(self.settings.loyalty)
        return message(
            "0 to 100: %(behaviour)s behaviour (days since the last order and orders of the last "
            "%(days)s days), %(contribution)s contribution (profit of the same days, net spend where no "
            "costs are known, and, where known, %(referred)s of what people referred have spent), "
            "%(loyalty)s loyalty (%(loyalty_rule)s); each part is the customer's place among all, 0 to "
            "100. VIP from %(vip_from)s, regular from %(regular_from)s, potential below.",
            behaviour=behaviour,
            days=days,
            contribution=contribution,
            referred=referred,
            loyalty=loyalty,
            loyalty_rule=parts,
            vip_from=rules.vip_from,
            regular_from=rules.regular_from,
        )

    def _in_this_run(self, cuts: CutPoints) -> tuple[Phrase, ...]:
        if not cuts["contribution"]:
            return ()
        half = len(CENTILES) // 2
        silence, orders, profit, loyalty = (
            figure(abs(cuts[name][half]))
            for name in ("recency", "frequency", "contribution", "loyalty")
        )
        return (
            message(
                "In the middle stand %(silence)s days since the last order, %(orders)s orders, a "
                "contribution of %(profit)s and a loyalty of %(loyalty)s.",
                silence=silence,
                orders=orders,
                profit=profit,
                loyalty=loyalty,
            ),
        )

    def _measures(self, customers: pd.DataFrame) -> dict[str, Floats]:
        days = self.settings.window_days
        return {
            # more recent is better
            "recency": -customers["days_since_last_order"].to_numpy(dtype=float),
            "frequency": customers[f"orders_{days}d"].to_numpy(dtype=float),
            "contribution": past_profit(customers, days) + self._referred(customers),
            "loyalty": loyalty_index(customers, self.settings.loyalty),
        }

    def _referred(self, customers: pd.DataFrame) -> Floats:
        """The share of what people referred have spent, 0 where no referrals are known."""
        if REFERRAL_SPEND not in customers:
            return np.zeros(len(customers))
        spent = customers[REFERRAL_SPEND].fillna(0).clip(lower=0).to_numpy(dtype=float)
        return np.asarray(self.settings.management.referral_share * spent)


def learned_weights(
    customers: pd.DataFrame, realised: "pd.Series[float]", settings: Segments = DEFAULTS
) -> dict[str, float]:
    """The weights with which the score fits best the value that customers then brought.

    Non-negative least squares (Lawson and Hanson, "Solving Least Squares Problems", 1974) of the
    rank in realised value on the ranks in the three parts, all less their mean. They fit the
    date they are learned at: judge them at a later one before they go into
    `segments.management`.

    Parameters
    ----------
    customers : feature table and scores of a past date
    realised : what each of them brought after it, same index

    Returns
    -------
    `behaviour`, `contribution` and `loyalty`, ≥ 0, together 1, to three decimals.

    Raises
    ------
    DataError
        When the two are not of the same customers.
    NotEnoughData
        When there are no customers, or no part rises with the value.
    """
    from scipy.optimize import nnls

    if not customers.index.equals(realised.index):
        raise DataError("features and values are not of the same customers in the same order.")
    system, values = Management(settings), np.asarray(realised, dtype=np.float64)
    parts_of = system.parts(customers, system.cut_points(customers))
    ranks = places(values, edges(values, CENTILES)).astype(float)
    if not len(ranks):
        raise NotEnoughData("no customers, no weights.")
    weights, _ = nnls(
        np.stack([part - part.mean() for part in parts_of], axis=1), ranks - ranks.mean()
    )
    if not weights.sum() > 0:
        raise NotEnoughData(
            "no part of the score goes with the value: keep the weights as they are."
        )
    behaviour, contribution, loyalty = (weights / weights.sum()).round(3).tolist()
    return {"behaviour": behaviour, "contribution": contribution, "loyalty": loyalty}
