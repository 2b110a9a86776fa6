"""Feature tables: one row per customer, as of any date.

The blocks of the catalogue become one SQL text per date: each grain is grouped once,
whatever the number of blocks on it. The text keeps to a subset of SQL that transpiles
(no engine-specific functions in expressions), so that other engines can run it later.
"""

from datetime import date

import pandas as pd

from features.block import Block
from features.catalogue import BLOCKS
from features.orders import OrderLog, day_number

GRAINS: dict[str, str] = {
    # one row per (customer, order, day)
    "customer_orders": """
        SELECT *,
               ROW_NUMBER() OVER (PARTITION BY customer, is_purchase ORDER BY day DESC, minute DESC, order_key DESC) = 1
                   AS is_last_purchase,
               ROW_NUMBER() OVER (PARTITION BY customer, is_purchase ORDER BY day, minute, order_key) = 1
                   AS is_first_purchase
        FROM {orders} AS known_orders""",
    # one row per (customer, purchase day)
    "customer_days": """
        SELECT *, MAX(day) OVER (PARTITION BY customer) AS last_day FROM {days} AS known_days""",
    # one row per (customer, product): in how many orders
    "customer_products": """
        SELECT customer, product, COUNT(DISTINCT order_key) AS times FROM {lines} AS known_lines
        WHERE NOT is_return AND customer IS NOT NULL AND product IS NOT NULL
        GROUP BY customer, product""",
    "customer_categories": """
        SELECT customer, category, COUNT(DISTINCT order_key) AS times FROM {lines} AS known_lines
        WHERE NOT is_return AND customer IS NOT NULL AND category IS NOT NULL
        GROUP BY customer, category""",
    "customer_channels": """
        SELECT customer, channel, COUNT(DISTINCT order_key) AS times FROM {lines} AS known_lines
        WHERE NOT is_return AND customer IS NOT NULL AND channel IS NOT NULL
        GROUP BY customer, channel""",
}
"""The grouped steps; `{lines}`, `{orders}` and `{days}` hold what is visible at the date."""


def feature_query(blocks: tuple[Block, ...] = BLOCKS) -> str:
    """The SQL text that computes `blocks`.

    `{as_of}` (day number), `{minor}` (minor units) and the visible `{lines}`, `{orders}`,
    `{days}` are to be filled in.

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


def build_features(log: OrderLog, as_of: date, blocks: tuple[Block, ...] = BLOCKS) -> pd.DataFrame:
    """Features of every customer who bought before `as_of`.

    Parameters
    ----------
    log : the orders
    as_of : only rows ordered, and in the file, before this date are seen

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
    log.check_as_of(as_of)
    query = feature_query(blocks).format(
        as_of=day_number(as_of),
        minor=f"{log.settings.data.minor_units}e0",
        **log.visible(as_of),
    )
    frame = log.frame(f"""
        SELECT customers.customer_id, features.* EXCLUDE (customer)
        FROM ({query}) AS features JOIN customers USING (customer) ORDER BY customer""")
    return frame.set_index("customer_id").astype("float64")
