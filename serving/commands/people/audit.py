"""`regulars audit`, and what commands write into that log before they act."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from serving.audit.store import COMMAND, Action, AuditEntry, AuditLog
from serving.commands.frame import Speaker, common_options
from serving.server.stores import open_stores
from serving.settings import Settings, load_shop
from serving.store.database import open_database


@click.command()
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1_000_000))
@common_options
def audit(limit: int, config: Path, speaker: Speaker) -> None:
    """Who exported, erased, promoted or made keys; the latest first."""
    settings = load_shop(config)
    stores = open_stores(settings.database_url(settings.store.url))
    entries = stores.audit.entries(limit)
    names = {person.person_id: person.name for person in stores.people.persons.all()}
    speaker.table(
        f"{len(entries)} entries",
        ["at", "who", "action", "count", "detail"],
        [
            [
                f"{entry.at:%Y-%m-%d %H:%M:%S}",
                f"{names[entry.who]} ({entry.who})" if entry.who in names else entry.who,
                entry.action,
                f"{entry.count:,}",
                entry.detail,
            ]
            for entry in entries
        ],
        text_columns=("who", "action", "detail"),
    )
    speaker.result({"entries": [asdict(entry) for entry in entries]})


def note(settings: Settings, action: Action, *, count: int, detail: str, at: datetime) -> None:
    """Write down what a command is about to do; see `serving.audit.store.AuditEntry`.

    Raises
    ------
    StoreError
        When it cannot be written down; then it must not be done.
    """
    engine = open_database(settings.database_url(settings.store.url))
    entry = AuditEntry(at=at, who=COMMAND, action=action, count=count, detail=detail)
    AuditLog(engine).record(entry)
    engine.dispose()
