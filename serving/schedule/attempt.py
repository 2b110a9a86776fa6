"""A regular run whose end is an outcome, whatever ends it; written down for the server's figures."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from features.errors import MisreadOrders, RegularsError, SeveralProblems, StoppedByGate
from serving.runs.job import Progress
from serving.schedule.outcome import RunOutcome, keep_outcome
from serving.schedule.regular_run import RunOrder, run_shop
from serving.settings import Settings


def attempt_run(
    load: Callable[[], Settings],
    progress: Progress,
    *,
    as_of: date | None = None,
    output: Path | None = None,
    train: bool = False,
    accepted: Callable[[Settings], Settings] = lambda settings: settings,
    stops: tuple[type[Exception], ...] = (),
) -> RunOutcome:
    """Make a regular run of a shop now; see `run_shop`.

    Parameters
    ----------
    load : the settings of the shop
    progress : told in words what has been done
    as_of : the date of the scores; None: the end of the orders
    output : the folder of the files; None: that of the settings
    train : train even if no training is due
    accepted : the settings with findings that this run alone accepts
    stops : errors that are let through

    Returns
    -------
    The outcome; also of what failed or was stopped.
    """
    at = datetime.now(UTC)
    settings = None
    try:
        settings = load()
        order = RunOrder(
            at=at,
            as_of=as_of,
            output=output or settings.path(settings.store.exports),
            train=train,
        )
        outcome = run_shop(accepted(settings), order, progress)
    except stops:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it was, whoever asked hears one outcome
        outcome = ended_by(error, at)
    return outcome if settings is None else _written_down(settings, outcome)


def ended_by(error: Exception, at: datetime) -> RunOutcome:
    """The outcome of a run that an error ended."""
    if isinstance(error, SeveralProblems):
        problems = error.problems
    elif isinstance(error, RegularsError):
        problems = (str(error),)
    else:
        first_line = (str(error).strip() or "no message").splitlines()[0]
        problems = (f"{type(error).__name__}: {first_line}",)
    if isinstance(error, MisreadOrders | StoppedByGate):
        advice = "A gate stopped the run. To go on in spite of it: --accept CODE=REASON."
        return RunOutcome(outcome="stopped", words=advice, at=at, problems=problems)
    advice = "The run failed; readers see what they saw before."
    return RunOutcome(outcome="failed", words=advice, at=at, problems=problems)


def _written_down(settings: Settings, outcome: RunOutcome) -> RunOutcome:
    try:
        keep_outcome(settings, outcome)
    except OSError as error:
        problem = f"the outcome cannot be written down ({error.strerror})."
        return replace(outcome, outcome="failed", problems=(*outcome.problems, problem))
    return outcome
