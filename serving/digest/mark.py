"""The day on which the latest digest was sent, in a file beside the models."""

import json
from datetime import date
from pathlib import Path

from serving.errors import DigestNotSent
from serving.settings import Settings

NAME = ".digest.json"


def last_sent(settings: Settings) -> date | None:
    """The day of the latest digest; None where none was sent, or nobody can tell."""
    try:
        return date.fromisoformat(json.loads(_file(settings).read_text())["sent_on"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def sent_on(settings: Settings, day: date) -> None:
    """Remember the day; a file that cannot be written means that the next run sends it again."""
    file = _file(settings)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_name(f"{NAME}.unfinished")
        unfinished.write_text(json.dumps({"sent_on": day.isoformat()}))
        unfinished.replace(file)
    except OSError as error:
        raise DigestNotSent(f"sent, but that cannot be remembered ({error.strerror}).") from None


def _file(settings: Settings) -> Path:
    return settings.path(settings.store.bundles).parent / NAME
