"""The files of a regular run: scores, recommendations, and the churn list for people."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from features.errors import ConfigError
from serving.audit.store import COMMAND, AuditEntry, AuditLog
from serving.churn_list import lists
from serving.churn_list.files import write_list
from serving.contacts.left_out import LeftOut, contactable
from serving.runs.job import OpenShop
from serving.schedule.outcome import read_values, replace_json
from serving.store.protocol import SORT_KEYS, ChurnFilter

LISTS = ("churn_list.csv", "churn_list.xlsx")
_MARK = ".churn_list.json"
"""Names the run that the lists are of; written last."""


@dataclass(frozen=True, kw_only=True)
class WrittenLists:
    """The files that were written, and who is in none of them."""

    files: tuple[Path, ...]
    left_out: LeftOut


def lists_are_of(output: Path, run_id: str) -> bool:
    """Whether the churn lists of `output` are there and of this run."""
    mark = read_values(output / _MARK)
    is_whole = all((output / name).is_file() for name in LISTS)
    return is_whole and mark is not None and mark.get("run_id") == run_id


def write_lists(shop: OpenShop, output: Path, at: datetime) -> WrittenLists:
    """Write the churn list of the latest run beside its tables.

    Raises
    ------
    ConfigError
        When a file cannot be written.
    StoreError
        When the run cannot be read, or the export cannot be written down in the audit log.
    """
    everybody, sort = ChurnFilter(), SORT_KEYS[0]
    contactable_list = contactable(shop.runs, everybody, sort=sort, limit=lists.ROWS_PER_READ)
    first = contactable_list.first
    entry = AuditEntry(
        at=at,
        who=COMMAND,
        action="export",
        count=first.totals.customers,
        detail=f"regular run {first.run.info.run_id}",
    )
    AuditLog(shop.engine).record(entry)
    files = tuple(output / name for name in LISTS)
    for file in files:
        write_list(
            *(file, shop.runs, everybody),
            sort=sort,
            contactable=contactable_list,
            language=shop.settings.store.exports_language,
        )
    try:
        replace_json(output / _MARK, {"run_id": first.run.info.run_id})
    except OSError as error:
        raise ConfigError(f"{output}: cannot be written ({error}).") from None
    return WrittenLists(files=files, left_out=contactable_list.left_out)
