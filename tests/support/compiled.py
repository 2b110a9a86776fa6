"""SQL compiled for rows of a table of our own, to be compared with the embedded engine."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlglot import parse_one

from features.compiler.arithmetic import run
from features.compiler.expressions import Expressions, Value
from features.compiler.nesting import INDENT
from features.engines.loops import AGGREGATES, RowLoop

COLUMNS: dict[str, Value] = {
    "r": Value("c_r", "whole", nullable=False),
    "k": Value("c_k", "whole", nullable=False),
    "i": Value("c_i", "whole", nullable=True),
    "b": Value("c_b", "whole", nullable=True),
    "d": Value("c_d", "double", nullable=True),
    "s": Value("c_s", "text", nullable=True),
    "f": Value("c_f", "flag", nullable=True),
    "g": Value("c_g", "flag", nullable=False),
}
TABLE = "r INTEGER, k INTEGER, i INTEGER, b BIGINT, d DOUBLE, s VARCHAR, f BOOLEAN, g BOOLEAN"
PARAMETERS = {"as_of": Value("as_of", "whole", nullable=False)}

Row = Sequence[Any]


def row_function(sql: str) -> Callable[[Row], Any]:
    """An expression over one row."""
    expressions = Expressions(COLUMNS, "t")
    value = expressions.value(parse_one(sql, read="duckdb"))
    names = ", ".join(column.code for column in COLUMNS.values())
    source = f"def f({names}):\n{INDENT}return {value.code}\n"
    function = run(source, sql)["f"]
    return lambda row: function(*row)


def group_function(sql: str) -> Callable[[Sequence[Row], int], Any]:
    """An expression over aggregates of rows and a parameter."""
    loop = RowLoop(COLUMNS, PARAMETERS, "t", "t")
    results = Expressions(PARAMETERS, "t, outside of aggregates", "r")
    tree = parse_one(sql, read="duckdb")
    loop.share(tree.find_all(*AGGREGATES))
    for node in tree.find_all(*AGGREGATES):
        results.given[node.sql()] = loop.result(node)
    value = results.value(tree)
    starts = [f"{INDENT}{total} = {start}" for total, start in loop.starts.items()]
    lines = [
        *loop.functions,
        "def f(rows, as_of):",
        f"{INDENT}{loop.prefix}size = len(rows)",
        *starts,
        *loop.loop("rows", is_whole=True),
        f"{INDENT}return {value.code}",
    ]
    function: Callable[[Sequence[Row], int], Any] = run("\n".join(lines), sql)["f"]
    return function


def is_same(ours: Any, theirs: Any) -> bool:
    """Equal to the bit and of one type, a decimal being a whole number."""
    if isinstance(theirs, float):
        return isinstance(ours, float) and ours.hex() == theirs.hex()
    if isinstance(theirs, bool) or theirs is None:
        return ours is theirs
    if isinstance(theirs, str):
        return ours == theirs
    return isinstance(ours, int) and not isinstance(ours, bool) and ours == int(theirs)
