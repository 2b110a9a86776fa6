"""Score runs: published whole, read in microseconds."""

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
from serving.store.run import RISKS, STATUSES, MoneyFormat, PublishedRun, RunInfo, Summary, Totals
from serving.store.sql import SqlStore

__all__ = [
    "RISKS",
    "SORT_KEYS",
    "STATUSES",
    "After",
    "ChurnFilter",
    "ChurnPage",
    "Document",
    "MemoryStore",
    "MoneyFormat",
    "PublishedRun",
    "RunInfo",
    "SortKey",
    "SqlStore",
    "Store",
    "Summary",
    "Totals",
]
