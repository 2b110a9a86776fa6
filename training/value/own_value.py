"""A shop's own regressor in the place of our value model."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from features.errors import ConfigError, NotEnoughData
from features.rows import Rows
from training.models.estimator import Floats, customer_thirds, read_json, write_json
from training.models.own_estimator import (
    LOOKED_AT,
    OWN,
    load_estimator,
    save_estimator,
    shapley,
    with_some_values,
)
from training.models.rhythm import LEAST_EXPECTED, Rhythm
from training.value.buyers import Buyers
from training.value.model import ValueModel
from training.value.value_spread import ValueSpread


class OwnValue(ValueModel):
    """What buyers bring in the horizon, by any scikit-learn regressor.

    It learns from the buyers of the past windows of full length what each of them brought; times
    P(order), which is another model's, it is the expected value. How many orders that is, how far
    from it a customer's value may lie and how it goes on is told as with ours. Explained as
    `OwnChurn` is, in the log of money.

    Parameters
    ----------
    estimator : with `fit(X, y)` and `predict(X)`; it meets missing values
    title : its name
    **recipe : as of `ValueModel`
    """

    kind: ClassVar[str] = OWN

    def __init__(self, *, estimator: Any = None, title: str = "own", **recipe: Any) -> None:
        super().__init__(**recipe)
        self.estimator = estimator
        self.title = title

    def total(self, values: Floats) -> Floats:
        """What each customer brings who orders, > 0."""
        return self._total(self.estimator_, values)

    def _total(self, estimator: Any, values: Floats) -> Floats:
        predicted = estimator.predict(pd.DataFrame(values, columns=self.columns_))
        return np.maximum(np.asarray(predicted, dtype=np.float64), LEAST_EXPECTED)

    def _if_order(self, rows: Rows) -> tuple[Floats, Floats]:
        orders = self.orders_.predict(self.rhythm_, rows)
        return orders, self.total(rows.numbers) / orders

    def _spread(self, buyers: Buyers) -> ValueSpread:
        """Learn what `buyers` bring, and how it scatters around what others' buyers say."""
        whole = buyers.whole
        if not whole.any():
            raise NotEnoughData(f"{self.title}: nobody ordered in the past windows.")
        features = with_some_values(buyers.features[whole])
        value = np.maximum(buyers.value[whole], 0.0)
        try:
            self.estimator_, expected = self._learned(features, value)
            self.typical_ = np.nan_to_num(features.median().to_numpy(dtype=float))
            sample = Rows.of(features.iloc[:: max(1, len(features) // LOOKED_AT)])
            moved = np.abs(self.parts(sample).numbers[:, 1:]).mean(axis=0)
        except Exception as error:
            raise ConfigError(
                f"{self.title}: the estimator cannot be used: {type(error).__name__}: {error}"
            ) from error
        self.importance_ = dict(zip(self.columns_, moved.tolist(), strict=True))
        p_order = np.concatenate(buyers.each(Rhythm.p_order))[whole]
        return ValueSpread().fit(expected * p_order, expected, buyers.value[whole])

    def _learned(self, features: pd.DataFrame, value: Floats) -> tuple[Any, Floats]:
        """The fitted estimator, and what those say of each row that have not seen its customer."""
        from sklearn.base import clone

        fitted = clone(self.estimator).fit(features, value)
        expected = self._total(fitted, features.to_numpy(dtype=float))
        thirds = customer_thirds(features.index)
        for third in np.unique(thirds):
            held_out = thirds == third
            if not held_out.all():
                others = clone(self.estimator).fit(features[~held_out], value[~held_out])
                expected[held_out] = self._total(others, features[held_out].to_numpy(dtype=float))
        return fitted, expected

    def parts(self, rows: Rows) -> Rows:
        parts = shapley(rows.numbers, self.typical_, lambda values: np.log(self.total(values)))
        return Rows(np.column_stack([np.zeros(len(rows)), parts]), ["rhythm", *self.columns_])

    def importance(self) -> dict[str, float]:
        """Mean absolute Shapley value per feature, in the log of money."""
        return self.importance_

    def save(self, directory: Path) -> None:
        """Write the estimator in skops' format, see `save_estimator`, and the rest as `ValueModel`."""
        save_estimator(self.estimator_, directory, self.title)
        super().save(directory)
        own = {
            "kind": self.kind,
            "title": self.title,
            "typical": self.typical_.tolist(),
            "importance": self.importance_,
        }
        write_json(directory / "model.json", read_json(directory / "model.json") | own)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote; see `load_estimator`."""
        model = super().load(directory)
        value = read_json(directory / "model.json")
        model.title, model.importance_ = value["title"], value["importance"]
        model.typical_ = np.array(value["typical"], dtype=float)
        model.estimator_ = load_estimator(directory)
        return model
