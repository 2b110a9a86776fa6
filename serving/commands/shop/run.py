"""`regulars run`: what cron starts."""

import sys
from datetime import date
from functools import partial
from pathlib import Path

import click

from serving.commands.frame import (
    Speaker,
    accept_option,
    accepting,
    as_of_option,
    config_option,
    json_option,
)
from serving.schedule.attempt import attempt_run
from serving.settings import load_shop


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
    outcome = attempt_run(
        partial(load_shop, config),
        speaker.progress,
        as_of=as_of,
        output=output,
        train=train,
        accepted=lambda settings: accepting(settings, accepted),
    )
    speaker.result(outcome.to_dict())
    speaker.say(f"{outcome.outcome.replace('_', ' ')}: {outcome.words}")
    for problem in outcome.problems:
        click.echo(f"regulars: {problem}", err=True)
    sys.exit(outcome.exit_code)
