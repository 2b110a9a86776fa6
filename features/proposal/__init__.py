"""`regulars init`: look at a file or a database of orders and propose a `regulars.toml`.

Names and values of the columns decide, values first: an order id is what lies within
a day and belongs to one customer, a unit price is what hardly varies within a product when the
quantity does. What cannot be told is marked CHECK in the text and said in the notes.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from features.errors import ConfigError
from features.proposal.answers import NOTHING_SAID, Answers
from features.proposal.cards import find_identities
from features.proposal.contracts import find_contracts
from features.proposal.draft import Draft, listed
from features.proposal.first_orders import UnderstoodOrder, first_orders
from features.proposal.known import recognised, take_asked, take_known
from features.proposal.log import Log, open_log, pattern_of
from features.proposal.money.search import find_money
from features.proposal.money.verdict import find_number_style, prove_money
from features.proposal.people import find_people
from features.proposal.place import find_place
from features.proposal.roles import find_roles
from features.proposal.rules import find_rules
from features.proposal.statuses import find_statuses
from features.proposal.text import render
from features.proposal.understanding import Understanding, understood
from features.settings.columns import OPTIONAL_FIELDS, Columns
from features.settings.data import POSTGRES
from features.settings.feature_settings import FeatureSettings
from features.settings.loading import settings_from
from features.settings.predict import Predict
from features.sources.addresses import without_password

_HORIZONS = (7, 14, 30, 60, 90)
_YEAR_DAYS = 365


@dataclass(frozen=True)
class Proposal:
    """A configuration proposed from looking at a file.

    Attributes
    ----------
    toml : the commented text of `regulars.toml`
    settings : the same, parsed; `features.settings.loading.settings_from` accepts it unless
        fields are open
    notes : sentences for the person: what was taken for what, what must be checked
    system : the system that wrote the file and the name of its export, where it is known
    open_fields : fields without which nothing can be read, to be filled in by the person
    first_orders : the first orders as these settings read them
    understanding : what was understood, as values
    """

    toml: str
    settings: dict[str, Any]
    notes: tuple[str, ...]
    understanding: Understanding
    system: str | None = None
    open_fields: tuple[str, ...] = ()
    first_orders: tuple[UnderstoodOrder, ...] = ()

    @property
    def shown(self) -> dict[str, Any]:
        """The settings without a password."""
        data = self.settings["data"]
        return {
            **self.settings,
            "data": {**data, "transactions": without_password(data["transactions"])},
        }


def propose(
    location: str,
    *,
    relative_to: Path,
    table: str | None = None,
    query: str | None = None,
    system: str | None = None,
    columns: Mapping[str, str] | None = None,
    answers: Answers = NOTHING_SAID,
) -> Proposal:
    """Look at orders in files or a database, and propose how to read them.

    Parameters
    ----------
    location : file or glob as typed, relative to the working directory or absolute; or the URL of
        a PostgreSQL database
    relative_to : folder of the configuration file to be; files are written relative to it
    table, query : which orders of the database; one of them
    system : the system that wrote the file, where its header does not tell; ``none``: no known one
    columns : field of `data.columns` → the column that the person says it is
    answers : what the person says beside that

    Returns
    -------
    Proposal. Roles of columns come from a sample of about 200,000 rows in chunks spread
    over the file, counts of product codes and order numbers from all rows. The same
    file gives the same proposal. Where no column can be the date, the customer or the money of
    an order, the proposal leaves that line open and says so.

    Raises
    ------
    ConfigError
        When a database comes without a table or query, with both, or a file with either; when a
        named system or column is not there.
    DataError
        One clear sentence: no such file, empty, a folder, no table, what the database says, or
        dates turned round in part. No message holds a password.
    """
    source = _source_settings(location, relative_to, table, query)
    with open_log(location, table=table, query=query) as log:
        is_database = location.startswith(POSTGRES)
        draft = _drafted(log, system, columns or {}, answers, is_database=is_database)
        identities = None
        if not is_database and "customer_id" in draft.mapped:
            identities = find_identities(draft)
        rules = find_rules(draft)
        shop = answers.place(find_place(draft))
        horizon = _horizon(draft)
        draft.notes.insert(0, _summary(draft))
        if draft.open_fields and draft.layout is not None and draft.layout.join:
            draft.note(draft.layout.join)
        draft.notes.extend(f"OPEN: {what}" for what in draft.open_fields.values())
        if without_password(location) != location:
            draft.note(
                "The file holds the password of the address: keep it to yourself, or leave it to "
                "PGPASSWORD or ~/.pgpass."
            )
        source |= log.reading_settings
        toml = render(
            draft, source=source, shop=shop, rules=rules, identities=identities, horizon=horizon
        )
        values = tomllib.loads(toml)
        orders: tuple[UnderstoodOrder, ...] = ()
        if not draft.open_fields:
            orders = first_orders(log, settings_from(values, FeatureSettings, root=relative_to))
    return Proposal(
        toml,
        values,
        tuple(draft.notes),
        understood(draft, shop),
        system=f"{draft.layout.system}: {draft.layout.export}" if draft.layout else None,
        open_fields=tuple(draft.open_fields),
        first_orders=orders,
    )


def _drafted(
    log: Log,
    system: str | None,
    named_columns: Mapping[str, str],
    answers: Answers,
    *,
    is_database: bool,
) -> Draft:
    """Every decision about the columns, each step seeing those before it."""
    if strangers := answers.left_out - OPTIONAL_FIELDS:
        raise ConfigError(f"{', '.join(sorted(strangers))}: cannot be left out.")
    layout = recognised(list(log.header), system)
    draft = Draft(log, layout=layout, left_out=answers.left_out)
    take_asked(draft, named_columns)
    take_known(draft)
    find_roles(draft)
    find_money(draft)
    if not is_database:  # tables beside the orders are files
        find_contracts(draft)
    find_statuses(draft)
    prove_money(draft)
    find_people(draft)
    find_number_style(draft)
    answers.settle(draft)
    return draft


def _summary(draft: Draft) -> str:
    """What was read from what, in one sentence."""
    read = (
        f"{field} from {listed(draft.mapped[field])}"
        for field in Columns.model_fields
        if field in draft.mapped
    )
    return f"{draft.log.rows:,} rows: {'; '.join(read)}."


def _source_settings(
    location: str, relative_to: Path, table: str | None, query: str | None
) -> dict[str, str]:
    """The settings of `[data]` that say where the orders are."""
    chosen = {name: text for name, text in (("table", table), ("query", query)) if text}
    if not location.startswith(POSTGRES):
        if chosen:
            raise ConfigError("--table and --query are for orders in PostgreSQL, not in files.")
        return {"transactions": _written(location, relative_to)}
    if len(chosen) != 1:
        raise ConfigError("orders in PostgreSQL need either --table or --query.")
    return {"transactions": location, **chosen}


def _written(path_or_glob: str, relative_to: Path) -> str:
    """The path as the configuration says it: with `/`, counted from its own folder."""
    path = Path(os.path.abspath(pattern_of(path_or_glob)))  # noqa: PTH100 - keeps symbolic links
    folder = Path(os.path.abspath(relative_to))  # noqa: PTH100
    if path.anchor != folder.anchor:
        return path.as_posix()
    return Path(os.path.relpath(path, folder)).as_posix()


def _horizon(draft: Draft) -> tuple[int, str]:
    """Days to predict ahead and why: less than the default where the log is short."""
    default = int(Predict.model_fields["horizon_days"].default)
    # single broken dates must not stretch the log
    days = draft.times.dt.normalize().dropna().sort_values(ignore_index=True)
    if days.empty:
        return default, "the default"
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
