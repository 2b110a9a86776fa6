"""Tables beside the orders: products, and whose card is whose. Read whole, told apart by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import duckdb

from features.errors import DataError
from features.reading.mapping import id_text, minor, number, plain_text, product_code
from features.settings.data import Data
from features.settings.tables import AccountLevel, Identities, Products
from features.sources import Source, refusal
from features.sources.files import open_files
from features.sql_text import literal


@dataclass(frozen=True)
class SideTable:
    """A file beside the orders, opened and found to have the columns that it needs.

    Attributes
    ----------
    section : its part of the configuration, such as 'data.products'
    columns : field → the file's column
    types : the file's columns and their SQL types
    """

    section: str
    source: Source
    columns: dict[str, str]
    types: dict[str, str]


def open_side_table(
    connection: duckdb.DuckDBPyConnection, section: str, table: Products | Identities, root: Path
) -> SideTable:
    """Open a table and check its columns.

    Raises
    ------
    DataError
        When there is no such file, it cannot be read, or columns are missing: all of them.
    """
    source = open_files(table.path, root, setting=f"{section}.path")
    types = source.columns(connection)
    fields = {name: getattr(table, name) for name in type(table).model_fields}
    columns = {
        name: value
        for name, value in fields.items()
        if value is not None and name not in ("path", "conflicts", "levels")
    }
    problems = [
        f"{source.name}: no column {column!r} (have: {', '.join(types)}). "
        f"Set {section}.{name} in regulars.toml."
        for name, column in columns.items()
        if column not in types
    ]
    if problems:
        raise DataError(problems)
    return SideTable(section, source, columns, types)


def load_products(connection: duckdb.DuckDBPyConnection, table: SideTable, data: Data) -> None:
    """Make `catalogue`: one row per product code with `product_name`, `category`, `unit_cost`.

    Where a code has several rows, the last that says something counts.
    """
    _load(connection, table, "source_products")
    columns, types = table.columns, table.types
    code = product_code(id_text(columns["product_id"], types, "source_products"), data)
    values = {
        "product_name": plain_text(columns.get("name"), types),
        "category": plain_text(columns.get("category"), types),
        "unit_cost": number(columns.get("unit_cost"), types, data),
    }
    listed = ", ".join(f"{value} AS {name}" for name, value in values.items())
    last = ", ".join(
        f"last({name} ORDER BY source_row) FILTER ({name} IS NOT NULL) AS {name}" for name in values
    )
    connection.execute(f"""
        CREATE TABLE catalogue AS
        SELECT product_id, {last}
        FROM (SELECT {code} AS product_id, {listed}, source_row FROM source_products)
        WHERE product_id IS NOT NULL GROUP BY product_id""")
    connection.execute("DROP TABLE source_products")


def load_links(
    connection: duckdb.DuckDBPyConnection, table: SideTable, settings: Identities
) -> None:
    """Make `identity_links`: `card_id`, `customer_id` as text, each pair once, both known.

    Also `account_links`: `member_id`, `account_id`, `level` of the account and `payer_id`, for rows
    that name a household or a company, or somebody who pays.

    Raises
    ------
    DataError
        When a level is a word that is neither ours nor listed.
    """
    _load(connection, table, "source_identities")
    connection.execute(f"""
        CREATE TEMP VIEW typed_identities AS
        SELECT * FROM ({_typed_links(table, settings)}) WHERE card_id IS NOT NULL""")
    unknown = connection.execute("""
        SELECT DISTINCT word FROM typed_identities WHERE word IS NOT NULL AND level IS NULL
        ORDER BY word LIMIT 5""").fetchall()
    if unknown:
        listed = ", ".join(repr(word) for (word,) in unknown)
        raise DataError(
            f"{table.source.name}: {listed}: no level of ours (card, person, household, company). "
            "Say what each is in data.identities.levels."
        )
    connection.execute("""
        CREATE TABLE identity_links AS
        SELECT DISTINCT card_id, customer_id FROM typed_identities
        WHERE customer_id IS NOT NULL AND coalesce(level, 'person') IN ('card', 'person');
        CREATE TABLE account_links AS
        SELECT DISTINCT card_id AS member_id,
               CASE WHEN level IN ('household', 'company') THEN customer_id END AS account_id,
               CASE WHEN level IN ('household', 'company') THEN level END AS level, payer_id
        FROM typed_identities
        WHERE level IN ('household', 'company') OR payer_id IS NOT NULL;
        DROP VIEW typed_identities;
        DROP TABLE source_identities""")


def _typed_links(table: SideTable, settings: Identities) -> str:
    source = "source_identities"
    card, customer = (
        id_text(table.columns[name], table.types, source) for name in ("card_id", "customer_id")
    )
    word = plain_text(table.columns.get("level"), table.types)
    words = {level: level for level in get_args(AccountLevel)} | settings.levels
    cases = " ".join(
        f"WHEN lower({literal(name.strip())}) THEN {literal(level)}"
        for name, level in words.items()
    )
    return f"""
        SELECT {card} AS card_id, {customer} AS customer_id, {word} AS word,
               CASE lower({word}) {cases} END AS level,
               {id_text(table.columns.get("payer"), table.types, source)} AS payer_id
        FROM source_identities"""


def with_side_tables(lines: str, data: Data) -> str:
    """`lines` with persons instead of cards, and with what the products table says.

    Parameters
    ----------
    lines : a query of typed lines

    Returns
    -------
    The same rows, with `is_in_identities`, `card_id` (the id as written) and `is_in_catalogue` where
    there is such a table.
    The table's name and category go before the line's own; the line's own cost goes first.
    """
    replaced, extra, joins = [], "", ""
    if data.identities is not None:
        replaced.append("coalesce(persons.customer_id, lines.customer_id) AS customer_id")
        extra += ", persons.card_id IS NOT NULL AS is_in_identities, lines.customer_id AS card_id"
        joins += " LEFT JOIN persons ON lines.customer_id = persons.card_id"
    if data.products is not None:
        cost = minor("catalogue.unit_cost * lines.quantity", data.minor_units)
        replaced += [
            "coalesce(catalogue.product_name, lines.product_name) AS product_name",
            "coalesce(catalogue.category, lines.category) AS category",
            f"coalesce(lines.cost, {cost}) AS cost",
        ]
        extra += ", catalogue.product_id IS NOT NULL AS is_in_catalogue"
        joins += " LEFT JOIN catalogue ON lines.product_id = catalogue.product_id"
    if not joins:
        return lines
    return f"SELECT lines.* REPLACE ({', '.join(replaced)}){extra} FROM ({lines}) AS lines{joins}"


def _load(connection: duckdb.DuckDBPyConnection, table: SideTable, name: str) -> None:
    try:
        connection.execute(f"CREATE TABLE {name} AS {table.source.relation(connection)}")
    except duckdb.Error as error:
        raise DataError(f"{table.source.name}: cannot be read: {refusal(error)}") from None
    table.source.verify(connection, name)
