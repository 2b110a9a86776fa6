"""How many customers each further choice of a filter would leave.

The customers of a run are kept as bitmaps, one per value of what lists filter by, and their
value at risk as one bitmap per binary digit (P. O'Neil and D. Quass, "Improved Query
Performance with Variant Indexes", 1997, sections 2 and 3.1): a count or a sum is then a few
`and`s over bits, whatever the filter, and no row is read. The bitmaps are made when a run is
published, and again when a customer is erased; they hold no id.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

from cachetools import LRUCache
from pyroaring import BitMap
from sqlalchemy import ColumnElement, Connection, Engine, delete, func, insert, select

from serving.store.bitmaps import Bitmaps, Numbers, everybody, joined, parted
from serving.store.database import store_errors
from serving.store.likely_buyers import items_of_customers
from serving.store.protocol import (
    ANY_OF,
    CONSENTS,
    SORT_KEYS,
    ChurnFilter,
    SortKey,
    no_such_run,
)
from serving.store.run import RHYTHM_RANKS, Totals
from serving.store.tables import UNKNOWN, current, erasures, run_facets, runs, scores

MOST_RUNS_KEPT = 2
FORMAT = "roaring, with rhythm, dates and items"
"""Of what is stored of a run; anything else is counted anew."""
PROBABILITY_DIGITS = 4
MOST_VALUES = 60
"""A segment system with more values than this is no choice of a list."""
MOST_CATEGORIES = 300
LIKELY_CATEGORY = "likely_category"
"""The one system whose values are names that readers know, however many."""


PARTS = {
    "retention_risk": "risk",
    "status": "status",
    "consent": "consent",
    "rhythm": "rhythm",
}
"""Columns, and the part of a filter that chooses among their values."""

WILL_BUY = "will_buy"
"""The column, and the part of a filter, of items."""

_RHYTHM_OF = {rank: word for word, rank in RHYTHM_RANKS.items()}


GroupSums = tuple[str, str | None, int, float, float]
"""System, value (None: no value), customers, and their sums of clv and value at risk."""


class ListedColumns(NamedTuple):
    """What lists filter by: one value per customer in each column; `segments` by system.

    `rhythm` is a rank of `RHYTHM_RANKS`, `next_order_date` of `nearness`; `will_buy` are the items on
    whose lists of likely buyers a customer stands.
    """

    retention_risk: Sequence[str | None]
    status: Sequence[str]
    consent: Sequence[bool | None]
    value_at_risk: Sequence[float | None]
    expected_profit: Sequence[float | None]
    churn_probability: Sequence[float | None]
    clv: Sequence[float | None]
    rhythm: Sequence[float | None]
    next_order_date: Sequence[float | None]
    segments: Mapping[str, Sequence[str | None]]
    will_buy: Sequence[Sequence[str]]


LISTED_FIELDS = (*ListedColumns._fields[:-1], "customer_id")
"""The columns of the store from which those of lists are made."""


@dataclass(frozen=True, kw_only=True)
class FacetCounts:
    """Value → customers, who fit all of a filter but the part that the value would replace.

    `by_segment` has the systems of at most `MOST_VALUES` values, and `LIKELY_CATEGORY` of at
    most `MOST_CATEGORIES`. `matching` fit all of it.
    """

    matching: int
    by_risk: Mapping[str, int]
    by_status: Mapping[str, int]
    by_consent: Mapping[str, int]
    by_rhythm: Mapping[str, int]
    by_segment: Mapping[str, Mapping[str, int]]


class Facets:
    """The bitmaps of one run.

    Parameters
    ----------
    customers : how many there are
    columns : by what lists filter: those of `PARTS`
    segments : system → its values
    numbers : by what lists sort
    """

    def __init__(
        self,
        *,
        customers: int,
        columns: Mapping[str, Bitmaps],
        segments: Mapping[str, Bitmaps],
        numbers: Mapping[str, Numbers],
    ) -> None:
        self._customers = customers
        self._columns = columns
        self._segments = segments
        self._numbers = numbers
        self._groups: list[GroupSums] | None = None

    @classmethod
    def of(cls, listed: ListedColumns, *, digits: int) -> Self:
        """The facets of customers; `digits` of the currency after the point."""
        columns = {
            "retention_risk": listed.retention_risk,
            "status": listed.status,
            "consent": [CONSENTS[consent] for consent in listed.consent],
            "rhythm": [None if rank is None else _RHYTHM_OF[rank] for rank in listed.rhythm],
        }
        decimals = {
            **dict.fromkeys(SORT_KEYS, digits),
            "churn_probability": PROBABILITY_DIGITS,
            "rhythm": 0,
            "next_order_date": 0,
        }
        return cls(
            customers=len(listed.status),
            columns={
                **{name: Bitmaps.of(column) for name, column in columns.items()},
                WILL_BUY: Bitmaps.of_several(listed.will_buy),
            },
            segments={name: Bitmaps.of(column) for name, column in listed.segments.items()},
            numbers={
                name: Numbers.of(getattr(listed, name), decimals=number)
                for name, number in decimals.items()
            },
        )

    def to_bytes(self) -> bytes:
        """All of it; `from_bytes` reads it back."""
        groups = {"columns": self._columns, "segments": self._segments}
        parts = {
            f"{group} {name}": list(bitmaps.packed.values())
            for group, columns in groups.items()
            for name, bitmaps in columns.items()
        }
        values = {
            group: {name: bitmaps.values for name, bitmaps in columns.items()}
            for group, columns in groups.items()
        }
        numbers = {}
        for name, packed_numbers in self._numbers.items():
            parts[f"numbers {name}"], numbers[name] = packed_numbers.packed()
        header = {
            "format": FORMAT,
            "customers": self._customers,
            "values": values,
            "numbers": numbers,
        }
        return joined(parts, header)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self | None:
        """What `to_bytes` wrote; None where an earlier release wrote it in another format."""
        parts, header = parted(data)
        if header.get("format") != FORMAT:
            return None
        groups = {
            group: {
                name: Bitmaps(dict(zip(names, parts[f"{group} {name}"], strict=True)))
                for name, names in columns.items()
            }
            for group, columns in header["values"].items()
        }
        numbers = {
            name: Numbers.opened(parts[f"numbers {name}"], packed_numbers)
            for name, packed_numbers in header["numbers"].items()
        }
        return cls(**groups, customers=header["customers"], numbers=numbers)

    @property
    def systems(self) -> list[str]:
        """The segment systems."""
        return list(self._segments)

    def counts(self, chosen: ChurnFilter) -> FacetCounts:
        """See `FacetStore.counts`."""
        by_segment = {}
        for system, column in self._segments.items():
            most = MOST_CATEGORIES if system == LIKELY_CATEGORY else MOST_VALUES
            if len(column.values) <= most:
                other_segments = tuple(pair for pair in chosen.segments if pair[0] != system)
                by_segment[system] = column.sizes(
                    self._fitting(replace(chosen, segments=other_segments))
                )
        risk, status, consent, rhythm = (
            self._columns[name].sizes(self._fitting(_without(chosen, part)))
            for name, part in PARTS.items()
        )
        return FacetCounts(
            matching=len(self._fitting(chosen)),
            by_risk=risk,
            by_status=status,
            by_consent=consent,
            by_rhythm=rhythm,
            by_segment=by_segment,
        )

    def totals(self, chosen: ChurnFilter) -> Totals:
        """How many customers fit a filter, and their value at risk."""
        fitting = self._fitting(chosen)
        return Totals(
            customers=len(fitting),
            value_at_risk=self._numbers["value_at_risk"].sum_of(fitting),
        )

    def groups(self) -> list[GroupSums]:
        """Every value of every system; counted once."""
        if self._groups is None:
            self._groups = list(self._each_group())
        return self._groups

    def _each_group(self) -> Iterator[GroupSums]:
        clv, at_risk = self._numbers["clv"], self._numbers["value_at_risk"]
        for system, column in self._segments.items():
            members_of: dict[str | None, BitMap] = {
                value: column.having([value]) for value in column.values
            }
            members_of[None] = everybody(self._customers) - column.having(column.values)
            for value, members in members_of.items():
                if members:
                    yield system, value, len(members), clv.sum_of(members), at_risk.sum_of(members)

    def highest(
        self, chosen: ChurnFilter, sort: SortKey, number: int, below: float | None = None
    ) -> list[float]:
        """The `sort` figures of so many customers who fit a filter; see `Numbers.highest`."""
        return self._numbers[sort].highest(self._fitting(chosen), number, below)

    def _fitting(self, list_filter: ChurnFilter) -> BitMap:
        fitting = everybody(self._customers)
        chosen = [
            *((self._columns[name], getattr(list_filter, part)) for name, part in PARTS.items()),
            *(
                (self._segments[system], text.split(ANY_OF))
                for system, text in list_filter.segments
            ),
        ]
        chosen.append((self._columns[WILL_BUY], list_filter.will_buy))
        for column, values in chosen:
            if values:
                fitting = fitting & column.having(values)
        if list_filter.min_value_at_risk is not None:
            fitting = fitting & self._numbers["value_at_risk"].at_least(
                list_filter.min_value_at_risk
            )
        dates = self._numbers["next_order_date"]
        if list_filter.least_due is not None:
            fitting = fitting & dates.at_least(list_filter.least_due)
        if list_filter.most_due is not None:
            # a day sooner is one higher; who has no date is in neither
            sooner = dates.at_least(list_filter.most_due + 1)
            fitting = (fitting & dates.known) - sooner
        return fitting


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
        return self.current(run_id).counts(chosen)

    def groups(self, run_id: str) -> list[GroupSums]:
        """See `CurrentFacets`; raises as `counts`."""
        return self.current(run_id).groups()

    def current(self, run_id: str) -> CurrentFacets:
        """All of it as of one moment, for who asks more than once; raises as `counts`."""
        with store_errors(), self._engine.connect() as connection:
            of_run = self.of_run(connection, run_id)
            rows = self._overlay(connection, run_id)
            parts = (rows.replaced, rows.newer)
            digits = _money_digits(connection, runs.c.run_id == run_id) if any(parts) else 0
        replaced, newer = (
            Facets.of(_listed(map(_row, part), rows.items, of_run.systems), digits=digits)
            for part in parts
        )
        return CurrentFacets(of_run=of_run, replaced=replaced, newer=newer)

    def of_run(self, connection: Connection, run_id: str) -> Facets:
        """The bitmaps of a run; raises `ConfigError` for one that is not kept."""
        # Several pages may ask at once: one reads.
        with self._reading:
            erased = connection.execute(select(func.count()).select_from(erasures)).scalar_one()
            cached = self._kept.get(run_id)
            if cached is None or cached[0] != erased:
                cached = self._kept[run_id] = (erased, _read(connection, run_id))
            return cached[1]


def _without(chosen: ChurnFilter, part: str) -> ChurnFilter:
    """A filter that leaves one of its `PARTS` open."""
    nothing: Any = {part: ()}
    return replace(chosen, **nothing)


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
        select(runs.c.run_no, run_facets.c.body)
        .select_from(runs.outerjoin(run_facets, run_facets.c.run_no == runs.c.run_no))
        .where(runs.c.run_id == run_id)
    )
    row = connection.execute(stored).first()
    if row is None:
        raise no_such_run(run_id)
    facets = Facets.from_bytes(row.body) if row.body is not None else None
    return facets or _counted(connection, row.run_no)


def _counted(connection: Connection, run_no: int) -> Facets:
    """The facets of a run, from the rows of its customers."""
    columns = (scores.c[name] for name in LISTED_FIELDS)
    rows = connection.execute(select(*columns).where(scores.c.run_no == run_no))
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
    customers, segments = columns.pop(), columns.pop()
    if systems is None:
        systems = list(segments[0]) if segments else []
    by_system = {system: [row.get(system) for row in segments] for system in systems}
    will_buy = [items.get(customer_id, ()) for customer_id in customers]
    return ListedColumns._make([*columns, by_system, will_buy])
