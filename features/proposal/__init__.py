"""`regulars init`: look at a file or a database of orders and propose a `regulars.toml`.

Names and values of the columns decide, values first: an order id is what lies within
a day and belongs to one customer, a unit price is what stays the same when the
quantity grows. What cannot be told is marked CHECK in the text and said in the notes.
"""

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from features.errors import ConfigError
from features.proposal.cards import find_identities
from features.proposal.draft import Draft, listed
from features.proposal.log import open_log, pattern_of
from features.proposal.money import find_money
from features.proposal.place import find_place
from features.proposal.roles import find_roles
from features.proposal.rules import find_rules
from features.proposal.text import render
from features.settings.columns import Columns
from features.settings.data import POSTGRES
from features.settings.feature_settings import FeatureSettings
from features.settings.loading import settings_from
from features.settings.predict import Predict

_HORIZONS = (7, 14, 30, 60, 90)
_YEAR_DAYS = 365


@dataclass(frozen=True)
class Proposal:
    """A configuration proposed from looking at a file.

    Attributes
    ----------
    toml : the commented text of `regulars.toml`
    settings : the same, parsed; `features.settings.loading.settings_from` accepts it
    notes : sentences for the person: what was taken for what, what must be checked
    """

    toml: str
    settings: dict[str, Any]
    notes: tuple[str, ...]

    @property
    def shown(self) -> dict[str, Any]:
        """The settings without a password."""
        data = self.settings["data"]
        return {
            **self.settings,
            "data": {**data, "transactions": without_password(data["transactions"])},
        }


def propose(
    place: str, *, relative_to: Path, table: str | None = None, query: str | None = None
) -> Proposal:
    """Look at Parquet or CSV files, or at a database, and propose how to read the orders.

    Parameters
    ----------
    place : file or glob as typed, relative to the working directory or absolute; or the URL of
        a PostgreSQL database
    relative_to : folder of the configuration file to be; files below it are written
        relative to it, others absolute
    table, query : which orders of the database; one of them

    Returns
    -------
    Proposal. Roles of columns come from a sample of about 200,000 rows in chunks spread
    over the file, counts of product codes and order numbers from all rows. The same
    file gives the same proposal.

    Raises
    ------
    ConfigError
        When a database comes without a table or query, with both, or a file with either.
    DataError
        One clear sentence: no such file, empty, a folder, not Parquet or CSV, what the database
        says, or no column that can be the date, the customer or the money of an order. No
        message holds a password.
    """
    source = _source_settings(place, relative_to, table, query)
    with open_log(place, table=table, query=query) as log:
        draft = Draft(log)
        find_roles(draft)
        find_money(draft)
        rules = find_rules(draft)
        shop = find_place(draft)
        identities = None if place.startswith(POSTGRES) else find_identities(draft)
        horizon = _horizon(draft)
        draft.notes.insert(0, _summary(draft))
        if without_password(place) != place:
            draft.note(
                "The file holds the password of the address: keep it to yourself, or leave it to "
                "PGPASSWORD or ~/.pgpass."
            )
        toml = render(
            draft, source=source, shop=shop, rules=rules, identities=identities, horizon=horizon
        )
    settings = tomllib.loads(toml)
    settings_from(settings, FeatureSettings, root=relative_to)
    return Proposal(toml, settings, tuple(draft.notes))


def _summary(draft: Draft) -> str:
    """What was read from what, in one sentence."""
    read = (
        f"{field} from {listed(draft.mapped[field])}"
        for field in Columns.model_fields
        if field in draft.mapped
    )
    return f"{draft.log.rows:,} rows: {'; '.join(read)}."


def _source_settings(
    place: str, relative_to: Path, table: str | None, query: str | None
) -> dict[str, str]:
    """The settings of `[data]` that say where the orders are."""
    chosen = {name: text for name, text in (("table", table), ("query", query)) if text}
    if not place.startswith(POSTGRES):
        if chosen:
            raise ConfigError("--table and --query are for orders in PostgreSQL, not in files.")
        return {"transactions": _written(place, relative_to)}
    if len(chosen) != 1:
        raise ConfigError("orders in PostgreSQL need either --table or --query.")
    return {"transactions": place, **chosen}


def without_password(place: str) -> str:
    """A file name as it is, a URL without its password.

    >>> without_password("postgresql://ann:secret@db/shop?password=secret&sslmode=require")
    'postgresql://ann@db/shop?sslmode=require'
    """
    if not place.startswith(POSTGRES):
        return place
    bare = re.sub(r"^(\w+://[^:@/?]*):[^@/?]*@", r"\1@", place)
    return re.sub(r"(?<=[?&])password=[^&]*&?", "", bare).rstrip("?&")


def _written(path_or_glob: str, relative_to: Path) -> str:
    """The path as the configuration says it: with `/`, relative if below `relative_to`."""
    path = Path(os.path.abspath(pattern_of(path_or_glob)))  # noqa: PTH100 - keeps symbolic links
    folder = Path(os.path.abspath(relative_to))  # noqa: PTH100
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()


def _horizon(draft: Draft) -> tuple[int, str]:
    """Days to predict ahead and why: less than the default where the log is short."""
    default = int(Predict.model_fields["horizon_days"].default)
    # single broken dates must not stretch the log
    days = draft.times.dt.normalize().dropna().sort_values(ignore_index=True)
    trimmed = len(days) // 1_000
    span = (days.iloc[-1 - trimmed] - days.iloc[trimmed]) // pd.Timedelta(days=1) + 1
    if span >= _YEAR_DAYS:
        return default, "the default; the file covers more than a year"
    horizon = max((days for days in _HORIZONS if days <= span / 4), default=_HORIZONS[0])
    if horizon < default:
        draft.note(
            f"The file covers about {span} days, so {horizon} days are predicted ahead "
            f"(predict.horizon_days); {default} need a year."
        )
    return horizon, f"at most a quarter of the {span} days in the file"
