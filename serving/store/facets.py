"""How many customers each further choice of a filter would leave.

The customers of a run are kept as bitmaps, one per value of what lists filter by, and their
value at risk as one bitmap per binary digit (P. O'Neil and D. Quass, "Improved Query
Performance with Variant Indexes", 1997, sections 2 and 3.1): a count or a sum is then a few
`and`s over bits, whatever the filter, and no row is read. The bitmaps are made when a run is
published, and again when a customer is erased; they hold no id.
"""

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from cachetools import LRUCache
from sqlalchemy import ColumnElement, Connection, Engine, Select, delete, func, insert, select

from serving.store.database import store_errors
from serving.store.likely_buyers import items_of_customers
from serving.store.protocol import ChurnFilter, no_such_run
from serving.store.rule.places import SearchTexts
from serving.store.rule.tree import searches
from serving.store.run import RunInfo, Totals
from serving.store.run_bitmaps import (
    LISTED_FIELDS,
    TEXT_AT,
    FacetCounts,
    Facets,
    GroupSums,
    ListedColumns,
)
from serving.store.tables import UNKNOWN, current, erasures, run_facets, runs, scores

MOST_RUNS_KEPT = 2

ERASED = select(func.count()).select_from(erasures)
"""How many erasures there have been."""


class NewerScores(NamedTuple):
    """Customers of a run of whom something newer is said: rows in the order of `LISTED_FIELDS`.

    `replaced` are what the run said of them, `newer` what is said now; of a customer who is new
    or gone there is one of the two. `items` are those of `ListedColumns.will_buy`, by customer: they
    stay as the run said.
    """

    replaced: Sequence[tuple[Any, ...]]
    newer: Sequence[tuple[Any, ...]]
    items: Mapping[str, Sequence[str]]


Overlay = Callable[[Connection, str], NewerScores]
"""What is said newly beside a run of this id; reads the store."""


def no_overlay(_connection: Connection, _run_id: str) -> NewerScores:
    """Nothing newer."""
    return NewerScores((), (), {})


@dataclass(frozen=True, kw_only=True)
class CurrentFacets:
    """A run with newer scores in the place of its own: what is replaced in it, and by what."""

    of_run: Facets
    replaced: Facets
    newer: Facets

    @property
    def about(self) -> RunInfo:
        """The run."""
        return self.of_run.about

    def counts(self, chosen: ChurnFilter) -> FacetCounts:
        """The counts beside a filter."""
        of_run, replaced, newer = (facets.counts(chosen) for facets in self._parts)
        parts = (of_run, replaced, newer)
        of_segments = {
            system: _with_newer(*(part.by_segment.get(system, {}) for part in parts))
            for system in of_run.by_segment
        }
        return FacetCounts(
            matching=of_run.matching - replaced.matching + newer.matching,
            by_risk=_with_newer(*(part.by_risk for part in parts)),
            by_status=_with_newer(*(part.by_status for part in parts)),
            by_consent=_with_newer(*(part.by_consent for part in parts)),
            by_rhythm=_with_newer(*(part.by_rhythm for part in parts)),
            by_segment=of_segments,
        )

    def totals(self, chosen: ChurnFilter) -> Totals:
        """How many customers fit a filter, and their value at risk."""
        of_run, replaced, newer = (facets.totals(chosen) for facets in self._parts)
        return Totals(
            customers=of_run.customers - replaced.customers + newer.customers,
            value_at_risk=of_run.value_at_risk - replaced.value_at_risk + newer.value_at_risk,
        )

    def groups(self) -> list[GroupSums]:
        """As `Facets.groups`; groups of nobody are left out."""
        sums: dict[tuple[str, str | None], tuple[int, float, float]] = {}
        for facets, sign in zip(self._parts, (1, -1, 1), strict=True):
            for system, value, size, clv, at_risk in facets.groups():
                before = sums.get((system, value), (0, 0.0, 0.0))
                sums[system, value] = (
                    before[0] + sign * size,
                    before[1] + sign * clv,
                    before[2] + sign * at_risk,
                )
        return [(*key, *figures) for key, figures in sums.items() if figures[0]]

    @property
    def _parts(self) -> tuple[Facets, Facets, Facets]:
        return self.of_run, self.replaced, self.newer


class FacetStore:
    """Counts over the customers of a run, with newer scores in the place of its own.

    Bitmaps of runs are kept in memory until an erasure.

    Parameters
    ----------
    overlay : reads what is said newly beside a run
    """

    def __init__(self, engine: Engine, overlay: Overlay = no_overlay) -> None:
        self._engine = engine
        self._overlay = overlay
        self._kept: LRUCache[str, tuple[int, Facets]] = LRUCache(MOST_RUNS_KEPT)
        self._reading = threading.Lock()

    def counts(self, run_id: str, chosen: ChurnFilter) -> FacetCounts:
        """See `CurrentFacets`; raises `ConfigError` for a run that is not kept."""
        return self.current(run_id, has_texts=searches(chosen.rule)).counts(chosen)

    def groups(self, run_id: str) -> list[GroupSums]:
        """See `CurrentFacets`; raises as `counts`."""
        return self.current(run_id).groups()

    def current(self, run_id: str, *, has_texts: bool = False) -> CurrentFacets:
        """All of it as of one moment, for who asks more than once; raises as `counts`.

        `has_texts`: for rules that search.
        """
        with store_errors(), self._engine.connect() as connection:
            of_run = self.of_run(connection, run_id, has_texts=has_texts)
            rows = self._overlay(connection, run_id)
            parts = (rows.replaced, rows.newer)
            digits = _money_digits(connection, runs.c.run_id == run_id) if any(parts) else 0
        replaced, newer = (
            _beside(of_run, [*map(_row, part)], rows.items, digits) for part in parts
        )
        return CurrentFacets(of_run=of_run, replaced=replaced, newer=newer)

    def of_run(
        self,
        connection: Connection,
        run_id: str,
        *,
        has_texts: bool = False,
        erased: int | None = None,
    ) -> Facets:
        """The bitmaps of a run; raises `ConfigError` for one that is not kept.

        `erased` is how many erasures the transaction sees; None: they are counted.
        """
        # Several pages may ask at once: one reads.
        with self._reading:
            if erased is None:
                erased = connection.execute(ERASED).scalar_one()
            cached = self._kept.get(run_id)
            if cached is None or cached[0] != erased:
                cached = self._kept[run_id] = (erased, _read(connection, run_id))
            facets = cached[1]
            if has_texts and not hasattr(facets, "texts"):
                facets.texts = SearchTexts(connection.execute(_texts(run_id)).scalars())
            return facets


def _texts(run_id: str) -> Select[Any]:
    return (
        select(scores.c.search_text)
        .join(runs, runs.c.run_no == scores.c.run_no)
        .where(runs.c.run_id == run_id)
        .order_by(scores.c.customer_id)
    )


def _beside(
    of_run: Facets, rows: list[tuple[Any, ...]], items: Mapping[str, Sequence[str]], digits: int
) -> Facets:
    """Facets of customers of whom something newer is said."""
    facets = Facets.of(_listed(rows, items, of_run.systems), digits=digits)
    facets.about = of_run.about
    facets.texts = SearchTexts(row[TEXT_AT] for row in rows)
    return facets


def keep_facets(connection: Connection, run_no: int, facets: bytes) -> None:
    """Write what `Facets.to_bytes` gave, of a run that is being published."""
    connection.execute(insert(run_facets).values(run_no=run_no, body=facets))


def count_anew(connection: Connection) -> None:
    """After an erasure: those of the latest run; of others they are made when they are read."""
    connection.execute(delete(run_facets))
    run_no = connection.execute(select(current.c.run_no)).scalar()
    if run_no is not None:
        keep_facets(connection, run_no, _counted(connection, run_no).to_bytes())


def _read(connection: Connection, run_id: str) -> Facets:
    stored = (
        select(runs.c.run_no, runs.c.info, run_facets.c.body)
        .select_from(runs.outerjoin(run_facets, run_facets.c.run_no == runs.c.run_no))
        .where(runs.c.run_id == run_id)
    )
    row = connection.execute(stored).first()
    if row is None:
        raise no_such_run(run_id)
    facets = Facets.from_bytes(row.body) if row.body is not None else None
    facets = facets or _counted(connection, row.run_no)
    facets.about = RunInfo.from_json(row.info)
    return facets


def _counted(connection: Connection, run_no: int) -> Facets:
    """The facets of a run, from the rows of its customers."""
    columns = (scores.c[name] for name in LISTED_FIELDS)
    rows = connection.execute(
        select(*columns).where(scores.c.run_no == run_no).order_by(scores.c.customer_id)
    )
    digits = _money_digits(connection, runs.c.run_no == run_no)
    items = items_of_customers(connection, run_no)
    return Facets.of(_listed(map(_row, rows), items), digits=digits)


def _money_digits(connection: Connection, of_run: ColumnElement[bool]) -> int:
    """Of the currency after the point."""
    summary = connection.execute(select(runs.c.summary).where(of_run)).scalar_one()
    return int(json.loads(summary)["money"]["digits"])


def _with_newer(
    of_run: Mapping[str, int], replaced: Mapping[str, int], newer: Mapping[str, int]
) -> dict[str, int]:
    """Counts by value, of what is said now."""
    values = dict.fromkeys((*of_run, *newer))
    return {
        value: of_run.get(value, 0) - replaced.get(value, 0) + newer.get(value, 0)
        for value in values
    }


def _row(row: Any) -> tuple[Any, ...]:
    return tuple(None if value == UNKNOWN else value for value in row)


def _listed(
    rows: Iterable[tuple[Any, ...]],
    items: Mapping[str, Sequence[str]],
    systems: Sequence[str] | None = None,
) -> ListedColumns:
    """Rows in the order of `LISTED_FIELDS`, as columns; None: the systems of the first row."""
    columns: list[Any] = list(zip(*rows, strict=True)) or [()] * len(LISTED_FIELDS)
    customers, _, figures, segments = (columns.pop() for _ in range(4))
    if systems is None:
        systems = list(segments[0]) if segments else []
    by_system = {system: [row.get(system) for row in segments] for system in systems}
    names = dict.fromkeys(name for row in figures for name in row or ())
    by_name = {name: [(row or {}).get(name) for row in figures] for name in names}
    will_buy = [items.get(customer_id, ()) for customer_id in customers]
    return ListedColumns._make([*columns, by_system, by_name, will_buy])
