"""SQL aggregates over the rows of one customer → one fused loop of plain Python.

Each different aggregate has its totals, whatever the number of expressions that name it. What a
CASE asks for becomes an `if` around the update of a total; updates under the same condition share
the `if`, and of windows that end on the same day the longest is asked about first, so that an old
row is passed over with one comparison.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from features.compiler.expressions import (
    Expressions,
    Kind,
    NotCompiled,
    Value,
    common_kind,
    conditions_of,
)
from features.compiler.nesting import (
    INDENT,
    Condition,
    Path,
    Update,
    behind_longer,
    names_in,
    nested,
    repeated,
    text_of,
    window_of,
)

AGGREGATES = (exp.Sum, exp.Count, exp.Min, exp.Max, exp.Median)

_COSTLY = (exp.Mod, exp.Div, exp.Mul, exp.Case, exp.Cast, exp.Greatest, exp.Least, exp.Coalesce)
"""What is worth a name where it occurs several times in a row."""


@dataclass(frozen=True)
class _Branch:
    """A value that an aggregate takes in where the conditions of the path hold."""

    path: Path
    value: Value


@dataclass
class RowLoop:
    """The aggregates over the rows of one table.

    Parameters
    ----------
    columns : SQL name → the value of a row
    parameters : SQL name → a value that is the same for all rows, never NULL
    where : names the table in messages
    prefix : begins every name

    Attributes
    ----------
    starts : total → source of its value before the first row
    functions : source of functions that the loop calls
    """

    columns: Mapping[str, Value]
    parameters: Mapping[str, Value]
    where: str
    prefix: str
    starts: dict[str, str] = field(default_factory=dict)
    functions: list[str] = field(default_factory=list)
    _updates: list[Update] = field(default_factory=list)
    _results: dict[str, Value] = field(default_factory=dict)
    _flags: dict[tuple[Path, ...], str] = field(default_factory=dict)
    _constants: dict[str, str] = field(default_factory=dict)
    _windows: dict[str, tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        every = {**self.columns, **self.parameters}
        self._rows = Expressions(every, self.where, f"{self.prefix}x")

    def share(self, aggregates: Iterable[exp.Expr]) -> None:
        """Have parts that occur in several places computed once per row."""
        self._rows.shared = repeated(aggregates, _COSTLY)

    def result(self, node: exp.Expr) -> Value:
        """What an aggregate comes to, of at least one row.

        Raises
        ------
        NotCompiled
            When it cannot be told from one customer's rows, or depends on their order.
        """
        text = text_of(node)
        if text not in self._results:
            if node.this is not None and node.this.find(*AGGREGATES):
                raise NotCompiled(f"{text}: an aggregate of an aggregate")
            self._results[text] = self._compiled(node)
        return self._results[text]

    def values_of(self, node: exp.Expr) -> str:
        """The total that holds the different values, NULLs left out, as a set."""
        return self._distinct(node)

    def uses(self) -> list[str]:
        """The columns of a row that the loop reads, in the order of the table."""
        body = self.body("")
        names = names_in(body)
        named = [name for name, value in self.columns.items() if value.code in names]
        # a loop that only counts goes over some column all the same
        return named or ([next(iter(self.columns))] if body else [])

    def preamble(self) -> list[str]:
        """Assignments before the loop."""
        adding = [
            f"{name}_add = {name}.{_GROWING[start]}"
            for name, start in self.starts.items()
            if start in _GROWING
        ]
        return [*(f"{name} = {code}" for code, name in self._constants.items()), *adding]

    def body(self, indent: str) -> list[str]:
        """What is done of each row."""
        updates = [behind_longer(update, self._windows) for update in self._updates]
        statements = [f"{indent}{line}" for line in self._rows.statements]
        return [*statements, *nested(updates, indent)]

    def loop(self, rows: str, indent: str = INDENT, *, is_whole: bool = False) -> list[str]:
        """Preamble and loop over `rows`, source of an iterable of tuples.

        These hold the columns of `uses`; where `is_whole`, rows are as they are: all columns of
        the table, or values of its only one.
        """
        used = self.uses()
        listed = list(self.columns) if is_whole else used
        codes = [self.columns[name].code if name in used else "_" for name in listed]
        names = (
            "".join(f"{code}, " for code in codes) if len(listed) > 1 or not is_whole else codes[0]
        )
        body = self.body(indent + INDENT)
        head = [f"{indent}for {names} in {rows}:"] if body else []
        return [*(f"{indent}{line}" for line in self.preamble()), *head, *body]

    def _compiled(self, node: exp.Expr) -> Value:
        match node:
            case exp.Sum():
                return self._sum(node)
            case exp.Count():
                return self._count(node)
            case exp.Min():
                return self._extreme(node, sign="<", start="INFINITE")
            case exp.Max():
                return self._extreme(node, sign=">", start="-INFINITE")
        return self._median(node)

    def _new(self, start: str) -> str:
        name = f"{self.prefix}t{len(self.starts)}"
        self.starts[name] = start
        return name

    def _update(self, path: Path, *lines: str) -> None:
        self._updates.append(Update(path, lines))

    def _branches(self, node: exp.Expr, path: Path = ()) -> Iterator[_Branch]:
        """The values of a CASE, each under its conditions; any other expression is one value."""
        if isinstance(node, exp.Paren):
            yield from self._branches(node.this, path)
        elif isinstance(node, exp.Case):
            for condition, branch in conditions_of(node):
                yield from self._branches(branch, (*path, *self._conditions(condition)))
                path = (*path, (self._truth(condition), False))
            default = node.args.get("default")
            yield from self._branches(exp.Null() if default is None else default, path)
        else:
            yield self._leaf(node, path)

    def _leaf(self, node: exp.Expr, path: Path) -> _Branch:
        value = self._remembered(node) or self._rows.value(self._with_constants(node))
        if value.kind != "nothing" and value.nullable:
            first, name = self._rows.once(value)
            path = (*path, (f"{first} is not None", True))
            value = Value(name, value.kind, nullable=True)
        return _Branch(path, value)

    def _conditions(self, node: exp.Expr) -> list[Condition]:
        if isinstance(node, exp.Paren):
            return self._conditions(node.this)
        if isinstance(node, exp.And):
            return [*self._conditions(node.this), *self._conditions(node.expression)]
        return [(self._truth(node), True)]

    def _truth(self, node: exp.Expr) -> str:
        source = self._rows.truth(self._with_constants(node))
        if (days := window_of(node, self.parameters)) is not None:
            self._windows[source] = (text_of(node.this), days)
        return source

    def _with_constants(self, node: exp.Expr) -> exp.Expr:
        """Let parts that are the same for all rows be computed before the loop."""
        columns = {column.name.lower() for column in node.find_all(exp.Column)}
        if not columns or isinstance(node, exp.Column):
            return node
        if columns <= self.parameters.keys():
            value = self._rows.value(node)
            if not value.is_name:
                name = self._constants.setdefault(
                    value.code, f"{self.prefix}c{len(self._constants)}"
                )
                self._rows.given[text_of(node)] = Value(name, value.kind, value.nullable)
            return node
        for part in node.iter_expressions():
            self._with_constants(part)
        return node

    def _remembered(self, node: exp.Expr) -> Value | None:
        """A costly function of one whole number: computed once for each."""
        columns = {column.name.lower() for column in node.find_all(exp.Column)}
        if node.find(exp.Ln, exp.Sqrt) is None or len(columns) != 1:
            return None
        (column,) = columns
        argument = self.columns.get(column)
        if argument is None or argument.kind != "whole":
            return None
        value = Expressions({column: argument}, self.where, "y").value(node)
        name = f"{self.prefix}f{len(self.functions)}"
        head = f"@lru_cache(65536)\ndef {name}({argument.code}):\n"
        self.functions.append(f"{head}{INDENT}return {value.code}\n")
        return Value(f"{name}({argument.code})", value.kind, value.nullable)

    def _known(self, paths: Sequence[Path]) -> str:
        """The total that tells whether a row took one of the paths."""
        key = tuple(dict.fromkeys(paths))
        if key not in self._flags:
            name = self._flags[key] = self._new("False")
            for path in key:
                self._update(path, f"{name} = True")
        return self._flags[key]

    def _distinct(self, node: exp.Expr) -> str:
        key = f"DISTINCT {text_of(node)}"
        if key not in self._results:
            name = self._new("set()")
            self._results[key] = Value(name, "nothing", nullable=False)
            for branch in self._branches(node):
                if branch.value.kind != "nothing":
                    self._update(branch.path, f"{name}_add({branch.value.code})")
        return self._results[key].code

    def _sum(self, node: exp.Expr) -> Value:
        every = list(self._branches(node.this))
        numbers = _numbers(every, text_of(node), ("whole", "wide"))
        total = self._new("0")
        for branch in numbers:
            if branch.value.code != "0":
                self._update(branch.path, f"{total} += {branch.value.code}")
        if _is_complete(every):
            return Value(total, "wide", nullable=False)
        computed = self._known([branch.path for branch in numbers])
        return Value(f"({total} if {computed} else None)", "wide", nullable=True)

    def _count(self, node: exp.Expr) -> Value:
        if isinstance(node.this, exp.Star):
            return Value(f"{self.prefix}size", "whole", nullable=False)
        if isinstance(node.this, exp.Distinct):
            if len(node.this.expressions) != 1:
                raise NotCompiled(f"{text_of(node)}: several columns")
            return Value(
                f"len({self._distinct(node.this.expressions[0])})", "whole", nullable=False
            )
        total = self._new("0")
        for branch in self._branches(node.this):
            if branch.value.kind != "nothing":
                self._update(branch.path, f"{total} += 1")
        return Value(total, "whole", nullable=False)

    def _extreme(self, node: exp.Expr, *, sign: str, start: str) -> Value:
        every = list(self._branches(node.this))
        branches = [branch for branch in every if branch.value.kind != "nothing"]
        kind = common_kind([branch.value.kind for branch in branches])
        is_whole = kind in ("whole", "wide")
        total = self._new(start if is_whole else "None")
        for branch in branches:
            value = self._rows.as_kind(branch.value, kind)
            is_plain = value.is_name or value.code.isdecimal()
            name = value.code if is_plain else self._rows.temporary()
            bind = [] if is_plain else [f"{name} = {value.code}"]
            begins = "" if is_whole else f"{total} is None or "
            self._update(branch.path, *bind, f"if {begins}{name} {sign} {total}: {total} = {name}")
        if _is_complete(every):
            return Value(total, kind, nullable=False)
        return Value(
            f"(None if {total} == {start} else {total})" if is_whole else total, kind, nullable=True
        )

    def _median(self, node: exp.Expr) -> Value:
        total = self._new("[]")
        every = list(self._branches(node.this))
        for branch in _numbers(every, text_of(node), ("whole", "double")):
            self._update(branch.path, f"{total}_add({branch.value.code})")
        return Value(f"median({total})", "double", nullable=not _is_complete(every))


_GROWING = {"set()": "add", "[]": "append"}


def _is_complete(branches: Sequence[_Branch]) -> bool:
    """Whether every row brings a value."""
    return not any(branch.value.nullable for branch in branches)


def _numbers(branches: Iterable[_Branch], text: str, allowed: tuple[Kind, ...]) -> list[_Branch]:
    """The branches that bring a number, of an allowed kind."""
    with_value = [branch for branch in branches if branch.value.kind != "nothing"]
    kind = common_kind([branch.value.kind for branch in with_value])
    if kind not in (*allowed, "nothing"):
        raise NotCompiled(
            f"{text}: of a {kind}, which depends on the order of the rows or is no number"
        )
    return with_value
