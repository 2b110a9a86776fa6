"""The same SQL on other engines: a fence around what means the same there, and the translation.

A translator of SQL changes meaning in silence: of `PERCENTILE_CONT` it makes an approximation,
of `LIST(x ORDER BY y)` a list in any order. So nothing passes but the expressions listed here,
each of which is executed on both engines in the tests and gives the same answer there. Some
need company, because engines part ways at the edge (by zero DuckDB divides to infinity, Spark
stops): `RULES` says which.
"""

import math
import re
import textwrap
from collections.abc import Callable, Iterable

from sqlglot import exp, parse_one
from sqlglot.errors import ErrorLevel, ParseError

from features.errors import ConfigError

ENGINE = "duckdb"

FUNCTIONS: dict[type[exp.Expr], str] = {
    exp.Abs: "ABS",
    exp.Case: "CASE",
    exp.Cast: "CAST",
    exp.Coalesce: "COALESCE",
    exp.Count: "COUNT",
    exp.Greatest: "GREATEST",
    exp.Lag: "LAG",
    exp.Lead: "LEAD",
    exp.Least: "LEAST",
    exp.Ln: "LN",
    exp.Max: "MAX",
    exp.Median: "MEDIAN",
    exp.Min: "MIN",
    exp.Nullif: "NULLIF",
    exp.Rank: "RANK",
    exp.Round: "ROUND",
    exp.RowNumber: "ROW_NUMBER",
    exp.Sqrt: "SQRT",
    exp.Sum: "SUM",
}
"""The functions that may be used."""

OPERATORS: dict[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.And: "AND",
    exp.Or: "OR",
    exp.Not: "NOT",
    exp.Is: "IS NULL",
    exp.Window: "OVER (PARTITION BY … ORDER BY …)",
}
"""The operators that may be used."""

STRUCTURE: frozenset[type[exp.Expr]] = frozenset(
    {
        *(exp.Alias, exp.Boolean, exp.Column, exp.CTE, exp.DataType, exp.DataTypeParam),
        *(exp.Distinct, exp.From, exp.Group, exp.Identifier, exp.If, exp.Join, exp.Literal),
        *(exp.Neg, exp.Null, exp.Order, exp.Ordered, exp.Paren, exp.Select, exp.Star),
        *(exp.Subquery, exp.Table, exp.TableAlias, exp.Union, exp.Where, exp.With),
    }
)
"""What holds a query together."""

_TYPES = ("BIGINT", "DECIMAL(38, 0)", "DOUBLE")
_NUMBER = re.compile(r"\d+(e\d+)?")

ALLOWED = (
    f"A feature may use the functions {', '.join(FUNCTIONS.values())} and the operators "
    f"{' '.join(OPERATORS.values())}."
)


def refusals(sql: str) -> tuple[str, ...]:
    """Why `sql`, a query or an expression in the engine's dialect, would not mean the same elsewhere.

    Returns
    -------
    One sentence per construct, each once, and what is allowed; empty for portable SQL.

    >>> refusals("SUM(amount) / NULLIF(COUNT(cost), 0)")
    ()
    >>> refusals("CAST(amount AS INT)")[0]
    'CAST(amount AS INT): engines cast alike only to BIGINT, DECIMAL(38, 0), DOUBLE.'
    """
    try:
        tree = parse_one(sql, read=ENGINE)
    except ParseError as error:
        return (f"not SQL that can be translated: {str(error).splitlines()[0]}",)
    problems = problems_of(tree)
    return (*problems, ALLOWED) if problems else ()


def problems_of(tree: exp.Expr) -> tuple[str, ...]:
    """What of an expression would not mean the same on every engine: a sentence each, each once."""
    return tuple(dict.fromkeys(_refusals(tree.walk())))


def translate(sql: str, dialect: str = "spark") -> str:
    """`sql` of the engine in another dialect, with the same meaning.

    Parameters
    ----------
    sql : one query in DuckDB's dialect
    dialect : a dialect of sqlglot; the tests execute `spark`

    Raises
    ------
    ConfigError
        When the query holds something that is not known to mean the same; says what, and
        what may be used.
    """
    if problems := refusals(sql):
        raise ConfigError(problems)
    tree = parse_one(sql, read=ENGINE)
    return tree.sql(dialect=dialect, comments=False, unsupported_level=ErrorLevel.RAISE)


def _refusals(nodes: Iterable[exp.Expr]) -> Iterable[str]:
    translated = {*FUNCTIONS, *OPERATORS, *STRUCTURE}
    for node in nodes:
        if type(node) not in translated:
            yield f"{_shortened(node)}: not known to mean the same on every engine."
        elif (rule := RULES.get(type(node))) and (problem := rule(node)):
            yield f"{_shortened(node)}: {problem}"


def _shortened(node: exp.Expr) -> str:
    return textwrap.shorten(node.sql(dialect=ENGINE, comments=False), 100, placeholder=" …")


def _is_positive(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Literal) and not node.is_string and float(node.this) > 0


def _is_at_least_positive(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Greatest) and any(map(_is_positive, node.expressions))


def _division(node: exp.Expr) -> str | None:
    divisor = node.expression.unnest()
    never_zero = (
        _is_positive(divisor)
        or _is_at_least_positive(divisor)
        or (isinstance(divisor, exp.Nullif) and divisor.expression.name == "0")
        or (isinstance(divisor, exp.Count) and isinstance(divisor.this, exp.Star))
    )
    if never_zero:
        return None
    return (
        "engines divide by zero differently; divide by a number, COUNT(*), NULLIF(…, 0) "
        "or GREATEST(…, 1)."
    )


def _remainder(node: exp.Expr) -> str | None:
    if _is_positive(node.expression):
        return None
    return "engines differ in the remainder of other divisors than a number above 0."


def _logarithm(node: exp.Expr) -> str | None:
    if _is_at_least_positive(node.this):
        return None
    return "engines differ in logarithms of 0 and less; write LN(GREATEST(…, 1))."


def _cast(node: exp.Expr) -> str | None:
    if isinstance(node.this, exp.Null):
        return None
    target = node.args["to"].sql(dialect=ENGINE)
    if target not in _TYPES:
        return f"engines cast alike only to {', '.join(_TYPES)}."
    if target == "BIGINT" and not isinstance(node.this, exp.Round):
        return "engines round or cut when they cast to BIGINT; write CAST(ROUND(…) AS BIGINT)."
    return None


def _round(node: exp.Expr) -> str | None:
    if node.args.get("decimals") is None:
        return None
    return "engines round to decimals differently; write ROUND(… * 1e6)."


def _literal(node: exp.Expr) -> str | None:
    if node.is_string:
        compared = isinstance(node.parent, exp.EQ | exp.NEQ)
        return None if compared else "engines read text differently; only compare it with = or <>."
    if _NUMBER.fullmatch(node.name) and math.isfinite(float(node.name)):
        return None
    return "engines type it differently; write whole numbers or doubles as 30 and 30e0."


def _distinct(node: exp.Expr) -> str | None:
    if isinstance(node.parent, exp.Select | exp.Count) and not node.args.get("on"):
        return None
    return "only SELECT DISTINCT and COUNT(DISTINCT …) are the same everywhere."


def _order(node: exp.Expr) -> str | None:
    return None if isinstance(node.parent, exp.Window) else "engines lose the order on the way."


def _is(node: exp.Expr) -> str | None:
    return None if isinstance(node.expression, exp.Null) else "only IS NULL is the same everywhere."


def _window(node: exp.Expr) -> str | None:
    order = node.args.get("order")
    if isinstance(node.this, exp.RowNumber | exp.Rank | exp.Lag | exp.Lead):
        return None if order else "without ORDER BY engines choose an order of their own."
    return "engines run up to ties differently; leave out ORDER BY." if order else None


def _join(node: exp.Expr) -> str | None:
    return _plain("this", "on", "side")(node) if node.args.get("on") else "write JOIN … ON."


def _plain(*keys: str) -> Callable[[exp.Expr], str | None]:
    def rule(node: exp.Expr) -> str | None:
        extra = [key for key in node.args if key not in keys and node.args[key]]
        return (
            f"only its plain form is the same everywhere ({', '.join(extra)})." if extra else None
        )

    return rule


RULES: dict[type[exp.Expr], Callable[[exp.Expr], str | None]] = {
    **dict.fromkeys((exp.Lag, exp.Lead, exp.Max, exp.Min), _plain("this")),
    exp.Cast: _cast,
    exp.Count: _plain("this", "big_int"),
    exp.Distinct: _distinct,
    exp.Div: _division,
    exp.Group: _plain("expressions"),
    exp.Is: _is,
    exp.Join: _join,
    exp.Literal: _literal,
    exp.Ln: _logarithm,
    exp.Mod: _remainder,
    exp.Order: _order,
    exp.Round: _round,
    exp.Select: _plain("expressions", "from_", "where", "group", "joins", "distinct", "with_"),
    exp.Star: _plain(),
    exp.Window: _window,
}
"""Expression → what must hold of it besides; a sentence if it does not."""
