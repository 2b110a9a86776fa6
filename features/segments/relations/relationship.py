"""Which relation suits which customer: community, service, data-driven or transactional."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from features.language.message import Phrase, message
from features.segments.ranks import Floats
from features.segments.relations.voice import COMPLAINTS, PROMOTER_FROM
from features.segments.relations.voice import SATISFACTION as LAST_SATISFACTION
from features.segments.system import CutPoints, SystemRule, figure, percent


@dataclass(frozen=True)
class Relationship(SystemRule):
    """The relation of each customer: the first of the rule whose condition holds."""

    name: ClassVar = "relationship"
    columns: ClassVar = ("relationship",)
    title: ClassVar = message("Relation that suits")
    labels: ClassVar = {
        "community": message("community"),
        "service": message("service"),
        "data_driven": message("data-driven"),
        "transactional": message("transactional"),
    }

    @property
    def needs(self) -> tuple[str, ...]:
        return ("repeat_purchase_days", "returned_share")

    def cut_points(self, customers: pd.DataFrame) -> CutPoints:  # noqa: ARG002 - all configured
        """None: all are of the configuration."""
        return {}

    def _groups(self, customers: pd.DataFrame, cuts: CutPoints) -> Sequence[Any]:  # noqa: ARG002
        rules = self.settings.relationship
        purchase_days = customers["repeat_purchase_days"].to_numpy(dtype=float) + 1
        speaks_for_the_shop = (_known(customers, "referrals") > 0) | (
            _known(customers, LAST_SATISFACTION) >= PROMOTER_FROM
        )
        wants_help = (
            (_known(customers, COMPLAINTS) > 0)
            | (_known(customers, "enquiries_90d") >= rules.service_enquiries)
            | (_known(customers, "returned_share") >= rules.service_returned_share)
        )
        conditions = {
            "service": wants_help,
            "community": speaks_for_the_shop & (purchase_days >= rules.community_purchase_days),
            "data_driven": purchase_days >= rules.data_driven_purchase_days,
        }
        return (np.select(list(conditions.values()), list(conditions), default="transactional"),)

    def _rule(self) -> Phrase:
        rules = self.settings.relationship
        return message(
            "The first that holds. Service: complained in the last 365 days, asked at least "
            "%(enquiries)s times in the last 90, or returns at least %(returned)s of what is bought: "
            "help first. Community: has referred somebody or last gave a satisfaction score of 9 or more, "
            "with at least %(community)s purchase days: give them a voice. Data-driven: at least "
            "%(known)s purchase days, enough to know what to offer and when. Transactional: everybody "
            "else: a good price and an easy order. What the shop's tables do not tell counts as no.",
            enquiries=rules.service_enquiries,
            returned=percent(rules.service_returned_share),
            community=figure(rules.community_purchase_days),
            known=figure(rules.data_driven_purchase_days),
        )


def _known(customers: pd.DataFrame, column: str) -> Floats:
    """The numbers of a column; below all where they are missing, or the table lacks the column."""
    if column not in customers:
        return np.full(len(customers), -np.inf)
    return np.asarray(customers[column].fillna(-np.inf), dtype=np.float64)
