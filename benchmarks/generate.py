"""Order lines of a made-up shop at any size: skewed rates, seasons, Zipf products.

The same arguments give the same lines: every draw is a hash of its place.
"""

from pathlib import Path

import duckdb

LINES_PER_CUSTOMER = 9.8
DAYS = 730


def write_log(folder: Path, lines: int, *, file_lines: int = 5_000_000) -> None:
    """Write about `lines` order lines as files of about `file_lines`, in little memory.

    Customers come in no order, as in the exports of a shop; each is in one file.
    """
    whole = int(lines / LINES_PER_CUSTOMER)
    step = max(1, int(file_lines / LINES_PER_CUSTOMER))
    for number, first in enumerate(range(0, whole, step)):
        customers = range(first, min(first + step, whole))
        _write(folder / f"lines-{number:03d}.parquet", customers, f"c * {_SCATTER} % 1000000000")


_SCATTER = 3**18
"""Coprime to 10: multiples modulo a power of ten are all different."""


def write_lines(path: Path, lines: int) -> None:
    """Write about `lines` order lines as Parquet: `customer_id, order_id, ordered_at, product_id,
    category, channel, quantity, amount, discount, cost`.

    Four in ten customers order once, a tenth brings over a third of the lines; orders hold one to eight lines;
    December sells twice what July does; product popularity falls like 1 / rank.
    """
    _write(path, range(max(1, int(lines / LINES_PER_CUSTOMER))), "c")


def _write(path: Path, customers: range, named: str) -> None:
    connection = duckdb.connect(config={"memory_limit": "4GB", "threads": 2})
    connection.execute("""
        SET enable_progress_bar = false;
        CREATE MACRO u(place, salt) AS (hash(place, salt) % 1000003 + 0.5) / 1000003.0;
        CREATE MACRO season(x) AS
            -- the year is walked faster in summer: more of [0, 1) falls on winter
            x - 0.1 * sin(2 * pi() * x)""")
    connection.execute(f"""
        COPY (
            WITH customers AS (
                SELECT c, CAST(floor(1.4 * pow(u(c, 1), -0.55)) AS INTEGER) AS orders,
                       u(c, 2) * 0.7 AS starts
                FROM range({customers.start}, {customers.stop}) AS t(c)
            ), orders AS (
                SELECT c, o, c * 4096 + o AS number,
                       starts + (1 - starts) * u(c * 4096 + o, 3) AS place
                FROM customers, LATERAL (SELECT unnest(range(least(orders, 4000))) AS o) AS many
            ), lines AS (
                SELECT c, number, l, number * 16 + l AS line, place
                FROM orders,
                     LATERAL (SELECT unnest(range(1 + CAST(7 * pow(u(number, 4), 1.6) AS INTEGER))) AS l) AS many
            )
            SELECT 'c' || lpad(CAST({named} AS VARCHAR), 9, '0') AS customer_id,
                   'o' || number AS order_id,
                   TIMESTAMP '2024-01-01' + to_seconds(CAST(floor(season(place) * {DAYS} * 86400) AS BIGINT))
                       AS ordered_at,
                   'p' || CAST(floor(pow(20000, u(line, 5))) AS INTEGER) AS product_id,
                   'category ' || CAST(floor(pow(20000, u(line, 5))) AS INTEGER) % 60 AS category,
                   CASE WHEN u(number, 6) < 0.7 THEN 'shop' ELSE 'web' END AS channel,
                   1 + CAST(3 * u(line, 7) AS INTEGER) AS quantity,
                   round(exp(1 + 2 * u(line, 8)), 2) AS amount,
                   CASE WHEN u(line, 9) < 0.2 THEN 1.5e0 ELSE 0e0 END AS discount,
                   round(exp(1 + 2 * u(line, 8)) * 0.6e0, 2) AS cost
            FROM lines
        ) TO '{path}' (FORMAT parquet)""")
    connection.close()
