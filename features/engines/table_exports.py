"""The used rows of the optional tables as Parquet files, for a warehouse or another engine.

Beside `features.engines.exports.write_lines`: the same ids, days and minor units, so that the features
of these tables are the same in every engine.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import duckdb

from features.blocks.block import Block
from features.errors import ConfigError
from features.orders.log import OrderLog
from features.sql_text import identifier, literal

Section = Literal["interactions", "contacts", "customers"]

_TIMES = {"day": "INTEGER", "seen_day": "INTEGER", "minute": "INTEGER"}

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "interactions": {
        "customer_id": "VARCHAR",
        **_TIMES,
        "kind": "VARCHAR",
        "value": "DOUBLE",
        "other_customer_id": "VARCHAR",
    },
    "contacts": {"customer_id": "VARCHAR", **_TIMES, "cost": "BIGINT", "is_control": "BOOLEAN"},
}
"""Section → column → its type. Days, `seen_day` and money as in `features.engines.exports.LINE_COLUMNS`;
`value` is the score of a satisfaction, `other_customer_id` whom a referral brought."""

_ITEMS = {"product_id": "VARCHAR", "item_category": "VARCHAR"}
"""Columns of `interactions` that the block `items` needs."""

_CONTRACT = (
    ("cancellations", "cancelled_day", "INTEGER"),
    ("contract_starts", "began_day", "INTEGER"),
    ("contract_terms", "term_months", "DOUBLE"),
)
"""What blocks of contracts need → the column of `customers` → its type."""

_STRANGER = "chr(31) ||"
"""Prefix of the number of a person who has bought nothing, or of a product that nobody has bought;
no id begins with it."""


def columns_of(section: str, blocks: tuple[Block, ...]) -> Mapping[str, str]:
    """The columns that `blocks` need of a section; of `customers` a double per attribute."""
    needs = {block.needs for block in blocks}
    if section == "interactions" and "items" in needs:
        return {**COLUMNS[section], **_ITEMS}
    if section in COLUMNS:
        return COLUMNS[section]
    noted = [
        feature.name for block in blocks if block.needs == section for feature in block.features
    ]
    contract = {name: kind for need, name, kind in _CONTRACT if need in needs}
    return {"customer_id": "VARCHAR", **contract, **dict.fromkeys(noted, "DOUBLE")}


def write_table(log: OrderLog, section: Section, path: Path) -> int:
    """Write the used rows of an optional table.

    Parameters
    ----------
    log : the orders and the table
    section : `interactions`, `contacts` or `customers`
    path : the Parquet file; it is replaced as a whole

    Returns
    -------
    How many rows were written, columns as in `COLUMNS`, of interactions with `product_id` and
        `item_category` behind; of `customers` a row per customer of the
    orders with `customer_id` and the columns of its attributes, never name, contact or consent.

    Raises
    ------
    ConfigError
        When the table is not configured, or the place cannot be written to.
    """
    if getattr(log.settings.data, section) is None:
        raise ConfigError(
            f"data.{section} is not in regulars.toml: there is no such table to write."
        )
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        log.connection.execute(
            f"COPY ({_query(section)}) TO {literal(str(unfinished))} (FORMAT parquet)"
        )
        unfinished.replace(path)
    except (OSError, duckdb.IOException) as error:
        raise ConfigError(f"{path}: cannot be written ({error}). Choose another place.") from None
    return int(
        log.frame(f"SELECT count(*) AS n FROM read_parquet({literal(str(path))})")["n"].iloc[0]
    )


def _query(section: str) -> str:
    if section == "customers":
        return """
            SELECT customer_id, * EXCLUDE (customer, customer_id, consent, name, contact)
            FROM attributes JOIN customers USING (customer)"""
    person = f"coalesce(people.customer_id, {_STRANGER} CAST(-rows_used.customer AS VARCHAR))"
    other = f"coalesce(others.customer_id, {_STRANGER} CAST(-rows_used.other_customer AS VARCHAR))"
    product = f"coalesce(products.product_id, {_STRANGER} CAST(-rows_used.product AS VARCHAR))"
    ids = {"customer_id": person, "other_customer_id": other, "product_id": product}
    is_of_interactions = section == "interactions"
    kinds = {**COLUMNS[section], **(_ITEMS if is_of_interactions else {})}
    columns = ", ".join(
        f"CAST({ids.get(name, f'rows_used.{identifier(name)}')} AS {kind}) AS {name}"
        for name, kind in kinds.items()
    )
    joins = " LEFT JOIN customers AS people ON rows_used.customer = people.customer"
    if is_of_interactions:
        joins += " LEFT JOIN customers AS others ON rows_used.other_customer = others.customer"
        joins += " LEFT JOIN products ON rows_used.product = products.product"
    return f"SELECT {columns} FROM {section} AS rows_used{joins}"
