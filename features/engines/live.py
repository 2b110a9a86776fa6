"""The features of the catalogue for one customer, from the SQL text that the batch runs.

What does not look at the date is added up once, row by row as time goes on, so that many mornings
of one customer cost little more than the last of them; windows are looked through at each date.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from features.blocks.block import Block
from features.catalogue import BLOCKS, LIVE_BLOCKS
from features.compiler.arithmetic import run
from features.engines.grain import Columns, GrainRows, days_of
from features.engines.program import CatalogueProgram
from features.reading.order_line import Line


class LiveEngine:
    """Computes features of one customer at a time.

    Parameters
    ----------
    minor_units : how many make one unit of the currency (`Data.minor_units`)
    blocks : of the orders, or derived; those of optional tables follow from no order

    Attributes
    ----------
    names : the features, in the order of the blocks
    source : the generated Python, the same for the same blocks

    Raises
    ------
    ConfigError
        When a feature holds something that has no meaning for one customer's rows, or that is
        not known to mean the same on every engine; names each feature and says what.

    Examples
    --------
    >>> tea = Line("o1", 19723, 600, "tea", "drinks", "web", 1, 450, 0, None, is_return=False)
    >>> engine = LiveEngine(minor_units=100)
    >>> past = engine.orders_of([tea, tea._replace(order_id="o2", day=19730)])
    >>> features = past.features(19731)
    >>> features["orders"], features["spend"], features["mean_gap_days"]
    (2.0, 9.0, 7.0)
    """

    def __init__(self, minor_units: int, blocks: tuple[Block, ...] = BLOCKS) -> None:
        program = CatalogueProgram(minor_units, blocks)
        self.names = program.names
        self.source = program.source()
        functions = run(self.source, "features")
        self._rows = GrainRows(functions)
        self._features = functions["features"]
        self._grains = [
            _Compiled(
                fold=functions[f"fold_{name}"],
                start=functions[f"start_{name}"],
                folded=table.folded.uses(),
                windowed=table.windows.uses(),
            )
            for name, table in program.tables.items()
        ]

    def orders_of(self, lines: Iterable[Line]) -> "CustomerOrders":
        """One customer's orders.

        Parameters
        ----------
        lines : those that count, each once, in any order; see `features.reading.judging`
        """
        orders = self._rows.orders(lines)
        columns = [orders, days_of(orders) if orders else {}]
        grains = [
            _Grain(*columns_of_grain)
            for columns_of_grain in zip(self._grains, columns, strict=True)
        ]
        return CustomerOrders(self.names, self._features, *grains)


@lru_cache(maxsize=4)
def live_engine(minor_units: int) -> LiveEngine:
    """The engine of all that orders alone tell, made once in a process."""
    return LiveEngine(minor_units, LIVE_BLOCKS)


@dataclass(frozen=True, kw_only=True)
class _Compiled:
    """Functions over one grain, and the columns of its rows that they read."""

    fold: Callable[[Any, int, Iterable[tuple[Any, ...]]], Any]
    start: Callable[[], Any]
    folded: list[str]
    windowed: list[str]


class _Grain:
    """One customer's rows of a grain, and the totals of those before a day."""

    __slots__ = ("_compiled", "_end", "columns", "totals")

    def __init__(self, compiled: _Compiled, columns: Columns) -> None:
        self._compiled = compiled
        self._end = 0
        self.columns = columns
        self.totals = compiled.start()

    def settle(self, as_of: int) -> Iterator[tuple[Any, ...]]:
        """Bring the totals to a date; returns what the windows read of the rows before it."""
        compiled, columns = self._compiled, self.columns
        end = bisect_left(columns["day"], as_of)
        if end < self._end:
            self.totals, self._end = compiled.start(), 0
        if end > self._end:
            folded = [columns[name][self._end : end] for name in compiled.folded]
            self.totals = compiled.fold(self.totals, end - self._end, zip(*folded, strict=True))
            self._end = end
        return zip(*[columns[name][:end] for name in compiled.windowed], strict=True)


class CustomerOrders:
    """One customer's orders, by day: features at any date; see `LiveEngine.orders_of`.

    Lines count as known on their day: one that came in late is seen at dates before it did.
    """

    __slots__ = ("_days", "_features", "_names", "_orders")

    def __init__(
        self,
        names: list[str],
        features: Callable[..., tuple[float, ...]],
        orders: _Grain,
        days: _Grain,
    ) -> None:
        self._names = names
        self._features = features
        self._orders = orders
        self._days = days

    def features(self, as_of: int) -> dict[str, float] | None:
        """The customer's row of the feature table.

        Parameters
        ----------
        as_of : days since 1970-01-01; lines of this day and later are not seen. Dates in the
            order of time are quickest

        Returns
        -------
        Feature → value, in the order of the catalogue; NaN where a feature has no meaning yet.
        None before the first purchase, where a feature table has no row.
        """
        purchase_days = self._days.columns.get("day")
        if not purchase_days or purchase_days[0] >= as_of:
            return None
        orders, days = self._orders, self._days
        order_rows, day_rows = orders.settle(as_of), days.settle(as_of)
        features = self._features(as_of, orders.totals, order_rows, days.totals, day_rows)
        return dict(zip(self._names, features, strict=True))
