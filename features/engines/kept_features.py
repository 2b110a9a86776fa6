"""The features in a kept log: computed again only for customers whose orders changed."""

from datetime import date

from features.engines.build import table_query
from features.orders.kept_log import KeptLog
from features.orders.log import OrderLog
from features.sql import row

_OF_CUSTOMERS = ("lines", "voided_lines", "orders", "days")


def kept_features(log: KeptLog, as_of: date) -> str:
    """Bring the kept features up to date and name them in SQL.

    Where the kept features are those of `as_of`, only new and changed customers are computed;
    another date changes every customer, since all ages change.

    Parameters
    ----------
    log : the kept log, open
    as_of : the date; see `features.engines.build.build_features`

    Returns
    -------
    A query for the table of `features.engines.build.table_query`, in order of `customer_id`.

    Raises
    ------
    ConfigError
        When `as_of` lies outside the log.
    """
    (whole,) = log.logs()
    log.connection.begin()
    try:
        if _kept_date(log) == as_of:
            _refresh(log, whole, as_of)
        else:
            _compute(log, whole, as_of)
        log.connection.execute("DELETE FROM stale")
        log.connection.commit()
    except BaseException:
        log.connection.rollback()
        raise
    return "SELECT * FROM feature_rows ORDER BY customer_id"


def _kept_date(log: KeptLog) -> date | None:
    log.connection.execute("CREATE TABLE IF NOT EXISTS feature_date (as_of DATE)")
    (kept_date,) = row(log.connection, "SELECT max(as_of) FROM feature_date")
    return kept_date if isinstance(kept_date, date) else None


def _compute(log: KeptLog, whole: OrderLog, as_of: date) -> None:
    query = table_query(whole, as_of)
    log.connection.execute(f"CREATE OR REPLACE TABLE feature_rows AS {query}")
    log.connection.execute("DELETE FROM feature_date")
    log.connection.execute("INSERT INTO feature_date VALUES (?)", [as_of])


def _refresh(log: KeptLog, whole: OrderLog, as_of: date) -> None:
    """Compute only the customers in `stale`: temporary tables of them hide those of the whole log."""
    changed = "SELECT customer FROM main.customers SEMI JOIN stale USING (customer_id)"
    for name in _OF_CUSTOMERS:
        log.connection.execute(
            f"CREATE TEMP TABLE {name} AS FROM main.{name} WHERE customer IN ({changed})"
        )
    query = table_query(whole, as_of)
    log.connection.execute("DELETE FROM feature_rows WHERE customer_id IN (FROM stale)")
    log.connection.execute(f"INSERT INTO feature_rows {query}")
    for name in _OF_CUSTOMERS:
        log.connection.execute(f"DROP TABLE temp.{name}")
