"""The fence: what a feature may say, and that every feature keeps to it."""

from datetime import date

import pytest

from features.blocks.optional import attributes
from features.catalogue import BLOCKS, FEATURES, OPTIONAL_BLOCKS, OPTIONAL_FEATURES
from features.engines.build import GRAINS, feature_query
from features.engines.dialects import ALLOWED, refusals, translate
from features.engines.spark import spark_query
from features.errors import ConfigError

NAMES = [*FEATURES, *OPTIONAL_FEATURES, "attribute_age", "is_sex_woman"]


@pytest.mark.parametrize("name", NAMES)
def test_every_feature_means_the_same_on_every_engine(name):
    known = {**FEATURES, **OPTIONAL_FEATURES}
    feature = known.get(name) or attributes.feature_named(name)
    assert refusals(feature.sql.format(as_of=20_000, minor="100e0")) == ()


@pytest.mark.parametrize("grain", GRAINS)
def test_every_grain_means_the_same_on_every_engine(grain):
    tables = ("lines", "orders", "days", "interactions", "contacts", "attributes")
    assert refusals(GRAINS[grain].format(**{name: name for name in tables})) == ()


def test_the_whole_query_is_translated():
    query = spark_query({"lines": "lines"}, date(2024, 10, 4), currency="EUR")
    assert query.startswith("SELECT DATE'2024-10-04' AS as_of")
    assert "seen_day < 20000" in query
    assert "WITH customer_orders_features AS" in query


def test_whole_money_has_no_minor_units():
    assert "100e0" in spark_query({"lines": "lines"}, date(2024, 10, 4), currency="EUR")
    assert "100e0" not in spark_query({"lines": "lines"}, date(2024, 10, 4), currency="JPY")
    finer = spark_query({"lines": "lines"}, date(2024, 10, 4), currency="EUR", money_digits=4)
    assert "10000e0" in finer


def test_the_blocks_are_one_query_with_the_optional_ones():
    tables = ("lines", "orders", "days", "interactions", "contacts", "attributes")
    query = feature_query((*BLOCKS, *OPTIONAL_BLOCKS)).format(
        as_of=20_000, minor="100e0", **{name: name for name in tables}
    )
    assert refusals(query) == ()


@pytest.mark.parametrize(
    "sql",
    [
        # a translator changes these in silence
        "PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY amount)",
        "QUANTILE_CONT(amount, 0.5e0)",
        "LIST(amount ORDER BY day)",
        "ARG_MAX(amount, day)",
        "DAYOFWEEK(ordered_at)",
        "AVG(amount)",
        "MODE(category)",
        "amount // 7",
        "SUM(amount) FILTER (WHERE is_return)",
        "FIRST(amount)",
        "RANDOM()",
        "CURRENT_DATE",
        "a IS NOT DISTINCT FROM b",
        "nobody_knows(amount)",
        # engines part ways at the edge
        "amount / orders",
        "amount / NULLIF(orders, 1)",
        "amount / GREATEST(orders, 0)",
        "amount % orders",
        "LN(times)",
        "LN(GREATEST(times, 0))",
        "ROUND(amount, 2)",
        "CAST(amount / 2 AS BIGINT)",
        "CAST(amount AS INTEGER)",
        "TRY_CAST(amount AS DOUBLE)",
        "amount * 0.5",
        "1e999",
        "channel > 'shop'",
        "is_return IS TRUE",
        "MAX(amount, 3)",
        "COUNT(a, b)",
        "SUM(amount ORDER BY day)",
        "MEDIAN(DISTINCT amount)",
        # which row comes first
        "ROW_NUMBER() OVER (PARTITION BY customer)",
        "SUM(amount) OVER (ORDER BY day)",
        "LAG(day, 2) OVER (ORDER BY day)",
        "LAG(day IGNORE NULLS) OVER (ORDER BY day)",
        "SELECT DISTINCT ON (customer) day FROM lines",
        "SELECT day FROM lines ORDER BY day",
        "SELECT day FROM lines LIMIT 1",
        "SELECT * EXCLUDE (day) FROM lines",
        "SELECT customer FROM lines GROUP BY ALL",
        "SELECT a FROM lines JOIN orders USING (customer)",
        "SELECT a FROM lines, orders",
        "SELECT a FROM lines CROSS JOIN orders",
        "SELECT a FROM lines QUALIFY ROW_NUMBER() OVER (ORDER BY day) = 1",
    ],
)
def test_what_may_differ_is_refused_with_what_is_allowed(sql):
    problems = refusals(sql)
    assert problems[-1] == ALLOWED
    assert all(problem.endswith(".") for problem in problems)
    with pytest.raises(ConfigError) as caught:
        translate(sql)
    assert caught.value.problems == problems


def test_what_is_no_sql_is_refused():
    (problem,) = refusals("SUM(amount")
    assert problem.startswith("not SQL that can be translated")


def test_every_problem_is_told_once():
    problems = refusals("LN(times) + LN(times) + amount / orders")
    assert {problem.split(":")[0] for problem in problems[:-1]} == {"LN(times)", "amount / orders"}
    assert len(problems) == 3
