"""The sizes of the groups of a run, and the moves between them since another run."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from cachetools import FIFOCache
from sqlalchemy import Connection, Engine, and_, func, select

from serving.store.database import store_errors
from serving.store.facets import FacetStore
from serving.store.protocol import ChurnFilter, no_such_run
from serving.store.tables import current, erasures, runs, scores

Found = TypeVar("Found")

MOST_REMEMBERED = 64


class Group(NamedTuple):
    """The customers of one value of a system; sums in money, unknown values left out."""

    system: str
    value: str | None
    customers: int
    clv: float
    value_at_risk: float


class SegmentMove(NamedTuple):
    """The number of customers who moved from a value to another; None: not in that run, or without
    a value in it.
    """

    before: str | None
    now: str | None
    customers: int


class SegmentStore:
    """Counts over the segments of runs; `facets` count the groups.

    Raises `ConfigError` for a run that is not kept. Moves are cached
    until a run is published or a customer erased.
    """

    def __init__(self, engine: Engine, facets: FacetStore) -> None:
        self._engine = engine
        self._facets = facets
        self._known: FIFOCache[tuple[Any, ...], Any] = FIFOCache(MOST_REMEMBERED)

    def groups(self, run_id: str) -> Sequence[Group]:
        """Every value of every system, in the order of both; newer scores are counted in."""
        return sorted((Group(*row) for row in self._facets.groups(run_id)), key=_place)

    def customers_in(self, run_id: str) -> Callable[..., int]:
        """Tells how many are in all of some groups, each a system and a value, as of now."""
        current = self._facets.current(run_id)
        return lambda *groups: current.totals(ChurnFilter(segments=groups)).customers

    def moves(self, system: str, run_id: str, earlier: str) -> Sequence[SegmentMove]:
        """The moves from the groups of the run `earlier` to those of `run_id`; stayers too."""

        def count() -> list[SegmentMove]:
            with store_errors(), self._engine.connect() as connection:
                numbers = (_number(connection, run) for run in (run_id, earlier))
                return _moves(connection, system, *numbers)

        return self._once((system, run_id, earlier), count)

    def _once(self, key: tuple[str, ...], count: Callable[[], Found]) -> Found:
        # only these change the segments of runs; orders sent since are not in them
        erased = select(func.count()).select_from(erasures).scalar_subquery()
        published = select(current.c.run_no).scalar_subquery()
        with store_errors(), self._engine.connect() as connection:
            cache_key = (*connection.execute(select(erased, published)).one(), *key)
        counted: Found | None = self._known.get(cache_key)
        if counted is None:
            counted = self._known[cache_key] = count()
        return counted


def _number(connection: Connection, run_id: str) -> int:
    number = connection.execute(select(runs.c.run_no).where(runs.c.run_id == run_id)).scalar()
    if number is None:
        raise no_such_run(run_id)
    return int(number)


def _moves(connection: Connection, system: str, run_no: int, earlier: int) -> list[SegmentMove]:
    today, before = scores.alias(), scores.alias()
    same = today.c.customer_id == before.c.customer_id
    to, frm = (table.c.segments[system].as_string() for table in (today, before))
    arrived = (
        select(frm, to, func.count())
        .select_from(today.outerjoin(before, and_(same, before.c.run_no == earlier)))
        .where(today.c.run_no == run_no)
        .group_by(frm, to)
    )
    left = (
        select(frm, func.count())
        .select_from(before.outerjoin(today, and_(same, today.c.run_no == run_no)))
        .where(before.c.run_no == earlier, today.c.customer_id.is_(None))
        .group_by(frm)
    )
    sizes = Counter({(row[0], row[1]): row[2] for row in connection.execute(arrived)})
    sizes.update({(row[0], None): row[1] for row in connection.execute(left)})
    return _sorted_moves(sizes)


def _place(group: Group) -> tuple[str, str]:
    return group.system, group.value or ""


def _sorted_moves(sizes: "Counter[tuple[str | None, str | None]]") -> list[SegmentMove]:
    order = sorted(sizes, key=lambda pair: (pair[0] or "", pair[1] or ""))
    return [SegmentMove(*pair, sizes[pair]) for pair in order]
