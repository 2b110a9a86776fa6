"""The shapes of experiments: what OpenAPI promises, and the tests hold to."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from serving.web.schemas import Probability
from serving.web.shape import ApiShape
from training.experiments.campaign_reading import Verdict
from training.experiments.experiment_reading import OutcomeKind, WhyDoubtful, WhyLeftOut
from training.experiments.learner_names import LearnerName


class Interval90(ApiShape):
    value: float
    low: float = Field(description="Start of the 90 % interval")
    high: float


class ArmMeans(ApiShape):
    arm: str
    is_control: bool = Field(description="The others are compared with it")
    members: int
    means: dict[str, float] = Field(description="Outcome → mean")


class DoubtfulColumn(ApiShape):
    """The column that goes most with the outcome was probably measured after the start."""

    column: str
    why: WhyDoubtful


class MeasuredEffect(ApiShape):
    """More than in the control arm, per member."""

    arm: str
    outcome: str
    kind: OutcomeKind = Field(description="share: did or did not; amount: money or a count")
    raw: Interval90 = Field(description="Plain difference of means")
    adjusted: Interval90 | None = Field(
        description="After regression on what was known before; null where nothing was"
    )
    verdict: Verdict
    variance_left: float = Field(description="Share that is not explained by what was known")
    doubt: DoubtfulColumn | None = Field(
        default=None, description="Why the adjusted effect is not to be trusted"
    )


class LevelEffect(ApiShape):
    value: str
    members: int
    alone: Interval90
    shrunken: Interval90 = Field(description="Pulled toward the other groups")


class DifferingColumn(ApiShape):
    """A column whose groups react differently."""

    arm: str
    outcome: str
    column: str
    p_value: Probability = Field(description="Corrected for all columns, arms and outcomes tried")
    levels: list[LevelEffect]


class GainPoint(Interval90):
    """The gain per member of contacting the best-ranked share alone."""

    share: Probability
    at_random: float


class PersuasionCurve(ApiShape):
    """Whether members can be told apart by how they react; all out of fold."""

    arm: str
    outcome: str
    learner: LearnerName
    learners: dict[Literal["r", "x", "t"], float] = Field(description="Learner → Qini")
    qini: Interval90
    beats_random: bool
    curve: list[GainPoint]


class UnusedColumn(ApiShape):
    column: str
    why: WhyLeftOut
    p_value: float | None


class ExperimentFigures(ApiShape):
    members: int
    without_arm: int
    arms: list[ArmMeans]
    effects: list[MeasuredEffect]
    columns_tried: int
    groups: list[DifferingColumn]
    uplift: list[PersuasionCurve]
    covariates: list[str] = Field(description="Columns that were known before the start")
    left_out: list[UnusedColumn]


class Experiment(ApiShape):
    name: str
    source: str = Field(description="File or campaign that was read")
    arm: str = Field(description="Column that names the arms")
    control: str = Field(description="Arm that the others are compared with")
    read_at: datetime
    reading: ExperimentFigures


class ExperimentList(ApiShape):
    experiments: list[Experiment]
