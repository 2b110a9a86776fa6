"""The rules of `[recommend]`, filled from the orders and the tables beside them."""

from __future__ import annotations

from datetime import date

import duckdb

from features.errors import DataError
from features.orders.customer_details import customer_details
from features.orders.log import OrderLog, day_number
from features.sources.files import open_files
from serving.settings import Settings
from training.recommend.filters import RecommendationRules

SETTING = "recommend.in_stock"
PIECES_KEPT = "CASE WHEN is_return THEN -abs(quantity) ELSE abs(quantity) END"
"""The pieces of a line, counted down where it is a return."""
NO_PIECES = 1e-6
"""What is left of weights that add up to nothing."""


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
        gone=_gone(log, as_of),
        given_back=_given_back(log, as_of),
        twins=recommend.twins,
        ended_rhythms=recommend.ended_rhythms,
        spread=recommend.spread,
        consent=_consenting(log) if recommend.needs_consent else None,
    )


def sold_within_days(settings: Settings) -> int | None:
    """In how many days a product was sold to anybody, or it is not recommended; None: any."""
    recommend = settings.recommend
    return None if recommend.in_stock is not None else recommend.sold_within_days


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


def _gone(log: OrderLog[Settings], as_of: date) -> frozenset[str]:
    """What nobody has bought for `recommend.sold_within_days`, where no stock is known."""
    days = sold_within_days(log.settings)
    if days is None:
        return frozenset()
    first_day = day_number(as_of) - days
    frame = log.frame(f"""
        SELECT product_id FROM {log.visible(as_of)["lines"]} AS known_lines
        JOIN products USING (product)
        WHERE NOT is_return GROUP BY product_id HAVING max(day) < {first_day}""")
    return frozenset(frame["product_id"])


def _given_back(log: OrderLog[Settings], as_of: date) -> dict[str, frozenset[str]]:
    """Customer → what was given back whole: as many pieces as were bought, or more."""
    frame = log.frame(f"""
        SELECT customer_id, list(product_id) AS products FROM (
            SELECT customer_id, product_id FROM {log.visible(as_of)["lines"]} AS known_lines
            JOIN customers USING (customer) JOIN products USING (product)
            GROUP BY customer_id, product_id
            HAVING bool_or(is_return) AND sum({PIECES_KEPT}) < {NO_PIECES})
        GROUP BY customer_id""")
    return {
        customer: frozenset(products)
        for customer, products in zip(frame["customer_id"], frame["products"], strict=True)
    }


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
