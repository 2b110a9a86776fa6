"""The four classes of RFM: high value, worth saving, new and low value.

The scores are those of `features.segments.rfm`, 1 to 5 by fifths: 4 and 5 are high, 3 is in the
middle, 1 and 2 are low.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from features.language.message import Phrase, message, message_in
from features.segments.rfm import Rfm
from features.segments.system import CutPoints, SystemRule, figure

HIGH_FROM = 4
MIDDLE_FROM = 3


@dataclass(frozen=True)
class RfmClasses(SystemRule):
    """The class of each customer; the first rule that holds decides."""

    name: ClassVar = "rfm_class"
    columns: ClassVar = ("rfm_class",)
    title: ClassVar = message("Four classes of RFM")
    labels: ClassVar = {
        "high_value": message("high value"),
        "worth_saving": message("worth saving"),
        "new_customer": message_in("class of RFM", "new"),
        "low_value": message("low value"),
        "between": message("between the classes"),
    }

    @property
    def needs(self) -> tuple[str, ...]:
        return Rfm(self.settings).needs

    def cut_points(self, customers: pd.DataFrame) -> CutPoints:
        """Edges of the fifths; recency in days of silence, negated."""
        cuts = Rfm(self.settings).cut_points(customers)
        return {name: values for name, values in cuts.items() if name.endswith("_edges")}

    def _groups(self, customers: pd.DataFrame, cuts: CutPoints) -> Sequence[Any]:
        r, f, m = Rfm(self.settings).scores(customers, cuts)
        high, middle = HIGH_FROM, MIDDLE_FROM
        classes = {
            "high_value": (r >= high) & (f >= high) & (m >= high),
            "worth_saving": (r < middle) & (f >= high) & (m >= middle),
            "new_customer": (r >= high) & (f < middle) & (m < middle),
            "low_value": (r < high) & (f < middle) & (m < middle),
        }
        return (np.select(list(classes.values()), list(classes), default="between"),)

    def _rule(self) -> Phrase:
        return message(
            "Scores of recency, frequency and money from 1 to 5 as in RFM; 4 and 5 are high, 1 and 2 "
            "low. High value: all three high. Worth saving: recency low, frequency high, money not "
            "low. New: recency high, frequency and money low. Low value: frequency and money low, "
            "recency not high. Everybody else is between the classes."
        )

    def _in_this_run(self, cuts: CutPoints) -> tuple[Phrase, ...]:
        return tuple(
            sentence.filled(edge=figure(abs(cuts[f"{name}_edges"][HIGH_FROM - 2])))
            for name, sentence in _SENTENCES.items()
            if cuts[f"{name}_edges"]
        )


_SENTENCES = {
    "recency": message("Recency: high from less than %(edge)s days."),
    "frequency": message("Frequency: high from more than %(edge)s orders."),
    "money": message("Money: high from more than %(edge)s."),
}
