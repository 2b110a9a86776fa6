"""RFM the shop's own way: its own bins, weights and codes.

Each of recency, frequency and money is scored by as many equal parts of the customers as the shop
wants, or at cut points of its own; the scores are written as its own codes and weighted into one
number. With no setting at all the cell is that of `features.segments.rfm`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from features.language.message import Message, Phrase, message, message_in, message_list
from features.segments.ranks import Integers, edges, parts, places
from features.segments.rfm import rfm_columns, rfm_measures
from features.segments.system import (
    CutPoints,
    SystemDescription,
    SystemRule,
    figure,
    percent,
    whole,
)
from features.settings.rfm import RfmBins

_BETWEEN_SENTENCES = message_in("between sentences", " ")
_BETWEEN_CUTS = message_in("between cut points", ", ")


@dataclass(frozen=True)
class OwnRfm(SystemRule):
    """The cell in the shop's codes, the weighted score and its class."""

    name: ClassVar = "rfm_own"
    columns: ClassVar = ("rfm_own_cell", "rfm_score", "rfm_label")
    indices: ClassVar = ("rfm_score",)
    title: ClassVar = message("RFM your way")
    labels: ClassVar = {
        "high": message("high"),
        "middle": message("middle"),
        "low": message("low"),
    }

    @property
    def needs(self) -> tuple[str, ...]:
        return rfm_columns(self.settings)

    def cut_points(self, customers: pd.DataFrame) -> CutPoints:
        """The edges between the scores; recency in days of silence, negated."""
        measures = rfm_measures(self.settings, customers)
        return {f"{name}_edges": _edges(name, bins, measures[name]) for name, bins in self._bins()}

    def describe(self, cut_points: CutPoints | None = None) -> SystemDescription:
        """See `SegmentSystem.describe`; classes that the shop has named keep their names."""
        return SystemDescription(
            name=self.name,
            title=self.title,
            rule=self._rule(),
            groups={
                label: self.labels.get(label, Message(label)) for label in self._labels_from_top()
            },
            cut_points=self._in_this_run(cut_points) if cut_points else (),
        )

    def _bins(self) -> tuple[tuple[str, RfmBins], ...]:
        rfm = self.settings.rfm
        return ("recency", rfm.recency), ("frequency", rfm.frequency), ("money", rfm.money)

    def _labels_from_top(self) -> list[str]:
        labels = self.settings.rfm.labels
        return sorted(labels, key=labels.__getitem__, reverse=True)

    def _groups(self, customers: pd.DataFrame, cuts: CutPoints) -> Sequence[Any]:
        measures = rfm_measures(self.settings, customers)
        scores = {name: places(measures[name], cuts[f"{name}_edges"]) for name, _ in self._bins()}
        score = whole(self._weighted(scores)).to_numpy()
        names = self._labels_from_top()[::-1]
        starts = [self.settings.rfm.labels[name] for name in names]
        label = np.array(names, dtype=object)[np.searchsorted(starts[1:], score, side="right")]
        return self._cells(scores), score, label

    def _weighted(self, scores: Mapping[str, Integers]) -> Any:
        """The weighted mean of each score's place between the worst (0) and the best (100)."""
        weights = sum(bins.weight for _, bins in self._bins())
        return sum(
            100 * bins.weight / weights * scores[name] / (bins.scores - 1)
            for name, bins in self._bins()
        )

    def _cells(self, scores: Mapping[str, Integers]) -> Any:
        codes = [
            np.array(bins.codes or [str(score + 1) for score in range(bins.scores)], dtype=object)[
                scores[name]
            ]
            for name, bins in self._bins()
        ]
        first, second, third = codes
        between = self.settings.rfm.separator
        return first + between + second + between + third

    def _rule(self) -> Phrase:
        rfm = self.settings.rfm
        weights = sum(bins.weight for _, bins in self._bins())
        r, f, m = (percent(bins.weight / weights) for _, bins in self._bins())
        bins = message_list(
            (_bins_words(name, bins) for name, bins in self._bins()), _BETWEEN_SENTENCES
        )
        classes = ", ".join(
            f"{name} {figure(rfm.labels[name])}" for name in self._labels_from_top()
        )
        return message(
            "Recency (days since the last order), frequency and money (orders and net spend of the last "
            "%(days)s days), scored as the shop says. %(bins)s The cell holds the codes of the three. "
            "The weighted score, 0 to 100: %(r)s recency, %(f)s frequency, %(m)s money, each its place "
            "between the lowest score (0) and the highest (100). Classes by the score from which "
            "they begin: %(classes)s.",
            days=self.settings.window_days,
            bins=bins,
            r=r,
            f=f,
            m=m,
            classes=classes,
        )

    def _in_this_run(self, cuts: CutPoints) -> tuple[Phrase, ...]:
        return tuple(
            _EDGES[name].filled(
                edges=message_list(
                    (Message(figure(abs(edge))) for edge in cuts[f"{name}_edges"]), _BETWEEN_CUTS
                )
            )
            for name, _ in self._bins()
            if cuts[f"{name}_edges"]
        )


def _edges(name: str, bins: RfmBins, values: Any) -> list[float]:
    if bins.cuts is None:
        return edges(values, parts(bins.quantiles))
    # less silence is better: its cut points stand the other way round
    return sorted(-cut for cut in bins.cuts) if name == "recency" else list(bins.cuts)


def _bins_words(name: str, bins: RfmBins) -> Phrase:
    sentence = (_BY_PARTS if bins.cuts is None else _AT_CUTS)[name]
    codes = list(bins.codes or map(str, range(1, bins.scores + 1)))
    cuts = [Message(figure(cut)) for cut in bins.cuts or ()]
    return sentence.filled(
        number=bins.scores,
        cuts=message_list(cuts, _BETWEEN_CUTS),
        worst=codes[0],
        best=codes[-1],
    )


_BY_PARTS = {
    "recency": message("Recency: %(number)s equal parts, %(worst)s to %(best)s."),
    "frequency": message("Frequency: %(number)s equal parts, %(worst)s to %(best)s."),
    "money": message("Money: %(number)s equal parts, %(worst)s to %(best)s."),
}
_AT_CUTS = {
    "recency": message("Recency: cut at %(cuts)s days, %(worst)s to %(best)s, less is better."),
    "frequency": message("Frequency: cut at %(cuts)s orders, %(worst)s to %(best)s."),
    "money": message("Money: cut at %(cuts)s, %(worst)s to %(best)s."),
}
_EDGES = {
    "recency": message("Recency: the next score from less than %(edges)s days."),
    "frequency": message("Frequency: the next score from more than %(edges)s orders."),
    "money": message("Money: the next score from more than %(edges)s."),
}
