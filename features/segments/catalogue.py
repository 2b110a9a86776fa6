"""The one catalogue of segment systems. To add a system: a file here, a line below."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from features.errors import DataError
from features.segments import affinity, break_even, growth_share, migration
from features.segments.abc_classes import Abc
from features.segments.clusters import Clusters
from features.segments.growth_share import CustomerGrowthShare
from features.segments.interactions.funnel import Funnel
from features.segments.levels import ValuePotentialLoyalty
from features.segments.lifecycle import Lifecycle
from features.segments.management import Management
from features.segments.pyramid import Pyramid, PyramidOfClv
from features.segments.relations.attributes import attribute_systems
from features.segments.relations.indices import FourIndices
from features.segments.relations.relationship import Relationship
from features.segments.relations.voice import Voice
from features.segments.rfm import Rfm
from features.segments.rfm_classes import RfmClasses
from features.segments.rfm_own import OwnRfm
from features.segments.system import DEFAULTS, CutPoints, SegmentSystem, SystemDescription
from features.settings.segments import Segments
from features.settings.tables import Customers

SYSTEMS: tuple[Callable[[Segments], SegmentSystem], ...] = (
    Rfm,
    RfmClasses,
    Abc,
    Pyramid,
    PyramidOfClv,
    Lifecycle,
    ValuePotentialLoyalty,
    Management,
    CustomerGrowthShare,
    Funnel,
)
"""Every system that labels customers by a rule; clusters come from a fitted model."""

FURTHER_SYSTEMS: tuple[Callable[[Segments], SegmentSystem], ...] = (
    OwnRfm,
    Voice,
    FourIndices,
    Relationship,
)
"""More of them: their columns stand behind all others, so that files keep their order."""


@dataclass(frozen=True)
class Assignment:
    """The groups of the customers of a date in every system.

    Attributes
    ----------
    groups : one row per customer, the columns of all systems that could decide
    indices : those of `groups` that are numbers
    further : the columns of `FURTHER_SYSTEMS` and of attributes
    cut_points : system → the cut points of these customers
    skipped : system → why it could not decide
    """

    groups: pd.DataFrame
    indices: tuple[str, ...]
    further: tuple[str, ...]
    cut_points: Mapping[str, CutPoints]
    skipped: Mapping[str, str]


def systems_of(
    settings: Segments, clusters: Clusters | None = None, attributes: Customers | None = None
) -> tuple[SegmentSystem, ...]:
    """All systems that label customers, with their cut points of the configuration.

    `attributes` is the shop's own table of customers; None: there is none.
    """
    return (*_first_systems(settings, clusters), *_further_systems(settings, attributes))


def _first_systems(settings: Segments, clusters: Clusters | None) -> tuple[SegmentSystem, ...]:
    by_rule = [make(settings) for make in SYSTEMS]
    return (*by_rule, *([] if clusters is None else [clusters]))


def _further_systems(settings: Segments, attributes: Customers | None) -> tuple[SegmentSystem, ...]:
    by_rule = [make(settings) for make in FURTHER_SYSTEMS]
    return (*by_rule, *attribute_systems(attributes, settings))


def assign_all(
    features: pd.DataFrame,
    scores: pd.DataFrame | None = None,
    *,
    settings: Segments | None = None,
    clusters: Clusters | None = None,
    attributes: Customers | None = None,
) -> Assignment:
    """Let every system of the catalogue label every customer.

    Parameters
    ----------
    features : a feature table, one row per customer
    scores : predictions for the same customers (`clv`, `churn_probability`,
        `horizon_days`) and further columns (`margin_365d`), same index
    settings : cut points; None: those that come with Regulars
    clusters : fitted clusters; None: that system is left out
    attributes : the shop's own table of customers; None: there is none

    Raises
    ------
    DataError
        When the scores are not of the same customers in the same order.
    """
    if scores is not None and not scores.index.equals(features.index):
        raise DataError("scores and features are not of the same customers in the same order.")
    further_columns = (
        [] if scores is None else [scores.drop(columns=features.columns, errors="ignore")]
    )
    customers = pd.concat([features, *further_columns], axis=1)
    tables: list[pd.DataFrame] = [pd.DataFrame(index=features.index)]
    cut_points: dict[str, CutPoints] = {}
    skipped: dict[str, str] = {}
    first = _first_systems(settings or DEFAULTS, clusters)
    further = _further_systems(settings or DEFAULTS, attributes)
    for system in (*first, *further):
        if missing := [name for name in system.needs if name not in customers]:
            skipped[system.name] = f"needs {', '.join(missing)}"
            continue
        cut_points[system.name] = system.cut_points(customers)
        tables.append(system.assign(customers, cut_points[system.name]))
    return Assignment(
        pd.concat(tables, axis=1),
        tuple(
            name
            for system in (*first, *further)
            if system.name in cut_points
            for name in system.indices
        ),
        tuple(name for system in further if system.name in cut_points for name in system.columns),
        cut_points,
        skipped,
    )


def describe_all(
    settings: Segments,
    cut_points: Mapping[str, CutPoints] | None = None,
    clusters: Clusters | None = None,
) -> tuple[SystemDescription, ...]:
    """Every published rule: of customers, then of the shop.

    Parameters
    ----------
    cut_points : those of a run, see `Assignment`; None: the rules alone
    """
    cuts = cut_points or {}
    return (
        *(system.describe(cuts.get(system.name)) for system in systems_of(settings, clusters)),
        break_even.describe(),
        growth_share.describe_assortment(settings),
        affinity.describe(settings),
        migration.describe(),
    )
