"""What commands write into the audit log before they act."""

from datetime import datetime

from serving.people.audit_store import Action, AuditEntry, AuditLog
from serving.settings import Settings
from serving.store.database import open_database

COMMAND = "command"
"""Who acts at the command line: whoever can is the owner of the files."""


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
