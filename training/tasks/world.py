"""The past as training sees it: tables and purchases per date, computed once."""

from collections.abc import Sequence
from datetime import date, timedelta
from threading import Lock

import pandas as pd

from features.engines.build import build_features
from features.orders.interest_signs import interest_signs
from features.orders.log import OrderLog
from features.orders.value_basis import REVENUE, ValueBasis
from features.segments.rfm import Rfm
from training.models.boosting import Boosting
from training.models.rhythm import Rhythms
from training.past.plan import Fold
from training.past.reach import cancellations, cutoffs_for_events, first_purchase
from training.past.tables import CutoffTable, gaps_before, labels_at
from training.settings import TrainingSettings


class World:
    """Feature tables, labels and purchases of one log, cached by date.

    `prepare` reads everything that a training needs; afterwards the engine is not used
    any more, so that several folds can be fitted at the same time.

    Attributes
    ----------
    basis : what values are counted in, the same at every date
    """

    def __init__(self, log: OrderLog[TrainingSettings], basis: ValueBasis = REVENUE) -> None:
        self._log = log
        self.basis = basis
        self.settings = log.settings
        self.horizon_days = log.settings.predict.horizon_days
        self._features: dict[date, pd.DataFrame] = {}
        self._labels: dict[tuple[date, date], pd.DataFrame] = {}
        self._judged: dict[date, pd.DataFrame] = {}
        self._gaps: dict[date, pd.DataFrame] = {}
        self._rhythms: dict[Fold, Rhythms] = {}
        self._cutoffs_of_cancellations: dict[Fold, tuple[date, ...]] = {}
        self._fitting = Lock()
        self._purchases: pd.DataFrame | None = None
        self._signs: pd.DataFrame | None = None

    def prepare(self, fold: Fold) -> None:
        """Compute what `fold` learns from: labels known up to its test date, and that date.

        With it, the fold of the same day a year before, which the level is learned from.
        """
        for cutoff in dict.fromkeys((*fold.train, *self._prepare_cancellations(fold))):
            known_days = (fold.test - cutoff).days
            self._prepare_labels(cutoff, min(fold.horizon_days, known_days), fold.test)
        self._prepare_features(fold.test)
        if fold.year_before is not None:
            self.prepare(fold.year_before)
            self.prepare_judged(fold.year_before)
        if fold.test not in self._gaps:
            self._gaps[fold.test] = gaps_before(self._log, fold.test)

    def _prepare_cancellations(self, fold: Fold) -> tuple[date, ...]:
        """The cutoffs from which cancellations are learned; none where churn is silence."""
        if self.settings.predict.churn != "cancellation":
            return ()
        cutoffs = cutoffs_for_events(fold, first_purchase(self._log), cancellations(self._log))
        self._cutoffs_of_cancellations[fold] = cutoffs
        return cutoffs

    def cancellation_tables(self, fold: Fold) -> list[CutoffTable]:
        """The tables of a prepared fold from which cancellations are learned, oldest first."""
        return self.tables(self._cutoffs_of_cancellations[fold], fold.test)

    def prepare_judged(self, fold: Fold) -> None:
        """Compute what `fold` is judged on: labels of exactly its horizon."""
        end = fold.test + timedelta(days=fold.horizon_days)
        self._prepare_labels(fold.test, fold.horizon_days, end)
        self._judged[fold.test] = self._labels[fold.test, end]

    def _prepare_features(self, day: date) -> None:
        if day not in self._features:
            self._features[day] = build_features(self._log, day)

    def _prepare_labels(self, cutoff: date, horizon_days: int, known_until: date) -> None:
        self._prepare_features(cutoff)
        self._labels[cutoff, known_until] = labels_at(
            self._log, cutoff, horizon_days, known_until, self.basis
        )

    def rhythms(self, fold: Fold) -> Rhythms:
        """The purchase processes of a fold, fitted once for all models of it."""
        with self._fitting:
            if fold not in self._rhythms:
                self._rhythms[fold] = Rhythms.fit(
                    self.tables(fold.train, fold.test),
                    self._features[fold.test],
                    fold.horizon_days,
                )
            return self._rhythms[fold]

    def gaps(self, day: date) -> pd.DataFrame:
        """The gaps between orders before the test date of a prepared fold; see `gaps_before`."""
        return self._gaps[day]

    def tables(self, cutoffs: Sequence[date], known_until: date) -> list[CutoffTable]:
        """Prepared tables, in the order of `cutoffs`."""
        return [
            CutoffTable(cutoff, self._features[cutoff], self._labels[cutoff, known_until])
            for cutoff in cutoffs
        ]

    def judged_table(self, cutoff: date) -> CutoffTable:
        """The table of a fold's test date: labels of exactly the fold's horizon."""
        return CutoffTable(cutoff, self._features[cutoff], self._judged[cutoff])

    def prepare_purchases(self, before: date) -> None:
        """Read the purchases before `before` for the recommender, and signs of interest."""
        self._purchases = self._log.purchases(before=before)
        self._signs = interest_signs(self._log, before)

    @property
    def purchases(self) -> pd.DataFrame:
        """Every purchase before the training's date; see `OrderLog.purchases`."""
        if self._purchases is None:
            raise RuntimeError("prepare_purchases comes first")
        return self._purchases

    @property
    def signs(self) -> pd.DataFrame | None:
        """What was looked at before the training's date; see `features.orders.interest_signs`."""
        return self._signs

    @property
    def named_purchases(self) -> pd.DataFrame | None:
        """The purchases if they were read and have categories; else None."""
        purchases = self._purchases
        return purchases if purchases is not None and purchases["category"].notna().any() else None

    def groups(self, day: date) -> dict[str, str]:
        """Customer → RFM group on a prepared day; empty where the features do not suffice."""
        rfm, features = Rfm(self.settings.segments), self._features[day]
        if not set(rfm.needs) <= set(features):
            return {}
        groups = rfm.assign(features)["rfm_group"]
        return {str(customer): str(group) for customer, group in groups.items()}

    def boosting(self) -> Boosting:
        """How trees are grown here: one thread each, since folds run side by side."""
        train = self.settings.train
        return Boosting(**train.boosting.model_dump(), seed=train.seed, threads=1)
