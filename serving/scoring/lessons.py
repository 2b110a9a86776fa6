"""Lessons of measured campaigns for a score run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from serving.store.economics import MeasuredTreatment, RunEconomics
from training.experiments.effect_line import EffectLine, EffectSpans
from training.experiments.learners import EffectLearner


@dataclass(frozen=True, kw_only=True)
class SaveRate:
    """The share of a customer's value at risk that a contact saves.

    Attributes
    ----------
    value, low, high : expected, and its 90 % interval
    campaigns : the number of measured ones behind it; 0: the assumption of the configuration
    """

    value: float
    low: float
    high: float
    campaigns: int

    def to_dict(self) -> RunEconomics:
        """As `RunInfo.economics` keeps it."""
        return RunEconomics(
            save_rate=self.value,
            save_rate_low=self.low,
            save_rate_high=self.high,
            save_rate_campaigns=self.campaigns,
        )


@dataclass(frozen=True, kw_only=True)
class Targeting:
    """A model of the effect of a contact on a customer's revenue, and its evidence.

    `line` leads from what the model predicts to what came among members of like prediction.
    """

    model: EffectLearner
    line: EffectLine
    judged: Mapping[str, object]

    def effects(self, features: pd.DataFrame) -> EffectSpans:
        """What a contact is expected to add to each customer's revenue, in money."""
        return self.line.effects(self.model.predict(features))


@dataclass(frozen=True, kw_only=True)
class CampaignLessons:
    """The lessons: a save rate, a model of who can be persuaded and the treatment that earns most
    (None: not known).
    """

    rate: SaveRate
    targeting: Targeting | None = None
    treatment: MeasuredTreatment | None = None
