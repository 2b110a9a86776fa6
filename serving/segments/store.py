"""How large the groups of a run are, and who moved between them since another run."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from cachetools import FIFOCache
from sqlalchemy import Connection, Engine, and_, func, select

from serving.store.database import store_errors
from serving.store.facets import FacetStore
from serving.store.protocol import no_such_run
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
    """How many went from a value to another; None: not in that run, or no value in it."""

    before: str | None
    now: str | None
    customers: int


class SegmentStore:
    """Counts over the segments of runs; `facets` count the groups.

    Raises `ConfigError` for a run that is not kept. What has been counted is remembered until a run is published or a customer erased.
    """

    def __init__(self, engine: Engine, facets: FacetStore) -> None:
        self._engine = engine
        self._facets = facets
        self._known: FIFOCache[tuple[Any, ...], Any] = FIFOCache(MOST_REMEMBERED)

    def groups(self, run_id: str) -> Sequence[Group]:
        """Every value of every system, in the order of both."""

        def count() -> list[Group]:
            with store_errors(), self._engine.connect() as connection:
                facets = self._facets.of_run(connection, run_id)
            return sorted((Group(*row) for row in facets.groups()), key=_place)

        return self._once((run_id,), count)

    def moves(self, system: str, run_id: str, earlier: str) -> Sequence[SegmentMove]:
        """Who was where in the run `earlier`, and is where in `run_id`; stayers too."""

        def count() -> list[SegmentMove]:
            with store_errors(), self._engine.connect() as connection:
                numbers = (_number(connection, one) for one in (run_id, earlier))
                return _moves(connection, system, *numbers)

        return self._once((system, run_id, earlier), count)

    def _once(self, key: tuple[str, ...], count: Callable[[], Found]) -> Found:
        # what runs say of segments changes by these alone; orders sent since are not in it
        erased = select(func.count()).select_from(erasures).scalar_subquery()
        published = select(current.c.run_no).scalar_subquery()
        with store_errors(), self._engine.connect() as connection:
            place = (*connection.execute(select(erased, published)).one(), *key)
        counted: Found | None = self._known.get(place)
        if counted is None:
            counted = self._known[place] = count()
        return counted


def _number(connection: Connection, run_id: str) -> int:
    number = connection.execute(select(runs.c.run_no).where(runs.c.run_id == run_id)).scalar()
    if number is None:
        raise no_such_run(run_id)
    return int(number)


def _moves(connection: Connection, system: str, run_no: int, earlier: int) -> list[SegmentMove]:
    now, then = scores.alias(), scores.alias()
    same = now.c.customer_id == then.c.customer_id
    to, frm = (table.c.segments[system].as_string() for table in (now, then))
    arrived = (
        select(frm, to, func.count())
        .select_from(now.outerjoin(then, and_(same, then.c.run_no == earlier)))
        .where(now.c.run_no == run_no)
        .group_by(frm, to)
    )
    left = (
        select(frm, func.count())
        .select_from(then.outerjoin(now, and_(same, now.c.run_no == run_no)))
        .where(then.c.run_no == earlier, now.c.customer_id.is_(None))
        .group_by(frm)
    )
    found = Counter({(row[0], row[1]): row[2] for row in connection.execute(arrived)})
    found.update({(row[0], None): row[1] for row in connection.execute(left)})
    return _sorted_moves(found)


def _place(group: Group) -> tuple[str, str]:
    return group.system, group.value or ""


def _sorted_moves(found: "Counter[tuple[str | None, str | None]]") -> list[SegmentMove]:
    order = sorted(found, key=lambda pair: (pair[0] or "", pair[1] or ""))
    return [SegmentMove(*pair, found[pair]) for pair in order]
