"""The doctor's report: counts that add up, and findings with advice."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal, NamedTuple

from babel.numbers import format_currency

Severity = Literal["refuses", "accepted", "look", "fixed"]


@dataclass(frozen=True)
class Finding:
    """Something about the orders that their owner should know.

    Attributes
    ----------
    code : its name, stable for machines
    severity : 'refuses' stops training and scoring, 'accepted' would have, 'look' deserves a
        look, 'fixed' is dealt with by a rule
    count, unit : how many of what: row, product, customer, card, day
    share_of_revenue : money on them ÷ net revenue of the used rows; of the larger side where
        they cancel each other out; None where there is no revenue
    example : where the first one is, or its name
    meaning : what it is and what it does to the results
    advice : what to do; empty where there is nothing to do
    accepted : why the shop goes on in spite of it
    """

    code: str
    severity: Severity
    count: int
    unit: str
    meaning: str
    advice: str = ""
    share_of_revenue: float | None = None
    example: str = ""
    accepted: str = ""

    @property
    def size(self) -> str:
        """How many of what, and which share of the revenue, in words."""
        size = f"{self.count:,} {self.unit}{'' if self.count == 1 else 's'}"
        return f"{size}, {self.share} of revenue" if self.share else size

    @property
    def illustration(self) -> str:
        """The example, unless the meaning shows it already."""
        return "" if self.example in self.meaning else self.example

    @property
    def share(self) -> str:
        """The share of revenue in words; empty where there is none."""
        if not self.share_of_revenue:
            return ""
        if self.share_of_revenue < 0.001:
            return "under 0.1 %"
        return f"{self.share_of_revenue:.1%}".replace("%", " %")


@dataclass(frozen=True)
class ReasonCount:
    """How many rows one rule put aside."""

    reason: str
    meaning: str
    rows: int
    amount: float
    """Money on those rows, in units of the currency (what could be read)."""
    example: str
    """Where the first such row stands: name of the file and row in it."""


@dataclass(frozen=True)
class WeekCount:
    """The used rows of a week that begins on `monday`."""

    monday: date
    rows: int
    revenue: float


@dataclass(frozen=True)
class MonthFigures:
    """A month of the shop, in units of the currency: gross − discounts − refunds = net.

    Attributes
    ----------
    month : its first day
    orders : with a purchase in it, those of unknown customers included
    gross : goods before discounts and refunds
    refunds : money given back, and returns
    tax, shipping : None without such a column; not part of the other figures
    """

    month: date
    orders: int
    gross: float
    discounts: float
    refunds: float
    tax: float | None
    shipping: float | None
    net: float


class UndecidedValue(NamedTuple):
    """A value of which the settings do not say what it means."""

    column: str
    value: str
    rows: int


def commonest_first(values: Iterable[UndecidedValue]) -> tuple[UndecidedValue, ...]:
    """Undecided values, those of most rows first."""
    return tuple(sorted(values, key=lambda undecided: (-undecided.rows, undecided)))


@dataclass(frozen=True)
class ReadingFigures:
    """Figures that show whether orders are misread; see `features.doctor.gates`.

    Attributes
    ----------
    largest_customer, largest_orders : the customer with most orders, and their number
    undecided_orders, undecided_amount : of values that nobody has decided, money as its size
    undecided_values : column, value and rows of the commonest of them
    counted_orders, moved_amount : what is used, where something is undecided
    compared_orders, agreeing_orders : with a sum in the file, and those that match it
    """

    largest_customer: str | None = None
    largest_orders: int = 0
    undecided_orders: int = 0
    undecided_amount: float = 0.0
    undecided_values: tuple[UndecidedValue, ...] = ()
    counted_orders: int = 0
    moved_amount: float = 0.0
    compared_orders: int = 0
    agreeing_orders: int = 0
    disagreeing_example: str = ""


@dataclass(frozen=True)
class TableReason:
    """How many rows of an optional table one rule put aside."""

    reason: str
    meaning: str
    rows: int
    example: str
    """Where the first such row stands: name of the file and row in it."""


@dataclass(frozen=True)
class TableReport:
    """What was read of an optional table: `rows_read == rows_used + rows_put_aside`, always.

    Attributes
    ----------
    table : its section under `[data]`
    notes : sentences about values that could not be read in rows that are used
    """

    table: str
    source: str
    rows_read: int
    rows_used: int
    put_aside: tuple[TableReason, ...]
    notes: tuple[str, ...]

    @property
    def rows_put_aside(self) -> int:
        return sum(reason.rows for reason in self.put_aside)


@dataclass(frozen=True)
class Report:
    """The result of `regulars check`.

    `rows_read == rows_used + sum(count.rows for count in quarantined)`, always.
    Money is in units of the currency; `revenue` is the sum of the used rows. In `findings`, those
    that refuse, or are accepted, come first, then the rows put aside by rules, then the gravest.
    """

    source: str
    currency: str
    rows_read: int
    rows_used: int
    quarantined: tuple[ReasonCount, ...]
    customers: int
    orders: int
    products: int
    first_day: date | None
    last_day: date | None
    revenue: float
    anonymous_rows: int
    anonymous_revenue: float
    return_rows: int
    returned: float
    one_order_customers: int
    reading: ReadingFigures = ReadingFigures()
    months: tuple[MonthFigures, ...] = ()
    findings: tuple[Finding, ...] = ()
    weeks: tuple[WeekCount, ...] = ()
    tables: tuple[TableReport, ...] = ()

    @property
    def rows_quarantined(self) -> int:
        return sum(count.rows for count in self.quarantined)

    @property
    def refusals(self) -> tuple[str, ...]:
        """A sentence for each reason not to train on these orders."""
        return tuple(
            f"{self.source}: {finding.meaning} {finding.advice}".strip()
            for finding in self.found("refuses")
        )

    def found(self, severity: Severity) -> tuple[Finding, ...]:
        """The findings of a severity."""
        return tuple(finding for finding in self.findings if finding.severity == severity)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, dates as ISO text."""
        values = asdict(self)
        for name in ("first_day", "last_day"):
            values[name] = values[name].isoformat() if values[name] else None
        for week in values["weeks"]:
            week["monday"] = week["monday"].isoformat()
        for month in values["months"]:
            month["month"] = month["month"].isoformat()
        return {**values, "rows_quarantined": self.rows_quarantined}


def money(report: Report, amount: float) -> str:
    """An amount in the report's currency, as people write it."""
    return str(format_currency(amount, report.currency, locale="en"))


def whole_money(report: Report, amount: float) -> str:
    """An amount without its minor units, for headlines."""
    return str(
        format_currency(amount, report.currency, "¤#,##0", locale="en", currency_digits=False)
    )
