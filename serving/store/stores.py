"""All that the database keeps, each behind its own small protocol."""

from collections.abc import Callable
from dataclasses import dataclass

from serving.store.audit import AuditLog, MemoryAudit, SqlAudit
from serving.store.database import open_database
from serving.store.erasures import ErasureStore, MemoryErasures, SqlErasures
from serving.store.feed import ChangeFeed, SqlFeed
from serving.store.keys import KeyStore, MemoryKeys, SqlKeys
from serving.store.memory import MemoryStore
from serving.store.protocol import Store
from serving.store.segments import MemorySegments, SegmentStore, SqlSegments
from serving.store.sql import SqlStore


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Score runs, keys, what happened, who changed, in which groups they are, who was erased.

    `close` gives the connections back.
    """

    scores: Store
    keys: KeyStore
    audit: AuditLog
    feed: ChangeFeed
    segments: SegmentStore
    erasures: ErasureStore
    close: Callable[[], None] = lambda: None


def open_stores(url: str) -> Stores:
    """The stores in the database at `url`; see `serving.store.database.open_database`."""
    engine = open_database(url)
    return Stores(
        scores=SqlStore(engine),
        keys=SqlKeys(engine),
        audit=SqlAudit(engine),
        feed=SqlFeed(engine),
        segments=SqlSegments(engine),
        erasures=SqlErasures(engine),
        close=engine.dispose,
    )


def memory_stores(scores: Store | None = None) -> Stores:
    """Stores that forget everything when the process ends, around `scores` if given."""
    scores = scores or MemoryStore()
    runs = scores if isinstance(scores, MemoryStore) else MemoryStore()
    return Stores(
        scores=scores,
        keys=MemoryKeys(),
        audit=MemoryAudit(),
        feed=runs.feed,
        segments=MemorySegments(runs),
        erasures=MemoryErasures(runs),
    )
