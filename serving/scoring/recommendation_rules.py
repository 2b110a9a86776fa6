"""The rules of `[recommend]`, filled from the orders and the tables beside them."""

from datetime import date

import duckdb

from features.errors import DataError
from features.orders.customer_details import customer_details
from features.orders.log import OrderLog
from features.sources.files import open_files
from serving.settings import Settings
from training.recommend.filters import RecommendationRules

SETTING = "recommend.in_stock"


def rules_of(log: OrderLog[Settings], as_of: date) -> RecommendationRules:
    """What may be recommended on `as_of`.

    Raises
    ------
    DataError
        The file of the products in stock cannot be read, or `data.customers` is needed and missing.
    """
    recommend = log.settings.recommend
    ranged = recommend.price_from is not None or recommend.price_to is not None
    return RecommendationRules(
        allow=recommend.allow or None,
        deny=recommend.deny,
        categories=recommend.categories or None,
        deny_categories=recommend.deny_categories,
        in_stock=_in_stock(log.connection, log.settings),
        prices=_prices(log, as_of) if ranged else {},
        price_from=recommend.price_from,
        price_to=recommend.price_to,
        bought_within_days=recommend.bought_within_days,
        per_category=recommend.per_category,
        new_share=recommend.new_share,
        consent=_consenting(log) if recommend.needs_consent else None,
    )


def _in_stock(connection: duckdb.DuckDBPyConnection, settings: Settings) -> set[str] | None:
    path = settings.recommend.in_stock
    if path is None:
        return None
    source = open_files(path, settings.root, setting=SETTING)
    have = source.columns(connection)
    if "product_id" not in have:
        raise DataError(f"{source.name}: no column 'product_id' (have: {', '.join(have)}).")
    query = f"SELECT DISTINCT CAST(product_id AS VARCHAR) FROM ({source.relation(connection)})"
    return {str(product) for (product,) in connection.execute(query).fetchall()}


def _prices(log: OrderLog[Settings], as_of: date) -> dict[str, float]:
    """The median price of one piece of each product, in money."""
    frame = log.frame(f"""
        SELECT product_id, median(amount / quantity) / {log.settings.data.minor_units} AS price
        FROM {log.visible(as_of)["lines"]} AS known_lines JOIN products USING (product)
        WHERE NOT is_return AND quantity > 0 GROUP BY product_id""")
    return dict(zip(frame["product_id"], frame["price"], strict=True))


def _consenting(log: OrderLog[Settings]) -> set[str]:
    if log.settings.data.customers is None or log.settings.data.customers.consent is None:
        raise DataError(
            "recommend.needs_consent: nobody's consent is known. "
            "Set data.customers.consent in regulars.toml."
        )
    consent = customer_details(log)["consent"]
    return set(consent.index[consent.fillna(False)])
