"""The table of an experiment, read from a file."""

from pathlib import Path

import pandas as pd

from features.errors import ConfigError


def read_table_file(path: Path) -> pd.DataFrame:
    """A CSV or Parquet file, a row per member.

    In CSV only an empty field is a missing value: an arm may be called `None`.

    Raises
    ------
    ConfigError
        When it cannot be read.
    """
    try:
        if path.suffix.lower() in {".parquet", ".pq"}:
            return pd.read_parquet(path)
        return pd.read_csv(path, sep=None, engine="python", keep_default_na=False, na_values=[""])
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as CSV or Parquet ({error}).") from None
