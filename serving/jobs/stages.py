"""Which step of a regular run is being worked on, by what it tells."""

import re

from serving.jobs.job import Stage

FIRST: Stage = "read"
_BEGUN_BY: tuple[tuple[re.Pattern[str], Stage], ...] = (
    (re.compile(r"read [\d,]+ rows$"), "check"),
    (re.compile("training, since "), "train"),
    (re.compile("no training is due$"), "score"),
    (re.compile(r"computed [\d,]+ features of "), "score"),
    (re.compile(r"made \d+ exhibits$"), "publish"),
    (re.compile("published the run$"), "files"),
)
"""A line of `run_shop` and the step that begins with it."""


def stage_begun_by(line: str) -> Stage | None:
    """The step that a line of a regular run begins; None where it goes on with the one before."""
    return next((stage for pattern, stage in _BEGUN_BY if pattern.match(line)), None)
