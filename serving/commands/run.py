"""`regulars run`: what cron starts."""

import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import click

from features.errors import MisreadOrders, RegularsError, SeveralProblems, StoppedByGate
from serving.commands.frame import (
    Speaker,
    accept_option,
    accepting,
    as_of_option,
    config_option,
    json_option,
)
from serving.schedule.outcome import RunOutcome, keep_outcome
from serving.schedule.regular_run import RunOrder, run_shop
from serving.settings import Settings, load_shop


@click.command()
@as_of_option
@click.option("--train", is_flag=True, help="Train even if no training is due.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of scores.parquet, recommendations.parquet and the churn list; "
    "data/exports beside regulars.toml by default.",
)
@accept_option
@config_option
@json_option
def run(
    as_of: date | None,
    *,
    train: bool,
    output: Path | None,
    accepted: tuple[str, ...],
    config: Path,
    as_json: bool,
) -> None:
    """The regular run: check, train when due, score, write the files.

    Ends with 0 (published, champion kept, nothing new), 3 (stopped by a gate) or 1 (failed).
    """
    speaker = Speaker(as_json=as_json, logs=True)
    at = datetime.now(UTC)
    settings = None
    try:
        settings = load_shop(config)
        order = RunOrder(
            at=at,
            as_of=as_of,
            output=output or settings.path(settings.store.exports),
            train=train,
        )
        outcome = run_shop(accepting(settings, accepted), order, speaker.progress)
    except Exception as error:  # noqa: BLE001 - whatever it was, cron hears one outcome
        outcome = _ended_by(error, at)
    if settings is not None:
        outcome = _kept(settings, outcome)
    speaker.result(outcome.to_dict())
    speaker.say(f"{outcome.outcome.replace('_', ' ')}: {outcome.words}")
    for problem in outcome.problems:
        click.echo(f"regulars: {problem}", err=True)
    sys.exit(outcome.exit_code)


def _ended_by(error: Exception, at: datetime) -> RunOutcome:
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


def _kept(settings: Settings, outcome: RunOutcome) -> RunOutcome:
    """The outcome, once it is written down for the server's figures."""
    try:
        keep_outcome(settings, outcome)
    except OSError as error:
        problem = f"the outcome cannot be written down ({error.strerror})."
        return replace(outcome, outcome="failed", problems=(*outcome.problems, problem))
    return outcome
