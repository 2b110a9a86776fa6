"""What kinds, states, steps and outcomes of jobs are called on the pages."""

from dataclasses import dataclass
from types import MappingProxyType

from features.language.message import mark

KINDS = {
    "run": mark("Regular run"),
    "take_in": mark("New orders, then a run"),
    "look": mark("A look at the orders"),
}

STATES = {
    "waiting": mark("waiting"),
    "running": mark("running"),
    "done": mark("done"),
    "stopped": mark("stopped"),
    "failed": mark("failed"),
    "cancelled": mark("cancelled"),
}

STEPS = {
    "read": mark("Read the orders"),
    "check": mark("Check them"),
    "train": mark("Train, where that is due"),
    "score": mark("Score every customer"),
    "publish": mark("Publish"),
    "files": mark("Write the files"),
}

OUTCOMES = {
    "published": mark("New scores are published."),
    "champion_kept": mark(
        "New scores are published; the models in force stay, since none is better."
    ),
    "nothing_new": mark(
        "Nothing new: the orders, the date and the settings are those of the scores that are there."
    ),
    "stopped": mark("A check has stopped it; readers see what they saw before."),
    "failed": mark("It failed; readers see what they saw before."),
}

WEEKDAYS = (
    mark("Monday"),
    mark("Tuesday"),
    mark("Wednesday"),
    mark("Thursday"),
    mark("Friday"),
    mark("Saturday"),
    mark("Sunday"),
)


@dataclass(frozen=True)
class JobWords:
    """The texts, for the templates."""

    kinds: MappingProxyType[str, str]
    states: MappingProxyType[str, str]
    steps: MappingProxyType[str, str]
    outcomes: MappingProxyType[str, str]
    weekdays: tuple[str, ...]


JOB_WORDS = JobWords(
    kinds=MappingProxyType(KINDS),
    states=MappingProxyType(STATES),
    steps=MappingProxyType(STEPS),
    outcomes=MappingProxyType(OUTCOMES),
    weekdays=WEEKDAYS,
)
