"""The lines of all customers of a log, as the rules let them pass."""

from collections.abc import Iterator
from datetime import date

from features.orders.log import OrderLog
from features.reading.order_line import Line

_ROWS_AT_ONCE = 20_000


def customer_lines(log: OrderLog, *, before: date) -> Iterator[tuple[str, Line]]:
    """The lines of known customers that could be known on the morning of `before`.

    Yields
    ------
    (customer_id, line), by customer and day, read from the engine in pieces: the rows of
    `OrderLog.visible`, with the shop's own ids, which outlive the log, in place of its keys.
    """
    # a cursor of its own: the log can be asked other things between two pieces
    cursor = log.connection.cursor()
    cursor.execute(f"""
        SELECT customer_id, order_name, day, minute, product_id, categories.name, channel,
               quantity, amount, discount, cost, is_return
        FROM {log.visible(before)["lines"]} AS known_lines
        JOIN customers USING (customer)
        JOIN order_keys USING (order_key)
        LEFT JOIN products USING (product)
        LEFT JOIN categories ON known_lines.category = categories.category
        ORDER BY known_lines.customer, day""")
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        for customer, *line in rows:
            yield customer, Line(*line)
