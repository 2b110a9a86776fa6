"""What commands write into the audit log."""

from datetime import datetime

from serving.people.audit_store import Action, AuditEntry
from serving.server.stores import open_stores
from serving.settings import Settings

COMMAND = "command"
"""Who acts at the command line: whoever can is the owner of the files."""


def note(settings: Settings, action: Action, *, count: int, detail: str, at: datetime) -> None:
    """Write down what a command is about to do; see `serving.people.audit_store.AuditEntry`.

    Raises
    ------
    StoreError
        When it cannot be written down; then it must not be done.
    """
    stores = open_stores(settings.database_url(settings.store.url))
    stores.audit.record(AuditEntry(at=at, who=COMMAND, action=action, count=count, detail=detail))
    stores.close()
