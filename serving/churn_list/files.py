"""The churn list as a file: CSV or a workbook, as its ending says."""

from collections.abc import Callable, Iterable
from pathlib import Path

from features.errors import ConfigError
from features.language.languages import Language
from serving.churn_list import lists
from serving.churn_list.workbook import list_workbook
from serving.contacts.left_out import ContactableList
from serving.store.protocol import ChurnFilter, ScoreReader, SortKey

Pieces = Iterable[bytes]
"""Of a file, one after the other."""


def write_list(
    output: Path,
    store: ScoreReader,
    asked: ChurnFilter,
    *,
    sort: SortKey,
    contactable: ContactableList,
    language: Language | None = None,
) -> None:
    """Write those of a list who may be contacted; `output` is replaced as a whole.

    Parameters
    ----------
    asked : the reader's filter
    contactable : who of them may be contacted
    language : see `list_workbook` and `lists.csv_lines`

    Raises
    ------
    ConfigError
        When the ending is neither .csv nor .xlsx, or the file cannot be written.
    """
    write_whole(
        output,
        csv=lambda: lists.csv_lines(
            *(store, contactable.chosen), sort=sort, first=contactable.first, language=language
        ),
        xlsx=lambda: list_workbook(
            store, asked, sort=sort, contactable=contactable, language=language
        ),
    )


def write_whole(
    output: Path, *, csv: Callable[[], Pieces], xlsx: Callable[[], Pieces] | None
) -> None:
    """Write a file as its ending says; it is there whole or not at all.

    Parameters
    ----------
    csv, xlsx : make the file; None: it is none of that kind

    Raises
    ------
    ConfigError
        When the ending is another, or the file cannot be written.
    """
    writers = {".csv": csv, ".xlsx": xlsx}
    ending = output.suffix.lower()
    make = writers.get(ending)
    if make is None:
        endings = " or ".join(kind for kind, maker in writers.items() if maker)
        raise ConfigError(f"{output}: --output ends in {endings}, not {ending!r}.")
    unfinished = output.with_name(f".{output.name}.unfinished")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.writelines(make())
        unfinished.replace(output)
    except OSError as error:
        raise ConfigError(f"{output}: cannot be written ({error}).") from None
