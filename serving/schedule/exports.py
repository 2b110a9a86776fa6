"""The files of a regular run: scores, recommendations, and the churn list for people."""

from datetime import datetime
from pathlib import Path

from features.errors import ConfigError
from serving.audit.store import COMMAND, AuditEntry, AuditLog
from serving.churn_list import lists
from serving.churn_list.files import write_list
from serving.runs.job import OpenShop
from serving.schedule.outcome import read_values, replace_json
from serving.store.protocol import SORT_KEYS, ChurnFilter

LISTS = ("churn_list.csv", "churn_list.xlsx")
_MARK = ".churn_list.json"
"""Names the run that the lists are of; written last."""


def lists_are_of(output: Path, run_id: str) -> bool:
    """Whether the churn lists of `output` are there and of this run."""
    mark = read_values(output / _MARK)
    is_whole = all((output / name).is_file() for name in LISTS)
    return is_whole and mark is not None and mark.get("run_id") == run_id


def write_lists(shop: OpenShop, output: Path, at: datetime) -> tuple[Path, ...]:
    """Write the churn list of the latest run beside its tables; returns the paths.

    Raises
    ------
    ConfigError
        When a file cannot be written.
    StoreError
        When the run cannot be read, or the export cannot be written down in the audit log.
    """
    nobody_left_out, sort = ChurnFilter(), SORT_KEYS[0]
    first = shop.runs.churn_list(nobody_left_out, sort=sort, limit=lists.ROWS_PER_READ)
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
        write_list(file, shop.runs, nobody_left_out, sort=sort, first=first)
    try:
        replace_json(output / _MARK, {"run_id": first.run.info.run_id})
    except OSError as error:
        raise ConfigError(f"{output}: cannot be written ({error}).") from None
    return files
