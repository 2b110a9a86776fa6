"""Churn of contracts: P(cancelled in the next `horizon_days`), for those who have not cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd

from features.blocks.optional.contract import CONTRACT_AGE
from features.blocks.optional.membership import CANCELLED, is_cancelled
from features.errors import DataError, NotEnoughData
from features.rows import Features, Rows, column
from training.models.boosting import Boosting, OffsetBooster
from training.models.calibration import expit, log_odds_shift, logit, shrunk_mean
from training.models.churn import ChurnModel
from training.models.estimator import (
    Figures,
    Floats,
    read_json,
    require_columns,
    stacked,
    table_of,
    write_json,
)
from training.models.own_churn import OwnChurn
from training.models.rhythm import Rhythms
from training.past.tables import CutoffTable, horizon_of
from training.process.contract_curve import ContractCurve

TENURE = "days_since_first_order"
PROCESS_SHARE = 0.25
"""Weight of the retention curve itself; the rest is the curve corrected by trees."""


class CancellationModel:
    """The retention curve of contracts by their age, and trees that correct it, in log odds.

    The curve (`ContractCurve`) is fitted to all contracts known on the date of training. The level
    of a window, its error as a whole, is taken out before trees learn; the part on which windows
    agree is added again.

    Parameters
    ----------
    horizon_days : the window in which a cancellation counts as churn
    period_days : length of a contract's period, after which it is renewed or ends
    boosting : how the trees are grown

    """

    name: ClassVar[str] = "churn"
    label: ClassVar[Literal["silence", "cancellation"]] = "cancellation"

    def __init__(
        self, *, horizon_days: int, period_days: int = 30, boosting: Boosting | None = None
    ) -> None:
        self.horizon_days = horizon_days
        self.period_days = period_days
        self.boosting = boosting or Boosting()

    def fit(self, tables: Sequence[CutoffTable], rhythms: Rhythms | None = None) -> Self:
        """Learn from labelled cutoffs, oldest first.

        Parameters
        ----------
        tables : with the feature `is_cancelled` and the label `cancelled`
        rhythms : its `features` are the customers of the date of training; None: the last
            cutoff stands for that date

        Raises
        ------
        DataError
            Without a table, when tables disagree in columns, or say nothing of cancellations.
        NotEnoughData
            When everybody has cancelled.
        """
        features, labels = stacked(tables)
        self.columns_ = list(features.columns)
        if CANCELLED not in features or "cancelled" not in labels:
            raise DataError("no cancellations are known. Set data.customers.cancelled_on.")
        today = tables[-1].features if rhythms is None else rhythms.features
        self.curve_ = ContractCurve(period_days=self.period_days).fit(contracts(today))
        parts = [self._members(table) for table in tables]
        if not sum(len(happened) for *_, happened in parts):
            raise NotEnoughData("no contract ran at any past cutoff: nothing can be learned.")
        shifts = [
            log_odds_shift(process, happened) for _, process, happened in parts if len(process)
        ]
        self.shift_ = shrunk_mean(shifts)
        filled_parts = [part for part in parts if len(part[1])]
        offset = np.concatenate(
            [process + shift for (_, process, _), shift in zip(filled_parts, shifts, strict=True)]
        )
        self.trees_ = OffsetBooster.fit(
            pd.concat([members for members, *_ in filled_parts]),
            np.concatenate([happened for *_, happened in filled_parts]),
            offset,
            self.boosting.parameters("binary"),
            self.boosting.rounds,
        )
        self.mean_process_ = float(
            np.concatenate([process for _, process, _ in filled_parts]).mean()
        )
        return self

    def _members(self, table: CutoffTable) -> tuple[pd.DataFrame, Floats, Floats]:
        runs = ~is_cancelled(table.features)
        members = table.features[runs]
        happened = table.labels["cancelled"].to_numpy(dtype=float)[runs]
        return members, self._process(members, horizon_of(table)), happened

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """`churn_probability` and `p_alive` (both 0–1), one row per customer, index as given.

        `p_alive` is the probability that the contract still runs at the end of its period, from
        the same hazard. A customer who has cancelled has a churn probability of 1 and a `p_alive`
        of 0.
        """
        require_columns(features, self.columns_)
        return table_of(self.figures(Rows.of(features)), features)

    def figures(self, rows: Rows) -> Figures:
        """The columns of `predict`, without a table around them."""
        churn = self.probability(rows)
        ages = ages_of(rows)
        in_period = self.curve_.cumulative(ages, self.curve_.rest_of_period(ages))
        in_horizon = np.maximum(self.curve_.cumulative(ages, self.horizon_days), 1e-12)
        renewed = np.maximum(1 - churn, 1e-12) ** (in_period / in_horizon)
        return {
            "churn_probability": churn,
            "p_alive": np.where(is_cancelled(rows), 0.0, renewed),
        }

    def probability(self, rows: Rows) -> Floats:
        """The churn probability alone."""
        process = self._process(rows, self.horizon_days)
        corrected = process + self.trees_.correction(rows)
        log_odds = self.shift_ + PROCESS_SHARE * process + (1 - PROCESS_SHARE) * corrected
        return np.where(is_cancelled(rows), 1.0, expit(log_odds))

    def survival(self, features: Features, days: float) -> Floats:
        """The retention curve: P(not cancelled within `days`), for contracts that run."""
        return self.curve_.survival(ages_of(features), days)

    def contributions(self, features: pd.DataFrame) -> pd.DataFrame:
        """What moves each customer's risk, in log odds against the average customer.

        Returns
        -------
        As `ChurnModel.contributions`: `rhythm` is 0, since silence is no cancellation; the effect
        of the retention curve counts for the age of the contract.
        """
        require_columns(features, self.columns_)
        return self.parts(Rows.of(features)).table(features.index)

    def parts(self, rows: Rows) -> Rows:
        """`contributions`, without a table around them."""
        share = 1 - PROCESS_SHARE
        by_feature = share * self.trees_.contributions(rows)[:, : len(self.columns_)]
        by_curve = self._process(rows, self.horizon_days) - self.mean_process_
        age = CONTRACT_AGE if CONTRACT_AGE in self.columns_ else TENURE
        by_feature[:, self.columns_.index(age)] += by_curve
        return Rows(np.column_stack([np.zeros(len(rows)), by_feature]), ["rhythm", *self.columns_])

    def importance(self) -> dict[str, float]:
        """Total gain per feature."""
        return self.trees_.importance()

    def save(self, directory: Path) -> None:
        self.trees_.save(directory / "trees.txt")
        write_json(
            directory / "model.json",
            {
                "label": self.label,
                "horizon_days": self.horizon_days,
                "period_days": self.period_days,
                "columns": self.columns_,
                "shift": self.shift_,
                "mean_process": self.mean_process_,
                "curve": self.curve_.to_dict(),
            },
        )

    @classmethod
    def load(cls, directory: Path) -> Self:
        value = read_json(directory / "model.json")
        model = cls(horizon_days=int(value["horizon_days"]), period_days=int(value["period_days"]))
        model.columns_ = value["columns"]
        model.shift_ = float(value["shift"])
        model.mean_process_ = float(value["mean_process"])
        model.curve_ = ContractCurve.from_dict(value["curve"])
        model.trees_ = OffsetBooster.load(directory / "trees.txt", model.columns_)
        return model

    def _process(self, features: Features, days: float) -> Floats:
        return logit(1 - self.survival(features, days))


AnyChurnModel = ChurnModel | CancellationModel


class SavedChurn:
    """Any churn model, from its saved form."""

    @staticmethod
    def load(directory: Path) -> AnyChurnModel:
        """Read what the `save` of any of them wrote."""
        value = read_json(directory / "model.json")
        is_cancellation = value.get("label") == CancellationModel.label
        model_class: Any = CancellationModel if is_cancellation else ChurnModel
        if value.get("kind") == OwnChurn.kind:
            model_class = OwnChurn
        model: AnyChurnModel = model_class.load(directory)
        return model


def ages_of(features: Features) -> Floats:
    """The age of each contract in days, ≥ 0: since it began, or else since the first order."""
    tenure = column(features, TENURE)
    if CONTRACT_AGE not in features:
        return np.maximum(tenure, 0.0)
    age = column(features, CONTRACT_AGE)
    return np.maximum(np.where(np.isnan(age), tenure, age), 0.0)


def contracts(features: pd.DataFrame) -> pd.DataFrame:
    """Every contract as `ContractCurve.fit` reads it.

    It came into sight with the first order, or at its beginning where that is later. One that was
    cancelled before it came into sight ended on that day.
    """
    over = is_cancelled(features)
    age = ages_of(features)
    entered = np.maximum(age - features[TENURE].to_numpy(dtype=float), 0.0)
    since = features["days_since_cancellation"].fillna(0.0).to_numpy(dtype=float)
    lasted = np.maximum(np.where(over, age - since, age), entered)
    return pd.DataFrame(
        {"entered_days": entered, "watched_days": age, "lasted_days": lasted, "cancelled": over}
    )
