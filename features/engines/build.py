"""Feature tables: one row per customer, as of any date.

The blocks of the catalogue become one SQL text per date: each grain is grouped once,
whatever the number of blocks on it. The text keeps to a subset of SQL that transpiles
(no engine-specific functions in expressions), so that other engines can run it.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from features.blocks.block import Block
from features.catalogue import BLOCKS, blocks_for
from features.orders.log import OrderLog, day_number
from features.sql import row
from features.tables.optional_tables import visible_tables

GRAINS: dict[str, str] = {
    # one row per (customer, order, day)
    "customer_orders": "SELECT * FROM {orders} AS known_orders",
    # one row per (customer, purchase day)
    "customer_days": "SELECT * FROM {days} AS known_days",
    # every buyer has an empty row in the grains of optional tables: none of something is 0
    "customer_interactions": """
        SELECT customer, day, kind, CAST(ROUND(value * 1000) AS BIGINT) AS thousandths,
               RANK() OVER (PARTITION BY customer, kind ORDER BY day DESC, minute DESC) = 1
                   AS is_last_of_kind
        FROM {interactions} AS known_interactions
        UNION ALL SELECT DISTINCT customer, CAST(NULL AS INTEGER), CAST(NULL AS VARCHAR),
                         CAST(NULL AS BIGINT), FALSE
        FROM {days} AS known_days""",
    # one row per sign that is about an item, with the last purchase of its product
    "customer_items": """
        SELECT signs.customer, signs.day, signs.kind, signs.product, bought.last_bought
        FROM (SELECT customer, day, kind, product FROM {interactions} AS known_interactions
              WHERE product IS NOT NULL OR item_category IS NOT NULL) AS signs
        LEFT JOIN (SELECT customer, product, MAX(day) AS last_bought FROM {lines} AS known_lines
                   WHERE NOT is_return GROUP BY customer, product) AS bought
          ON signs.customer = bought.customer AND signs.product = bought.product
        UNION ALL SELECT DISTINCT customer, CAST(NULL AS INTEGER), CAST(NULL AS VARCHAR), NULL,
                         CAST(NULL AS INTEGER)
        FROM {days} AS known_days""",
    # one row per (customer, somebody whom the customer was the first to refer)
    "customer_referrals": """
        SELECT firsts.customer, firsts.other_customer, COALESCE(SUM(amount), 0) AS spend,
               0 AS is_referred
        FROM (SELECT DISTINCT customer, other_customer, day
              FROM (SELECT customer, other_customer, day,
                           RANK() OVER (PARTITION BY other_customer ORDER BY day, minute) AS place
                    FROM {interactions} AS known_interactions WHERE kind = 'referral') AS placed
              WHERE place = 1) AS firsts
        LEFT JOIN {orders} AS known_orders
          ON known_orders.customer = firsts.other_customer AND known_orders.day >= firsts.day
        GROUP BY firsts.customer, firsts.other_customer
        UNION ALL SELECT DISTINCT other_customer, NULL, 0, 1
        FROM {interactions} AS known_interactions WHERE kind = 'referral'
        UNION ALL SELECT DISTINCT customer, NULL, 0, 0 FROM {days} AS known_days""",
    "customer_contacts": """
        SELECT customer, day, cost FROM {contacts} AS known_contacts WHERE NOT is_control
        UNION ALL SELECT DISTINCT customer, CAST(NULL AS INTEGER), 0 FROM {days} AS known_days""",
    "customer_attributes": "SELECT * FROM {attributes} AS known_attributes",
}
"""The grouped steps; `{lines}`, `{orders}`, `{days}` and the optional tables `{interactions}`,
`{contacts}` and `{attributes}` hold what is visible at the date."""


def feature_query(blocks: tuple[Block, ...] = BLOCKS) -> str:
    """The SQL text that computes `blocks`.

    To be filled in: `{as_of}` (day number), `{minor}` (minor units) and the visible part of the
    tables that `GRAINS` names.

    A customer is in the result from the first purchase on.
    """
    steps = {}
    for grain, source in GRAINS.items():
        features = [f for block in blocks if block.grain == grain for f in block.features]
        if features:
            columns = ",\n    ".join(f"{f.sql} AS {f.name}" for f in features)
            steps[grain] = (
                f"SELECT customer,\n    {columns}\nFROM ({source}) AS past\nGROUP BY customer"
            )
    ctes = [f"{grain}_features AS (\n{query}\n)" for grain, query in steps.items()]
    joins = "\n".join(
        f"LEFT JOIN {grain}_features ON buyers.customer = {grain}_features.customer"
        for grain in steps
    )
    computed = ", ".join(f.name for block in blocks if block.grain for f in block.features)
    ctes.append(f"""computed AS (
SELECT buyers.customer{", " if computed else ""}{computed}
FROM (SELECT DISTINCT customer FROM {{days}} AS known_days) AS buyers
{joins}
)""")
    derived = "".join(
        f",\n    {f.sql} AS {f.name}" for block in blocks if not block.grain for f in block.features
    )
    return f"WITH {', '.join(ctes)}\nSELECT computed.*{derived}\nFROM computed"


_BATCH_ROWS = 50_000


def build_features(
    log: OrderLog, as_of: date, blocks: tuple[Block, ...] | None = None
) -> pd.DataFrame:
    """Features of every customer who bought before `as_of`.

    Parameters
    ----------
    log : the orders
    as_of : only rows ordered, and in the file, before this date are seen
    blocks : the blocks to compute; None: all that the configured tables can fill

    Returns
    -------
    One row per customer, index `customer_id` in order of id, one float64 column per
    feature in the order of the catalogue; NaN where a feature has no meaning yet (no gap
    after one purchase). Money is in units of the currency.

    Raises
    ------
    ConfigError
        When `as_of` lies outside the log.
    """
    query = table_query(log, as_of, blocks)
    (rows,) = row(log.connection, "SELECT count(*) FROM customers")
    with log.connection.cursor() as cursor:
        return _filled(cursor.sql(query).to_arrow_reader(_BATCH_ROWS), int(str(rows)))


def _filled(batches: pa.RecordBatchReader, most_rows: int) -> pd.DataFrame:
    """The features of a table whose first column is `customer_id`.

    Batch by batch into one array: a frame made of columns would hold every value twice.
    """
    names = batches.schema.names[1:]
    values = np.empty((len(names), most_rows))
    ids, rows = [], 0
    for batch in batches:
        ids.append(batch.column(0))
        for target, column in zip(values, batch.columns[1:], strict=True):
            target[rows : rows + len(batch)] = column.to_numpy(zero_copy_only=False)
        rows += batch.num_rows
    index = pd.Index(pa.chunked_array(ids, pa.string()).to_pandas(), name="customer_id")
    return pd.DataFrame(values[:, :rows].T, index=index, columns=names, copy=False)


def table_query(log: OrderLog, as_of: date, blocks: tuple[Block, ...] | None = None) -> str:
    """The SQL text of `build_features` over the tables of `log`, `customer_id` as a column."""
    log.check_as_of(as_of)
    data = log.settings.data
    blocks = blocks_for(data) if blocks is None else blocks
    query = feature_query(blocks).format(
        as_of=day_number(as_of),
        minor=f"{data.minor_units}e0",
        **log.visible(as_of),
        **visible_tables(data, day_number(as_of)),
    )
    names = [feature.name for block in blocks for feature in block.features]
    # cast in the engine: the frame would hold every column twice while pandas converts it
    columns = ", ".join(f"CAST({name} AS DOUBLE) AS {name}" for name in names)
    return f"""
        SELECT customers.customer_id, {columns}
        FROM ({query}) AS features JOIN customers USING (customer) ORDER BY customer"""
