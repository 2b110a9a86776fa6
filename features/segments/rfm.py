"""RFM: quintile scores, the cell `555`…`111` and the eight groups.

Recency is days since the last order, frequency and money are orders and net spend of the
window. Quintile scores run from 1 to 5 (5 = most recent, most orders, most spend); equal
values share a score. The eight groups compare each of the three with its mean, or with its median
where `segments.rfm.average` says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from features.language.message import Phrase, message, message_in
from features.segments.ranks import Floats, Integers, edges, parts, places
from features.segments.system import CutPoints, SystemRule, figure
from features.settings.segments import Segments

GROUPS = {
    # (recency, frequency, money above the mean): name
    (True, True, True): "important_value",
    (False, True, True): "important_keep",
    (True, False, True): "important_develop",
    (False, False, True): "important_win_back",
    (True, True, False): "general_value",
    (False, True, False): "general_keep",
    (True, False, False): "general_develop",
    (False, False, False): "general_win_back",
}
QUINTILES = parts(5)
AVERAGES = {
    "mean": message_in("what groups compare with", "mean"),
    "median": message_in("what groups compare with", "median"),
}


@dataclass(frozen=True)
class Rfm(SystemRule):
    """The RFM cell (three digits R, F, M) and group of each customer."""

    name: ClassVar = "rfm"
    columns: ClassVar = ("rfm_cell", "rfm_group")
    title: ClassVar = message("RFM")
    labels: ClassVar = {
        "important_value": message("important value"),
        "important_keep": message("important keep"),
        "important_develop": message("important develop"),
        "important_win_back": message("important win-back"),
        "general_value": message("general value"),
        "general_keep": message("general keep"),
        "general_develop": message("general develop"),
        "general_win_back": message("general win-back"),
    }

    @property
    def needs(self) -> tuple[str, ...]:
        return rfm_columns(self.settings)

    def cut_points(self, customers: pd.DataFrame) -> CutPoints:
        """Edges of the quintiles and averages; recency in days of silence, negated."""
        measures = rfm_measures(self.settings, customers)
        average = np.median if self.settings.rfm.average == "median" else np.mean
        return {
            **{f"{name}_edges": edges(values, QUINTILES) for name, values in measures.items()},
            **{
                f"{name}_average": [float(average(values)) if len(values) else 0.0]
                for name, values in measures.items()
            },
        }

    def scores(
        self, customers: pd.DataFrame, cuts: CutPoints
    ) -> tuple[Integers, Integers, Integers]:
        """Recency, frequency and money of each customer, 1 to 5."""
        return _scores(rfm_measures(self.settings, customers), cuts)

    def _groups(self, customers: pd.DataFrame, cuts: CutPoints) -> Sequence[Any]:
        measures = rfm_measures(self.settings, customers)
        r, f, m = _scores(measures, cuts)
        high = zip(
            *(values > cuts[f"{name}_average"][0] for name, values in measures.items()),
            strict=True,
        )
        cell = (100 * r + 10 * f + m).astype(str)
        return cell, [GROUPS[bool(r), bool(f), bool(m)] for r, f, m in high]

    def _rule(self) -> Phrase:
        days = self.settings.window_days
        return message(
            "Recency (days since the last order), frequency and money (orders and net spend of the last "
            "%(days)s days) are each scored 1 to 5 by fifths of the customers, 5 being the best; equal "
            "values share a score. The three digits are the cell. The group compares each of the three "
            "with its %(average)s.",
            days=days,
            average=AVERAGES[self.settings.rfm.average],
        )

    def _in_this_run(self, cuts: CutPoints) -> tuple[Phrase, ...]:
        days, orders, spend = (
            figure(abs(cuts[f"{name}_average"][0])) for name in ("recency", "frequency", "money")
        )
        sentence = _AVERAGES_OF_RUN[self.settings.rfm.average]
        return (
            sentence.filled(days=days, orders=orders, spend=spend),
            *(
                sentence.filled(score=figure(abs(cuts[f"{name}_edges"][-1])))
                for name, sentence in _SENTENCES.items()
                if cuts[f"{name}_edges"]
            ),
        )


def rfm_columns(settings: Segments) -> tuple[str, ...]:
    """The columns of recency, frequency and money."""
    days = settings.window_days
    return ("days_since_last_order", f"orders_{days}d", f"spend_{days}d")


def rfm_measures(settings: Segments, customers: pd.DataFrame) -> dict[str, Floats]:
    """Recency, frequency and money, the more the better: recency is days of silence, negated."""
    silence, orders, spend = rfm_columns(settings)
    return {
        "recency": -customers[silence].to_numpy(dtype=float),
        "frequency": customers[orders].to_numpy(dtype=float),
        "money": customers[spend].to_numpy(dtype=float),
    }


def _scores(measures: Mapping[str, Floats], cuts: CutPoints) -> tuple[Integers, Integers, Integers]:
    recency, frequency, money = (
        quintile_scores(values, cuts[f"{name}_edges"]) for name, values in measures.items()
    )
    return recency, frequency, money


def quintile_scores(values: Floats, above: Sequence[float] | None = None) -> Integers:
    """Scores 1–5: one, and one more for each fifth of the customers with a smaller value.

    `above` are the edges of other customers; None: those of these.

    >>> quintile_scores(np.array([10.0, 20, 30, 40, 50]))
    array([1, 2, 3, 4, 5])
    >>> quintile_scores(np.array([1.0, 1, 1, 2, 9]))
    array([1, 1, 1, 4, 5])
    """
    return np.asarray(1 + places(values, edges(values, QUINTILES) if above is None else above))


_SENTENCES = {
    "recency": message("Recency: a score of 5 from less than %(score)s days."),
    "frequency": message("Frequency: a score of 5 from more than %(score)s orders."),
    "money": message("Money: a score of 5 from more than %(score)s."),
}

_AVERAGES_OF_RUN = {
    "mean": message("Means: %(days)s days of silence, %(orders)s orders, %(spend)s spent."),
    "median": message("Medians: %(days)s days of silence, %(orders)s orders, %(spend)s spent."),
}
