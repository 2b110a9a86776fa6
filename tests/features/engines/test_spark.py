"""Spark gives the features that the embedded engine gives, whatever the expression."""

import math
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import pytest
import sqlglot

from features.catalogue import BLOCKS, FEATURES, OPTIONAL_BLOCKS, blocks_for
from features.engines.build import build_features
from features.engines.dialects import FUNCTIONS, OPERATORS, STRUCTURE, refusals, translate
from features.engines.exports import write_lines
from features.engines.spark import build_features as build_on_spark
from features.engines.table_exports import write_table
from features.errors import ConfigError, DataError
from features.orders.log import day_number, read_orders
from features.segments.catalogue import assign_all
from features.sources import FrameSource
from tests.support.optional_tables import TABLES, busy_tables, settings_with, write_tables
from tests.support.shop import COLUMNS, FIRST_DAY, busy_orders, shop_settings

# the first query of a session takes its time, the more so beside other work
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

DATES = [(FIRST_DAY + timedelta(days=days)).date() for days in (91, 391)]
WHOLE = {"days", "orders", "count"}
MORE = {"channel": "channel", "cost": "cost", "ingested_at": "arrived"}


def taken_back_over_midnight() -> pd.DataFrame:
    """A purchase of the evening before the first of the dates, cancelled after midnight."""
    bought = {"customer": "c000", "order": "late", "product": "p01", "quantity": 1, "amount": 9.0}
    back = {**bought, "order": "back", "quantity": -1, "amount": -9.0}
    midnight = pd.Timestamp(DATES[0])
    times = [midnight - pd.Timedelta(minutes=20), midnight + pd.Timedelta(minutes=10)]
    return pd.DataFrame([bought, back]).assign(time=times, discount=0.0)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    orders = busy_orders(customers=300, days=430)
    rng = np.random.default_rng(5)
    late = rng.choice([0, 1, 9, 60], size=len(orders), p=[0.7, 0.1, 0.1, 0.1])
    cost = orders["amount"].abs().mul(0.6).round(2)
    orders = orders.assign(
        channel=rng.choice(["shop", "web", None], size=len(orders)),
        cost=cost.mask(rng.random(len(orders)) < 0.1),
        arrived=orders["time"] + pd.to_timedelta(late, unit="D"),
    )
    pair = taken_back_over_midnight()
    orders = pd.concat([orders, pair.assign(arrived=pair["time"])], ignore_index=True)
    settings = shop_settings(tmp_path_factory.mktemp("shop"), data={"columns": {**COLUMNS, **MORE}})
    with read_orders(settings, FrameSource(orders)) as log:
        yield log


@pytest.fixture(scope="module")
def lines(log, tmp_path_factory):
    path = tmp_path_factory.mktemp("clean") / "lines.parquet"
    write_lines(log, path)
    return path


@pytest.fixture(scope="module")
def on_spark(spark, lines, tmp_path_factory):
    path = tmp_path_factory.mktemp("out") / "features"
    build_on_spark(spark, lines, DATES, currency="EUR").write.parquet(str(path))
    found = duckdb.sql(f"FROM read_parquet('{path}/*.parquet') ORDER BY as_of, customer_id")
    return found.df()


def test_the_log_holds_a_purchase_that_is_gone_later(lines):
    gone = duckdb.sql(f"SELECT count(*) FROM '{lines}' WHERE gone_day = {day_number(DATES[0])}")
    assert gone.fetchall() == [(1,)]


def at(table, day):
    chosen = table[table["as_of"] == pd.Timestamp(day)]
    return chosen.drop(columns="as_of").set_index("customer_id")


@pytest.mark.parametrize("day", DATES, ids=str)
def test_every_feature_is_the_same_on_both_engines(log, on_spark, day):
    ours, theirs = build_features(log, day), at(on_spark, day)
    assert list(theirs.columns) == list(FEATURES)
    assert list(theirs.index) == list(ours.index)
    for name, feature in FEATURES.items():
        exact = feature.unit in WHOLE and ours[name].dropna().mod(1).eq(0).all()
        tolerance = 0 if exact else 1e-9
        np.testing.assert_allclose(
            theirs[name], ours[name], rtol=tolerance, atol=tolerance, err_msg=name
        )


def test_segments_are_the_same_on_both_engines(log, on_spark):
    """Every system but the clusters, which are found in training; scores are the same for both."""
    ours, theirs = build_features(log, DATES[-1]), at(on_spark, DATES[-1])
    scores = pd.DataFrame(
        {
            "clv": ours["spend"] / 4,
            "churn_probability": (ours["days_since_last_order"] / 1000).clip(upper=1),
            "horizon_days": 90,
        }
    )
    here, there = (assign_all(table, scores) for table in (ours, theirs))
    assert here.skipped == there.skipped
    # these need interactions or attributes, of which the lines alone know nothing
    assert set(here.skipped) == {"four_indices", "funnel", "voice"}
    pd.testing.assert_frame_equal(there.groups, here.groups)


# Optional tables


@pytest.fixture(scope="module")
def log_with_tables(tmp_path_factory):
    orders = busy_orders(customers=120, days=430)
    root = tmp_path_factory.mktemp("tables")
    write_tables(busy_tables(orders), root)
    arrived = {"ingested_at": "arrived"}
    with read_orders(
        settings_with(root, *TABLES, interactions=arrived, contacts=arrived), FrameSource(orders)
    ) as log:
        yield log


@pytest.fixture(scope="module")
def written(log_with_tables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    rows = {name: write_table(log_with_tables, name, folder / f"{name}.parquet") for name in TABLES}
    assert min(rows.values()) > 50
    write_lines(log_with_tables, folder / "lines.parquet")
    return folder


def test_optional_tables_are_the_same_on_both_engines(spark, log_with_tables, written):
    blocks = blocks_for(log_with_tables.settings.data)
    table = build_on_spark(
        spark,
        written / "lines.parquet",
        DATES[-1],
        currency="EUR",
        blocks=blocks,
        tables={name: written / f"{name}.parquet" for name in TABLES},
    )
    ours = build_features(log_with_tables, DATES[-1])
    table.write.parquet(str(written / "features"))
    found = duckdb.sql(f"FROM read_parquet('{written}/features/*.parquet') ORDER BY customer_id")
    theirs = at(found.df(), DATES[-1])
    assert list(theirs.columns) == list(ours.columns)
    optional = [f.name for block in blocks if block.needs for f in block.features]
    assert len(optional) == 24 + 3
    for name in optional:
        assert len(set(ours[name].dropna())) > 1, name
    pd.testing.assert_frame_equal(theirs, ours, rtol=1e-9, check_names=False)
    here, there = (assign_all(table).groups for table in (ours, theirs))
    assert "funnel_stage" in here
    pd.testing.assert_frame_equal(there, here, check_names=False)


def test_tables_of_another_form_are_refused(spark, written):
    table = spark.read.parquet(str(written / "interactions.parquet")).select("customer_id", "kind")
    with pytest.raises(DataError) as caught:
        build_on_spark(
            spark,
            written / "lines.parquet",
            DATES[-1],
            currency="EUR",
            blocks=OPTIONAL_BLOCKS[:1],
            tables={"interactions": table},
        )
    assert "interactions: no column 'day' of type int (have" in caught.value.problems[0]
    assert len(caught.value.problems) == 5


# Expressions

COLUMNS_OF_T = "r INTEGER, k INTEGER, i INTEGER, b BIGINT, d DOUBLE, s VARCHAR, f BOOLEAN"
ROWS = """
    (1, 1, 3, 300, 2.5, 'x', true),
    (2, 1, -3, -301, -2.5, 'X', false),
    (3, 1, 0, 0, 0.0, '10', NULL),
    (4, 1, NULL, NULL, NULL, NULL, true),
    (5, 2, 7, 999999999999999, 3.5, '9', true),
    (6, 2, 7, 999999999999998, 1e-7, 'ä', false),
    (7, 2, -8, -1, 0.49999999999999994, 'z', NULL),
    (8, 3, 2, 5, -1.0, 'a', true),
    (9, 4, NULL, NULL, NULL, NULL, NULL),
    (10, 5, 46340, 123456789012, 1e15, '', false)"""

BY_ROW = (
    *("i + b", "i - b", "i * 3", "i * i", "-i", "ABS(b)", "2 * i - 1", "30", "30e0", "1e6"),
    *("i / 7", "b / 100e0", "d / 60", "i / NULLIF(k - 1, 0)", "d / NULLIF(d, 0)"),
    *("i / GREATEST(i, 1)", "i % 7", "-i % 7", "(i + 3) % 7", "b % 7"),
    *("i = b", "i <> 7", "i > 0", "i >= 7", "d < 0", "b <= 5", "i IS NULL", "b IS NOT NULL"),
    *("f AND i > 0", "f OR i > 0", "NOT f", "f = FALSE", "s = 'x'", "s <> 'x'"),
    *("CASE WHEN f THEN i ELSE b END", "CASE WHEN f THEN i END", "CASE k WHEN 1 THEN b ELSE 0 END"),
    *("COALESCE(i, b, 0)", "NULLIF(i, 7)", "NULLIF(i, b)", "NULLIF(7, i)"),
    *("GREATEST(i, b)", "GREATEST(i, 1)", "GREATEST(d, 0e0)", "LEAST(i, b)", "LEAST(d, i)"),
    *("LN(GREATEST(i, 1))", "SQRT(d)", "SQRT(ABS(b))", "ROUND(d)", "ROUND(-d)", "ROUND(d * 1e6)"),
    *("CAST(ROUND(d) AS BIGINT)", "CAST(b AS DOUBLE)", "CAST(NULL AS BIGINT)"),
    "CAST(b AS DECIMAL(38, 0)) * CAST(b AS DECIMAL(38, 0))",
    "CAST(d AS DECIMAL(38, 0))",
)
BY_GROUP = (
    *(
        "COUNT(*)",
        "COUNT(i)",
        "COUNT(DISTINCT i)",
        "COUNT(DISTINCT CASE WHEN f THEN NULL ELSE s END)",
    ),
    *("SUM(b)", "SUM(i * i)", "SUM(b) / 100e0", "SUM(b) / COUNT(*)", "MIN(b)", "MAX(d)", "MIN(i)"),
    *("MEDIAN(b)", "MEDIAN(i)", "MEDIAN(CASE WHEN f THEN b END) / 100e0"),
    "SUM(CASE WHEN f THEN 1 ELSE 0 END)",
    "MIN(CASE WHEN f THEN 1 ELSE 0 END) = 0",
    "CAST(SUM(CAST(b AS DECIMAL(38, 0)) * CAST(b AS DECIMAL(38, 0))) AS DOUBLE)",
    "COUNT(i) * SUM(i * i) - SUM(i) * SUM(i)",
    "SUM(CAST(ROUND(GREATEST(i, 1) * LN(GREATEST(i, 1)) * 1e6) AS BIGINT)) / 1e6",
)
QUERIES = (
    *(f"SELECT r, {expression} AS x FROM t" for expression in BY_ROW),
    *(f"SELECT k, {expression} AS x FROM t GROUP BY k" for expression in BY_GROUP),
    "SELECT r, ROW_NUMBER() OVER (PARTITION BY k ORDER BY i, r) AS x FROM t",
    "SELECT r, ROW_NUMBER() OVER (PARTITION BY k, f ORDER BY i DESC, s DESC, r) = 1 AS x FROM t",
    "SELECT r, RANK() OVER (PARTITION BY k ORDER BY i DESC) AS x FROM t",
    "SELECT r, RANK() OVER (ORDER BY s) AS x FROM t",
    "SELECT r, i - LAG(i) OVER (PARTITION BY k ORDER BY r) AS x FROM t",
    "SELECT r, LEAD(i) OVER (PARTITION BY k, f ORDER BY r) AS x FROM t",
    "SELECT *, MAX(i) OVER (PARTITION BY k) AS x FROM t",
    "SELECT DISTINCT k FROM t WHERE NOT f IS NULL AND i IS NOT NULL",
    "SELECT k, i FROM t WHERE f UNION ALL SELECT k, CAST(NULL AS INTEGER) FROM t",
    """WITH sums AS (SELECT k, SUM(b) AS x FROM t WHERE f GROUP BY k)
       SELECT t.r, sums.x FROM t LEFT JOIN sums ON t.i = sums.k""",
    "SELECT firsts.k, firsts.* FROM (SELECT k, MIN(r) AS r FROM t GROUP BY k) AS firsts",
)


@pytest.fixture(scope="module")
def engines(spark, tmp_path_factory):
    """Run a query on the same table on both engines; rows in order."""
    file = tmp_path_factory.mktemp("t") / "t.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t ({COLUMNS_OF_T})")
        connection.execute(f"INSERT INTO t VALUES {ROWS}")
        connection.execute(f"COPY t TO '{file}' (FORMAT parquet)")
        spark.read.parquet(str(file)).createOrReplaceTempView("t")

        def run(sql: str) -> tuple[list[tuple], list[tuple]]:
            ours = connection.execute(sql).fetchall()
            theirs = [tuple(row) for row in spark.sql(translate(sql)).collect()]
            return sorted(ours, key=repr), sorted(theirs, key=repr)

        yield run
    spark.catalog.dropTempView("t")


def same(ours: object, theirs: object) -> bool:
    if isinstance(ours, Decimal) or isinstance(theirs, Decimal):
        return ours == theirs
    if isinstance(ours, float):
        close = math.isclose(ours, theirs, rel_tol=1e-15)
        return isinstance(theirs, float) and (close or (math.isnan(ours) and math.isnan(theirs)))
    return type(ours) is type(theirs) and ours == theirs


@pytest.mark.parametrize("sql", QUERIES)
def test_an_allowed_expression_means_the_same(engines, sql):
    ours, theirs = engines(sql)
    assert len(ours) == len(theirs) > 0
    for our_row, their_row in zip(ours, theirs, strict=True):
        assert all(map(same, our_row, their_row)), (our_row, their_row)


def test_nothing_is_allowed_that_is_not_executed_here():
    seen = {type(node) for sql in QUERIES for node in sqlglot.parse_one(sql, read="duckdb").walk()}
    assert {*FUNCTIONS, *OPERATORS, *STRUCTURE} <= seen


def test_entropies_round_alike(spark):
    """The logarithms of two libraries may differ in the last bit; millionths must not."""
    spark.range(1, 20_000).createOrReplaceTempView("counts")
    sql = "SELECT id, CAST(ROUND(id * LN(GREATEST(id, 1)) * 1e6) AS BIGINT) AS x FROM counts"
    theirs = [tuple(row) for row in spark.sql(translate(sql)).collect()]
    counts = "FROM (SELECT range AS id FROM range(1, 20000)) AS counts"
    ours = duckdb.sql(sql.replace("FROM counts", counts)).fetchall()
    assert sorted(ours) == sorted(theirs)


@pytest.mark.usefixtures("engines")
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT SUM(b * 9000) AS x FROM t",
        "SELECT SUM(CAST(b AS DECIMAL(38, 0)) * CAST(b * 9000 AS DECIMAL(38, 0)) * 10000000) AS x FROM t",
    ],
)
def test_what_is_too_large_for_spark_is_an_error_not_a_number(spark, sql):
    from pyspark.errors import ArithmeticException

    with pytest.raises(ArithmeticException):
        spark.sql(translate(sql)).collect()


@pytest.mark.parametrize(
    "expression",
    ["ROUND(1.005e0, 2)", "CAST(3.5e0 AS BIGINT)", "LN(0e0)", "DAYOFWEEK(DATE '2024-01-01')"],
)
def test_the_fence_keeps_out_what_differs_indeed(spark, expression):
    sql = f"SELECT {expression} AS x"
    ((ours,),) = duckdb.sql(sql).fetchall()
    (theirs,) = spark.sql(sqlglot.transpile(sql, read="duckdb", write="spark")[0]).collect()[0]
    assert ours != theirs
    assert refusals(sql)


# The door


def test_missing_and_mistyped_columns_are_named_together(spark, lines):
    table = spark.read.parquet(str(lines)).drop("channel", "cost")
    table = table.withColumn("amount", table["amount"] / 100)
    with pytest.raises(DataError) as caught:
        build_on_spark(spark, table, DATES, currency="EUR")
    problems = sorted(caught.value.problems)
    assert problems[0] == "lines: column 'amount' is double, not bigint. Cast it."
    assert problems[1].startswith("lines: no column 'channel' of type string (have: customer_id, ")
    assert problems[2].startswith("lines: no column 'cost' of type bigint")
    assert len(problems) == 3


def test_dates_outside_the_lines_are_refused_as_by_the_embedded_engine(spark, lines, log):
    for day in (FIRST_DAY.date(), log.end + timedelta(days=1)):
        with pytest.raises(ConfigError) as ours:
            build_features(log, day)
        with pytest.raises(ConfigError) as theirs:
            build_on_spark(spark, lines, day, currency="EUR")
        assert str(theirs.value) == str(ours.value)


def test_no_lines(spark, lines):
    table = spark.read.parquet(str(lines)).limit(0)
    with pytest.raises(DataError, match="no rows"):
        build_on_spark(spark, table, date(2024, 2, 1), currency="EUR")


def test_silent_overflow_and_optional_tables_are_refused(spark, lines):
    spark.conf.set("spark.sql.ansi.enabled", "false")
    try:
        with pytest.raises(ConfigError) as caught:
            build_on_spark(spark, lines, DATES, currency="EUR", blocks=OPTIONAL_BLOCKS[:1])
    finally:
        spark.conf.unset("spark.sql.ansi.enabled")
    assert "the blocks need the table interactions: give it" in caught.value.problems[0]
    assert "spark.sql.ansi.enabled is off" in caught.value.problems[1]


def test_nothing_stays_behind_in_the_session(spark, lines):
    before = spark.catalog.listTables()
    build_on_spark(spark, lines, DATES[-1], currency="EUR", blocks=BLOCKS[:1])
    assert spark.catalog.listTables() == before
