"""Every construct of the fence, compiled: to the bit what the embedded engine answers."""

import random

import duckdb
import pytest
import sqlglot

from features.compiler.expressions import NotCompiled
from features.engines.dialects import FUNCTIONS, OPERATORS, refusals
from tests.support.compiled import COLUMNS, TABLE, group_function, is_same, row_function

ROWS_OF_A_TABLE = 40
TABLES = 25
AS_OF = 20

BY_ROW = (
    *("i + b", "i - b", "i * 3", "-i", "ABS(b)", "ABS(d)", "2 * i - 1", "30", "30e0", "i * 2e0"),
    *("i / 7", "b / 100e0", "d / 60", "i / NULLIF(k - 1, 0)", "d / NULLIF(d, 0)", "k / GREATEST(k, 1)"),
    *("i % 7", "-i % 7", "(i + 3) % 7", "b % 7", "d % 3", "k % 2"),
    *("i = b", "i <> 7", "i > 0", "i >= 7", "d < 0", "b <= 5", "i = d", "i IS NULL", "b IS NOT NULL"),
    *("f AND i > 0", "f OR i > 0", "NOT f", "f = FALSE", "s = 'x'", "s <> 'x'", "NOT (i > 3)"),
    *("NOT (f AND g)", "NOT (f OR i > 0)", "NOT NOT f", "NOT f IS NULL", "g OR f", "k IS NULL", "TRUE"),
    *("i > NULL", "NULL = NULL", "f AND NULL", "f OR NULL", "COALESCE(f, g)", "NOT COALESCE(f, FALSE)"),
    *("CASE WHEN f THEN i ELSE b END", "CASE WHEN f THEN i END", "CASE k WHEN 1 THEN b ELSE 0 END"),
    *("CASE WHEN f THEN i ELSE 0e0 END", "CASE WHEN i > 0 THEN NULL WHEN f THEN d ELSE i END"),
    *("CASE WHEN i > 3 AND f THEN 1 WHEN NOT f OR d < 0 THEN 2 ELSE 3 END", "CASE WHEN f THEN s END"),
    "CASE WHEN f THEN CASE WHEN i > 0 THEN 1 ELSE b END WHEN s = 'it''s {a}' THEN -1 END",
    # a branch that must not be computed elsewhere
    "CASE WHEN d >= 0 THEN SQRT(d) ELSE -1e0 END",
    *("COALESCE(i, b, 0)", "COALESCE(d, i)", "COALESCE(k, i)", "NULLIF(i, 7)", "NULLIF(i, b)"),
    *("NULLIF(7, i)", "NULLIF(k, 2)", "COALESCE(NULLIF(i, 0), NULLIF(b, 1), -1)"),
    *("GREATEST(i, b)", "GREATEST(i, 1)", "GREATEST(d, 0e0)", "LEAST(i, b)", "LEAST(d, i)"),
    *("GREATEST(NULL, i, 3)", "GREATEST(k, 2, r)", "LEAST(k, 2)", "GREATEST(i, d, b)"),
    *("LN(GREATEST(i, 1))", "LN(GREATEST(d, 1e0))", "SQRT(ABS(d))", "SQRT(ABS(b))", "ROUND(d)"),
    *("ROUND(-d)", "ROUND(d * 1e6)", "ROUND(i)", "CAST(ROUND(d) AS BIGINT)", "CAST(b AS DOUBLE)"),
    *("CAST(f AS DOUBLE)", "CAST(NULL AS BIGINT)", "CAST(ROUND(k * LN(GREATEST(k, 1)) * 1e6) AS BIGINT)"),
    "CAST(b AS DECIMAL(38, 0)) * CAST(b AS DECIMAL(38, 0))",
    "CAST(CAST(b AS DECIMAL(38, 0)) * CAST(b AS DECIMAL(38, 0)) AS DOUBLE)",
    "CAST(d AS DECIMAL(38, 0))",
)  # fmt: skip
SPREAD = "CAST(COUNT(i) * SUM(i * i) - SUM(i) * SUM(i) AS DOUBLE)"
BY_GROUP = (
    *("COUNT(*)", "COUNT(i)", "COUNT(k)", "COUNT(DISTINCT i)", "COUNT(*) - COUNT(f)", "SUM(1)"),
    *("COUNT(DISTINCT CASE WHEN f THEN NULL ELSE s END)", "COUNT(CASE WHEN f THEN 1 END)", "COUNT(NULL)"),
    *("SUM(b)", "SUM(k)", "SUM(i * i)", "SUM(b) / 100e0", "SUM(b) / COUNT(*)", "SUM(-ABS(b))"),
    *("MIN(b)", "MAX(d)", "MIN(i)", "MAX(k)", "MIN(s)", "MAX(f)", "MIN(d)", "MAX(CASE WHEN f THEN d ELSE i END)"),
    *("MEDIAN(b)", "MEDIAN(i)", "MEDIAN(k)", "MEDIAN(d)", "MEDIAN(CASE WHEN f THEN b END) / 100e0"),
    *("SUM(CASE WHEN f THEN 1 ELSE 0 END)", "SUM(CASE WHEN f THEN b END)", "SUM(CASE WHEN g THEN b ELSE -1 END)"),
    *("MIN(CASE WHEN f THEN 1 ELSE 0 END) = 0", "SUM(CASE WHEN f THEN CASE WHEN g THEN 1 ELSE i END ELSE k END)"),
    "CASE WHEN COUNT(b) = COUNT(*) THEN SUM(CASE WHEN g THEN -ABS(b) ELSE b END) END",
    "CAST(SUM(CAST(b AS DECIMAL(38, 0)) * CAST(b AS DECIMAL(38, 0))) AS DOUBLE)",
    "CAST(SUM(b) AS DOUBLE)",
    "COUNT(i) * SUM(i * i) - SUM(i) * SUM(i)",
    "SUM(CAST(ROUND(GREATEST(i, 1) * LN(GREATEST(i, 1)) * 1e6) AS BIGINT)) / 1e6",
    "SUM(CASE WHEN k > 1 THEN CAST(ROUND(k * LN(GREATEST(k, 1)) * 1e6) AS BIGINT) ELSE 0 END)",
    f"CASE WHEN COUNT(i) > 1 THEN SQRT({SPREAD} / NULLIF(COUNT(i) * (COUNT(i) - 1), 0)) END",
    "GREATEST(SUM(i), 0) + LEAST(MAX(k), 3)",
    "GREATEST(SUM(CASE WHEN (k + 3) % 7 = 0 THEN 1 ELSE 0 END), SUM(CASE WHEN (k + 3) % 7 = 1 THEN 1 ELSE 0 END))",
    *(f"SUM(CASE WHEN k >= as_of - {n} THEN b ELSE 0 END)" for n in (2, 7, 15)),
    "SUM(CASE WHEN f AND k >= as_of - 7 AND k < as_of - 2 THEN 1 ELSE 0 END)",
    "SUM(CASE WHEN k >= as_of - 7 THEN b END) - SUM(CASE WHEN i >= as_of - 2 THEN 1 END)",
    "MAX(CASE WHEN i IS NULL OR i >= as_of THEN b END)",
    "as_of - MAX(CASE WHEN f THEN k END)",
    "SUM(CASE WHEN k >= as_of - 15 AND f THEN 1 WHEN k >= as_of - 2 THEN 10 ELSE 100 END)",
)  # fmt: skip
WIDE = [0, 1, -1, 7, -8, 999_999_999_999_999, -999_999_999_999_999, 123_456_789_012]
HALVES = [0.0, 2.5, -2.5, 3.5, -0.5, 0.49999999999999994, 1e-7, 1e15, -1e15, 7.0]


def table(seed: int) -> list[tuple]:
    """Rows with NULLs, ties, halves and large numbers; one table in five is without any value."""
    draw = random.Random(seed)  # noqa: S311 - nothing is kept secret
    nothing = seed % 5 == 4

    def some(values):
        return None if nothing or draw.random() < 0.25 else draw.choice(values)

    return [
        (number, draw.randint(1, 20), some([*range(-8, 9), 20, 46_340]),
         some([*WIDE, draw.randint(-(10**15), 10**15)]), some([*HALVES, draw.uniform(-9, 9)]),
         some(["x", "X", "", "ä", "it's {a}"]), some([True, False]), draw.random() < 0.5)
        for number in range(draw.randint(1, ROWS_OF_A_TABLE))
    ]  # fmt: skip


@pytest.fixture(scope="module")
def tables():
    """The engine with the tables t0, t1, …, and their rows."""
    every = [table(seed) for seed in range(TABLES)]
    with duckdb.connect(config={"threads": 1}) as engine:
        for number, rows in enumerate(every):
            engine.execute(f"CREATE TABLE t{number} ({TABLE})")
            engine.executemany(f"INSERT INTO t{number} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        yield engine, every


@pytest.mark.parametrize("sql", BY_ROW)
def test_an_expression_of_a_row_answers_what_the_engine_answers(sql, tables):
    engine, every = tables
    compiled = row_function(sql)
    for number, rows in enumerate(every):
        theirs = [
            v for (v,) in engine.execute(f"SELECT {sql} FROM t{number} ORDER BY r").fetchall()
        ]
        for row, value in zip(rows, theirs, strict=True):
            assert is_same(compiled(row), value), (row, compiled(row), value)


@pytest.mark.parametrize("sql", BY_GROUP)
def test_an_aggregate_answers_what_the_engine_answers(sql, tables):
    engine, every = tables
    compiled = group_function(sql)
    asked = sql.replace("as_of", str(AS_OF))
    for number, rows in enumerate(every):
        ((theirs,),) = engine.execute(f"SELECT {asked} FROM t{number}").fetchall()
        ours = compiled(rows, AS_OF)
        assert is_same(ours, theirs), (rows, ours, theirs)


def test_what_is_compiled_here_is_inside_the_fence():
    for sql in (*BY_ROW, *BY_GROUP):
        if sql not in ("GREATEST(NULL, i, 3)", "SUM(b) / 100e0"):
            assert refusals(sql.replace("as_of", str(AS_OF))) == (), sql


REFUSED = (
    "ROW_NUMBER() OVER (PARTITION BY k ORDER BY i, r) = 1",
    "RANK() OVER (ORDER BY s)",
    "i - LAG(i) OVER (PARTITION BY k ORDER BY r)",
    "LEAD(i) OVER (PARTITION BY k ORDER BY r)",
    "MAX(i) OVER (PARTITION BY k)",
    "(SELECT MAX(i) FROM t)",
)


@pytest.mark.parametrize("sql", REFUSED)
def test_what_needs_other_rows_is_refused_with_a_sentence(sql):
    with pytest.raises(NotCompiled, match="not an expression over the rows of one customer"):
        row_function(sql)


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SUM(d)", "depends on the order of the rows"),
        ("SUM(s)", "is no number"),
        ("SUM(f)", "is no number"),
        ("MEDIAN(CAST(b AS DECIMAL(38, 0)))", "MEDIAN"),
        ("SUM(MAX(i))", "an aggregate of an aggregate"),
        ("COUNT(DISTINCT i, b)", "several columns"),
        ("k - MAX(i)", "no column 'k' in t, outside of aggregates"),
        ("MAX(missing)", "no column 'missing' in t"),
        ("MAX(CASE WHEN f THEN s ELSE i END)", "do not go together"),
        ("MAX(i + s)", "a text is not a number"),
        ("COUNT(CASE WHEN i THEN 1 END)", "a condition is a comparison or a flag"),
    ],
)
def test_what_has_no_one_answer_is_refused(sql, why):
    with pytest.raises(NotCompiled, match=why):
        group_function(sql)


def test_every_construct_of_the_fence_is_compiled_or_refused_here():
    seen = {
        type(node)
        for sql in (*BY_ROW, *BY_GROUP, *REFUSED)
        for node in sqlglot.parse_one(sql, read="duckdb").walk()
    }
    assert {*FUNCTIONS, *OPERATORS} <= seen


def test_columns_cover_every_kind_with_and_without_null():
    kinds = {(value.kind, value.nullable) for value in COLUMNS.values()}
    assert kinds == {
        ("whole", True), ("whole", False), ("double", True), ("text", True), ("flag", True), ("flag", False)
    }  # fmt: skip
