"""What each kind of job does: the functions of the commands, told to the job's log.

Imported by the worker alone; what a kind needs is imported when a job of it is worked.
"""

from collections.abc import Callable, Mapping
from functools import partial

from features.errors import RegularsError, SeveralProblems
from serving.jobs.job import Job, JobEnd, JobKind, JobState
from serving.jobs.place import WorkPlace
from serving.settings import load_shop, with_accepted

Tell = Callable[[str], None]
_STATES: Mapping[str, JobState] = {"stopped": "stopped", "failed": "failed"}


class JobCancelled(Exception):
    """Somebody has asked for the end of the job."""


def work(place: WorkPlace, job: Job, tell: Tell) -> JobEnd:
    """Work a job to its end.

    Raises
    ------
    JobCancelled
        When it is to end before.
    """
    try:
        return _KINDS[job.kind](place, job, tell)
    except RegularsError as error:
        problems = list(error.problems) if isinstance(error, SeveralProblems) else [str(error)]
        # people know their files by their names, not by where the server keeps them
        root = f"{place.config.absolute().parent}/"
        return JobEnd("failed", {"problems": [text.replace(root, "") for text in problems]})
    except OSError as error:
        return JobEnd("failed", {"problems": [f"A file cannot be used ({error.strerror})."]})


def _run(place: WorkPlace, job: Job, tell: Tell) -> JobEnd:
    """The regular run."""
    from serving.schedule.attempt import attempt_run

    outcome = attempt_run(
        partial(load_shop, place.config),
        tell,
        train=bool(job.arguments.get("train")),
        accepted=lambda settings: with_accepted(settings, job.arguments.get("accepted", {})),
        stops=(JobCancelled,),
    )
    tell(f"{outcome.outcome.replace('_', ' ')}: {outcome.words}")
    return JobEnd(_STATES.get(outcome.outcome, "done"), outcome.to_dict())


def _take_in(place: WorkPlace, job: Job, tell: Tell) -> JobEnd:
    """Check files that were sent, put them in place, and run."""
    from serving.jobs.taking_in import take_in

    stopped = take_in(load_shop(place.config), job, tell)
    return _run(place, job, tell) if stopped is None else stopped


def _look(place: WorkPlace, job: Job, tell: Tell) -> JobEnd:
    """A look at orders before there are settings."""
    from serving.jobs.looking import look

    return look(place, job, tell)


_KINDS: Mapping[JobKind, Callable[[WorkPlace, Job, Tell], JobEnd]] = {
    "run": _run,
    "take_in": _take_in,
    "look": _look,
}
