"""Who customers are and whether they may be contacted, for pages and lists."""

from __future__ import annotations

import pandas as pd

from features.orders.log import OrderLog
from features.settings.tables import Customers, level_column, number_column
from features.sql_text import identifier, literal


def customer_details(log: OrderLog) -> pd.DataFrame:
    """What `data.customers` says of customers today.

    None of it but the attributes is a feature.

    Returns
    -------
    One row per customer of both the orders and the table, index `customer_id` in order of id:
    `consent` (boolean, missing where the table does not say), `name` and `contact` (text), then
    the attributes by their names in the configuration: a number as it is, of a text the name of
    its level, missing where it is none of the levels. No rows where no table is configured.
    """
    table = log.settings.data.customers
    types = {"consent": "boolean", "name": "str", "contact": "str"}
    if table is None:
        return pd.DataFrame(columns=list(types), index=pd.Index([], name="customer_id")).astype(
            types
        )
    types |= {name: "str" if name in table.levels else "float64" for name in table.attributes}
    columns = [*types][:3] + [
        f"{_attribute(table, name)} AS {identifier(name)}" for name in table.attributes
    ]
    frame = log.frame(f"""
        SELECT customer_id, {", ".join(columns)}
        FROM attributes JOIN customers USING (customer) ORDER BY customer""")
    return frame.set_index("customer_id").set_axis([*types], axis=1).astype(types)


def _attribute(table: Customers, name: str) -> str:
    """SQL for an attribute as people read it."""
    levels = table.levels.get(name)
    if levels is None:
        return number_column(name)
    cases = " ".join(
        f"WHEN {level_column(name, level)} = 1 THEN {literal(level)}" for level in levels
    )
    return f"CASE {cases} END"
