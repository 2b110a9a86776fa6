"""Orders opened in a notebook: from settings, a file or a frame."""

import weakref
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import pandas as pd
import pyarrow as pa

from features.errors import ConfigError, DataError
from features.orders import log as order_log
from features.orders.log import OrderLog
from features.reading.sent_lines import SentOrderLine
from features.settings.loading import load_settings, settings_from
from features.sources import FrameSource, Source, open_source
from serving.settings import Settings

Orders = Settings | Source | pd.DataFrame | Path | str
"""What orders can be read from."""


@dataclass(frozen=True)
class OpenedLog(OrderLog[Settings]):
    """Orders in the engine, until `close`, the end of a `with` block, or nobody holds them.

    Attributes
    ----------
    notes : how the settings were told from the orders; empty where they were given
    """

    notes: tuple[str, ...] = ()
    closing: ExitStack = field(default_factory=ExitStack, repr=False, compare=False)

    def close(self) -> None:
        """Give the engine's memory and files back."""
        self.closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_orders(
    orders: Orders,
    settings: Settings | Mapping[str, Any] | Source | None = None,
    *,
    sent: Sequence[SentOrderLine] = (),
) -> OpenedLog:
    """Read, judge and key orders.

    Parameters
    ----------
    orders : a path of files (Parquet, CSV, Excel; a glob for several) or the URL of a PostgreSQL
        database; a pandas frame; a path that ends in `.toml`, or `Settings`: what they name
    settings : how the columns are read: `Settings`, or what a `regulars.toml` holds as a
        dictionary. None: told by looking at the orders, as `regulars init` does; see
        `OpenedLog.notes`. With `Settings` first: a source to read instead of the one they name
    sent : orders that may not stand there yet

    Returns
    -------
    OpenedLog: `report` says what was read and what was put aside and why, `end` is the day after
    the last order. Usable in a `with` block or without one.

    Raises
    ------
    ConfigError
        When the settings cannot be used, or not be told from the orders.
    DataError
        When the orders cannot be used; lists every problem.
    NotEnoughData
        When no row survives the rules or everything happened on one day.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.date_range("2024-01-01", periods=40, freq="3D")
    >>> frame = pd.DataFrame({
    ...     "customer": [f"c{number % 7}" for number in range(40)], "order": range(1000, 1040),
    ...     "time": days, "amount": [10.5 + number for number in range(40)]})
    >>> columns = {"customer_id": "customer", "order_id": "order", "ordered_at": "time",
    ...            "amount": "amount"}
    >>> with read_orders(frame, {"data": {"currency": "EUR", "columns": columns}}) as log:
    ...     log.report.orders
    40
    """
    if isinstance(orders, str | Path) and str(orders).endswith(".toml"):
        orders = load_settings(orders, Settings)
    notes: tuple[str, ...] = ()
    if isinstance(orders, Settings):
        configured, source = orders, None if settings is None else _source(settings)
    else:
        source = None if isinstance(orders, str | Path) else _source(orders)
        if settings is None:
            configured, notes = _told_by(orders)
        else:
            configured = _configured(settings, orders)
            if source is None and isinstance(settings, Settings):
                source = open_source(str(orders), Path.cwd())
    closing = ExitStack()
    log = closing.enter_context(order_log.read_orders(configured, source, sent=sent))
    values = {column.name: getattr(log, column.name) for column in fields(OrderLog)}
    opened = OpenedLog(**values, notes=notes, closing=closing)
    weakref.finalize(opened, closing.close)
    return opened


def _source(orders: Any) -> Source:
    if isinstance(orders, pd.DataFrame):
        return FrameSource(orders)
    if hasattr(orders, "relation"):
        source: Source = orders
        return source
    raise ConfigError(
        f"orders: a path, a frame or Settings, not {type(orders).__name__}. With Settings first, "
        "the second is a source such as FrameSource(frame)."
    )


def _configured(settings: Settings | Mapping[str, Any] | Source, orders: Orders) -> Settings:
    if isinstance(settings, Settings):
        return settings
    if not isinstance(settings, Mapping):
        raise ConfigError(
            f"settings: Settings or a dictionary as in regulars.toml, not "
            f"{type(settings).__name__}."
        )
    address = str(orders) if isinstance(orders, str | Path) else "frame.parquet"
    values = {**settings, "data": {"transactions": address, **settings.get("data", {})}}
    return settings_from(values, Settings, root=Path.cwd(), name="settings")


def _told_by(orders: Orders) -> tuple[Settings, tuple[str, ...]]:
    """Settings proposed by looking at the orders, and how they were told."""
    if isinstance(orders, str | Path):
        return _proposed(str(orders))
    if not isinstance(orders, pd.DataFrame):
        raise ConfigError("settings: a source needs them; only files and frames are looked at.")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "frame.parquet"
        try:
            orders.to_parquet(file, index=False)
        except (pa.ArrowException, ValueError, TypeError) as error:
            raise DataError(f"frame: a column cannot be read ({error}).") from None
        return _proposed(str(file))


def _proposed(location: str) -> tuple[Settings, tuple[str, ...]]:
    from features.proposal import propose

    proposal = propose(location, relative_to=Path.cwd())
    if proposal.open_fields:
        fields_left = ", ".join(f"data.columns.{name}" for name in proposal.open_fields)
        raise ConfigError(
            f"{location}: cannot tell {fields_left}. Pass settings="
            '{"data": {"columns": {…}}} with the names of the columns.'
        )
    return settings_from(proposal.settings, Settings, root=Path.cwd()), proposal.notes
