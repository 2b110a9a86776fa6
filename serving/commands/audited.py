"""Commands of other packages that are written into the audit log before they act."""

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from features.errors import RegularsError
from features.settings.loading import load_settings
from serving.commands.frame import fail
from serving.people.audit import note
from serving.people.audit_store import Action
from serving.settings import Settings


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
