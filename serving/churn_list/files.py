"""The churn list as a file: CSV or a workbook, as its ending says."""

from pathlib import Path

from features.errors import ConfigError
from features.language.languages import Language
from serving.churn_list import lists
from serving.churn_list.workbook import list_workbook
from serving.contacts.left_out import ContactableList
from serving.store.protocol import ChurnFilter, ScoreReader, SortKey


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
    ending = output.suffix.lower()
    if ending not in (".csv", ".xlsx"):
        raise ConfigError(f"{output}: --output ends in .csv or .xlsx, not {ending!r}.")
    unfinished = output.with_name(f".{output.name}.unfinished")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        pieces = (
            lists.csv_lines(
                *(store, contactable.chosen),
                sort=sort,
                first=contactable.first,
                language=language,
            )
            if ending == ".csv"
            else list_workbook(store, asked, sort=sort, contactable=contactable, language=language)
        )
        with unfinished.open("wb") as file:
            file.writelines(pieces)
        unfinished.replace(output)
    except OSError as error:
        raise ConfigError(f"{output}: cannot be written ({error}).") from None
