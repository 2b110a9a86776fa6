"""Score runs, published whole and read in microseconds; keys; the audit log."""

from serving.store.audit import AuditEntry, AuditLog
from serving.store.feed import Change, ChangeFeed, ChangePage
from serving.store.keys import KEY_SCOPES, Key, KeyScope, KeyStore
from serving.store.last_good import LastGood
from serving.store.memory import MemoryStore
from serving.store.protocol import (
    SORT_KEYS,
    After,
    ChurnFilter,
    ChurnPage,
    Document,
    SortKey,
    Store,
)
from serving.store.rules import PublishRules
from serving.store.run import RISKS, STATUSES, MoneyFormat, PublishedRun, RunInfo, Summary, Totals
from serving.store.segments import Group, SegmentStore
from serving.store.sql import SqlStore
from serving.store.stores import Stores, memory_stores, open_stores

__all__ = [
    "KEY_SCOPES",
    "RISKS",
    "SORT_KEYS",
    "STATUSES",
    "After",
    "AuditEntry",
    "AuditLog",
    "Change",
    "ChangeFeed",
    "ChangePage",
    "ChurnFilter",
    "ChurnPage",
    "Document",
    "Group",
    "Key",
    "KeyScope",
    "KeyStore",
    "LastGood",
    "MemoryStore",
    "MoneyFormat",
    "PublishRules",
    "PublishedRun",
    "RunInfo",
    "SegmentStore",
    "SortKey",
    "SqlStore",
    "Store",
    "Stores",
    "Summary",
    "Totals",
    "memory_stores",
    "open_stores",
]
