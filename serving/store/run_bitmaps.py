"""The customers of a run as bitmaps, by what lists filter and sort by; see `serving.store.facets`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

from cachetools import LRUCache
from pyroaring import BitMap

from serving.store.bitmaps import Bitmaps, Numbers, everybody, joined, parted
from serving.store.protocol import ANY_OF, CONSENTS, SORT_KEYS, ChurnFilter, SortKey
from serving.store.rule.binding import BoundCondition, bound
from serving.store.rule.fields import IN_COLUMNS
from serving.store.rule.figures import decimals_of
from serving.store.rule.places import SearchTexts, places_of_rule
from serving.store.rule.tree import AudienceRule
from serving.store.run import RHYTHM_RANKS, RunInfo, Totals

MOST_RULES_KEPT = 32
FORMAT = "roaring, with figures, in order of ids"
"""Of what is stored of a run; anything else is counted anew."""
PROBABILITY_DIGITS = 4
MOST_VALUES = 60
"""A segment system with more values than this is no choice of a list."""
MOST_CATEGORIES = 300
LIKELY_CATEGORY = "likely_category"
"""The one system whose values are names that readers know, however many."""


PARTS = {
    "retention_risk": "risk",
    "status": "status",
    "consent": "consent",
    "rhythm": "rhythm",
}
"""Columns, and the part of a filter that chooses among their values."""

WILL_BUY = "will_buy"
"""The column, and the part of a filter, of items."""

_RHYTHM_OF = {rank: word for word, rank in RHYTHM_RANKS.items()}


GroupSums = tuple[str, str | None, int, float, float]
"""System, value (None: no value), customers, and their sums of clv and value at risk."""


class ListedColumns(NamedTuple):
    """What lists filter by: one value per customer in each column; `segments` by system.

    Customers stand in the order of their ids. `rhythm` is a rank of `RHYTHM_RANKS`,
    `next_order_date` of `nearness`; `figures` are those of `serving.store.rule.figures`, by name;
    `will_buy` are the items on whose lists of likely buyers a customer stands.
    """

    retention_risk: Sequence[str | None]
    status: Sequence[str]
    consent: Sequence[bool | None]
    value_at_risk: Sequence[float | None]
    expected_profit: Sequence[float | None]
    churn_probability: Sequence[float | None]
    clv: Sequence[float | None]
    rhythm: Sequence[float | None]
    next_order_date: Sequence[float | None]
    segments: Mapping[str, Sequence[str | None]]
    figures: Mapping[str, Sequence[float | None]]
    will_buy: Sequence[Sequence[str]]


LISTED_FIELDS = (*ListedColumns._fields[:-1], "search_text", "customer_id")
"""The columns of the store from which those of lists are made."""
TEXT_AT = LISTED_FIELDS.index("search_text")


@dataclass(frozen=True, kw_only=True)
class FacetCounts:
    """Value → customers, who fit all of a filter but the part that the value would replace.

    `by_segment` has the systems of at most `MOST_VALUES` values, and `LIKELY_CATEGORY` of at
    most `MOST_CATEGORIES`. `matching` fit all of it.
    """

    matching: int
    by_risk: Mapping[str, int]
    by_status: Mapping[str, int]
    by_consent: Mapping[str, int]
    by_rhythm: Mapping[str, int]
    by_segment: Mapping[str, Mapping[str, int]]


class Facets:
    """The bitmaps of one run.

    Parameters
    ----------
    customers : how many there are
    columns : by what lists filter: those of `PARTS`
    segments : system → its values
    numbers : by what lists sort, and figures
    """

    about: RunInfo
    """The run; of facets that answer rules alone."""
    texts: SearchTexts
    """What searches look at; of facets that answer those alone."""

    def __init__(
        self,
        *,
        customers: int,
        columns: Mapping[str, Bitmaps],
        segments: Mapping[str, Bitmaps],
        numbers: Mapping[str, Numbers],
    ) -> None:
        self._customers = customers
        self._columns = columns
        self._segments = segments
        self._numbers = numbers
        self._groups: list[GroupSums] | None = None
        self._ruled: LRUCache[AudienceRule, BitMap] = LRUCache(MOST_RULES_KEPT)

    @classmethod
    def of(cls, listed: ListedColumns, *, digits: int) -> Self:
        """The facets of customers; `digits` of the currency after the point."""
        columns = {
            "retention_risk": listed.retention_risk,
            "status": listed.status,
            "consent": [CONSENTS[consent] for consent in listed.consent],
            "rhythm": [None if rank is None else _RHYTHM_OF[rank] for rank in listed.rhythm],
        }
        decimals = {
            **dict.fromkeys(SORT_KEYS, digits),
            "churn_probability": PROBABILITY_DIGITS,
            "rhythm": 0,
            "next_order_date": 0,
        }
        return cls(
            customers=len(listed.status),
            columns={
                **{name: Bitmaps.of(column) for name, column in columns.items()},
                WILL_BUY: Bitmaps.of_several(listed.will_buy),
            },
            segments={name: Bitmaps.of(column) for name, column in listed.segments.items()},
            numbers={
                **{
                    name: Numbers.of(getattr(listed, name), decimals=number)
                    for name, number in decimals.items()
                },
                **{
                    name: Numbers.of(column, decimals=decimals_of(name, digits))
                    for name, column in listed.figures.items()
                },
            },
        )

    def to_bytes(self) -> bytes:
        """All of it; `from_bytes` reads it back."""
        groups = {"columns": self._columns, "segments": self._segments}
        parts = {
            f"{group} {name}": list(bitmaps.packed.values())
            for group, columns in groups.items()
            for name, bitmaps in columns.items()
        }
        values = {
            group: {name: bitmaps.values for name, bitmaps in columns.items()}
            for group, columns in groups.items()
        }
        numbers = {}
        for name, packed_numbers in self._numbers.items():
            parts[f"numbers {name}"], numbers[name] = packed_numbers.packed()
        header = {
            "format": FORMAT,
            "customers": self._customers,
            "values": values,
            "numbers": numbers,
        }
        return joined(parts, header)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self | None:
        """What `to_bytes` wrote; None where an earlier release wrote it in another format."""
        parts, header = parted(data)
        if header.get("format") != FORMAT:
            return None
        groups = {
            group: {
                name: Bitmaps(dict(zip(names, parts[f"{group} {name}"], strict=True)))
                for name, names in columns.items()
            }
            for group, columns in header["values"].items()
        }
        numbers = {
            name: Numbers.opened(parts[f"numbers {name}"], packed_numbers)
            for name, packed_numbers in header["numbers"].items()
        }
        return cls(**groups, customers=header["customers"], numbers=numbers)

    @property
    def systems(self) -> list[str]:
        """The segment systems."""
        return list(self._segments)

    def counts(self, chosen: ChurnFilter) -> FacetCounts:
        """See `FacetStore.counts`."""
        by_segment = {}
        for system, column in self._segments.items():
            most = MOST_CATEGORIES if system == LIKELY_CATEGORY else MOST_VALUES
            if len(column.values) <= most:
                other_segments = tuple(pair for pair in chosen.segments if pair[0] != system)
                by_segment[system] = column.sizes(
                    self._fitting(replace(chosen, segments=other_segments))
                )
        risk, status, consent, rhythm = (
            self._columns[name].sizes(self._fitting(_without(chosen, part)))
            for name, part in PARTS.items()
        )
        return FacetCounts(
            matching=len(self._fitting(chosen)),
            by_risk=risk,
            by_status=status,
            by_consent=consent,
            by_rhythm=rhythm,
            by_segment=by_segment,
        )

    def totals(self, chosen: ChurnFilter) -> Totals:
        """How many customers fit a filter, and their value at risk."""
        fitting = self._fitting(chosen)
        return Totals(
            customers=len(fitting),
            value_at_risk=self._numbers["value_at_risk"].sum_of(fitting),
        )

    def groups(self) -> list[GroupSums]:
        """Every value of every system; counted once."""
        if self._groups is None:
            self._groups = list(self._each_group())
        return self._groups

    def _each_group(self) -> Iterator[GroupSums]:
        clv, at_risk = self._numbers["clv"], self._numbers["value_at_risk"]
        for system, column in self._segments.items():
            members_of: dict[str | None, BitMap] = {
                value: column.having([value]) for value in column.values
            }
            members_of[None] = everybody(self._customers) - column.having(column.values)
            for value, members in members_of.items():
                if members:
                    yield system, value, len(members), clv.sum_of(members), at_risk.sum_of(members)

    def highest(
        self, chosen: ChurnFilter, sort: SortKey, number: int, below: float | None = None
    ) -> list[float]:
        """The `sort` figures of so many customers who fit a filter; see `Numbers.highest`."""
        return self._numbers[sort].highest(self._fitting(chosen), number, below)

    def _fitting(self, list_filter: ChurnFilter) -> BitMap:
        fitting = everybody(self._customers)
        chosen = [
            *((self._columns[name], getattr(list_filter, part)) for name, part in PARTS.items()),
            *(
                (self._segments[system], text.split(ANY_OF))
                for system, text in list_filter.segments
            ),
        ]
        chosen.append((self._columns[WILL_BUY], list_filter.will_buy))
        for column, values in chosen:
            if values:
                fitting = fitting & column.having(values)
        if list_filter.min_value_at_risk is not None:
            fitting = fitting & self._numbers["value_at_risk"].at_least(
                list_filter.min_value_at_risk
            )
        dates = self._numbers["next_order_date"]
        if list_filter.least_due is not None:
            fitting = fitting & dates.at_least(list_filter.least_due)
        if list_filter.most_due is not None:
            # a day sooner is one higher; who has no date is in neither
            sooner = dates.at_least(list_filter.most_due + 1)
            fitting = (fitting & dates.known) - sooner
        if list_filter.rule is not None:
            fitting = fitting & self._of_rule(list_filter.rule)
        return fitting

    def _of_rule(self, rule: AudienceRule) -> BitMap:
        if (places := self._ruled.get(rule)) is None:
            everyone = everybody(self._customers)
            places = places_of_rule(bound(rule, self.about), self._holding, everyone)
            self._ruled[rule] = places
        return places

    def _holding(self, condition: BoundCondition) -> BitMap:
        """Whom a condition holds of; of `none_of` and `unknown`, its opposite."""
        field = condition.field
        if field.kind == "search":
            return self.texts.containing(condition.values[0])
        if field.kind in {"choice", "item"}:
            name = IN_COLUMNS.get(field.name, field.name)
            column = {**self._segments, **self._columns}.get(name)
            if column is None:
                return BitMap()
            is_there = condition.operator in {"known", "unknown"}
            return column.having(column.values if is_there else condition.values)
        numbers = self._numbers.get(field.name)
        if numbers is None:
            return BitMap()
        low, high = condition.low, condition.high
        if field.name == "next_order_date":
            # kept as nearness: the sooner, the higher
            low, high = (None if end is None else -end for end in (high, low))
        return numbers.within(low, high)


def _without(chosen: ChurnFilter, part: str) -> ChurnFilter:
    """A filter that leaves one of its `PARTS` open."""
    nothing: Any = {part: ()}
    return replace(chosen, **nothing)
