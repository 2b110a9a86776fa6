"""The features on Spark: the SQL text that the embedded engine runs, translated.

For logs that live on a cluster, and to check one engine against the other. What goes in are
clean lines, as `features.engines.exports.write_lines` writes them or as a warehouse prepares them with
the same columns; what counts as an order stays in one place, `features.reading.rules`.

Needs `pip install 'regulars[spark]'` and Java 17 or newer.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from features.blocks.block import Block
from features.catalogue import BLOCKS
from features.engines.build import feature_query
from features.engines.exports import LINE_COLUMNS
from features.engines.table_exports import columns_of
from features.errors import ConfigError, DataError
from features.orders.log import day_date, day_number, refuse_outside
from features.orders.order_grain import days_of, orders_of
from features.settings.data import minor_units

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_TYPES = {
    "VARCHAR": "string",
    "INTEGER": "int",
    "BIGINT": "bigint",
    "DOUBLE": "double",
    "BOOLEAN": "boolean",
}
_NAMES = {
    "customer_id": "customer",
    "order_id": "order_key",
    "product_id": "product",
    "other_customer_id": "other_customer",
}
"""Ids stand in for the keys of the embedded engine: equal where those are, in the same order."""


def build_features(
    spark: "SparkSession",
    lines: "DataFrame | Path | str",
    as_of: date | Sequence[date],
    *,
    currency: str,
    money_digits: int | None = None,
    blocks: tuple[Block, ...] = BLOCKS,
    tables: "Mapping[str, DataFrame | Path | str] | None" = None,
) -> "DataFrame":
    """Features of every customer who bought before each date, computed by Spark.

    Parameters
    ----------
    spark : the session; ANSI mode on, as it is by default
    lines : clean lines with the columns and types of `features.engines.exports.LINE_COLUMNS`, such as
        `spark.table("shop.lines")`, or the path of Parquet files of them
    as_of : only lines known before this date are seen; several dates are one table
    currency : ISO 4217 code; how many minor units make a unit of money
    money_digits : digits of amounts behind the mark, as in `[data]`; None: those of the currency
    blocks : what to compute; `features.catalogue.blocks_for` names those of optional tables
    tables : what those need: `interactions`, `contacts` and `customers` with the columns and types
        of `features.engines.table_exports.columns_of`, as lines

    Returns
    -------
    One row per date and customer, in no order: `as_of` (date), `customer_id`, then a double per
    feature in the order of the catalogue, null where it has no meaning yet. Whole numbers equal
    those of `features.engines.build.build_features`, other doubles agree to 1e-9.

    Raises
    ------
    DataError
        When columns are missing or of another type; names them all.
    ConfigError
        When a date lies outside the lines, ANSI mode is off, or a block needs a table that is
        not given.
    """
    tables = tables or {}
    _check(spark, blocks, tables)
    dates = sorted({as_of} if isinstance(as_of, date) else set(as_of))
    frame = _frame(spark, lines)
    columns = _columns(frame, "lines", LINE_COLUMNS)
    standing_lines = frame.where("gone_day IS NULL")
    first, last = standing_lines.selectExpr("min(day)", "max(day)").collect()[0]
    if first is None:
        raise DataError("lines: no rows. Write them again.")
    for day in dates:
        refuse_outside(day, day_date(first), day_date(last))
    with ExitStack() as stack:
        views = {"lines": stack.enter_context(_view(frame.selectExpr(*columns)))}
        for section in _sections(blocks):
            table = _frame(spark, tables[section])
            table_columns = _columns(table, section, columns_of(section, blocks))
            views[section] = stack.enter_context(_view(table.selectExpr(*table_columns)))
        features_by_date = [
            spark.sql(
                spark_query(views, day, currency=currency, money_digits=money_digits, blocks=blocks)
            )
            for day in dates
        ]
    return reduce(
        lambda features, later_features: features.unionAll(later_features), features_by_date
    )


def spark_query(
    views: Mapping[str, str],
    as_of: date,
    *,
    currency: str,
    money_digits: int | None = None,
    blocks: tuple[Block, ...] = BLOCKS,
) -> str:
    """The Spark SQL that `build_features` runs for one date.

    Parameters
    ----------
    views : names of views of the `lines` and of the optional tables that the blocks need, with
        the column names of the engine (`customer`, `order_key`, `product`, `other_customer`)

    Raises
    ------
    ConfigError
        When a block holds an expression that is not known to mean the same on Spark.
    """
    from features.engines.dialects import translate

    number = day_number(as_of)
    visible_lines = f"(SELECT * FROM {views['lines']} WHERE seen_day < {number} AND (gone_day IS NULL OR gone_day >= {number}))"
    orders = f"({orders_of(f'{visible_lines} AS known_lines')})"
    query = feature_query(blocks).format(
        as_of=number,
        minor=f"{minor_units(currency, money_digits)}e0",
        lines=visible_lines,
        orders=orders,
        days=f"({days_of(orders)})",
        **{
            name: f"(SELECT * FROM {views[name]} WHERE seen_day < {number})"
            for name in ("interactions", "contacts")
            if name in views
        },
        attributes=views.get("customers", ""),
    )
    columns = ", ".join(
        f"CAST({feature.name} AS DOUBLE) AS {feature.name}"
        for block in blocks
        for feature in block.features
    )
    table = translate(f"SELECT customer AS customer_id, {columns} FROM ({query}) AS features")
    return f"SELECT DATE'{as_of}' AS as_of, * FROM ({table})"


def _sections(blocks: tuple[Block, ...]) -> list[str]:
    """The optional tables that blocks are computed from."""
    needed = {block.needs for block in blocks if block.needs}
    of_interactions = {"referrals", "items"}
    return sorted({"interactions" if need in of_interactions else need for need in needed})


def _frame(spark: "SparkSession", table: "DataFrame | Path | str") -> "DataFrame":
    return spark.read.parquet(str(table)) if isinstance(table, Path | str) else table


def _check(spark: "SparkSession", blocks: tuple[Block, ...], tables: Mapping[str, object]) -> None:
    problems = [
        f"the blocks need the table {section}: give it in tables, or leave its blocks out."
        for section in _sections(blocks)
        if section not in tables
    ]
    if spark.conf.get("spark.sql.ansi.enabled") != "true":
        problems.append(
            "spark.sql.ansi.enabled is off: an overflow would pass for a number. Set it to true."
        )
    if problems:
        raise ConfigError(problems)


def _columns(frame: "DataFrame", table: str, kinds: Mapping[str, str]) -> list[str]:
    """How the columns of the view come from `frame`, which must have them all."""
    types = dict(frame.dtypes)
    types_needed = {name: _TYPES[kind] for name, kind in kinds.items()}
    problems = [
        f"{table}: no column '{name}' of type {kind} (have: {', '.join(types)})."
        if name not in types
        else f"{table}: column '{name}' is {types[name]}, not {kind}. Cast it."
        for name, kind in types_needed.items()
        if types.get(name) != kind
    ]
    if problems:
        raise DataError(problems)
    return [f"{name} AS {_NAMES.get(name, name)}" for name in types_needed]


@contextmanager
def _view(frame: "DataFrame") -> Iterator[str]:
    """A name for `frame` in SQL, of this session alone and gone afterwards."""
    name = f"regulars_lines_{uuid4().hex}"
    frame.createOrReplaceTempView(name)
    try:
        yield name
    finally:
        frame.sparkSession.catalog.dropTempView(name)
