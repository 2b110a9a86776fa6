"""What readers of a run see in the place of the run's own words: scores of orders sent since."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    Table,
    and_,
    case,
    exists,
    func,
    select,
)

from serving.live.tables import live_scores
from serving.store.facets import NewerScores, no_overlay
from serving.store.likely_buyers import items_of_customers
from serving.store.run import Totals
from serving.store.run_bitmaps import LISTED_FIELDS
from serving.store.tables import UNKNOWN, runs, scores


def not_overridden(run_no: int) -> ColumnElement[bool]:
    """Rows of the run for which nothing newer is said."""
    return ~exists().where(
        live_scores.c.customer_id == scores.c.customer_id, live_scores.c.run_no == run_no
    )


def overriding(run_no: ColumnElement[int]) -> ScalarSelect[int]:
    """Of how many customers something newer is said than that run says."""
    changed = select(func.count()).select_from(live_scores).where(live_scores.c.run_no == run_no)
    return changed.scalar_subquery()


def newer_scores(connection: Connection, run_id: str) -> NewerScores:
    """Of whom something newer is said than a run says; see `serving.store.facets`."""
    run_no = connection.execute(select(runs.c.run_no).where(runs.c.run_id == run_id)).scalar()
    if run_no is None:
        return no_overlay(connection, run_id)
    is_newer = live_scores.c.run_no == run_no
    # by the ids, which are few: a join would go through all rows of the run
    changed_ids = select(live_scores.c.customer_id).where(is_newer)
    of_run, of_live = ([table.c[name] for name in LISTED_FIELDS] for table in (scores, live_scores))
    replaced = select(*of_run).where(
        scores.c.run_no == run_no, scores.c.customer_id.in_(changed_ids)
    )
    newer = select(*of_live).where(is_newer, live_scores.c.document.is_not(None))
    before, now = (list(map(tuple, connection.execute(rows))) for rows in (replaced, newer))
    customers = sorted({row[-1] for row in (*before, *now)})
    return NewerScores(before, now, items_of_customers(connection, run_no, customers))


def live_totals(
    connection: Connection,
    run_no: int,
    totals: Totals,
    of_run: list[ColumnElement[bool]],
    of_live: list[ColumnElement[bool]],
    digits: int,
) -> Totals:
    """The totals of a list with what is said newly in the place of what the run said.

    Parameters
    ----------
    totals : of the run alone
    of_run, of_live : the list's conditions on either table
    """
    same_customer = and_(
        scores.c.customer_id == live_scores.c.customer_id, live_scores.c.run_no == run_no
    )
    customers, value = totals.customers, totals.value_at_risk
    overridden = _counted(scores).join(live_scores, same_customer).where(*of_run)
    has_document = live_scores.c.document.is_not(None)
    added = _counted(live_scores).where(*of_live, has_document)
    for counted, sign in ((overridden, -1), (added, 1)):
        count, sum_of = connection.execute(counted).one()
        customers, value = customers + sign * count, value + sign * sum_of
    return Totals(customers=customers, value_at_risk=round(value, digits))


def _counted(table: Table) -> Select[Any]:
    value = case((table.c.value_at_risk > UNKNOWN, table.c.value_at_risk), else_=0.0)
    return select(func.count(), func.coalesce(func.sum(value), 0.0)).select_from(table)
