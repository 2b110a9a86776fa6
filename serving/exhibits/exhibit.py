"""The shape of an exhibit, and the data that it is made from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import pandas as pd

from features.language.message import Phrase
from features.orders.log import OrderLog
from serving.exhibits.assets.past_values import PastValues
from serving.store.documents import ExhibitBody
from serving.store.run import RunInfo
from training.backtest.evidence import BacktestEvidence
from training.bundle.manifest import Manifest
from training.value.model import ValueModel

MOST_GROUPS = 12
"""Segment systems with more groups are not told group by group."""


@dataclass(frozen=True, kw_only=True)
class PastRun:
    """An earlier run whose horizon has passed, beside what happened.

    Attributes
    ----------
    customers : one row per customer of the run whom the log still knows, index `customer_id`:
        `churn_probability`, `clv` (NaN where unknown), `retention_risk` as published; `churned`
        (1.0: no order in the horizon, or the contract cancelled in it, where the run predicted
        that) and `value` (money, as `clv` predicts it)
    """

    run: RunInfo
    customers: pd.DataFrame = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class PastMonths:
    """What an earlier run said of the months ahead.

    Attributes
    ----------
    months : as in `expected_revenue`
    together : month → what was said of today's and new customers together, as in `revenue_ahead`
    """

    run: RunInfo
    months: Sequence[Mapping[str, Any]] = field(repr=False)
    together: Mapping[str, Mapping[str, float]] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A score run on its way into the store, and its sources.

    Attributes
    ----------
    log : the orders; nothing on or after `info.as_of` may be shown
    scores, features : of the run's customers, index `customer_id`, in the same order
    past : earlier runs whose horizon has passed by then, oldest first
    before : the latest run of an earlier date and the same horizon, and its figures, one row
        per customer as in `PastRun.customers`, with `STAGE_SYSTEM` where the run knows it; None
        where there is none
    values_before : what customers were worth about a month ago; None where no run says
    manifest : of the models
    value : the model of value that made the run
    evidence : of their training; None where it left none
    last_training : see `training.repetition.LAST_TRAINING`; None where it is not known
    compared_versions : see `training.version_comparison.COMPARISONS`; empty without
    said_before : what earlier runs of the same basis said of the months ahead, oldest first
    digits : of the currency after the point
    made : the exhibits so far, by name, in the order of the catalogue
    """

    log: OrderLog
    info: RunInfo
    scores: pd.DataFrame = field(repr=False)
    features: pd.DataFrame = field(repr=False)
    past: tuple[PastRun, ...]
    before: tuple[RunInfo, pd.DataFrame] | None = field(repr=False)
    values_before: PastValues | None = field(repr=False)
    manifest: Manifest
    value: ValueModel = field(repr=False)
    evidence: BacktestEvidence | None
    last_training: Mapping[str, object] | None
    digits: int
    compared_versions: Mapping[str, Sequence[object]] = field(default_factory=dict)
    said_before: tuple[PastMonths, ...] = field(default=(), repr=False)
    made: dict[str, ExhibitBody] = field(default_factory=dict, repr=False)

    @property
    def as_of(self) -> date:
        return self.info.as_of

    @property
    def minor_units(self) -> int:
        return self.log.settings.data.minor_units

    @cached_property
    def visible(self) -> Mapping[str, str]:
        """`lines`, `orders` and `days` as SQL, as they were known on the run's date."""
        return self.log.visible(self.as_of)

    @cached_property
    def systems(self) -> Mapping[str, "pd.Series[str]"]:
        """The groups of customers in each segment system that knows all of them, of at most
        `MOST_GROUPS` groups.
        """
        return {
            name: groups
            for name in self.info.segment_columns
            if (groups := self.scores[name].astype(object)).notna().all()
            and groups.nunique() <= MOST_GROUPS
        }

    def value_sql(self, only: str = "TRUE") -> str:
        """SQL for what lines brought, as the run counts value, in whole minor units: a sum, over
        rows of `lines` for which `only` holds.
        """
        basis = self.value.basis
        cost = round(basis.cost_per_order * self.minor_units)
        return (
            f"(coalesce(sum({basis.line_sql()}) FILTER ({only}), 0) "
            f"- {cost} * count(DISTINCT order_key) FILTER (NOT is_return AND {only}))"
        )

    def money(self, amount: float) -> float:
        """`amount` in units of the currency, as it is published."""
        return round(float(amount), self.digits)

    def from_minor(self, amount: float) -> float:
        """Money from whole minor units."""
        return self.money(int(amount) / self.minor_units)


@dataclass(frozen=True, kw_only=True)
class ExhibitMaker:
    """One entry of the catalogue.

    Attributes
    ----------
    name : in addresses and in the store
    title, method : for people; `method` says how it is counted
    make : the exhibit's data, ready for JSON, or why there is none
    """

    name: str
    title: Phrase
    method: Phrase
    make: Callable[[Scene], Mapping[str, object] | Phrase]

    def body(self, scene: Scene) -> ExhibitBody:
        """The published exhibit: `title`, `method`, and either `data` or `why_not`."""
        data = self.make(scene)
        why_not = data.in_all_languages() if isinstance(data, Phrase) else None
        return {
            "title": self.title.in_all_languages(),
            "method": self.method.in_all_languages(),
            "data": data if why_not is None else None,
            "why_not": why_not,
        }
