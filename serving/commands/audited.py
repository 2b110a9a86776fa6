"""Commands of other packages that are written into the audit log before they act."""

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from features.errors import RegularsError
from features.settings.loading import load_settings
from serving.commands.frame import fail
from serving.people.audit_store import Action, AuditEntry, AuditLog
from serving.settings import Settings
from serving.store.database import open_database

COMMAND = "command"
"""Who acts at the command line: whoever can is the owner of the files."""


def audited(
    command: click.Command, action: Action, told: Callable[[dict[str, Any]], tuple[int, str]]
) -> click.Command:
    """The command, which writes down what it is about to do before it does it.

    Parameters
    ----------
    command : takes `config`, the path of the configuration
    action : what it is called in the audit log
    told : the arguments → of how many models, and the entry's detail
    """
    run = command.callback
    assert run is not None  # noqa: S101 - a command without one does nothing

    @functools.wraps(run)
    def first_noted(**arguments: Any) -> Any:
        count, detail = told(arguments)
        try:
            settings = load_settings(arguments["config"], Settings)
            note(settings, action, count=count, detail=detail, at=datetime.now(UTC))
        except RegularsError as error:
            fail(error)
        return run(**arguments)

    return click.Command(
        command.name, callback=first_noted, params=command.params, help=command.help
    )


def note(settings: Settings, action: Action, *, count: int, detail: str, at: datetime) -> None:
    """Write down what a command is about to do; see `serving.people.audit_store.AuditEntry`.

    Raises
    ------
    StoreError
        When it cannot be written down; then it must not be done.
    """
    engine = open_database(settings.database_url(settings.store.url))
    entry = AuditEntry(at=at, who=COMMAND, action=action, count=count, detail=detail)
    AuditLog(engine).record(entry)
    engine.dispose()
