"""The filter form of the churn list: plain GET parameters, there and back."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, get_args
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from features.errors import ConfigError
from features.language.languages import SOURCE, Language
from features.language.message import mark
from serving.store.likely_buyers import ITEM_KINDS
from serving.store.protocol import (
    ANY_OF,
    SORT_KEYS,
    ChurnFilter,
    Consent,
    SortKey,
    checked_span,
    segment_pairs,
)
from serving.store.rule.text import rule_of_text, text_of_rule
from serving.store.rule.tree import AudienceRule, both_of, checked_size
from serving.store.run import RHYTHMS, RISKS, STATUSES
from serving.web.call import address
from serving.web.params import RuleCalled
from serving.web.schemas import day_within
from serving.web.typed_numbers import number_in

CONSENTS: tuple[Consent, ...] = get_args(Consent)
ALL_ROWS = "all"
SEVERAL_OF = ("risk", "status", "consent", "rhythm")
"""Parameters that may be repeated: either value will do."""
NO_SUCH = {
    "risk": mark("There is no such risk. Choose one from the list."),
    "status": mark("There is no such status. Choose one from the list."),
    "consent": mark("There is no such consent. Choose one from the list."),
    "rhythm": mark("There is no such rhythm. Choose one from the list."),
    "sort": mark("The list cannot be sorted by that."),
    "rows": mark("The list has no such number of rows. Choose all, or none for pages."),
}


@dataclass(frozen=True, kw_only=True)
class ListForm:
    """What a reader has chosen; empty texts filter nothing, `|` stands between several values.

    The names of the parameters are those of `GET /v1/churn-list`, so that the export is
    the same query with another path. An address with them is a view that can be kept.
    """

    usual_sort: SortKey
    """The order where none is asked for."""

    risk: str = ""
    status: str = ""
    consent: str = ""
    rhythm: str = ""
    segments: Mapping[str, str] = field(default_factory=dict)
    min_value_at_risk: str = ""
    due_from: str = ""
    due_until: str = ""
    will_buy: tuple[str, ...] = ()
    """Items, such as 'product:85123A'."""
    where: str = ""
    """A rule, as `serving.store.rule.text` reads it."""
    audience: str = ""
    """Id or name of a saved audience."""
    rule: AudienceRule | None = None
    """What both come to."""
    asked_sort: str = ""
    cursor: str = ""
    seen: int = 0
    """How many rows stand before this page."""
    rows: str = ""
    """`all`: on one page, as for paper."""

    @classmethod
    def read(
        cls,
        params: QueryParams,
        *,
        usual_sort: SortKey = "value_at_risk",
        rule_called: RuleCalled,
    ) -> "ListForm":
        """The form in a request's parameters; `rule_called` finds saved audiences.

        Raises
        ------
        ConfigError
            When a parameter could not have come from the form.
        """
        rows_before = params.get("seen", "")
        audience = params.get("audience", "").strip()
        texts = filter(str.strip, params.getlist("where"))
        own_rule = both_of(*map(rule_of_text, texts))
        form = cls(
            usual_sort=usual_sort,
            where="" if own_rule is None else text_of_rule(checked_size(own_rule)),
            audience=audience,
            rule=both_of(rule_called(audience) if audience else None, own_rule),
            risk=_any_of(params, "risk", RISKS),
            status=_any_of(params, "status", STATUSES),
            consent=_any_of(params, "consent", CONSENTS),
            rhythm=_any_of(params, "rhythm", RHYTHMS),
            segments=dict(segment_pairs(filter(None, params.getlist("segment")))),
            min_value_at_risk=_amount(params.get("min_value_at_risk", "").strip()),
            due_from=_day(params.get("due_from", "").strip()),
            due_until=_day(params.get("due_until", "").strip()),
            will_buy=tuple(map(_item, filter(None, params.getlist("will_buy")))),
            asked_sort=_one_of(params, "sort", SORT_KEYS),
            cursor=params.get("cursor", ""),
            seen=int(rows_before)
            if rows_before.isascii() and rows_before.isdigit() and len(rows_before) < 10
            else 0,
            rows=_one_of(params, "rows", (ALL_ROWS,)),
        )
        checked_span(form.filter())
        return form

    @property
    def sort(self) -> SortKey:
        """What the list is sorted by."""
        known_keys = (key for key in SORT_KEYS if key == self.asked_sort)
        return next(known_keys, self.usual_sort)

    def filter(self) -> ChurnFilter:
        return ChurnFilter(
            risk=_parts(self.risk),
            status=_parts(self.status),
            consent=tuple(consent for consent in CONSENTS if consent in _parts(self.consent)),
            segments=tuple(self.segments.items()),
            min_value_at_risk=float(self.min_value_at_risk) if self.min_value_at_risk else None,
            rhythm=_parts(self.rhythm),
            due_from=date.fromisoformat(self.due_from) if self.due_from else None,
            due_until=date.fromisoformat(self.due_until) if self.due_until else None,
            will_buy=self.will_buy,
            rule=self.rule,
        )

    def as_rule(self) -> str:
        """All of it as the text of one rule; empty: everybody."""
        rule = self.filter().as_rule()
        return "" if rule is None else text_of_rule(rule)

    def link(self, path: str = "/churn-list", **changes: Any) -> str:
        """A link to the first page of the list that differs by `changes`."""
        changed = replace(self, **{"cursor": "", "seen": 0, "rows": "", **changes})
        query = urlencode(changed.parameters())
        return address(f"{path}?{query}" if query else path)

    def export_link(self, ending: str, language: Language = SOURCE) -> str:
        """The whole list as a file, as filtered and sorted here, in the reader's language."""
        chosen = replace(self, cursor="", seen=0, rows="", asked_sort=self.sort).parameters()
        of_file = [("format", ending), *([] if language == SOURCE else [("lang", language)])]
        return address(f"/v1/churn-list?{urlencode([*chosen, *of_file])}")

    @property
    def has_all_rows(self) -> bool:
        """Whether all rows stand on one page."""
        return self.rows == ALL_ROWS

    def is_filtered(self) -> bool:
        return self.filter() != ChurnFilter()

    def unlisted(self, systems: Sequence[str]) -> list[tuple[str, str]]:
        """The chosen segments of other systems than `systems`."""
        return [pair for pair in self.segments.items() if pair[0] not in systems]

    def several(self) -> list[tuple[str, tuple[str, ...]]]:
        """The parameters of which more than one value is chosen, and these."""
        chosen = ((name, _parts(getattr(self, name))) for name in SEVERAL_OF)
        return [(name, values) for name, values in chosen if len(values) > 1]

    def within(self, system: str, value: str) -> str:
        """A link to those of the list who are in a group of `system`, too."""
        return self.link(segments={**self.segments, system: value})

    def without(self, system: str) -> str:
        """A link to the list without the segment chosen of `system`."""
        return self.link(
            segments={key: value for key, value in self.segments.items() if key != system}
        )

    def without_item(self, key: str) -> str:
        """A link to the list without an item that customers are to buy."""
        return self.link(will_buy=tuple(item for item in self.will_buy if item != key))

    def parameters(self) -> list[tuple[str, str]]:
        """The parameters that `read` reads back, without those that choose nothing."""
        segments = [("segment", f"{system}:{value}") for system, value in self.segments.items()]
        chosen = [
            *((name, value) for name in SEVERAL_OF for value in _parts(getattr(self, name))),
            *segments,
            ("min_value_at_risk", self.min_value_at_risk),
            ("due_from", self.due_from),
            ("due_until", self.due_until),
            *(("will_buy", item) for item in self.will_buy),
            ("where", self.where),
            ("audience", self.audience),
            ("sort", self.asked_sort),
            ("cursor", self.cursor),
            ("seen", str(self.seen or "")),
            ("rows", self.rows),
        ]
        return [(name, value) for name, value in chosen if value]


def _parts(text: str) -> tuple[str, ...]:
    return tuple(text.split(ANY_OF)) if text else ()


def _any_of(params: QueryParams, name: str, allowed: Sequence[str]) -> str:
    values = [value for value in params.getlist(name) if value]
    if not {*values} <= {*allowed}:
        raise ConfigError(NO_SUCH[name])
    return ANY_OF.join(value for value in allowed if value in values)


def _one_of(params: QueryParams, name: str, allowed: Sequence[str]) -> str:
    value = params.get(name, "")
    if value and value not in allowed:
        raise ConfigError(NO_SUCH[name])
    return value


def _item(key: str) -> str:
    kind, _, item = key.partition(":")
    if not (kind in ITEM_KINDS and item and "\0" not in item):
        raise ConfigError(mark("An item is written as product:ID or category:NAME."))
    return key


def _day(text: str) -> str:
    try:
        return day_within(text).isoformat() if text else ""
    except ValueError:
        raise ConfigError(
            mark("A date of the next order is written as 2026-03-01, from 1980 to 2099.")
        ) from None


def _amount(text: str) -> str:
    """As a number with a decimal point; decimal commas are read, too."""
    if not text:
        return ""
    value = number_in(text)
    if not math.isfinite(value):
        raise ConfigError(mark("The smallest value at risk must be a number, such as 50."))
    return f"{value:.15g}"
