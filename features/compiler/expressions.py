"""One SQL expression → one Python expression that means the same.

NULL is None, whole numbers are Python's and never overflow. Conditions have three values in SQL:
`truth` says where one is true, `falsity` where it is false, and where it is neither it is NULL.
Arithmetic follows the embedded engine: `/` divides doubles, `%` has the sign of the dividend,
ROUND goes away from zero at halves, GREATEST and LEAST leave NULLs out.

Columns, temporary names and constants get names of our own; a text of the SQL enters the source
only as its `repr`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlglot import exp

from features.compiler.nesting import text_of

Kind = Literal["whole", "wide", "double", "flag", "text", "time", "nothing"]
"""What a value is: a whole number of 64 bits, a wider one (a sum), a double, a boolean, a text, a
wall time, or the bare NULL."""

_NUMBERS: tuple[Kind, ...] = ("whole", "wide", "double")
"""Each is converted to the ones behind it."""


class NotCompiled(Exception):
    """An expression, or a part of it, has no meaning for one customer's rows; says why."""


@dataclass(frozen=True)
class Value:
    """A Python expression and what it yields.

    Attributes
    ----------
    code : the source, in parentheses unless it is a name or a number
    kind : see `Kind`
    nullable : whether it can be None
    """

    code: str
    kind: Kind
    nullable: bool

    @property
    def is_name(self) -> bool:
        """Whether it can be written twice at no cost."""
        return self.code.isidentifier()


NULL = Value("None", "nothing", nullable=True)
_NO = Value("False", "flag", nullable=False)

Compile = Callable[["Expressions", exp.Expr], Value]


class Expressions:
    """Compiles expressions over the same columns.

    Parameters
    ----------
    columns : SQL name in lower case → the value that stands for it
    where : names the table in messages
    prefix : begins every temporary name

    Attributes
    ----------
    where : as given
    given : SQL text of a part → the value that stands for it, looked up before anything else
    shared : SQL texts of parts that are computed once, in `statements`
    statements : assignments to run before the expressions, in order
    """

    def __init__(self, columns: Mapping[str, Value], where: str, prefix: str = "x") -> None:
        self._columns = columns
        self.where = where
        self._prefix = prefix
        self._temporary = 0
        self._truths: dict[str, str] = {}
        self.given: dict[str, Value] = {}
        self.shared: frozenset[str] = frozenset()
        self.statements: list[str] = []

    def value(self, node: exp.Expr) -> Value:
        """The value of an expression.

        Raises
        ------
        NotCompiled
            When there is no such column, kinds do not go together, or rows beside the
            customer's own are asked for.
        """
        text = text_of(node)
        if (ready := self.given.get(text)) is not None:
            return ready
        compile_node = _NODES.get(type(node))
        if compile_node is None:
            raise NotCompiled(f"{text}: not an expression over the rows of one customer")
        value = compile_node(self, node)
        if text in self.shared and not value.is_name:
            name = self.temporary()
            self.statements.append(f"{name} = {value.code}")
            value = replace(value, code=name)
            self.given[text] = value
        return value

    def truth(self, node: exp.Expr) -> str:
        """Source that is truthy where a condition is true, falsy where it is false or NULL."""
        text = text_of(node)
        if text not in self._truths:
            self._truths[text] = self._truth(node)
        return self._truths[text]

    def _truth(self, node: exp.Expr) -> str:
        match node:
            case exp.Paren():
                return self.truth(node.this)
            case exp.And():
                return f"({self.truth(node.this)} and {self.truth(node.expression)})"
            case exp.Or():
                return f"({self.truth(node.this)} or {self.truth(node.expression)})"
            case exp.Not():
                return self.falsity(node.this)
            case _ if type(node) in _COMPARISONS:
                return self._compared(node, "{}")
        value = self._flag(node)
        return f"({value.code} is True)" if value.nullable else value.code

    def falsity(self, node: exp.Expr) -> str:
        """Source that is truthy where a condition is false, falsy where it is true or NULL."""
        match node:
            case exp.Paren():
                return self.falsity(node.this)
            case exp.And():
                return f"({self.falsity(node.this)} or {self.falsity(node.expression)})"
            case exp.Or():
                return f"({self.falsity(node.this)} and {self.falsity(node.expression)})"
            case exp.Not():
                return self.truth(node.this)
            case _ if type(node) in _COMPARISONS:
                return self._compared(node, "not {}")
        value = self._flag(node)
        return f"({value.code} is False)" if value.nullable else f"(not {value.code})"

    def temporary(self) -> str:
        """A name that no other part uses."""
        self._temporary += 1
        return f"{self._prefix}{self._temporary}"

    def column(self, node: exp.Expr) -> Value:
        """The value of a column, whatever table it is said to be of."""
        column = self._columns.get(node.name.lower())
        if column is None:
            have = ", ".join(sorted(self._columns))
            raise NotCompiled(f"no column {node.name!r} in {self.where} (have: {have})")
        return column

    def strict(self, operands: Sequence[Value], kind: Kind, write: Callable[..., str]) -> Value:
        """An operation that is NULL where an operand is."""
        tests, codes = self._known(operands, "is None")
        code = write(*codes)
        if not tests:
            return Value(code, kind, nullable=False)
        return Value(f"(None if {' or '.join(tests)} else {code})", kind, nullable=True)

    def as_kind(self, value: Value, kind: Kind) -> Value:
        """A number as a wider one; everything else as it is."""
        if value.kind in (kind, "nothing"):
            return value
        if kind != "double":
            return replace(value, kind=kind)
        if value.code.isdecimal():
            return Value(repr(float(value.code)), "double", nullable=False)
        write = "double({})" if value.kind == "wide" else "float({})"
        return self.strict([value], "double", write.format)

    def alike(self, values: Iterable[Value]) -> list[Value]:
        """Values of the one kind that all of them can be."""
        values = list(values)
        kind = common_kind([value.kind for value in values])
        return [self.as_kind(value, kind) for value in values]

    def once(self, value: Value) -> tuple[str, str]:
        """Source that computes a value, and source that names it afterwards."""
        if value.is_name:
            return value.code, value.code
        name = self.temporary()
        return f"({name} := {value.code})", name

    def _known(self, operands: Iterable[Value], test: str) -> tuple[list[str], list[str]]:
        tests, codes = [], []
        for operand in operands:
            first, name = self.once(operand) if operand.nullable else (operand.code, operand.code)
            codes.append(name)
            if operand.nullable:
                tests.append(f"{first} {test}")
        return tests, codes

    def _compared(self, node: exp.Expr, form: str) -> str:
        values = self.alike([self.value(node.this), self.value(node.expression)])
        tests, codes = self._known(values, "is not None")
        comparison = form.format(f"{codes[0]} {_COMPARISONS[type(node)]} {codes[1]}")
        return f"({' and '.join([*tests, comparison])})"

    def _flag(self, node: exp.Expr) -> Value:
        value = self.value(node)
        if value.kind not in ("flag", "nothing"):
            raise NotCompiled(f"{text_of(node)}: a condition is a comparison or a flag")
        return value

    def is_nullable(self, node: exp.Expr) -> bool:
        """Whether a condition can be NULL."""
        match node:
            case exp.Paren() | exp.Not():
                return self.is_nullable(node.this)
            case exp.And() | exp.Or():
                return self.is_nullable(node.this) or self.is_nullable(node.expression)
            case _ if type(node) in _COMPARISONS:
                return self.value(node.this).nullable or self.value(node.expression).nullable
        return self.value(node).nullable


def common_kind(kinds: Sequence[Kind]) -> Kind:
    """The kind that all of these can be.

    Raises
    ------
    NotCompiled
        When they do not go together, as a text and a number.
    """
    real = [kind for kind in kinds if kind != "nothing"]
    if not real:
        return "nothing"
    if all(kind in _NUMBERS for kind in real):
        return max(real, key=_NUMBERS.index)
    if len(set(real)) > 1:
        raise NotCompiled(f"{' and '.join(sorted(set(real)))} do not go together")
    return real[0]


def _number(value: Value) -> Value:
    if value.kind not in (*_NUMBERS, "nothing"):
        raise NotCompiled(f"a {value.kind} is not a number")
    return value


def _arithmetic(sign: str) -> Compile:
    def compile_node(this: Expressions, node: exp.Expr) -> Value:
        left, right = (_number(this.value(part)) for part in (node.this, node.expression))
        values = this.alike([left, right])
        kind = common_kind([value.kind for value in values])
        return this.strict(values, kind, f"({{}} {sign} {{}})".format)

    return compile_node


def _division(this: Expressions, node: exp.Expr) -> Value:
    parts = [_number(this.value(part)) for part in (node.this, node.expression)]
    doubles = [this.as_kind(part, "double") for part in parts]
    return this.strict(doubles, "double", "({} / {})".format)


def _remainder(this: Expressions, node: exp.Expr) -> Value:
    parts = [_number(this.value(part)) for part in (node.this, node.expression)]
    values = this.alike(parts)
    kind = common_kind([value.kind for value in values])
    write = "fmod({}, {})" if kind == "double" else "remainder({}, {})"
    return this.strict(values, kind, write.format)


def _unary(form: str, *, result: Kind | None = None) -> Compile:
    def compile_node(this: Expressions, node: exp.Expr) -> Value:
        value = _number(this.value(node.this))
        value = value if result is None else this.as_kind(value, result)
        return this.strict([value], value.kind, form.format)

    return compile_node


def _round(this: Expressions, node: exp.Expr) -> Value:
    value = _number(this.value(node.this))
    if value.kind != "double":
        return value
    return this.strict([value], "double", "rounded({})".format)


def _cast(this: Expressions, node: exp.Expr) -> Value:
    target = node.args["to"].sql(dialect="duckdb")
    if target == "TIMESTAMP" and isinstance(node.this, exp.Literal):
        at = datetime.fromisoformat(node.this.name)
        return Value(f"datetime.fromisoformat({at.isoformat()!r})", "time", nullable=False)
    value = this.value(node.this)
    if value.kind == "nothing":
        return NULL
    if target == "DOUBLE" and value.kind == "flag":
        return this.strict([value], "double", "float({})".format)
    value = _number(value)
    if target == "DOUBLE":
        return this.as_kind(value, "double")
    kinds: dict[str, Kind] = {"BIGINT": "whole", "DECIMAL(38, 0)": "wide"}
    if target not in kinds:
        raise NotCompiled(f"{text_of(node)}: no cast to {target}")
    if value.kind != "double":
        return replace(value, kind=kinds[target])
    return this.strict([value], kinds[target], "int(rounded({}))".format)


def _case(this: Expressions, node: exp.Expr) -> Value:
    ifs = conditions_of(node)
    values = [this.value(branch) for _, branch in ifs]
    default = node.args.get("default")
    values = this.alike([*values, NULL if default is None else this.value(default)])
    text = values[-1].code
    for (condition, _), value in zip(reversed(ifs), reversed(values[:-1]), strict=True):
        text = f"{value.code} if {this.truth(condition)} else {text}"
    nullable = any(value.nullable for value in values)
    return Value(f"({text})", common_kind([value.kind for value in values]), nullable)


def conditions_of(case: exp.Expr) -> list[tuple[exp.Expr, exp.Expr]]:
    """Condition and value of each branch of a CASE, the one without operand or the one with."""
    operand = case.args.get("this")
    return [
        (branch.this if operand is None else _equal(operand, branch.this), branch.args["true"])
        for branch in case.args["ifs"]
    ]


def _equal(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    # copies: a part of two trees would forget the one it came from
    return exp.EQ(this=left.copy(), expression=right.copy())


def _coalesce(this: Expressions, node: exp.Expr) -> Value:
    values = this.alike(this.value(part) for part in (node.this, *node.expressions))
    *values_before, last = values
    code, nullable = last.code, last.nullable
    for value in reversed(values_before):
        if not value.nullable:
            code, nullable = value.code, False
            continue
        first, name = this.once(value)
        code = f"({name} if {first} is not None else {code})"
    return Value(code, common_kind([value.kind for value in values]), nullable)


def _nullif(this: Expressions, node: exp.Expr) -> Value:
    value, other = this.value(node.this), this.value(node.expression)
    first, name = this.once(value)
    _, compared = this.alike([value, other])
    code = f"(None if {first} == {compared.code} else {name})"
    return Value(code, value.kind, nullable=True)


def _extreme(function: str) -> Compile:
    def compile_node(this: Expressions, node: exp.Expr) -> Value:
        values = this.alike(this.value(part) for part in (node.this, *node.expressions))
        codes = ", ".join(value.code for value in values)
        kind = common_kind([value.kind for value in values])
        if len(values) == 1:
            return values[0]
        if not any(value.nullable for value in values):
            return Value(f"{function}({codes})", kind, nullable=False)
        nullable = all(value.nullable for value in values)
        return Value(f"known_{function}({codes})", kind, nullable)

    return compile_node


def _is_null(this: Expressions, node: exp.Expr) -> Value:
    value = this.value(node.this)
    return Value(f"({value.code} is None)", "flag", nullable=False) if value.nullable else _NO


def _condition(this: Expressions, node: exp.Expr) -> Value:
    truth = this.truth(node)
    if not this.is_nullable(node):
        return Value(truth, "flag", nullable=False)
    code = f"(True if {truth} else False if {this.falsity(node)} else None)"
    return Value(code, "flag", nullable=True)


def _literal(_: Expressions, node: exp.Expr) -> Value:
    if node.is_string:
        return Value(repr(node.name), "text", nullable=False)
    if node.name.isdecimal():
        return Value(str(int(node.name)), "whole", nullable=False)
    return Value(repr(float(node.name)), "double", nullable=False)


def _boolean(_: Expressions, node: exp.Expr) -> Value:
    return Value(str(bool(node.this)), "flag", nullable=False)


def _among(this: Expressions, node: exp.Expr) -> Value:
    value = this.value(node.this)
    listed = [this.value(part) for part in node.expressions]
    common_kind([value.kind, *(item.kind for item in listed)])
    codes = ", ".join(item.code for item in listed)
    return this.strict([value], "flag", lambda code: f"({code} in {{{codes}}})")


def _starts_with(this: Expressions, node: exp.Expr) -> Value:
    values = [this.value(node.this), this.value(node.expression)]
    return this.strict(values, "flag", "{}.startswith({})".format)


_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "==",
    exp.NEQ: "!=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
}

_NODES: dict[type[exp.Expr], Compile] = {
    exp.Abs: _unary("abs({})"),
    exp.Add: _arithmetic("+"),
    exp.Boolean: _boolean,
    exp.Case: _case,
    exp.Cast: _cast,
    exp.Coalesce: _coalesce,
    exp.Column: Expressions.column,
    exp.Div: _division,
    exp.Greatest: _extreme("max"),
    exp.In: _among,
    exp.Is: _is_null,
    exp.Least: _extreme("min"),
    exp.Literal: _literal,
    exp.Ln: _unary("log({})", result="double"),
    exp.Mod: _remainder,
    exp.Mul: _arithmetic("*"),
    exp.Neg: _unary("(-{})"),
    exp.Null: lambda _this, _node: NULL,
    exp.Nullif: _nullif,
    exp.Paren: lambda this, node: this.value(node.this),
    exp.Round: _round,
    exp.Sqrt: _unary("sqrt({})", result="double"),
    exp.StartsWith: _starts_with,
    exp.Sub: _arithmetic("-"),
    **dict.fromkeys((exp.And, exp.Or, exp.Not, *_COMPARISONS), _condition),
}
