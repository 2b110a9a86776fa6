"""What has been decided about a file so far."""

from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from features.proposal.columns import Column
from features.proposal.log import Log
from features.proposal.names import likeness
from features.proposal.systems.layout import Layout, plain_name

Verdict = Literal["purchase", "none", "return"]


@dataclass(frozen=True)
class ProposedContracts:
    """The columns that describe contracts, and how long a period is.

    `date_format` is how the days are written, where it is not as in the orders.
    """

    cancelled_on: str
    started_on: str | None
    term_months: str | None
    date_format: str | None
    contract_days: int
    comment: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the file that are read."""
        named = (self.cancelled_on, self.started_on, self.term_months)
        return tuple(column for column in named if column)


@dataclass(frozen=True)
class ProposedVerdicts:
    """What is proposed for the words of a column.

    Attributes
    ----------
    verdicts : word as the file writes it → what a row with it is
    rows : word → rows of the whole file
    undecided : words that nobody has decided, each with what it may mean
    """

    verdicts: dict[str, Verdict]
    rows: dict[str, int]
    undecided: dict[str, str]

    def words(self, verdict: Verdict) -> list[str]:
        """The words of a verdict, the commonest first."""
        chosen = [word for word, meaning in self.verdicts.items() if meaning == verdict]
        return sorted(chosen, key=lambda word: (-self.rows.get(word, 0), word))


@dataclass(frozen=True)
class MoneyProof:
    """A sum over the money that is read, and how often it gives a column of the file.

    Attributes
    ----------
    of : ``line`` (quantity and price give the line's money) or ``order`` (lines give the order's)
    column : what the sum should give
    share : of the lines or orders that have all of it
    count : how many those are
    """

    of: Literal["line", "order"]
    column: str
    share: float
    count: int


@dataclass
class Draft:
    """Decisions, filled in one after the other; each step sees those before it.

    Attributes
    ----------
    log : the file
    mapped : field → its columns
    why : field → what spoke for it, or a doubt to check
    candidates : unmapped field → columns that might still be it
    notes : sentences for the person
    layout : what is known of the system that wrote the file
    open_fields : field that every shop needs and nothing was found for → what to fill in
    fill_down : columns that are blank on an order's further lines
    order_level : columns of money of the whole order
    none_when_filled, none_when_empty : columns whose value, or blank, makes a row no purchase
    discount, tax, shipping : as in `data.rules.discount`, `data.tax` and `data.shipping`; None:
        the default
    money_digits : as in `[data]`
    verdicts : `status` and `document` → what their words mean
    anonymous : customer ids that are nobody → why
    folds_emails : whether customer ids are e-mail addresses
    decimal, thousands : how numbers are written, as in `[data]`
    rivals : columns that might be the money as well
    compared_price : the price of one piece beside an amount, for the proof alone
    contracts : the columns that describe contracts, where there are any
    left_out : fields that are read from no column, since a person said so
    proofs : sums that were tried
    """

    log: Log
    layout: Layout | None = None
    mapped: dict[str, tuple[str, ...]] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    candidates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    open_fields: dict[str, str] = field(default_factory=dict)
    fill_down: list[str] = field(default_factory=list)
    order_level: list[str] = field(default_factory=list)
    none_when_filled: list[str] = field(default_factory=list)
    none_when_empty: list[str] = field(default_factory=list)
    discount: Literal["taken_off", "to_take_off"] | None = None
    tax: Literal["excluded", "included"] | None = None
    shipping: Literal["excluded", "included"] | None = None
    money_digits: int | None = None
    verdicts: dict[str, ProposedVerdicts] = field(default_factory=dict)
    anonymous: dict[str, str] = field(default_factory=dict)
    folds_emails: bool = False
    decimal: str = "."
    thousands: str | None = None
    rivals: list[str] = field(default_factory=list)
    compared_price: str | None = None
    contracts: ProposedContracts | None = None
    left_out: frozenset[str] = frozenset()
    proofs: list[MoneyProof] = field(default_factory=list)

    def take(self, name: str, column: Column, why: str = "") -> None:
        """Read the field `name` from `column`, unless it is left out."""
        if name in self.left_out:
            return
        self.mapped[name] = (*self.mapped.get(name, ()), column.name)
        self.why[name] = why or self.why.get(name, "")

    def drop(self, name: str, column: str | None = None) -> None:
        """Read the field `name` from nothing, or from `column` no more."""
        left = tuple(
            kept_column
            for kept_column in self.mapped.get(name, ())
            if column not in (None, kept_column)
        )
        if left:
            self.mapped[name] = left
        else:
            self.mapped.pop(name, None)
            self.why.pop(name, None)

    def note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)

    def named(self, name: str) -> Column | None:
        """The column of the file that a layout calls `name`, whatever its case."""
        plain = plain_name(name)
        columns = self.log.columns.values()
        return next((column for column in columns if plain_name(column.name) == plain), None)

    def column(self, name: str) -> Column | None:
        """The (first) column of the field, if one was found."""
        return self.log.columns[self.mapped[name][0]] if name in self.mapped else None

    def free(self) -> list[Column]:
        """Columns that no field is read from yet, in the order of the file."""
        used = {name for names in self.mapped.values() for name in names}
        used |= set(self.contracts.columns) if self.contracts else set()
        return [column for column in self.log.columns.values() if column.name not in used]

    def liked(self, name: str, least: float = 1.0) -> list[Column]:
        """Free columns whose name speaks for the field, the likeliest first."""
        named = [column for column in self.free() if likeness(name, column.name) >= least]
        return sorted(named, key=lambda column: -likeness(name, column.name))

    @property
    def times(self) -> "pd.Series[Any]":
        """When each sampled line was ordered; all unknown where no column of dates was found."""
        column = self.column("ordered_at")
        if column is None or column.times is None:
            return pd.Series(pd.NaT, index=range(self.log.sample_rows), dtype="datetime64[us]")
        return column.times


def percent(share: float) -> str:
    """A share for a sentence: ``25 %``, and never 0 or 100 where it is not."""
    if 0 < share < 0.01:
        return "under 1 %"
    return "over 99 %" if 0.99 < share < 1 else f"{share:.0%}".replace("%", " %")


def listed(names: list[str] | tuple[str, ...]) -> str:
    """Names in quotes for a sentence."""
    return ", ".join(f"'{name}'" for name in names)
