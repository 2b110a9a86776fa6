"""Churn of contracts: P(cancelled in the next `horizon_days`), for those who have not cancelled."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd

from features.blocks.membership import CANCELLED, is_cancelled
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
from training.models.rhythm import Rhythms
from training.past.tables import CutoffTable, horizon_of
from training.process.shifted_beta_geometric import ShiftedBetaGeometric

TENURE = "days_since_first_order"
PROCESS_SHARE = 0.5
"""Weight of the retention curve itself; the rest is the curve corrected by trees."""


class CancellationModel:
    """The shifted-beta-geometric retention curve, and trees that correct it, in log odds.

    The curve is fitted to all contracts known on the date of training. Within a period customers
    are taken to cancel evenly. The level of a window, its error as a whole, is
    taken out before trees learn; the part on which windows agree is added again.

    Parameters
    ----------
    horizon_days : the window in which a cancellation counts as churn
    period_days : length of a contract's period, after which it is renewed or ends
    boosting : how the trees are grown

    References
    ----------
    Fader, P. S. & Hardie, B. G. S. (2007). How to Project Customer Retention. Journal of
    Interactive Marketing 21(1), 76-90.
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
        self.curve_ = ShiftedBetaGeometric().fit(contracts(today, self.period_days))
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

        `p_alive` is the probability that the present period is renewed. A customer who has
        cancelled has a churn probability of 1 and a `p_alive` of 0.
        """
        require_columns(features, self.columns_)
        return table_of(self.figures(Rows.of(features)), features)

    def figures(self, rows: Rows) -> Figures:
        """The columns of `predict`, without a table around them."""
        renewed = self.survival(rows, self.period_days)
        return {
            "churn_probability": self.probability(rows),
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
        start = column(features, TENURE) / self.period_days
        end = start + days / self.period_days
        steps = np.arange(int(np.ceil(end.max(initial=0))) + 2)
        curve = np.log(np.maximum(self.curve_.survival(steps), 1e-300))
        return np.asarray(np.exp(np.interp(end, steps, curve) - np.interp(start, steps, curve)))

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
        by_feature[:, self.columns_.index(TENURE)] += by_curve
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
        model.curve_ = ShiftedBetaGeometric.from_dict(value["curve"])
        model.trees_ = OffsetBooster.load(directory / "trees.txt", model.columns_)
        return model

    def _process(self, features: Features, days: float) -> Floats:
        return logit(1 - self.survival(features, days))


AnyChurnModel = ChurnModel | CancellationModel


class SavedChurn:
    """Either churn model, from its saved form."""

    @staticmethod
    def load(directory: Path) -> AnyChurnModel:
        """Read what either model's `save` wrote."""
        label = read_json(directory / "model.json").get("label")
        model_class: Any = CancellationModel if label == CancellationModel.label else ChurnModel
        model: AnyChurnModel = model_class.load(directory)
        return model


def contracts(features: pd.DataFrame, period_days: int) -> pd.DataFrame:
    """Every contract as `ShiftedBetaGeometric.fit` reads it: `periods`, `cancelled`.

    A contract begins with the first order. One that was cancelled within a period, or before it
    began, ended with that period.
    """
    over = is_cancelled(features)
    age = features[TENURE].to_numpy(dtype=float)
    since = features["days_since_cancellation"].fillna(0.0).to_numpy(dtype=float)
    lasted = np.maximum(np.ceil((age - since) / period_days), 1.0)
    return pd.DataFrame({"periods": np.where(over, lasted, age // period_days), "cancelled": over})
