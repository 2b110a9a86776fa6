"""The rows of a filtered, sorted list of customers, as SQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, or_, select, tuple_

from serving.store.likely_buyers import buyers_of_items
from serving.store.protocol import ANY_OF, CONSENTS, After, ChurnFilter, SortKey
from serving.store.rule.binding import bound
from serving.store.rule.sql import rule_condition
from serving.store.run import RHYTHM_RANKS, RunInfo
from serving.store.run_bitmaps import Facets
from serving.store.stored_text import as_stored
from serving.store.tables import UNKNOWN, scores


def conditions(
    run_no: int, chosen: ChurnFilter, run: RunInfo, table: Table = scores
) -> list[ColumnElement[bool]]:
    """What the rows of `table` that a filter lets through of a run have in common."""
    conditions = [table.c.run_no == run_no]
    if chosen.risk:
        conditions.append(table.c.retention_risk.in_(chosen.risk))
    if chosen.status:
        conditions.append(table.c.status.in_(chosen.status))
    if chosen.rhythm:
        conditions.append(table.c.rhythm.in_([RHYTHM_RANKS[word] for word in chosen.rhythm]))
    if chosen.consent:
        # NULL is in no list
        values = [value for value, name in CONSENTS.items() if name in chosen.consent]
        is_one = table.c.consent.in_([value for value in values if value is not None])
        conditions.append(or_(is_one, table.c.consent.is_(None)) if None in values else is_one)
    if chosen.min_value_at_risk is not None:
        # not by the index of these values: that of the order leads to fewer rows
        conditions.append(table.c.value_at_risk + 0.0 >= chosen.min_value_at_risk)
    if chosen.least_due is not None:
        conditions.append(table.c.next_order_date + 0.0 >= chosen.least_due)
    if chosen.most_due is not None:
        dated = table.c.next_order_date > UNKNOWN
        conditions += [dated, table.c.next_order_date + 0.0 <= chosen.most_due]
    if chosen.will_buy:
        conditions.append(table.c.customer_id.in_(buyers_of_items(run_no, chosen.will_buy)))
    if chosen.rule is not None:
        conditions.append(rule_condition(bound(chosen.rule, run), run_no, table))
    conditions += [
        table.c.segments[system].as_string().in_(value.split(ANY_OF))
        for system, value in chosen.segments
    ]
    return conditions


def sought_values(
    facets: Facets, chosen: ChurnFilter, sort: SortKey, number: int, after: After | None
) -> list[float]:
    """The sort values of the next rows of a filtered list, so that no other row is read."""
    if after is None:
        return facets.highest(chosen, sort, number)
    if after.value == UNKNOWN:
        return [UNKNOWN]
    # others of the same value may stand behind it
    return [after.value, *facets.highest(chosen, sort, number, below=after.value)]


def rows_of_page(
    table: Table,
    sort: SortKey,
    limit: int,
    after: After | None,
    fitting: Sequence[ColumnElement[bool]],
    *,
    is_selective: bool,
) -> Select[Any]:
    """Sort value, customer and document of the first `fitting` rows, or those behind `after`.

    Where the conditions let few rows through (`is_selective`), following the index of the order
    would look at many rows for each of them. They are picked from the index of all that is
    listed instead, and sorted.
    """
    value = table.c[sort] + 0.0 if is_selective else table.c[sort]
    behind = () if after is None else (tuple_(value, table.c.customer_id) < tuple_(*after[1:]),)
    order = (value.desc(), table.c.customer_id.desc())
    if not is_selective:
        document = as_stored(table.c.document).label("document")
        rows = select(value, table.c.customer_id, document).where(*fitting, *behind)
        return rows.order_by(*order).limit(limit + 1)
    numbered = (
        select(value.label("value"), table.c.customer_id, table.c.run_no)
        .where(*fitting, *behind)
        .order_by(*order)
        .limit(limit + 1)
        .subquery()
    )
    same = (table.c.run_no == numbered.c.run_no) & (table.c.customer_id == numbered.c.customer_id)
    document = as_stored(table.c.document).label("document")
    rows = select(numbered.c.value, numbered.c.customer_id, document).join_from(
        numbered, table, same
    )
    return rows.order_by(numbered.c.value.desc(), numbered.c.customer_id.desc())
