"""The compiled features of one customer are what the catalogue's SQL answers, feature by feature."""

from collections import Counter
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue import LIVE_BLOCKS
from features.engines.build import build_features, feature_query
from features.engines.customer_lines import customer_lines
from features.engines.live import LiveEngine
from features.orders.log import OrderLog, day_number, days_of, orders_of, read_orders
from features.reading.order_line import Line
from features.sources import FrameSource
from tests.support.shop import COLUMNS, FIRST_DAY, busy_orders, shop_settings
from tests.support.states import lines_of_a_customer

ENGINE = LiveEngine(100, LIVE_BLOCKS)
NAMES = [feature.name for block in LIVE_BLOCKS for feature in block.features]
DAYS = 430


@pytest.fixture(scope="module", params=["ordered_at", "ingested_at"])
def log(tmp_path_factory, request):
    """Several orders a day, orders over midnight, returns, unknowns; rows that come in late."""
    busy = busy_orders(customers=45, days=DAYS)
    lines = pd.concat([busy, taken_back_over_midnight(busy)], ignore_index=True)
    rng = np.random.default_rng(7)
    late = rng.choice([0, 1, 9, 60], size=len(lines), p=[0.7, 0.1, 0.1, 0.1])
    is_costed = rng.random(len(lines)) > 0.1
    lines = lines.assign(
        channel=rng.choice(["shop", "web", None], size=len(lines)),
        cost=lines["amount"].abs().mul(0.6).round(2).where(is_costed),
        arrived=lines["time"] + pd.to_timedelta(late, unit="D"),
    )
    columns = {**COLUMNS, "channel": "channel", "cost": "cost"}
    if request.param == "ingested_at":
        columns["ingested_at"] = "arrived"
    shop = shop_settings(tmp_path_factory.mktemp("shop"), data={"columns": columns})
    with read_orders(shop, FrameSource(lines)) as log:
        yield log


def taken_back_over_midnight(lines: pd.DataFrame) -> pd.DataFrame:
    """A purchase ten minutes before the end of day 100 that is taken back on day 101."""
    bought = lines[lines["customer"].notna() & (lines["amount"] > 0)].iloc[[0]]
    midnight = FIRST_DAY + pd.Timedelta(days=101)
    bought = bought.assign(order="regretted", time=midnight - pd.Timedelta(minutes=10))
    back = bought.assign(
        time=midnight + pd.Timedelta(minutes=10),
        quantity=-bought["quantity"],
        amount=-bought["amount"],
    )
    return pd.concat([bought, back])


def day(number: int) -> date:
    return FIRST_DAY.date() + timedelta(days=number)


def assert_same(ours: pd.DataFrame, table: pd.DataFrame) -> None:
    """Equal to the bit."""
    assert list(ours.columns) == NAMES
    assert list(ours.index) == list(table.index)
    for name in NAMES:
        np.testing.assert_array_equal(ours[name], table[name], err_msg=name)


def rows_of(log: OrderLog, known: date, as_of: date) -> pd.DataFrame:
    """Of every customer by the lines known on a morning, at that date or an earlier one."""
    rows = {}
    for customer, lines in groupby(customer_lines(log, before=known), key=itemgetter(0)):
        found = ENGINE.orders_of(line for _, line in lines).features(day_number(as_of))
        if found is not None:
            rows[customer] = found
    return pd.DataFrame.from_dict(rows, orient="index")


def test_it_knows_every_feature_of_the_catalogue_in_its_order():
    line = Line("o1", 19_723, 600, "tea", "drinks", "web", 1.0, 450, 0, None, is_return=False)
    found = ENGINE.orders_of([line]).features(19_724)
    assert list(found) == NAMES
    assert {type(value) for value in found.values()} == {float}


@pytest.mark.parametrize("days", [2, 91, 391, DAYS])
def test_the_lines_of_a_log_give_the_table_of_the_date(log, days):
    assert_same(rows_of(log, day(days), day(days)), build_features(log, day(days), LIVE_BLOCKS))


@pytest.mark.parametrize("days", [2, 100, 101, 102, DAYS])
def test_the_lines_of_a_log_are_those_visible_at_the_date(log, days):
    names = "day, minute, quantity, amount, discount, cost, is_return, channel"
    visible = log.connection.execute(f"""
        SELECT customer_id, product_id, categories.name, {names}
        FROM {log.visible(day(days))["lines"]} AS seen JOIN customers USING (customer)
        LEFT JOIN products USING (product)
        LEFT JOIN categories ON seen.category = categories.category""").fetchall()
    ours = [
        (customer, one.product_id, one.category, *(getattr(one, n) for n in names.split(", ")))
        for customer, one in customer_lines(log, before=day(days))
    ]
    assert Counter(ours) == Counter(visible)


# lines count as known on their day, whenever they came in
@pytest.mark.parametrize("log", ["ordered_at"], indirect=True)
def test_earlier_dates_are_answered_by_the_last_lines(log):
    for days in (2, 150, 391):
        assert_same(rows_of(log, log.end, day(days)), build_features(log, day(days), LIVE_BLOCKS))


@pytest.mark.parametrize("log", ["ordered_at"], indirect=True)
def test_the_mornings_of_a_customer_are_those_of_the_table(log):
    """One customer's orders, asked at one date after the other."""
    lines = groupby(customer_lines(log, before=log.end), key=itemgetter(0))
    orders = {customer: ENGINE.orders_of(line for _, line in some) for customer, some in lines}
    # on the mornings after a purchase that is taken back the next day, the log knows it still
    for days in range(110, DAYS, 40):
        found = {name: one.features(day_number(day(days))) for name, one in orders.items()}
        rows = {name: one for name, one in found.items() if one is not None}
        assert_same(
            pd.DataFrame.from_dict(rows, orient="index"),
            build_features(log, day(days), LIVE_BLOCKS),
        )


@pytest.mark.slow
def test_a_hundred_thousand_values(log):
    values = 0
    for days in range(2, DAYS, 9):
        ours = rows_of(log, day(days), day(days))
        assert_same(ours, build_features(log, day(days), LIVE_BLOCKS))
        values += ours.size
    assert values > 100_000


@pytest.fixture(scope="module")
def engine():
    with duckdb.connect(config={"threads": 1}) as engine:
        yield engine


def table_of(lines: list[Line], as_of: int, engine: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The catalogue's SQL over lines of one customer that no rule has judged."""
    engine.register("rows", pd.DataFrame(lines).astype({"cost": "Int64"}))
    engine.execute("""
        CREATE OR REPLACE TABLE lines AS
        SELECT 0 AS customer, dense_rank() OVER (ORDER BY order_id) AS order_key, day, minute,
               product_id AS product, CAST(category AS VARCHAR) AS category,
               CAST(channel AS VARCHAR) AS channel, amount, discount, cost, is_return
        FROM rows""")
    seen = f"(SELECT * FROM lines WHERE day < {as_of})"
    orders = f"({orders_of(seen + ' AS known_lines')})"
    query = feature_query(LIVE_BLOCKS).format(
        as_of=as_of, minor="100e0", lines=seen, orders=orders, days=f"({days_of(orders)})"
    )
    return engine.execute(query).df().drop(columns="customer").astype("float64")


@settings(max_examples=15)
@given(
    lines=lines_of_a_customer(largest_amount=10**12).filter(bool),
    days=st.integers(1, 1000),
    data=st.data(),
)
def test_any_lines_in_any_order_give_the_row_of_the_table(lines, days, data, engine):
    as_of = min(one.day for one in lines) + days
    found = ENGINE.orders_of(data.draw(st.permutations(lines))).features(as_of)
    ours = pd.DataFrame([found] if found else [], columns=NAMES, dtype="float64")
    assert_same(ours, table_of(lines, as_of, engine))
