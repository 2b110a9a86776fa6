"""Score runs, published whole and read in microseconds; keys; the audit log."""

from serving.store.audit import AuditEntry, AuditLog
from serving.store.exhibits import ExhibitStore
from serving.store.facets import FacetCounts, FacetStore
from serving.store.feed import Change, ChangeFeed, ChangePage
from serving.store.keys import KEY_SCOPES, Key, KeyScope, KeyStore
from serving.store.last_good import LastGood
from serving.store.live import PastOrder
from serving.store.memory import MemoryStore
from serving.store.protocol import (
    ANY_OF,
    SORT_KEYS,
    After,
    ChurnFilter,
    ChurnPage,
    Consent,
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
    "ANY_OF",
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
    "Consent",
    "Document",
    "ExhibitStore",
    "FacetCounts",
    "FacetStore",
    "Group",
    "Key",
    "KeyScope",
    "KeyStore",
    "LastGood",
    "MemoryStore",
    "MoneyFormat",
    "PastOrder",
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
