"""The inactivity and the tenure rule as models of churn."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from features.blocks.optional.membership import is_cancelled
from features.rows import Features, Rows, column
from training.models.baselines import InactivityRule, TenureRule
from training.models.calibration import logit
from training.models.cancellation import TENURE, AnyChurnModel, CancellationModel, SavedChurn
from training.models.churn import ChurnModel
from training.models.estimator import Figures, Floats, read_json, stacked, write_json
from training.models.rhythm import Rhythm, Rhythms
from training.past.tables import CutoffTable

FILE = "model.json"
SILENCE = "days_since_last_order"


class RateSteps:
    """A probability that depends on one feature, in steps.

    Parameters
    ----------
    feature : its name
    edges, rates : cut points, ascending, and one rate more
    mean : the mean log odds of those it was learned from
    """

    def __init__(self, feature: str, edges: Floats, rates: Floats, mean: float) -> None:
        self.feature, self.edges, self.rates, self.mean = feature, edges, rates, mean

    @classmethod
    def of(cls, feature: str, rule: InactivityRule | TenureRule, features: Features) -> Self:
        """The steps of a fitted rule; `features` are those of past customers."""
        steps = cls(feature, rule.edges_, np.clip(rule.rates_, 1e-3, 1 - 1e-3), 0.0)
        steps.mean = float(logit(steps.probability(features)).mean())
        return steps

    def probability(self, features: Features) -> Floats:
        """One value per row, 0–1."""
        group = np.searchsorted(self.edges, column(features, self.feature))
        return np.asarray(self.rates[group], dtype=float)

    def parts(self, rows: Rows, columns: list[str]) -> Rows:
        """Log odds against the mean, all of it by the one feature."""
        by_feature = np.zeros((len(rows), 1 + len(columns)))
        position = 1 + columns.index(self.feature)
        by_feature[:, position] = logit(self.probability(rows)) - self.mean
        return Rows(by_feature, ["rhythm", *columns])

    def to_dict(self) -> dict[str, Any]:
        return {
            "feature": self.feature,
            "edges": self.edges.tolist(),
            "rates": self.rates.tolist(),
            "mean": self.mean,
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Self:
        edges, rates = (np.array(value[name], dtype=float) for name in ("edges", "rates"))
        return cls(value["feature"], edges, rates, float(value["mean"]))


class OneFeatureChurn(ABC):
    """What the rules share as models: a probability by one feature alone."""

    title: ClassVar[str]
    feature: ClassVar[str]
    columns_: list[str]
    steps_: RateSteps

    def parts(self, rows: Rows) -> Rows:
        return self.steps_.parts(rows, self.columns_)

    def importance(self) -> dict[str, float]:
        return {self.feature: 1.0}

    def save(self, directory: Path) -> None:
        write_json(
            directory / FILE,
            {
                "stand_in": self.title,
                "columns": self.columns_,
                "steps": self.steps_.to_dict(),
                **self._settings(),
            },
        )

    @abstractmethod
    def _settings(self) -> dict[str, Any]:
        """What else is saved."""

    def _restored(self, value: dict[str, Any]) -> Self:
        self.columns_ = value["columns"]
        self.steps_ = RateSteps.from_dict(value["steps"])
        return self


class InactivityChurn(OneFeatureChurn, ChurnModel):
    """The inactivity rule in the place of the churn model."""

    title = InactivityRule.title
    feature = SILENCE

    def fit(self, tables: Sequence[CutoffTable], rhythms: Rhythms | None = None) -> Self:
        features, _ = stacked(tables)
        self.columns_ = list(features.columns)
        self.rhythm_ = (rhythms or Rhythms.fit(tables, None, self.horizon_days)).today
        self.steps_ = RateSteps.of(SILENCE, InactivityRule().fit(tables), features)
        return self

    def probability(self, rows: Rows) -> Floats:
        return self.steps_.probability(rows)

    def _settings(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "horizon_days": self.horizon_days,
            "rhythm": self.rhythm_.to_dict(),
        }

    @classmethod
    def load(cls, directory: Path) -> Self:
        value = read_json(directory / FILE)
        model = cls(horizon_days=int(value["horizon_days"]))
        model.rhythm_ = Rhythm.from_dict(value["rhythm"])
        return model._restored(value)


class TenureChurn(OneFeatureChurn, CancellationModel):
    """The tenure rule in the place of the model of cancellations."""

    title = TenureRule.title
    feature = TENURE

    def fit(self, tables: Sequence[CutoffTable], rhythms: Rhythms | None = None) -> Self:  # noqa: ARG002
        features, _ = stacked(tables)
        self.columns_ = list(features.columns)
        self.steps_ = RateSteps.of(TENURE, TenureRule().fit(tables), features)
        return self

    def figures(self, rows: Rows) -> Figures:
        """Of a contract that runs, the rate holds evenly over the horizon, its period included."""
        churn = self.probability(rows)
        renewed = (1 - churn) ** (self.period_days / self.horizon_days)
        return {"churn_probability": churn, "p_alive": np.where(is_cancelled(rows), 0.0, renewed)}

    def probability(self, rows: Rows) -> Floats:
        return np.where(is_cancelled(rows), 1.0, self.steps_.probability(rows))

    def _settings(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "horizon_days": self.horizon_days,
            "period_days": self.period_days,
        }

    @classmethod
    def load(cls, directory: Path) -> Self:
        value = read_json(directory / FILE)
        model = cls(horizon_days=int(value["horizon_days"]), period_days=int(value["period_days"]))
        return model._restored(value)


def load_churn(directory: Path) -> AnyChurnModel:
    """The churn model of a folder, or the baseline that stands in for it."""
    value = read_json(directory / FILE)
    if "stand_in" not in value:
        return SavedChurn.load(directory)
    stand_in: Any = TenureChurn if value.get("label") == "cancellation" else InactivityChurn
    model: AnyChurnModel = stand_in.load(directory)
    return model
