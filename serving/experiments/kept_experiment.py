"""A reading of an experiment as it is kept and answered: JSON."""

from typing import TypedDict

from training.experiments.experiment_reading import ExperimentReading


class ExperimentSource(TypedDict):
    """What was read: a file's name or a campaign's id, the column of arms, and the control arm."""

    source: str
    arm: str
    control: str


class KeptExperiment(ExperimentSource):
    """A reading under its name; `read_at` is a moment with its time zone."""

    name: str
    read_at: str
    reading: ExperimentReading
