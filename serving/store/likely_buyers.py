"""Who will probably buy which item: lists published with a run, and the numbers that they add up to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    and_,
    delete,
    false,
    func,
    insert,
    or_,
    select,
)

from features.errors import ConfigError
from serving.store.database import store_errors
from serving.store.tables import current, likely_buyers, listed_items

ItemKind = Literal["product", "category"]
ITEM_KINDS: tuple[ItemKind, ...] = get_args(ItemKind)
RUNS_WITH_LISTS = 2
"""Lists are kept of so many runs, the newest: they are the largest table of a run."""
CUSTOMERS_ASKED_AT_ONCE = 500


class ListedBuyer(NamedTuple):
    """A customer on an item's list: the chance to buy it, how often they have, and how long ago."""

    customer_id: str
    chance: float
    times: int
    last_days_ago: int | None


@dataclass(frozen=True, kw_only=True)
class ItemForecast:
    """An item and how many customers will buy it in the horizon, `low` to `high` in 8 cases of 10.

    `expected` is the sum of all customers' chances, those beyond the list included;
    `past_buyers` have bought it before.
    """

    kind: ItemKind
    item_id: str
    name: str | None
    category: str | None
    past_buyers: int
    expected: float
    low: int
    high: int

    @property
    def key(self) -> str:
        """As lists filter by it."""
        return f"{self.kind}:{self.item_id}"


@dataclass(frozen=True, kw_only=True)
class ItemBuyers:
    """An item and the customers who will most probably buy it, the likeliest first."""

    forecast: ItemForecast
    listed: Sequence[ListedBuyer] = field(repr=False)

    @property
    def key(self) -> str:
        """As lists filter by it."""
        return self.forecast.key


def item_pairs(keys: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Keys such as 'product:85123A', as pairs of kind and id.

    >>> item_pairs(["product:85123A", "category:tea: green"])
    (('product', '85123A'), ('category', 'tea: green'))
    """
    parts = (key.partition(":") for key in keys)
    return tuple((kind, item) for kind, _, item in parts)


def keep_buyers(connection: Connection, run_no: int, items: Sequence[ItemBuyers]) -> None:
    """Write the lists of a run that is being published, and drop those of old ones."""
    if items:
        forecasts = [{"run_no": run_no, **vars(item.forecast)} for item in items]
        connection.execute(insert(listed_items), forecasts)
    compiled = insert(likely_buyers).compile(dialect=connection.dialect)
    names = [column.name for column in likely_buyers.columns]
    for item in items:
        key = (run_no, item.forecast.kind, item.forecast.item_id)
        rows: Any = [(*key, *buyer) for buyer in item.listed]
        if not compiled.positional:
            rows = [dict(zip(names, row, strict=True)) for row in rows]
        if rows:
            connection.exec_driver_sql(str(compiled), rows)
    forget_old_lists(connection)


def forget_old_lists(connection: Connection) -> None:
    """Remove the lists of all but the newest runs that have any."""
    numbers = select(listed_items.c.run_no).distinct().order_by(listed_items.c.run_no.desc())
    for run_no in connection.execute(numbers).scalars().all()[RUNS_WITH_LISTS:]:
        for table in (likely_buyers, listed_items):
            connection.execute(delete(table).where(table.c.run_no == run_no))


def buyers_of_items(run_no: int, keys: Iterable[str]) -> Select[Any]:
    """The customers on the list of any of these items."""
    return select(likely_buyers.c.customer_id).where(
        likely_buyers.c.run_no == run_no, _is_one_of(likely_buyers.c, item_pairs(keys))
    )


def check_items(connection: Connection, run_no: int, keys: Iterable[str]) -> None:
    """Refuse a filter by items of which the run has no list."""
    pairs = set(item_pairs(keys))
    if not pairs:
        return
    columns = (listed_items.c.kind, listed_items.c.item_id)
    of_run = (listed_items.c.run_no == run_no) & _is_one_of(listed_items.c, pairs)
    there = {tuple(row) for row in connection.execute(select(*columns).where(of_run))}
    if missing := sorted(pairs - there):
        kind, item = missing[0]
        raise ConfigError(
            f"will_buy: this run has no list of likely buyers of the {kind} {item!r}. "
            "GET /v1/likely-buyers names those that have one."
        )


def items_of_customers(
    connection: Connection, run_no: int, customers: Sequence[str] | None = None
) -> Mapping[str, list[str]]:
    """Customer → keys of the items on whose lists they stand; None: of everybody."""
    columns = (likely_buyers.c.customer_id, likely_buyers.c.kind, likely_buyers.c.item_id)
    of_run = select(*columns).where(likely_buyers.c.run_no == run_no)
    if customers is None:
        queries = [of_run]
    else:
        starts = range(0, len(customers), CUSTOMERS_ASKED_AT_ONCE)
        blocks = [customers[start : start + CUSTOMERS_ASKED_AT_ONCE] for start in starts]
        queries = [of_run.where(likely_buyers.c.customer_id.in_(block)) for block in blocks]
    keys: dict[str, list[str]] = {}
    for query in queries:
        for customer_id, kind, item_id in connection.execute(query):
            keys.setdefault(customer_id, []).append(f"{kind}:{item_id}")
    return keys


def _is_one_of(columns: Any, pairs: Iterable[tuple[str, str]]) -> ColumnElement[bool]:
    conditions = [and_(columns.kind == kind, columns.item_id == item) for kind, item in pairs]
    return or_(false(), *conditions)


class BuyerStore:
    """The lists of likely buyers of the run that readers see; empty where it has none."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def items(self, kind: ItemKind | None = None) -> list[ItemForecast]:
        """The items that have a list, those with the most buyers expected first."""
        return self._items(*(() if kind is None else (listed_items.c.kind == kind,)))

    def item(self, kind: ItemKind, item_id: str) -> ItemForecast | None:
        """One of them; None where it has no list."""
        if "\0" in item_id:
            return None
        is_it = (listed_items.c.kind == kind) & (listed_items.c.item_id == item_id)
        return next(iter(self._items(is_it)), None)

    def buyers(
        self, kind: ItemKind, item_id: str, *, limit: int, start: int = 0
    ) -> tuple[list[ListedBuyer], int]:
        """Customers of an item's list from place `start` (0 is the first) on, and how many it has."""
        of_item = self._of_current(likely_buyers) & (likely_buyers.c.kind == kind)
        of_item &= likely_buyers.c.item_id == item_id
        columns = [likely_buyers.c[name] for name in ListedBuyer._fields]
        rows = (
            select(*columns)
            .where(of_item)
            .order_by(likely_buyers.c.chance.desc(), likely_buyers.c.customer_id)
            .limit(limit)
            .offset(start)
        )
        count = select(func.count()).select_from(likely_buyers).where(of_item)
        with store_errors(), self._engine.connect() as connection:
            listed = [ListedBuyer(*row) for row in connection.execute(rows)]
            return listed, int(connection.execute(count).scalar_one())

    def _items(self, *conditions: ColumnElement[bool]) -> list[ItemForecast]:
        query = (
            select(listed_items)
            .where(self._of_current(listed_items), *conditions)
            .order_by(listed_items.c.expected.desc(), listed_items.c.kind, listed_items.c.item_id)
        )
        with store_errors(), self._engine.connect() as connection:
            return [_forecast(row) for row in connection.execute(query)]

    @staticmethod
    def _of_current(table: Any) -> ColumnElement[bool]:
        of_current: ColumnElement[bool] = (
            table.c.run_no == select(current.c.run_no).scalar_subquery()
        )
        return of_current


def _forecast(row: Row[Any]) -> ItemForecast:
    return ItemForecast(**{field.name: getattr(row, field.name) for field in fields(ItemForecast)})
