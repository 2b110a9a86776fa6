"""What all commands share: their common options, their way of speaking, their exit codes.

People read tables and sentences on a terminal; `--json` gives machines one document on
standard output and nothing else. Progress goes to standard error, and only to a terminal.
"""

import functools
import json
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from features.errors import ConfigError, MisreadOrders, OddRun, RegularsError, StoppedByGate
from features.settings.data import ACCEPTABLE
from features.settings.loading import CONFIG_NAME
from serving.settings import Settings, with_accepted

EXIT_FAILED = 1
EXIT_WRONG_USE = 2
EXIT_STOPPED = 3
"""A gate stopped: misread orders, an odd run or a worse model, and nobody has accepted that."""
PIPED_WIDTH = 240


class Speaker:
    """Says results to people or to machines.

    Parameters
    ----------
    as_json : one JSON document on standard output instead of words
    logs : tell progress as lines with their time where there is no terminal
    """

    def __init__(self, *, as_json: bool, logs: bool = False) -> None:
        self.as_json = as_json
        self.logs = logs
        # a pipe has no width of its own: lines stay whole for those who search them
        width = None if sys.stdout.isatty() else PIPED_WIDTH
        self._out = Console(highlight=False, soft_wrap=True, width=width)
        self._err = Console(stderr=True, highlight=False, soft_wrap=True)
        self._started = time.monotonic()

    def result(self, value: Mapping[str, object]) -> None:
        """The outcome for machines; silent without `--json`."""
        if self.as_json:
            click.echo(json.dumps(value, ensure_ascii=False, indent=1, default=str))

    def say_next(self, command: str, config: Path) -> None:
        """The command to run next, as it is to be typed."""
        option = "" if config == Path(CONFIG_NAME) else f" --config {shlex.quote(str(config))}"
        self.say(f"Next: regulars {command}{option}")

    def say(self, text: str) -> None:
        """A sentence for people."""
        if not self.as_json:
            self._out.print(text, markup=False)

    def table(
        self,
        title: str,
        columns: list[str],
        rows: Sequence[Sequence[object]],
        *,
        text_columns: tuple[str, ...] = (),
    ) -> None:
        """A table for people; figures are aligned right, the first column and `text_columns` left."""
        if self.as_json:
            return
        if title:
            self._out.print(title, markup=False)
        table = Table(box=None, pad_edge=False)
        for position, name in enumerate(columns):
            left = position == 0 or name in text_columns
            table.add_column(name, justify="left" if left else "right", overflow="fold")
        for row in rows:
            table.add_row(*map(str, row))
        self._out.print(table, soft_wrap=False)

    def progress(self, text: str) -> None:
        """A finished step, on a terminal, or as a line of a log where those are wanted."""
        if self.logs and not self._err.is_terminal:
            click.echo(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}", err=True)
        if self._err.is_terminal:
            seconds = time.monotonic() - self._started
            self._err.print(f"[dim]{seconds:6.1f} s[/dim]  ", end="")
            self._err.print(text, markup=False)


config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=CONFIG_NAME,
    show_default=True,
    help="The configuration file.",
)


json_option = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document.")


def common_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--config` and `--json`; the command gets `config` (Path) and `speaker`.

    An error of ours ends the command with one clear line per problem and no traceback.
    """

    @config_option
    @json_option
    @functools.wraps(command)
    def wrapped(*args: Any, as_json: bool, **kwargs: Any) -> None:
        speaker = Speaker(as_json=as_json)
        try:
            command(*args, speaker=speaker, **kwargs)
        except RegularsError as error:
            fail(error)

    return wrapped


def fail(error: RegularsError) -> None:
    """End with the error's message on standard error and its exit code."""
    for line in str(error).splitlines():
        click.echo(f"regulars: {line}", err=True)
    if isinstance(error, MisreadOrders | OddRun):
        click.echo("regulars: to go on in spite of one of them: --accept CODE=REASON", err=True)
    sys.exit(exit_code(error))


def exit_code(error: RegularsError) -> int:
    """The code that a command ends with."""
    if isinstance(error, MisreadOrders | StoppedByGate):
        return EXIT_STOPPED
    return EXIT_WRONG_USE if isinstance(error, ConfigError) else EXIT_FAILED


def write_text(output: Path, text: str, *, option: str = "--output") -> None:
    """Write a file of the person's choice, with its folder.

    Raises
    ------
    ConfigError
        When it cannot be written, naming the `option` that said where.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{output}: cannot be written ({error.strerror}). Choose another {option}."
        ) from None


class IsoDate(click.ParamType[date]):
    """A date such as 2011-12-10."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date such as 2011-12-10", param, ctx)


as_of_option = click.option(
    "--as-of",
    type=IsoDate(),
    default=None,
    help="Only orders before this date are seen; the day after the last order by default.",
)


accept_option = click.option(
    "--accept",
    "accepted",
    metavar="CODE=REASON",
    multiple=True,
    help="Go on in spite of a finding that stops, and record why; may be repeated.",
)


def accepting(settings: Settings, accepted: Sequence[str]) -> Settings:
    """The settings with what the options accept beside what `data.accept` does.

    Raises
    ------
    ConfigError
        When an option has no reason, or names nothing that can be accepted.
    """
    pairs = dict(option.partition("=")[::2] for option in accepted)
    problems = [
        f"--accept {code}: nothing that can be accepted (what can be: {', '.join(sorted(ACCEPTABLE))})."
        for code in pairs
        if code not in ACCEPTABLE
    ]
    problems += [
        f"--accept {code}=REASON: say why." for code, reason in pairs.items() if not reason.strip()
    ]
    if problems:
        raise ConfigError(problems)
    return with_accepted(settings, pairs)
