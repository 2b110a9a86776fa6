"""Who changed since a reader last looked: written when a run is published, read by cursor.

A customer's change is told against what was told of him last, not against the last run: so
whoever stands at the edge of a band, or wanders slowly, is told once and not every day.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    and_,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from serving.errors import CursorTooOld
from serving.store.database import store_errors
from serving.store.rules import EXACT, PublishRules, edges
from serving.store.run import RunInfo
from serving.store.tables import UNKNOWN, announced, change_feed, changes, current, runs, scores

ChangeKind = Literal["new", "changed", "removed", "erased"]

FIGURES = ("retention_risk", "churn_probability", "clv")


@dataclass(frozen=True, kw_only=True)
class AnnouncedFigures:
    """What was told of a customer; None where it is unknown."""

    retention_risk: str | None
    churn_probability: float | None
    clv: float | None


@dataclass(frozen=True, kw_only=True)
class FeedChange:
    """A customer who changed, by a run; `before` None: new, `after` None: no longer there.

    Of a customer who was erased nothing is told, the id neither.
    """

    change_no: int
    kind: ChangeKind
    customer_id: str | None
    run_id: str
    as_of: date
    before: AnnouncedFigures | None
    after: AnnouncedFigures | None

    def to_dict(self) -> dict[str, object]:
        """The change as followers are told it: places in the feed are told as cursors alone."""
        values = asdict(self)
        values.pop("change_no")
        return values | {"as_of": self.as_of.isoformat()}


@dataclass(frozen=True, kw_only=True)
class ChangePage:
    """Some changes, oldest first; `next_no` goes on behind them; `more`: at once."""

    changes: Sequence[FeedChange]
    next_no: int
    more: bool


class ChangeFeed:
    """Numbered changes, in the order in which they were published."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def end(self) -> int:
        """The number that the next change will have."""
        with store_errors(), self._engine.connect() as connection:
            return _ends(connection)[1]

    def changes(self, since: int | None, limit: int) -> ChangePage:
        """Up to `limit` changes from number `since` on; None: from the oldest that is kept.

        Raises
        ------
        CursorTooOld
            When changes from `since` on are no longer kept, or never were.
        """
        with store_errors(), self._engine.connect() as connection:
            # The rows first: a run pruned in between then shows in the ends.
            rows = connection.execute(_page(since or 0, limit + 1)).all()
            first_no, next_no = _ends(connection)
        check_cursor(since, first_no, next_no)
        shown = rows[:limit]
        start = first_no if since is None else since
        return ChangePage(
            changes=[_change(row) for row in shown],
            # not the end: what was published after the rows were read is the next page's
            next_no=shown[-1].change_no + 1 if shown else start,
            more=len(rows) > limit,
        )


def check_cursor(since: int | None, first_no: int, next_no: int) -> None:
    """Refuse a place in the feed that is not there."""
    if since is not None and not first_no <= since <= next_no:
        raise CursorTooOld(
            "The changes behind this cursor are no longer kept. Read `next_cursor` of"
            " ?since=end, then the whole churn list, then go on from that cursor."
        )


def announce(connection: Connection, run_no: int, run: RunInfo, rules: PublishRules) -> None:
    """Write who changed by a run that has just been written, in the same transaction."""
    _, start = _ends(connection, make=True)
    next_no = start
    for moves in (_moved(run_no, run, rules), _removed(run_no)):
        numbered = _numbered(moves, next_no)
        names = [column.name for column in changes.columns]
        written = insert(changes).from_select(names, numbered)
        next_no += connection.execute(
            written, execution_options={"preserve_rowcount": True}
        ).rowcount
    from_start = changes.c.change_no >= start
    connection.execute(
        delete(announced).where(
            announced.c.customer_id.in_(select(changes.c.customer_id).where(from_start))
        )
    )
    latest = select(changes.c.customer_id, *(changes.c[name] for name in FIGURES))
    connection.execute(
        insert(announced).from_select(
            ["customer_id", *FIGURES], latest.where(from_start, changes.c.kind != "removed")
        )
    )
    connection.execute(update(change_feed).values(next_no=next_no))


def forget_before(connection: Connection, run_no: int) -> None:
    """Remove the changes of runs older than `run_no`, and say so in the feed."""
    connection.execute(delete(changes).where(changes.c.run_no < run_no))
    first = select(func.min(changes.c.change_no)).scalar_subquery()
    oldest = func.coalesce(first, change_feed.c.next_no)
    connection.execute(update(change_feed).values(first_no=oldest))


def forget_customers(connection: Connection, count: int) -> None:
    """Tell that `count` customers were erased, in the transaction that erases them."""
    run_no = connection.execute(select(current.c.run_no)).scalar()
    if run_no is None:
        return
    _, start = _ends(connection, make=True)
    rows = [
        {"change_no": start + offset, "run_no": run_no, "kind": "erased"} for offset in range(count)
    ]
    connection.execute(insert(changes), rows)
    connection.execute(update(change_feed).values(next_no=start + count))


def _ends(connection: Connection, *, make: bool = False) -> tuple[int, int]:
    """The oldest number that is kept and the one to come."""
    ends = select(change_feed.c.first_no, change_feed.c.next_no)
    # who is about to write holds off the others: scores that follow orders are told, too
    row = connection.execute(ends.with_for_update() if make else ends).one_or_none()
    if row is not None:
        return row.first_no, row.next_no
    if make:
        connection.execute(insert(change_feed).values(id=1, first_no=1, next_no=1))
    return 1, 1


def _page(since: int, rows: int) -> Select[Any]:
    return (
        select(changes, runs.c.run_id, runs.c.info)
        .join(runs, runs.c.run_no == changes.c.run_no)
        .where(changes.c.change_no >= since)
        .order_by(changes.c.change_no)
        .limit(rows)
    )


def _moved(run_no: int, run: RunInfo, rules: PublishRules) -> Select[Any]:
    """Customers of the run who are new, or other than what was told of them."""
    before = [announced.c[name] for name in FIGURES]
    is_new = announced.c.customer_id.is_(None)
    return (
        select(
            literal(run_no).label("run_no"),
            case((is_new, "new"), else_="changed").label("kind"),
            scores.c.customer_id,
            *(column.label(f"{column.name}_before") for column in before),
            *(scores.c[name] for name in FIGURES),
        )
        .select_from(scores.outerjoin(announced, announced.c.customer_id == scores.c.customer_id))
        .where(scores.c.run_no == run_no, or_(is_new, _worth_telling(run, rules)))
    )


def _worth_telling(run: RunInfo, rules: PublishRules) -> ColumnElement[bool]:
    """As `serving.changes.announce_one.worth_telling`, in SQL."""
    moved, clv_moved = _apart("churn_probability"), _apart("clv")
    other_band = scores.c.retention_risk.is_distinct_from(announced.c.retention_risk)
    of_silence = or_(
        *(
            table.c.retention_risk.is_distinct_from(_band(table, run))
            for table in (scores, announced)
        )
    )
    return or_(
        _differs("churn_probability", moved, literal(rules.churn_points)),
        and_(
            _differs("clv", clv_moved, func.abs(announced.c.clv) * rules.clv_share),
            clv_moved >= rules.least_clv - EXACT,
        ),
        and_(other_band, or_(moved >= rules.band_margin - EXACT, of_silence)),
    )


def _apart(name: str) -> ColumnElement[float]:
    """How far a figure is from what was told; 0 while it is the same, known or not."""
    same = scores.c[name] == announced.c[name]
    return case((same, 0.0), else_=func.abs(scores.c[name] - announced.c[name]))


def _differs(
    name: str, apart: ColumnElement[float], least: ColumnElement[float]
) -> ColumnElement[bool]:
    return and_(scores.c[name] != announced.c[name], apart >= least - EXACT)


def _band(table: Any, run: RunInfo) -> ColumnElement[str]:
    """The band by the churn probability alone."""
    churn = table.c.churn_probability
    return case(*((churn >= edge, band) for band, edge in edges(run).items()), else_="low")


def _removed(run_no: int) -> Select[Any]:
    """Customers of whom something was told, and who are not in the run."""
    same_customer = and_(scores.c.run_no == run_no, scores.c.customer_id == announced.c.customer_id)
    return (
        select(
            literal(run_no).label("run_no"),
            literal("removed").label("kind"),
            announced.c.customer_id,
            *(announced.c[name].label(f"{name}_before") for name in FIGURES),
            *(cast(null(), changes.c[name].type).label(name) for name in FIGURES),
        )
        .select_from(announced.outerjoin(scores, same_customer))
        .where(scores.c.customer_id.is_(None))
    )


def _numbered(moves: Select[Any], next_no: int) -> Select[Any]:
    rows = moves.subquery()
    row_number = func.row_number().over(order_by=rows.c.customer_id)
    return select((row_number + (next_no - 1)).label("change_no"), *rows.c)


def _change(row: Any) -> FeedChange:
    before = (row.retention_risk_before, row.churn_probability_before, row.clv_before)
    after = (row.retention_risk, row.churn_probability, row.clv)
    return FeedChange(
        change_no=row.change_no,
        kind=row.kind,
        customer_id=row.customer_id,
        run_id=row.run_id,
        as_of=RunInfo.from_json(row.info).as_of,
        before=None if row.kind in {"new", "erased"} else told_of(*before),
        after=None if row.kind in {"removed", "erased"} else told_of(*after),
    )


def told_of(risk: str | None, churn: float, clv: float) -> AnnouncedFigures:
    """What was told, from the columns of `announced`."""
    churn_probability, value = (None if number == UNKNOWN else number for number in (churn, clv))
    return AnnouncedFigures(retention_risk=risk, churn_probability=churn_probability, clv=value)
