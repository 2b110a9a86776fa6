"""The SQL of a catalogue of features → the source of one module.

For each grain there are two loops. What does not look at the date is added up by `fold_<grain>`,
row by row and once; the windows that end at the date are looked through by `features`, which then
computes every feature from the totals.
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlglot import exp, parse_one
from sqlglot.errors import ParseError

from features.blocks.block import Block, Feature
from features.compiler.expressions import Expressions, NotCompiled, Value
from features.compiler.nesting import INDENT, repeated, text_of
from features.engines.dialects import problems_of
from features.engines.grain import DAYS, GrainSource
from features.engines.loops import AGGREGATES, RowLoop
from features.errors import ConfigError

_AS_OF = {"as_of": Value("as_of", "whole", nullable=False)}
OPERATIONS = (exp.Binary, exp.Func, exp.Unary, exp.Case)
"""What is worth a name where it occurs several times."""

_TABLES = {"customer_orders": "orders", "customer_days": "days"}
"""Grain → the name of its functions."""


class GrainProgram:
    """The aggregates over one grain: those added up as time goes on, and those of windows."""

    def __init__(self, columns: Mapping[str, Value], where: str) -> None:
        letter = where[0]
        self.folded = RowLoop(columns, {}, where, f"{letter}s")
        self.windows = RowLoop(columns, _AS_OF, where, f"{letter}w")
        self.results = Expressions(_AS_OF, f"{where}, outside of aggregates", f"{letter}r")

    def share(self, trees: Iterable[exp.Expr]) -> None:
        """Have parts that occur several times computed once, of rows and of results."""
        trees = list(trees)
        self.results.shared = repeated(trees, OPERATIONS, AGGREGATES)
        different = {text_of(node): node for tree in trees for node in tree.find_all(*AGGREGATES)}
        for loop in (self.folded, self.windows):
            loop.share(node for node in different.values() if self._loop_of(node) is loop)

    def _loop_of(self, node: exp.Expr) -> RowLoop:
        columns = {column.name.lower() for column in node.find_all(exp.Column)}
        return self.windows if columns & _AS_OF.keys() else self.folded

    def take(self, tree: exp.Expr) -> None:
        """Have the aggregates of an expression computed."""
        for node in tree.find_all(*AGGREGATES):
            if text_of(node) not in self.results.given:
                value = self._loop_of(node).result(node)
                if not value.is_name:
                    name = self.results.temporary()
                    self.results.statements.append(f"{name} = {value.code}")
                    value = Value(name, value.kind, value.nullable)
                self.results.given[text_of(node)] = value

    def source(self, name: str) -> str:
        """Functions `start_<name>` and `fold_<name>`; called by `features.engines.live`."""
        size, starts = f"{self.folded.prefix}size", self.folded.starts
        totals = ", ".join([size, *starts])
        return "\n".join(
            [
                *self.folded.functions,
                *self.windows.functions,
                f"def start_{name}():",
                f"{INDENT}return ({', '.join(['0', *starts.values()])},)",
                "",
                f"def fold_{name}(totals, more, rows):",
                f"{INDENT}({totals},) = totals",
                f"{INDENT}{size} += more",
                *self.folded.loop("rows"),
                f"{INDENT}return ({totals},)",
                "",
            ]
        )

    def opening(self, name: str) -> list[str]:
        """The beginning of `features`: totals by name, and the loop over windows."""
        names = ", ".join([f"{self.folded.prefix}size", *self.folded.starts])
        starts = [f"{INDENT}{total} = {start}" for total, start in self.windows.starts.items()]
        loop = self.windows.loop(f"{name}_rows")
        statements = [f"{INDENT}{line}" for line in self.results.statements]
        return [f"{INDENT}({names},) = {name}_totals", *starts, *loop, *statements]


class CatalogueProgram:
    """The source of the features of some blocks.

    Parameters
    ----------
    minor_units : how many make one unit of the currency
    blocks : over the grains of the orders, or derived

    Attributes
    ----------
    names : the features, in the order of the blocks
    tables : grain → its aggregates

    Raises
    ------
    ConfigError
        When features cannot be compiled; a sentence for each.
    """

    def __init__(self, minor_units: int, blocks: tuple[Block, ...]) -> None:
        self._minor_units = minor_units
        self._grain = GrainSource()
        self.tables = {
            "orders": GrainProgram(self._grain.columns, "orders"),
            "days": GrainProgram(DAYS, "days"),
        }
        self._values: dict[str, Value] = {}
        self._derived = Expressions(self._values, "the features before it", "v")
        self.names = [feature.name for block in blocks for feature in block.features]
        self._problems = [
            f"block {block.name}: no order changes {block.grain}."
            for block in blocks
            if block.grain and block.grain not in _TABLES
        ]
        # whatever is derived sees all that is added up
        in_turn = sorted(blocks, key=lambda block: block.grain is None)
        trees = [(f, block.grain, self._tree(f)) for block in in_turn for f in block.features]
        if not self._problems:
            self._compile(trees)
        if self._problems:
            raise ConfigError(self._problems)

    def _tree(self, feature: Feature) -> exp.Expr:
        sql = feature.sql.format(as_of="as_of", minor=f"{self._minor_units}e0")
        try:
            tree = parse_one(sql, read="duckdb")
        except ParseError as error:
            self._problems.append(f"feature {feature.name}: {str(error).splitlines()[0]}.")
            return exp.Null()
        self._problems += [f"feature {feature.name}: {why}" for why in problems_of(tree)]
        return tree

    def _compile(self, trees: Sequence[tuple[Feature, str | None, exp.Expr]]) -> None:
        for over, name in _TABLES.items():
            self.tables[name].share([tree for _, grain, tree in trees if grain == over])
        derived = [tree for _, grain, tree in trees if grain is None]
        self._derived.shared = repeated(derived, OPERATIONS, AGGREGATES)
        for feature, grain, tree in trees:
            try:
                if grain is None:
                    self._assign(feature, self._derived, tree)
                else:
                    table = self.tables[_TABLES[grain]]
                    table.take(tree)
                    self._assign(feature, table.results, tree)
            except NotCompiled as error:
                self._problems.append(f"feature {feature.name}: {error}.")

    def _assign(self, feature: Feature, expressions: Expressions, tree: exp.Expr) -> None:
        value = expressions.value(tree)
        if value.kind in ("text", "time"):
            raise NotCompiled(f"{text_of(tree)} is a {value.kind}, not a number")
        name = f"f_{feature.name}"
        expressions.statements.append(f"{name} = {value.code}")
        self._values[feature.name.lower()] = Value(name, value.kind, value.nullable)

    def source(self) -> str:
        """All of it as one module."""
        return "\n".join(
            [
                self._grain.source,
                *(table.source(name) for name, table in self.tables.items()),
                "def features(as_of, orders_totals, orders_rows, days_totals, days_rows):",
                *(line for name, table in self.tables.items() for line in table.opening(name)),
                *(f"{INDENT}{line}" for line in self._derived.statements),
                f"{INDENT}return ({', '.join(map(self._double, self.names))},)",
                "",
            ]
        )

    def _double(self, name: str) -> str:
        value = self._values[name.lower()]
        code = {"double": value.code, "wide": f"double({value.code})"}.get(
            value.kind, f"float({value.code})"
        )
        return f"NAN if {value.code} is None else {code}" if value.nullable else code
