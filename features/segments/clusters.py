"""Clusters: groups of like behaviour, found in the data and named by what sets them apart.

This module puts a customer into a cluster; `training.segments.cluster_search` finds the clusters. Behaviour is put on a common scale, (log(1 + x) − centre) ÷ spread
within ±3, and a customer belongs to the nearest centre.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import TypeAdapter, ValidationError

from features.language.message import Message, Phrase, message, message_in, message_list
from features.segments.ranks import Floats
from features.segments.system import CutPoints, SystemDescription, figure, groups

MOST_SPREADS = 3.0
CLEAR_TRAIT = 0.4
"""A centre at least this many spreads from the middle counts as a trait."""

TRAITS: dict[str, tuple[tuple[str, Message], tuple[str, Message]]] = {
    # column: what a low and what a high value is called, as code and for people
    "orders_365d": (
        ("rare", message("order rarely")),
        ("frequent", message("order often")),
    ),
    "days_since_last_order": (
        ("recent", message("ordered more recently than most")),
        ("silent", message("have been silent for long")),
    ),
    "mean_order_value": (
        ("small_orders", message("place small orders")),
        ("large_orders", message("place large orders")),
    ),
    "days_since_first_order": (
        ("new", message("came later than most")),
        ("long_known", message("came earlier than most")),
    ),
    "mean_products_per_order": (
        ("few_products", message("buy few products at a time")),
        ("many_products", message("buy many products at a time")),
    ),
    "discount_share": (
        ("full_price", message("pay full prices")),
        ("discounted", message("buy at a discount")),
    ),
    "returned_share": (
        ("few_returns", message("return little")),
        ("many_returns", message("return much")),
    ),
}
"""The behaviour that clusters are made of, most telling first."""


@dataclass(frozen=True)
class Clusters:
    """Clusters as they were found.

    Attributes
    ----------
    columns_used : columns of `TRAITS`, in the order of the numbers below
    centre, spread : of log(1 + x), per column
    centres : one row per cluster, on the common scale
    labels : one per cluster
    stability : number of clusters → mean adjusted Rand index over resamples
    """

    columns_used: tuple[str, ...]
    centre: tuple[float, ...]
    spread: tuple[float, ...]
    centres: tuple[tuple[float, ...], ...]
    labels: tuple[str, ...]
    stability: Mapping[str, float]

    name = "clusters"
    columns = ("cluster",)
    indices = ()

    @property
    def needs(self) -> tuple[str, ...]:
        return self.columns_used

    def cut_points(self, customers: pd.DataFrame) -> CutPoints:  # noqa: ARG002 - found in training
        """The centres, which do not depend on the customers."""
        pairs = zip(self.labels, self.centres, strict=True)
        return {label: list(centre) for label, centre in pairs}

    def assign(self, customers: pd.DataFrame, cut_points: CutPoints | None = None) -> pd.DataFrame:
        """`cluster`: the label of the nearest centre."""
        centres = self.cut_points(customers) if cut_points is None else cut_points
        scaled = scale(customers, self.columns_used, self.centre, self.spread)
        nearest = nearest_centre(scaled, np.array(list(centres.values())))
        return groups(customers, cluster=np.array(list(centres))[nearest])

    def describe(self, cut_points: CutPoints | None = None) -> SystemDescription:  # noqa: ARG002
        chosen = self.stability[str(len(self.labels))]
        count, index = len(self.labels), figure(chosen)
        return SystemDescription(
            name=self.name,
            title=message("Clusters"),
            rule=message(
                "%(count)s groups of like behaviour: every customer belongs to the nearest centre. Found "
                "again in resampled customers with an agreement of %(index)s (1 = the same).",
                count=count,
                index=index,
            ),
            groups={
                label: cluster_words(dict(zip(self.columns_used, centre, strict=True)))
                for label, centre in zip(self.labels, self.centres, strict=True)
            },
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` assigns the same clusters."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Any) -> Self:
        """Read what `to_dict` wrote.

        Raises
        ------
        ValueError
            When it is not clusters, or its parts do not fit together.
        """
        try:
            clusters = TypeAdapter(cls).validate_python(value)
        except ValidationError as error:
            raise ValueError(f"not clusters: {error.error_count()} problems") from None
        if not clusters._fits():  # noqa: SLF001 - its own class
            raise ValueError("clusters whose parts do not fit together")
        return clusters

    def _fits(self) -> bool:
        width, numbers = (
            len(self.columns_used),
            (*self.centre, *self.spread, *sum(self.centres, ())),
        )
        return (
            set(self.columns_used) <= set(TRAITS)
            and {len(self.centre), len(self.spread), *map(len, self.centres)} == {width}
            and len(set(self.labels)) == len(self.labels) == len(self.centres) > 0
            and str(len(self.labels)) in self.stability
            and all(map(math.isfinite, numbers))
            and min(self.spread, default=1.0) > 0
        )


def scale(customers: pd.DataFrame, columns: tuple[str, ...], centre: Any, spread: Any) -> Floats:
    """Behaviour on the common scale, one row per customer; unknown values count as the middle."""
    logs = log_behaviour(customers, columns)
    scaled = (logs - np.asarray(centre)) / np.asarray(spread)
    return np.asarray(np.nan_to_num(scaled, nan=0.0).clip(-MOST_SPREADS, MOST_SPREADS))


def log_behaviour(customers: pd.DataFrame, columns: tuple[str, ...]) -> Floats:
    """log(1 + x) of each column, one row per customer; NaN where unknown."""
    return np.asarray(np.log1p(customers[list(columns)].to_numpy(dtype=float).clip(min=0)))


def nearest_centre(scaled: Floats, centres: Floats) -> npt.NDArray[np.intp]:
    """The number of the nearest row of `centres`, the first of equals, for each customer."""
    # one centre at a time: a table of all differences would not fit for millions
    distances = [((scaled - centre) ** 2).sum(axis=1) for centre in centres]
    return np.asarray(np.argmin(distances, axis=0))


def traits(centre: Mapping[str, float]) -> list[tuple[str, Message]]:
    """What sets a centre apart, the clearest first, as code and for people.

    >>> [code for code, _ in traits({"orders_365d": 0.1, "mean_order_value": -1.5})]
    ['small_orders']
    """
    clear = [(name, value) for name, value in centre.items() if abs(value) >= CLEAR_TRAIT]
    clear.sort(key=lambda pair: -abs(pair[1]))
    return [TRAITS[name][int(value > 0)] for name, value in clear]


def cluster_words(centre: Mapping[str, float]) -> Phrase:
    """A sentence about a cluster for the user."""
    clearest = [phrase for _, phrase in traits(centre)[:3]]
    if not clearest:
        return message("like the average customer")
    return message_list(clearest, message_in("between traits", ", "))


def cluster_labels(centres: list[dict[str, float]]) -> tuple[str, ...]:
    """One name per cluster from its clearest traits, no name twice."""
    codes = [[code for code, _ in traits(centre)] or ["average"] for centre in centres]
    for length in (2, 3, len(TRAITS)):
        labels = ["_".join(code[:length]) for code in codes]
        if len(set(labels)) == len(labels):
            return tuple(labels)
    return tuple(f"{label}_{number}" for number, label in enumerate(labels, start=1))
