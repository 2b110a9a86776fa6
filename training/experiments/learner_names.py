"""The names of the learners, for those who need no table library."""

from typing import Literal

LearnerName = Literal["r", "x", "t"]
