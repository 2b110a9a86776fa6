"""What customers say: promoters and detractors, and who complains."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from features.language.message import Phrase, message
from features.segments.ranks import places
from features.segments.system import CutPoints, SystemRule

PROMOTER_FROM, PASSIVE_FROM = 9.0, 7.0
"""Answers from 0 to 10; F. F. Reichheld, "The One Number You Need to Grow", Harvard Business
Review 81 (2003). Answers between whole numbers belong to the lower class."""

SATISFACTION, COMPLAINTS = "last_satisfaction", "complaints_365d"


@dataclass(frozen=True)
class Voice(SystemRule):
    """The last satisfaction of each customer as a class of NPS, and complaints of a year."""

    name: ClassVar = "voice"
    columns: ClassVar = ("satisfaction_class", "complaint_class")
    title: ClassVar = message("Satisfaction and complaints")
    labels: ClassVar = {
        "promoter": message("promoter"),
        "passive": message("passive"),
        "detractor": message("detractor"),
        "not_told": message("no answer"),
        "no_complaint": message("no complaint"),
        "one_complaint": message("one complaint"),
        "several_complaints": message("several complaints"),
    }

    @property
    def needs(self) -> tuple[str, ...]:
        return (SATISFACTION, COMPLAINTS)

    def cut_points(self, customers: pd.DataFrame) -> CutPoints:  # noqa: ARG002 - from the field
        """None: the classes are those of the field."""
        return {}

    def _groups(self, customers: pd.DataFrame, cuts: CutPoints) -> Sequence[Any]:  # noqa: ARG002
        satisfaction = customers[SATISFACTION]
        classes = np.select(
            [satisfaction >= PROMOTER_FROM, satisfaction >= PASSIVE_FROM, satisfaction.notna()],
            ["promoter", "passive", "detractor"],
            default="not_told",
        )
        complaints = customers[COMPLAINTS].fillna(0).to_numpy(dtype=float)
        numbers = np.array(["no_complaint", "one_complaint", "several_complaints"])
        return classes, numbers[places(complaints, [0.0, 1.0])]

    def _rule(self) -> Phrase:
        return message(
            "By the last satisfaction score, 0 to 10: promoters from 9, passive from 7, detractors below; "
            "and by the number of complaints in the last 365 days."
        )
