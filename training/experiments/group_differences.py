"""Groups that react differently to a contact: told only where they do, beyond chance.

Cochran's Q over the groups of a covariate (W. G. Cochran, Biometrics 10 (1954)) says whether
their effects differ by more than their standard errors explain; with many covariates, arms and
outcomes some look so by chance, which Holm's correction (Scandinavian Journal of Statistics 6 (1979)) takes into account.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd
from scipy.stats import chi2

from training.experiments.campaign_reading import EffectInterval
from training.experiments.effect import Bools, Floats, adjusted_outcome, difference_of_means
from training.experiments.effect_shrinkage import NORMAL_90, shrink
from training.experiments.experiment_reading import DifferingGroups, GroupLevel

LEAST_OF_GROUP = 100
"""Members of a group in each arm; a smaller group is not compared."""
LEVEL = 0.10
"""All intervals are 90 % ones."""
LEAST_GROUPS = 2

Tested = TypeVar("Tested", bound=Hashable)


@dataclass(frozen=True, kw_only=True)
class ArmContrast:
    """An arm beside the control arm, in one outcome.

    Attributes
    ----------
    values : the outcome, one per member of the two arms
    treated : False: in the control arm
    known : numeric columns that were known before the start, same rows
    adjusted_by : those of them that the effect is adjusted by
    groups : the group of each member by each covariate, None where unknown
    """

    arm: str
    outcome: str
    values: Floats
    treated: Bools
    known: pd.DataFrame
    adjusted_by: pd.DataFrame
    groups: pd.DataFrame

    @property
    def plain_known(self) -> pd.DataFrame:
        """`known` under names that any tree library takes."""
        return self.known.set_axis(
            [f"column_{rank}" for rank in range(self.known.shape[1])], axis=1
        )


@dataclass(frozen=True, kw_only=True)
class ComparedGroups:
    """Effects and standard errors of a covariate's groups."""

    names: Sequence[str]
    members: Sequence[int]
    effects: Floats
    errors: Floats

    @property
    def p_value(self) -> float:
        """The chance of such differences between the groups if all react alike."""
        weights = 1 / self.errors**2
        mean = (weights * self.effects).sum() / weights.sum()
        surplus = float((weights * (self.effects - mean) ** 2).sum())
        return float(chi2.sf(surplus, len(self.effects) - 1))


Comparison = tuple[str, str, str]
"""An arm, an outcome and the covariate whose groups are compared."""


def compared_groups(contrast: ArmContrast) -> dict[Comparison, ComparedGroups]:
    """The groups of every covariate that has two large enough."""
    adjusted = adjusted_outcome(contrast.values, contrast.treated, contrast.adjusted_by)
    return {
        (contrast.arm, contrast.outcome, str(column)): groups
        for column in contrast.groups
        if (groups := _compared(contrast.groups[column], adjusted, contrast.treated)) is not None
    }


def differing_groups(compared: Mapping[Comparison, ComparedGroups]) -> list[DifferingGroups]:
    """The covariates whose groups differ beyond chance, the surest first.

    Parameters
    ----------
    compared : all comparisons of the experiment. They are corrected together, so that an
        experiment without differences shows a group in at most `LEVEL` of the cases.
    """
    p_values = holm({comparison: groups.p_value for comparison, groups in compared.items()})
    return [
        {
            "arm": comparison[0],
            "outcome": comparison[1],
            "column": comparison[2],
            "p_value": p_value,
            "levels": _levels(compared[comparison]),
        }
        for comparison, p_value in p_values.items()
        if p_value < LEVEL
    ]


def holm(p_values: Mapping[Tested, float]) -> dict[Tested, float]:
    """p-values corrected for their number (Holm), never above 1; the smallest first.

    >>> holm({"a": 0.01, "b": 0.04, "c": 0.03})
    {'a': 0.03, 'c': 0.06, 'b': 0.06}
    """
    corrected: dict[Tested, float] = {}
    largest = 0.0
    for rank, (name, p_value) in enumerate(sorted(p_values.items(), key=lambda pair: pair[1])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_value))
        corrected[name] = largest
    return corrected


def _compared(groups: "pd.Series[str]", adjusted: Floats, treated: Bools) -> ComparedGroups | None:
    """None where fewer than two groups are large enough and vary."""
    names, members, effects, errors = [], [], [], []
    for name, rows in sorted(groups.groupby(groups).indices.items()):
        arms = treated[rows]
        if min(arms.sum(), (~arms).sum()) < LEAST_OF_GROUP:
            continue
        effect, error = difference_of_means(adjusted[rows], arms)
        if error > 0:
            names.append(str(name))
            members.append(len(rows))
            effects.append(effect)
            errors.append(error)
    if len(names) < LEAST_GROUPS:
        return None
    return ComparedGroups(
        names=names, members=members, effects=np.array(effects), errors=np.array(errors)
    )


def _levels(groups: ComparedGroups) -> list[GroupLevel]:
    drawn = shrink(groups.effects.tolist(), groups.errors.tolist())
    return [
        {
            "value": name,
            "members": members,
            "alone": _interval(float(effect), float(error)),
            "shrunken": _interval(float(value), float(spread)),
        }
        for name, members, effect, error, value, spread in zip(
            groups.names,
            groups.members,
            groups.effects,
            groups.errors,
            drawn.values,
            drawn.errors,
            strict=True,
        )
    ]


def _interval(value: float, error: float) -> EffectInterval:
    return {"value": value, "low": value - NORMAL_90 * error, "high": value + NORMAL_90 * error}
