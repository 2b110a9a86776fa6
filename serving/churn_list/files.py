"""The churn list as a file: CSV or a workbook, as its ending says."""

from pathlib import Path

from features.errors import ConfigError
from serving.churn_list import lists
from serving.churn_list.workbook import write_workbook
from serving.store.protocol import ChurnFilter, ChurnPage, ScoreReader, SortKey


def write_list(
    output: Path, store: ScoreReader, chosen: ChurnFilter, *, sort: SortKey, first: ChurnPage
) -> None:
    """Write the whole filtered list, from its first page on; `output` is replaced as a whole.

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
        if ending == ".csv":
            with unfinished.open("wb") as file:
                file.writelines(lists.csv_lines(store, chosen, sort=sort, first=first))
        else:
            write_workbook(unfinished, store, chosen, sort=sort, first=first)
        unfinished.replace(output)
    except OSError as error:
        raise ConfigError(f"{output}: cannot be written ({error}).") from None
