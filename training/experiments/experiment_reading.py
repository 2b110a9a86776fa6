"""The reading of an experiment as it is kept and answered: JSON, and no table library is needed."""

from typing import Literal, NotRequired, TypedDict

from training.experiments.campaign_reading import EffectInterval, Verdict
from training.experiments.learner_names import LearnerName

OutcomeKind = Literal["share", "amount"]
"""`share`: did or did not (0 or 1); `amount`: money, or a count."""

WhyLeftOut = Literal[
    "differs_between_arms", "identifies_rows", "too_many_values", "always_the_same"
]
WhyDoubtful = Literal["explains_nearly_all", "moves_the_effect"]
"""What speaks for a column that was measured after the start: it explains nearly all of the
outcome, or the adjustment by it moves the effect by more than chance.
"""


class ExperimentArm(TypedDict):
    """An arm and the mean of each outcome in it."""

    arm: str
    is_control: bool
    members: int
    means: dict[str, float]


class AdjustmentDoubt(TypedDict):
    """The column that goes most with the outcome was probably measured after the start."""

    column: str
    why: WhyDoubtful


class ExperimentEffect(TypedDict):
    """What an arm changed in an outcome per member, against the control arm.

    `raw` is the plain difference of means, `adjusted` the same after regression on what was
    known before (None: nothing was, or an arm is too small); the verdict is that of `adjusted`,
    or of `raw` where there is none. `variance_left`: see `training.experiments.effect.Effect`.
    """

    arm: str
    outcome: str
    kind: OutcomeKind
    raw: EffectInterval
    adjusted: EffectInterval | None
    verdict: Verdict
    variance_left: float
    doubt: NotRequired[AdjustmentDoubt | None]


class GroupLevel(TypedDict):
    """The effect on those with one value, alone and drawn toward that on the others."""

    value: str
    members: int
    alone: EffectInterval
    shrunken: EffectInterval


class DifferingGroups(TypedDict):
    """A covariate whose groups react differently; `p_value` is corrected for all comparisons (Holm)."""

    arm: str
    outcome: str
    column: str
    p_value: float
    levels: list[GroupLevel]


class QiniPoint(EffectInterval):
    """Gain per member of contacting the best-ranked `share` alone; `at_random`: as many drawn."""

    share: float
    at_random: float


class UpliftReading(TypedDict):
    """Whether members can be told apart by how they react, and by which learner.

    `qini` is that of the choice, judged by members who had no say in it; `learners` holds the
    Qini of each learner alone. All are out of fold.
    """

    arm: str
    outcome: str
    learner: LearnerName
    learners: dict[str, float]
    qini: EffectInterval
    beats_random: bool
    curve: list[QiniPoint]


class LeftOutColumn(TypedDict):
    """A column that is not used, and why; `p_value` of a difference between the arms."""

    column: str
    why: WhyLeftOut
    p_value: float | None


class ExperimentReading(TypedDict):
    """See `training.experiments.read_table.read_experiment`."""

    members: int
    without_arm: int
    arms: list[ExperimentArm]
    effects: list[ExperimentEffect]
    columns_tried: int
    groups: list[DifferingGroups]
    uplift: list[UpliftReading]
    covariates: list[str]
    left_out: list[LeftOutColumn]
