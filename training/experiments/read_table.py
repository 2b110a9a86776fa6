"""A randomised experiment read from a table: covariates, arm and outcomes, one row per member.

No model, no order log and no configuration is needed. Everything is by intention to treat and
against one control arm; intervals are those of `training.experiments.effect`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.errors import ConfigError
from training.experiments.campaign_reading import EffectInterval
from training.experiments.covariates import Covariates, covariates_of
from training.experiments.effect import LEAST_PER_ARM, Bools, Effect, Floats, effect_of
from training.experiments.experiment_reading import (
    AdjustmentDoubt,
    ExperimentArm,
    ExperimentEffect,
    ExperimentReading,
    OutcomeKind,
    UpliftReading,
    WhyDoubtful,
)
from training.experiments.group_differences import (
    ArmContrast,
    ComparedGroups,
    Comparison,
    compared_groups,
    differing_groups,
)
from training.experiments.learners import LearnerChoice, choose_learner
from training.experiments.uplift import is_enough

ROWS_PER_SLOPE = 20
"""In the smaller arm: with fewer rows a regression adds noise."""
NEARLY_ALL_EXPLAINED = 0.02
"""Share of the variance left after the adjustment, below which a column must be an outcome."""
SURE_MOVE = 3.0
"""Standard errors by which an adjustment moves an effect; by chance in 0.3 % of effects."""
LEAST_OF_MOVE = 0.05
"""Of the variance of the plain difference: columns that explain less move nothing."""


@dataclass(frozen=True, kw_only=True)
class ExperimentColumns:
    """What the columns of an experiment's table are.

    Attributes
    ----------
    arm : the column that names each member's arm
    control : the arm that the others are compared with
    outcomes : columns of numbers that happened after the start
    covariates : columns that were known before the start
    adjusted_by : those of them that the effect is adjusted by; None: all
    grouped_by : those of them whose groups are compared; None: all
    """

    arm: str
    control: str
    outcomes: Sequence[str]
    covariates: Sequence[str]
    adjusted_by: Sequence[str] | None = None
    grouped_by: Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True)
class ReadExperiment:
    """A reading, and each member's effect out of fold where members can be told apart.

    Attributes
    ----------
    effects : index of the table, a column `arm: outcome` for each entry of `reading["uplift"]`
        that beats chance, in units of the outcome
    """

    reading: ExperimentReading
    effects: pd.DataFrame


def read_experiment(
    table: pd.DataFrame,
    columns: ExperimentColumns,
    *,
    seed: int,
    progress: Callable[[str], None] = lambda _: None,
) -> ReadExperiment:
    """Effect per arm and outcome, by group where groups differ, and who can be persuaded.

    Parameters
    ----------
    table : one row per member; rows without an arm are counted and left out
    seed : of intervals, folds and trees

    Raises
    ------
    ConfigError
        Naming everything that does not fit.
    """
    check_table(table, columns)
    drawn = table[table[columns.arm].notna()]
    arms = drawn[columns.arm].astype(str)
    known = covariates_of(drawn, arms, columns.covariates)
    outcomes = drawn[list(columns.outcomes)].astype(float)
    effects, uplift, by_member = [], [], {}
    compared: dict[Comparison, ComparedGroups] = {}
    for contrast in _contrasts(arms, outcomes, known, columns):
        progress(f"{contrast.arm}: {contrast.outcome}")
        effects.append(_effect(contrast, known.made_from, seed))
        compared |= compared_groups(contrast)
        if (choice := _choice(contrast, seed)) is not None:
            uplift.append(_uplift(contrast, choice))
            if choice.curve.beats_random:
                by_member[f"{contrast.arm}: {contrast.outcome}"] = pd.Series(
                    choice.rankings[choice.learner], index=contrast.known.index
                )
    reading: ExperimentReading = {
        "members": len(drawn),
        "without_arm": len(table) - len(drawn),
        "arms": _arms(arms, outcomes, columns.control),
        "effects": effects,
        "columns_tried": len(set(known.names) & set(columns.grouped_by or known.names)),
        "groups": differing_groups(compared),
        "uplift": uplift,
        "covariates": known.names,
        "left_out": known.left_out,
    }
    return ReadExperiment(
        reading=reading, effects=pd.DataFrame(by_member, index=drawn.index, dtype=float)
    )


def check_table(table: pd.DataFrame, columns: ExperimentColumns) -> None:
    """Raises `ConfigError` naming everything that does not fit."""
    every_column = [columns.arm, *columns.outcomes, *columns.covariates]
    problems = [
        f"no column {name!r} (have: {', '.join(map(str, table.columns))})."
        for name in dict.fromkeys(every_column)
        if name not in table.columns
    ]
    if not columns.outcomes:
        problems.append("no outcome: name at least one column of numbers.")
    if problems:
        raise ConfigError(problems)
    sizes = table[columns.arm].dropna().astype(str).value_counts()
    if columns.control not in sizes.index:
        problems.append(
            f"no arm {columns.control!r} in {columns.arm!r} (have: {', '.join(sizes.index)})."
        )
    elif len(sizes) < 2:
        problems.append(f"{columns.arm!r} has one arm only: nothing to compare.")
    problems += [
        f"arm {arm!r} has {size:,} members; {LEAST_PER_ARM} are needed."
        for arm, size in sizes.items()
        if size < LEAST_PER_ARM
    ]
    problems += [problem for name in columns.outcomes if (problem := _wrong(table[name]))]
    if problems:
        raise ConfigError(problems)


def _wrong(outcome: "pd.Series[Any]") -> str | None:
    """Why a column cannot be an outcome."""
    if not (pd.api.types.is_numeric_dtype(outcome) or pd.api.types.is_bool_dtype(outcome)):
        values = ", ".join(repr(value) for value in outcome.dropna().unique()[:3])
        return (
            f"outcome {outcome.name!r} is no column of numbers (has {values}). A share needs 0 and 1:"
            " write 1 for those who did it and 0 for the others."
        )
    numbers = outcome.astype(float)
    infinite, missing = int(np.isinf(numbers).sum()), int(numbers.isna().sum())
    if infinite:
        return (
            f"outcome {outcome.name!r} is infinite in {infinite:,} rows."
            " Write the amount: an infinite one has no mean."
        )
    if missing:
        return (
            f"outcome {outcome.name!r} is missing in {missing:,} rows."
            " Write 0 where nothing happened: who is left out bends the result."
        )
    return None


def _contrasts(
    arms: "pd.Series[str]", outcomes: pd.DataFrame, known: Covariates, columns: ExperimentColumns
) -> Iterator[ArmContrast]:
    """Each arm beside the control arm, outcome by outcome."""
    adjusted_by = known.columns_of(columns.adjusted_by)
    grouped_by = [name for name in known.names if name in (columns.grouped_by or known.names)]
    for arm in sorted(set(arms) - {columns.control}):
        of_two = arms.isin([arm, columns.control]).to_numpy()
        treated = (arms[of_two] == arm).to_numpy()
        for outcome in outcomes:
            yield ArmContrast(
                arm=arm,
                outcome=str(outcome),
                values=outcomes[outcome].to_numpy(dtype=float)[of_two],
                treated=treated,
                known=known.numbers[of_two],
                adjusted_by=known.numbers.loc[of_two, adjusted_by],
                groups=known.groups.loc[of_two, grouped_by],
            )


def _effect(contrast: ArmContrast, made_from: Mapping[str, str], seed: int) -> ExperimentEffect:
    raw = effect_of(contrast.values, contrast.treated, seed=seed)
    assert raw is not None  # noqa: S101 - `check_table` has counted the arms
    slopes = strongest(contrast.adjusted_by, contrast.values, contrast.treated)
    adjusted = None
    if slopes.shape[1]:
        adjusted = effect_of(contrast.values, contrast.treated, slopes, seed=seed)
    judged = adjusted or raw
    return {
        "arm": contrast.arm,
        "outcome": contrast.outcome,
        "kind": kind_of(contrast.values),
        "raw": _interval(raw),
        "adjusted": None if adjusted is None else _interval(adjusted),
        "verdict": judged.verdict,
        "variance_left": judged.variance_left,
        "doubt": None if adjusted is None else _doubt(contrast, made_from, slopes, raw, adjusted),
    }


def _doubt(
    contrast: ArmContrast,
    made_from: Mapping[str, str],
    slopes: pd.DataFrame,
    raw: Effect,
    adjusted: Effect,
) -> AdjustmentDoubt | None:
    """Whether the adjustment does what no column from before a random draw does.

    Such columns move the effect by chance alone: the variance of the move is that of the plain
    difference less that of the adjusted one (J. Hausman, Econometrica 46 (1978)).
    """
    variance = raw.standard_error**2
    of_move = max(variance - adjusted.standard_error**2, LEAST_OF_MOVE * variance)
    why: WhyDoubtful
    if adjusted.variance_left < NEARLY_ALL_EXPLAINED:
        why = "explains_nearly_all"
    elif abs(adjusted.value - raw.value) > SURE_MOVE * np.sqrt(of_move):
        why = "moves_the_effect"
    else:
        return None
    (column,) = _by_strength(slopes, contrast.values, contrast.treated)[:1]
    return {"column": made_from[column], "why": why}


def strongest(known: pd.DataFrame, values: Floats, treated: Bools) -> pd.DataFrame:
    """As many columns as the smaller arm can carry, those that go most with the outcome first."""
    carried = int(min(treated.sum(), (~treated).sum())) // ROWS_PER_SLOPE
    varying = known.loc[:, known.max() > known.min()]
    if varying.shape[1] <= carried:
        return varying
    return varying[_by_strength(varying, values, treated)[:carried]]


def _by_strength(known: pd.DataFrame, values: Floats, treated: Bools) -> list[str]:
    """Columns, those that go most with the outcome within the arms first."""
    within = values - np.where(treated, values[treated].mean(), values[~treated].mean())
    together = known.corrwith(pd.Series(within, index=known.index)).abs().fillna(0.0)
    return [str(name) for name in together.sort_values(ascending=False, kind="stable").index]


def kind_of(values: Floats) -> OutcomeKind:
    """`share` where every value is 0 or 1."""
    return "share" if np.isin(values, (0.0, 1.0)).all() else "amount"


def _interval(effect: Effect) -> EffectInterval:
    return {"value": effect.value, "low": effect.low, "high": effect.high}


def _choice(contrast: ArmContrast, seed: int) -> LearnerChoice | None:
    """None where there are too few members, or nothing is known of them."""
    if not contrast.known.shape[1] or not is_enough(contrast.treated):
        return None
    return choose_learner(contrast.plain_known, contrast.treated, contrast.values, seed=seed)


def _uplift(contrast: ArmContrast, choice: LearnerChoice) -> UpliftReading:
    curve = choice.curve
    return {
        "arm": contrast.arm,
        "outcome": contrast.outcome,
        "learner": choice.learner,
        "learners": {str(name): area for name, area in choice.areas.items()},
        "qini": {"value": curve.value, "low": curve.low, "high": curve.high},
        "beats_random": curve.beats_random,
        "curve": [
            {
                "share": point.share,
                "value": point.gain,
                "low": point.low,
                "high": point.high,
                "at_random": point.at_random,
            }
            for point in curve.points
        ],
    }


def _arms(arms: "pd.Series[str]", outcomes: pd.DataFrame, control: str) -> list[ExperimentArm]:
    """The control arm first."""
    return [
        {
            "arm": arm,
            "is_control": arm == control,
            "members": int((arms == arm).sum()),
            "means": {
                str(name): float(mean) for name, mean in outcomes[arms == arm].mean().items()
            },
        }
        for arm in sorted(set(arms), key=lambda name: (name != control, name))
    ]
