"""The RFM average as a model of value."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from features.rows import Features
from training.models.baselines import RfmAverage
from training.models.estimator import Floats, read_json, stacked, write_json
from training.models.own_estimator import OWN
from training.models.rhythm import Rhythm, Rhythms
from training.past.tables import CutoffTable
from training.stand_ins.cell_means import COLUMNS, CellOrderCount, CellOrderValue
from training.value.buyers import Buyers
from training.value.level import OF_BASELINE
from training.value.model import ValueModel
from training.value.own_value import OwnValue
from training.value.value_spread import ValueSpread

FILE = "model.json"


class RfmAverageValue(ValueModel):
    """The RFM average in the place of the value model.

    Orders and their value are the means of the buyers in the customer's cell; the chance of an
    order is the churn model's, as beside the value model.
    """

    title = RfmAverage.title
    order_count = CellOrderCount
    order_value = CellOrderValue

    def fit(self, tables: Sequence[CutoffTable], rhythms: Rhythms | None = None) -> Self:
        features, _ = stacked(tables)
        self.columns_ = list(features.columns)
        rhythms = rhythms or Rhythms.fit(tables, None, self.horizon_days)
        self.rhythm_, self.level_ = rhythms.today, OF_BASELINE
        buyers, edges = Buyers.of(rhythms), RfmAverage().fit(tables).edges_
        usual = features["mean_order_value"].mean()
        otherwise = float(usual) if np.isfinite(usual) and usual > 0 else 1.0
        orders = CellOrderCount().fit_cells(buyers, edges)
        value = CellOrderValue(self.basis).fit_cells(buyers, edges, otherwise)
        self.orders_, self.order_value_ = orders, value
        self.spread_ = self._scatter(buyers)
        return self

    def _scatter(self, buyers: Buyers) -> ValueSpread:
        if not len(buyers):
            return ValueSpread().fit(*(np.zeros(0),) * 3)
        orders = self.orders_.predict(self.rhythm_, buyers.features)
        if_order = orders * self.order_value_.predict(buyers.features)
        expected = if_order * np.concatenate(buyers.each(Rhythm.p_order))
        whole = buyers.whole
        return ValueSpread().fit(expected[whole], if_order[whole], buyers.value[whole])

    def _kept_part(self, features: Features) -> Floats:
        return np.zeros(len(features))

    def importance(self) -> dict[str, float]:
        return dict.fromkeys(COLUMNS, 1.0)

    def save(self, directory: Path) -> None:
        super().save(directory)
        write_json(directory / FILE, {**read_json(directory / FILE), "stand_in": self.title})


def load_value(directory: Path) -> ValueModel:
    """The value model of a folder, the shop's own, or the baseline that stands in for it."""
    value = read_json(directory / FILE)
    if value.get("kind") == OWN:
        return OwnValue.load(directory)
    return (RfmAverageValue if "stand_in" in value else ValueModel).load(directory)
