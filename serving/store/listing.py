"""The rows of a filtered, sorted list of customers, as SQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, or_, select, tuple_

from serving.store.facets import Facets
from serving.store.protocol import ANY_OF, CONSENTS, After, ChurnFilter, SortKey
from serving.store.tables import UNKNOWN, scores


def conditions(
    run_no: int, wanted: ChurnFilter, table: Table = scores
) -> list[ColumnElement[bool]]:
    """What the rows of `table` that a filter lets through of a run have in common."""
    conditions = [table.c.run_no == run_no]
    if wanted.risk:
        conditions.append(table.c.retention_risk.in_(wanted.risk))
    if wanted.status:
        conditions.append(table.c.status.in_(wanted.status))
    if wanted.consent:
        # NULL is in no list
        known = [value for value, name in CONSENTS.items() if name in wanted.consent]
        is_one = table.c.consent.in_([value for value in known if value is not None])
        conditions.append(or_(is_one, table.c.consent.is_(None)) if None in known else is_one)
    if wanted.min_value_at_risk is not None:
        # not by the index of these values: that of the order leads to fewer rows
        conditions.append(table.c.value_at_risk + 0.0 >= wanted.min_value_at_risk)
    conditions += [
        table.c.segments[system].as_string().in_(value.split(ANY_OF))
        for system, value in wanted.segments
    ]
    return conditions


def sought_values(
    facets: Facets, wanted: ChurnFilter, sort: SortKey, number: int, after: After | None
) -> list[float]:
    """The sort values of the next rows of a filtered list, so that no other row is read."""
    if after is None:
        return facets.highest(wanted, sort, number)
    if after.value == UNKNOWN:
        return [UNKNOWN]
    # others of the same value may stand behind it
    return [after.value, *facets.highest(wanted, sort, number, below=after.value)]


def rows_of_page(
    table: Table,
    sort: SortKey,
    limit: int,
    after: After | None,
    wanted: Sequence[ColumnElement[bool]],
    *,
    few: bool,
) -> Select[Any]:
    """Sort value, customer and document of the first `wanted` rows, or those behind `after`.

    Following the index of the order, many rows are looked at for each of a `few` that are
    wanted; these are rather picked from the index of all that is listed, and sorted.
    """
    value = table.c[sort] + 0.0 if few else table.c[sort]
    behind = () if after is None else (tuple_(value, table.c.customer_id) < tuple_(*after[1:]),)
    order = (value.desc(), table.c.customer_id.desc())
    if not few:
        rows = select(value, table.c.customer_id, table.c.document).where(*wanted, *behind)
        return rows.order_by(*order).limit(limit + 1)
    places = (
        select(value.label("value"), table.c.customer_id, table.c.run_no)
        .where(*wanted, *behind)
        .order_by(*order)
        .limit(limit + 1)
        .subquery()
    )
    same = (table.c.run_no == places.c.run_no) & (table.c.customer_id == places.c.customer_id)
    rows = select(places.c.value, places.c.customer_id, table.c.document).join_from(
        places, table, same
    )
    return rows.order_by(places.c.value.desc(), places.c.customer_id.desc())
