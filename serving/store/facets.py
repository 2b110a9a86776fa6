"""How many customers each further choice of a filter would leave.

The customers of a run are kept as bitmaps, one per value of what lists filter by, and their
value at risk as one bitmap per binary digit (P. O'Neil and D. Quass, "Improved Query
Performance with Variant Indexes", 1997, sections 2 and 3.1): a count is then a few `and`s over
bits, whatever the filter, and no row is read.
"""

import json
import math
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from sqlalchemy import Engine, func, select

from serving.store.database import store_errors
from serving.store.memory import MemoryStore
from serving.store.protocol import ANY_OF, CONSENTS, ChurnFilter, no_such_run
from serving.store.tables import UNKNOWN, erasures, runs, scores

MOST_RUNS_KEPT = 2
MOST_VALUES = 60
"""A segment system with more values than this is no choice of a list."""


class ListRow(NamedTuple):
    """What lists filter by, of one customer."""

    retention_risk: str | None
    status: str
    consent: bool | None
    value_at_risk: float | None
    segments: Mapping[str, str | None]


@dataclass(frozen=True, kw_only=True)
class FacetCounts:
    """Value → customers, who fit all of a filter but the part that the value would replace.

    `by_segment` has the systems of at most `MOST_VALUES` values. `matching` fit all of it.
    """

    matching: int
    by_risk: Mapping[str, int]
    by_status: Mapping[str, int]
    by_consent: Mapping[str, int]
    by_segment: Mapping[str, Mapping[str, int]]


class FacetStore(Protocol):
    """Counts over the customers of a run, as it was published; orders sent since are not in it."""

    def counts(self, run_id: str, wanted: ChurnFilter) -> FacetCounts:
        """The counts beside a filter; raises `ConfigError` for a run that is not kept."""


class _Column:
    """Who has which value; a value's bitmap is made when it is first asked for."""

    def __init__(self, values: Sequence[str | None]) -> None:
        self._codes = {value: chr(number) for number, value in enumerate(dict.fromkeys(values))}
        self._coded = "".join(self._codes[value] for value in values)
        self._bitmaps: dict[str, int] = {}

    @property
    def values(self) -> list[str]:
        return [value for value in self._codes if value is not None]

    def having(self, values: Iterable[str]) -> int:
        """Who has one of `values`."""
        found = 0
        for value in values:
            if value in self._codes:
                found |= self._bitmap(value)
        return found

    def sizes(self, fitting: int) -> dict[str, int]:
        """How many of those `fitting` have each value."""
        return {value: (self._bitmap(value) & fitting).bit_count() for value in self.values}

    def _bitmap(self, value: str) -> int:
        if value not in self._bitmaps:
            signs = {ord(code): "0" for code in self._codes.values()}
            signs[ord(self._codes[value])] = "1"
            self._bitmaps[value] = int(self._coded.translate(signs), 2)
        return self._bitmaps[value]


class Facets:
    """The bitmaps of one run.

    Parameters
    ----------
    rows : one per customer, in any order that stays the same
    digits : of the currency after the point
    """

    def __init__(self, rows: Sequence[ListRow], *, digits: int) -> None:
        self._unit = 10**digits
        self._all = (1 << len(rows)) - 1
        self._risk = _Column([row.retention_risk for row in rows])
        self._status = _Column([row.status for row in rows])
        self._consent = _Column([CONSENTS[row.consent] for row in rows])
        self._segments = {
            system: _Column([row.segments.get(system) for row in rows])
            for system in (rows[0].segments if rows else ())
        }
        values = [row.value_at_risk for row in rows]
        self._known = _bitmap([value is not None for value in values])
        self._value = _slices([max(round((value or 0.0) * self._unit), 0) for value in values])

    def counts(self, wanted: ChurnFilter) -> FacetCounts:
        """See `FacetStore.counts`."""
        by_segment = {}
        for system, column in self._segments.items():
            if len(column.values) <= MOST_VALUES:
                others = tuple(pair for pair in wanted.segments if pair[0] != system)
                by_segment[system] = column.sizes(self._fitting(replace(wanted, segments=others)))
        return FacetCounts(
            matching=self._fitting(wanted).bit_count(),
            by_risk=self._risk.sizes(self._fitting(replace(wanted, risk=()))),
            by_status=self._status.sizes(self._fitting(replace(wanted, status=()))),
            by_consent=self._consent.sizes(self._fitting(replace(wanted, consent=()))),
            by_segment=by_segment,
        )

    def _fitting(self, wanted: ChurnFilter) -> int:
        fitting = self._all
        chosen = [
            (self._risk, wanted.risk),
            (self._status, wanted.status),
            (self._consent, wanted.consent),
            *((self._segments[system], text.split(ANY_OF)) for system, text in wanted.segments),
        ]
        for column, values in chosen:
            if values:
                fitting &= column.having(values)
        if wanted.min_value_at_risk is not None:
            fitting &= self._from(wanted.min_value_at_risk)
        return fitting

    def _from(self, amount: float) -> int:
        """Who has at least this value at risk."""
        least = math.ceil(round(amount * self._unit, 6))
        if least <= 0:
            return self._known
        if least.bit_length() > len(self._value):
            return 0
        above, equal = 0, self._known
        for place in reversed(range(len(self._value))):
            digit = self._value[place]
            if least >> place & 1:
                equal &= digit
            else:
                above |= equal & digit
                equal &= ~digit
        return above | equal


def _bitmap(marks: Iterable[bool]) -> int:
    return int("0" + "".join("1" if mark else "0" for mark in marks), 2)


def _slices(numbers: Sequence[int]) -> list[int]:
    """One bitmap per binary digit, the lowest first."""
    digits = max(numbers, default=0).bit_length()
    return [_bitmap([bool(number >> place & 1) for number in numbers]) for place in range(digits)]


class SqlFacets:
    """A `FacetStore` over the runs of a database: a run is read once, and again after an erasure."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: OrderedDict[str, tuple[int, Facets]] = OrderedDict()
        self._reading = threading.Lock()

    def counts(self, run_id: str, wanted: ChurnFilter) -> FacetCounts:
        return self._facets(run_id).counts(wanted)

    def _facets(self, run_id: str) -> Facets:
        # Several pages may ask at once: one reads.
        with self._reading:
            erased = self._erased()
            kept = self._kept.get(run_id)
            if kept is None or kept[0] != erased:
                kept = self._kept[run_id] = (erased, self._read(run_id))
                self._kept.move_to_end(run_id)
                while len(self._kept) > MOST_RUNS_KEPT:
                    self._kept.popitem(last=False)
            return kept[1]

    def _erased(self) -> int:
        with store_errors(), self._engine.connect() as connection:
            counted = select(func.count()).select_from(erasures)
            return connection.execute(counted).scalar_one()

    def _read(self, run_id: str) -> Facets:
        with store_errors(), self._engine.connect() as connection:
            found = connection.execute(
                select(runs.c.run_no, runs.c.summary).where(runs.c.run_id == run_id)
            ).first()
            if found is None:
                raise no_such_run(run_id)
            columns = (scores.c[name] for name in ListRow._fields)
            rows = connection.execute(select(*columns).where(scores.c.run_no == found.run_no))
            digits = json.loads(found.summary)["money"]["digits"]
            return Facets([_row(*row) for row in rows], digits=digits)


class MemoryFacets:
    """A `FacetStore` over runs in memory."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def counts(self, run_id: str, wanted: ChurnFilter) -> FacetCounts:
        rows = self._store.rows(run_id).values()
        found = [
            ListRow(
                row.retention_risk,
                row.status,
                row.consent,
                row.value_at_risk,
                json.loads(row.segments),
            )
            for row in rows
        ]
        digits = next(
            run.summary.money.digits for run in self._store.runs() if run.info.run_id == run_id
        )
        return Facets(found, digits=digits).counts(wanted)


def _row(
    risk: str | None,
    status: str,
    consent: bool | None,
    value: float,
    segments: Mapping[str, str | None],
) -> ListRow:
    return ListRow(risk, status, consent, None if value == UNKNOWN else value, segments)
