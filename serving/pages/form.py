"""The filter form of the churn list: plain GET parameters, there and back."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from features.errors import ConfigError
from serving.store import RISKS, SORT_KEYS, STATUSES, ChurnFilter, SortKey


@dataclass(frozen=True, kw_only=True)
class ListForm:
    """What a reader has chosen; empty texts filter nothing.

    The names of the parameters are those of `GET /v1/churn-list`, so that the export is
    the same query with another path.
    """

    risk: str = ""
    status: str = ""
    segments: Mapping[str, str] = field(default_factory=dict)
    min_value_at_risk: str = ""
    sort: SortKey = "value_at_risk"
    cursor: str = ""
    seen: int = 0
    """How many rows stand before this page."""

    @classmethod
    def read(cls, params: QueryParams) -> "ListForm":
        """The form in a request's parameters.

        Raises
        ------
        ConfigError
            When a parameter could not have come from the form.
        """
        sort = params.get("sort") or "value_at_risk"
        if sort not in SORT_KEYS:
            raise ConfigError("The list cannot be sorted by that.")
        pairs = [text.partition(":") for text in params.getlist("segment") if text]
        seen = params.get("seen", "")
        return cls(
            risk=_one_of(params, "risk", RISKS),
            status=_one_of(params, "status", STATUSES),
            segments={system: value for system, _, value in pairs},
            min_value_at_risk=_amount(params.get("min_value_at_risk", "").strip()),
            sort=sort,
            cursor=params.get("cursor", ""),
            seen=int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else 0,
        )

    def filter(self) -> ChurnFilter:
        return ChurnFilter(
            risk=(self.risk,) if self.risk else (),
            status=(self.status,) if self.status else (),
            segments=tuple(self.segments.items()),
            min_value_at_risk=float(self.min_value_at_risk) if self.min_value_at_risk else None,
        )

    def link(self, path: str = "/", **changes: Any) -> str:
        """A link to the first page of the list that differs by `changes`."""
        changed = replace(self, **{"cursor": "", "seen": 0, **changes})
        query = urlencode(changed.parameters())
        return f"{path}?{query}" if query else path

    def export_link(self) -> str:
        """The whole list as CSV, as filtered and sorted here."""
        chosen = replace(self, cursor="", seen=0).parameters()
        return f"/v1/churn-list?{urlencode([*chosen, ('format', 'csv')])}"

    def is_filtered(self) -> bool:
        return self.filter() != ChurnFilter()

    def parameters(self) -> list[tuple[str, str]]:
        """The parameters that `read` reads back, without those that choose nothing."""
        segments = [("segment", f"{system}:{value}") for system, value in self.segments.items()]
        chosen = [
            ("risk", self.risk),
            ("status", self.status),
            *segments,
            ("min_value_at_risk", self.min_value_at_risk),
            ("sort", "" if self.sort == "value_at_risk" else self.sort),
            ("cursor", self.cursor),
            ("seen", str(self.seen or "")),
        ]
        return [(name, value) for name, value in chosen if value]


def _one_of(params: QueryParams, name: str, known: tuple[str, ...]) -> str:
    value = params.get(name, "")
    if value and value not in known:
        raise ConfigError(f"There is no such {name}. Choose one from the list.")
    return value


def _amount(text: str) -> str:
    try:
        usable = not text or math.isfinite(float(text))
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError("The smallest value at risk must be a number, such as 50.")
    return text
