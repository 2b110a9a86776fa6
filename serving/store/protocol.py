"""The seam between those who score and those who answer: one small protocol."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple, Protocol, get_args

from features.errors import ConfigError
from features.language.message import mark
from serving.store.rule.binding import bound
from serving.store.rule.tree import AudienceRule, Operator, RuleCondition, both_of
from serving.store.run import PublishedRun, RunInfo, Totals

SortKey = Literal[
    "value_at_risk", "expected_profit", "churn_probability", "clv", "rhythm", "next_order_date"
]
ANY_OF = "|"
"""Between values of a segment system of which any will do."""

Consent = Literal["yes", "no", "unknown"]
CONSENTS: Mapping[bool | None, Consent] = {True: "yes", False: "no", None: "unknown"}
"""Whether a customer may be contacted, as the table of customers says → as lists call it."""
SORT_KEYS: tuple[SortKey, ...] = get_args(SortKey)


class Document(NamedTuple):
    """Ready-made JSON and the run it belongs to.

    `live_no` is 0 for the run's own words, and goes up with each score that orders sent since
    have led to; `is_pending`: there are orders that the score does not know yet.
    """

    run_id: str
    body: bytes
    live_no: int = 0
    is_pending: bool = False


SWAPPED_DAYS = mark("due_from is later than due_until: the days are swapped.")


@dataclass(frozen=True, kw_only=True)
class ChurnFilter:
    """Which customers a list holds; an empty field filters nothing.

    `segments` are pairs of system and value, all of which must hold; of a value such as
    '551|552', either.
    `min_value_at_risk` is in units of the currency; unknown values never reach it. `due_from` and
    `due_until` are the first and the last day of the next order; unknown dates lie in no span.
    `will_buy` are items such as 'product:85123A' or 'category:tea': who is on the list of likely
    buyers of any of them. `rule` must hold, too.
    """

    risk: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    segments: tuple[tuple[str, str], ...] = ()
    min_value_at_risk: float | None = None
    consent: tuple[Consent, ...] = ()
    rhythm: tuple[str, ...] = ()
    due_from: date | None = None
    due_until: date | None = None
    will_buy: tuple[str, ...] = ()
    rule: AudienceRule | None = None

    def as_rule(self) -> AudienceRule | None:
        """The same filter as one rule; None: everybody."""
        choices = {name: getattr(self, name) for name in ("risk", "rhythm", "status", "consent")}
        choices |= {system: value.split(ANY_OF) for system, value in self.segments}
        choices["will_buy"] = self.will_buy
        conditions = [
            RuleCondition(name, "any_of", tuple(values))
            for name, values in choices.items()
            if values
        ]
        if self.min_value_at_risk is not None:
            least = f"{self.min_value_at_risk:.15g}"
            conditions.append(RuleCondition("value_at_risk", "at_least", (least,)))
        if self.due_from and self.due_until:
            days = (self.due_from.isoformat(), self.due_until.isoformat())
            conditions.append(RuleCondition("next_order_date", "between", days))
        elif day := self.due_from or self.due_until:
            operator: Operator = "at_least" if self.due_from else "at_most"
            conditions.append(RuleCondition("next_order_date", operator, (day.isoformat(),)))
        return both_of(*conditions, self.rule)

    @property
    def least_due(self) -> float | None:
        """What `next_order_date` of the store reaches at least; None: any."""
        return None if self.due_until is None else nearness(self.due_until)

    @property
    def most_due(self) -> float | None:
        """What it reaches at most; None: any."""
        return None if self.due_from is None else nearness(self.due_from)


def nearness(day: date) -> float:
    """What the store keeps of the date of the next order: the sooner, the higher."""
    return -float(day.toordinal())


def segment_pairs(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Texts such as 'abc:A', as pairs of system and value; several of a system: either will do.

    >>> segment_pairs(["abc:A", "likely_category:tea: green", "abc:B"])
    (('abc', 'A|B'), ('likely_category', 'tea: green'))
    """
    values: dict[str, list[str]] = {}
    for text in texts:
        system, _, value = text.partition(":")
        values.setdefault(system, []).append(value)
    return tuple((system, ANY_OF.join(listed)) for system, listed in values.items())


class After(NamedTuple):
    """The last row that a reader has seen: the run, its sort value, its customer."""

    run_id: str
    value: float
    customer_id: str


@dataclass(frozen=True, kw_only=True)
class ChurnPage:
    """Part of a list: its rows' documents, the whole list's totals, where to go on."""

    run: PublishedRun
    documents: list[bytes]
    totals: Totals
    after: After | None


class ScoreReader(Protocol):
    """Where score runs are read: a `RunStore`, or what goes on for a while without it.

    All reads raise `NoRun` when nothing has been published. A run is published whole or
    not at all, and never changes afterwards; ids are compared character by character.
    """

    def latest_run(self) -> PublishedRun:
        """The run that readers see."""

    def runs(self) -> list[PublishedRun]:
        """Every run that is kept, in the order of publication; empty before the first."""

    def figures(self, run_id: str) -> Iterator[tuple[str, float, float, str | None]]:
        """Per customer of a run: id, `churn_probability`, `clv` (NaN where unknown),
        `retention_risk`.

        Raises
        ------
        ConfigError
            When there is no such run.
        """

    def lifetimes(self, run_id: str) -> Iterator[tuple[str, float]]:
        """Per customer of a run: id and `clv_lifetime`, NaN where unknown.

        Raises
        ------
        ConfigError
            When there is no such run.
        """

    def segment(self, run_id: str, system: str) -> Iterator[tuple[str, str | None]]:
        """Per customer of a run: id, and value in a segment system, None where there is none.

        Raises
        ------
        ConfigError
            When there is no such run.
        """

    def customer(self, customer_id: str, *, at_once: bool = False) -> Document:
        """Everything about one customer, by the run or by orders sent since.

        `at_once`: for callers who cannot wait; raises `StoreBusy` where they would have to.

        Raises
        ------
        UnknownCustomer
            When nobody of this id has bought anything.
        ScorePending
            When orders of a new customer are kept and the first score is not made yet.
        """

    def customers(self, customer_ids: Sequence[str]) -> tuple[PublishedRun, list[bytes | None]]:
        """Documents in the order of the ids, None where a customer is unknown or new."""

    def history(self, customer_id: str) -> list[tuple[PublishedRun, bytes]]:
        """The customer's document in each run that is kept and has one, the latest
        publication first; raises `UnknownCustomer` where none has.
        """

    def recommendations(self, customer_id: str, *, at_once: bool = False) -> Document:
        """A JSON array of all ranked products of one customer; raises `UnknownCustomer`.

        `at_once` as in `customer`.
        """

    def churn_list(
        self, chosen: ChurnFilter, *, sort: SortKey, limit: int, after: After | None = None
    ) -> ChurnPage:
        """Up to `limit` customers, the highest `sort` first, unknown values last.

        Ties stand in descending order of id. `after` goes on in the run it names, even
        if a newer one has been published since.

        Raises
        ------
        ConfigError
            When the filter names a segment system, or `after` a run, that is not there.
        """


def check_segments(run: RunInfo, chosen: ChurnFilter) -> None:
    """Refuse a filter on a segment system, or a rule on a field, that `run` does not carry."""
    if chosen.rule is not None:
        bound(chosen.rule, run)
    if any("\0" in value for _, value in chosen.segments):
        raise ConfigError("segment: no value holds a NUL sign.")
    if {system for system, _ in chosen.segments} - set(run.segment_columns):
        systems = ", ".join(run.segment_columns) or "none"
        raise ConfigError(f"segment: no such segment system in this run (have: {systems}).")


def checked_span(chosen: ChurnFilter) -> ChurnFilter:
    """The filter; refused where the days of the next order are swapped."""
    if chosen.due_from and chosen.due_until and chosen.due_from > chosen.due_until:
        raise ConfigError(SWAPPED_DAYS)
    return chosen


def run_is_gone() -> ConfigError:
    return ConfigError("cursor: its run is no longer in the store. Start from the first page.")


def no_such_run(run_id: str) -> ConfigError:
    return ConfigError(f"{run_id}: no such run in the store.")


def as_json(value: Any) -> str:
    """JSON text as a store keeps it; refuses NaN, which JSON does not know."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
