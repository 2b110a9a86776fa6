"""Who took or changed what: a log that is only ever added to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Engine, insert, select

from serving.store.database import store_errors
from serving.store.tables import audit_log

Action = Literal[
    "export",
    "erase",
    "promote",
    "rollback",
    "campaign",
    "audience",
    "key-create",
    "key-revoke",
    "person-add",
    "person-invite",
    "person-password",
    "person-remove",
    "person-role",
    "person-sign-out",
    "person-withdraw",
    "sign-in",
    "sign-out",
    "restore",
    "webhook-create",
    "webhook-delete",
    "webhook-secret",
    "webhook-enable",
    "webhook-disable",
    "job",
    "timetable",
]

COMMAND = "command"
"""Who acts at the command line: whoever can is the owner of the files."""


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """Something that happened.

    `who` is the id of a key or of a person, `local` for a caller on this machine where nobody
    signs in, `COMMAND` for the command line, or `server` for what the server does by itself.
    `count` is how many customers, models, keys, people or webhooks it was about. `detail` names
    formats, runs, versions and ids of keys, people and webhooks; never a customer.
    """

    at: datetime
    who: str
    action: Action
    count: int
    detail: str


class AuditLog:
    """Where what happened is kept, in the order in which it was written."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, entry: AuditEntry) -> None:
        """Add an entry; it is durable when this returns."""
        values = {**vars(entry), "at": entry.at.isoformat()}
        with store_errors(), self._engine.begin() as connection:
            connection.execute(insert(audit_log).values(values))

    def entries(self, limit: int) -> Sequence[AuditEntry]:
        """The last `limit` entries, the latest first."""
        columns = [column for column in audit_log.columns if column is not audit_log.c.entry_no]
        latest = select(*columns).order_by(audit_log.c.entry_no.desc()).limit(limit)
        with store_errors(), self._engine.connect() as connection:
            return [
                AuditEntry(**{**row._mapping, "at": datetime.fromisoformat(row.at)})  # noqa: SLF001
                for row in connection.execute(latest)
            ]
