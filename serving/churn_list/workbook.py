"""The churn list as an Excel workbook."""

from collections.abc import Iterator
from pathlib import Path

from features.language.languages import Language
from serving.churn_list import lists
from serving.store.protocol import ChurnFilter, ChurnPage, ScoreReader, SortKey
from serving.web.workbook import workbook_bytes


def write_workbook(
    path: Path, store: ScoreReader, chosen: ChurnFilter, *, sort: SortKey, first: ChurnPage
) -> None:
    """Write the whole filtered list to `path`, row by row."""
    with path.open("wb") as file:
        file.writelines(list_workbook(store, chosen, sort=sort, first=first))


def list_workbook(
    store: ScoreReader,
    chosen: ChurnFilter,
    *,
    sort: SortKey,
    first: ChurnPage,
    language: Language | None = None,
) -> Iterator[bytes]:
    """The whole filtered list as a workbook; see `ExportWords` for `language`."""
    blocks = lists.row_blocks(store, chosen, sort=sort, first=first, language=language)
    return workbook_bytes(lists.header(first, language), blocks)
