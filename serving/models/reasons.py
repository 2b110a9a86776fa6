"""Why a model is the champion or is not, in the reader's language."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from features.language.message import mark
from serving.web.words import Words, true_minus

GRADED = re.compile(
    r"(?P<grade>[A-E]): (?P<measure>\w+) (?P<share>[+-]\S+%) "
    r"\[(?P<low>[+-]\S+%), (?P<high>[+-]\S+%)\] against (?P<baseline>.+)"
)
OFF = re.compile(r"totals off by (?P<share>\d+%) in the mean")
FIRST = "there is no champion yet"


class ReadReason(NamedTuple):
    """A reason for people; `is_translated` is False where it stands as the training wrote it."""

    text: str
    is_translated: bool


def read_reason(words: Words, reason: str, measures: Mapping[str, str]) -> ReadReason:
    """The reason of a verdict part by part; as it is written where a part is of another kind.

    `measures` are the names of measures by what they are called in MLflow.
    """
    parts = [_read_part(words, part, measures) for part in reason.split("; ")]
    if not reason or None in parts:
        return ReadReason(reason, is_translated=False)
    return ReadReason(words.say("; ").join(filter(None, parts)), is_translated=True)


def _read_part(words: Words, part: str, measures: Mapping[str, str]) -> str | None:
    if part == FIRST:
        return words.say(mark("the first model of this shop"))
    if (graded := GRADED.fullmatch(part)) and graded["measure"] in measures:
        return words.say(
            mark("%(grade)s: %(measure)s better by %(share)s (%(span)s) than “%(baseline)s”"),
            grade=graded["grade"],
            measure=words.called(graded["measure"], measures),
            share=true_minus(graded["share"]),
            span=words.span(true_minus(graded["low"]), true_minus(graded["high"])),
            baseline=words.baseline(graded["baseline"]),
        )
    if off := OFF.fullmatch(part):
        return words.say(mark("totals off by %(share)s in the mean"), share=off["share"])
    return None
