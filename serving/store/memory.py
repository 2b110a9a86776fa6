"""The store's twin in memory: the contract in its plainest form, for tests and trials."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from serving.changes.feed import Told
from serving.changes.memory_feed import MemoryFeed
from serving.errors import NoRun, ScorePending, StoreError, UnknownCustomer
from serving.live.memory_store import MemoryLive
from serving.live.store import NOTHING_SEEN, Handover
from serving.store.protocol import (
    ANY_OF,
    CONSENTS,
    After,
    ChurnFilter,
    ChurnPage,
    Document,
    SortKey,
    as_json,
    check_segments,
    no_such_run,
    run_is_gone,
)
from serving.store.rules import PublishRules, outdated
from serving.store.run import PublishedRun, RunInfo, ScoreRow, Totals

if TYPE_CHECKING:
    import pandas as pd

_UNKNOWN = float("-inf")


@dataclass(frozen=True)
class _Kept:
    run: PublishedRun
    scores: dict[str, ScoreRow]
    exhibits: Mapping[str, bytes] = field(default_factory=dict)


class MemoryStore:
    """A `Store` that forgets everything when the process ends."""

    def __init__(self, rules: PublishRules | None = None) -> None:
        self._rules = rules or PublishRules()
        self.feed = MemoryFeed()
        self.live = MemoryLive(self)
        self._runs: dict[str, _Kept] = {}
        self._latest: _Kept | None = None

    def publish(
        self,
        run: RunInfo,
        scores: "pd.DataFrame",
        recommendations: "pd.DataFrame",
        exhibits: Mapping[str, Any] | None = None,
        handover: Handover | None = None,
    ) -> None:
        from serving.scoring.publication import prepare

        if run.run_id in self._runs:
            raise StoreError("A run of this id has already been published.")
        ready = prepare(run, scores, recommendations)
        bodies = {name: as_json(body).encode() for name, body in (exhibits or {}).items()}
        kept = _Kept(ready.run, {row.customer_id: row for row in ready.rows}, bodies)
        self._runs[run.run_id] = kept
        self._latest = kept
        self.feed.announce(run, kept.scores, self._rules)
        self.live.take_over(handover or NOTHING_SEEN)
        self._prune()

    def latest_run(self) -> PublishedRun:
        return self._now().run

    def runs(self) -> list[PublishedRun]:
        return [kept.run for kept in self._runs.values()]

    def figures(self, run_id: str) -> Iterator[tuple[str, float, float, str | None]]:
        if (kept := self._runs.get(run_id)) is None:
            raise no_such_run(run_id)
        for row in kept.scores.values():
            churn, clv = (
                math.nan if value is None else value for value in (row.churn_probability, row.clv)
            )
            yield row.customer_id, churn, clv, row.retention_risk

    def segment(self, run_id: str, system: str) -> Iterator[tuple[str, str | None]]:
        for row in self.rows(run_id).values():
            yield row.customer_id, json.loads(row.segments).get(system)

    def customer(self, customer_id: str) -> Document:
        return self._document(customer_id, "document")

    def customers(self, customer_ids: Sequence[str]) -> tuple[PublishedRun, list[bytes | None]]:
        kept = self._now()
        said = self._said(kept)
        rows = [said.get(customer_id) for customer_id in customer_ids]
        return kept.run, [None if row is None else row.document.encode() for row in rows]

    def history(self, customer_id: str) -> list[tuple[PublishedRun, bytes]]:
        found = [
            (kept.run, kept.scores[customer_id].document.encode())
            for kept in reversed(self._runs.values())
            if customer_id in kept.scores
        ]
        if not found:
            self._now()
            raise UnknownCustomer(customer_id)
        return found

    def recommendations(self, customer_id: str) -> Document:
        return self._document(customer_id, "products")

    def churn_list(
        self, wanted: ChurnFilter, *, sort: SortKey, limit: int, after: After | None = None
    ) -> ChurnPage:
        kept = self._now() if after is None else self._runs.get(after.run_id)
        if kept is None:
            raise run_is_gone()
        check_segments(kept.run.info, wanted)
        said = self._said(kept)
        rows = [row for row in said.values() if fits(row, wanted)]
        places = sorted(((_key(row, sort), row.customer_id) for row in rows), reverse=True)
        if after is not None:
            places = [place for place in places if place < (after.value, after.customer_id)]
        shown = places[:limit]
        return ChurnPage(
            run=kept.run,
            documents=[said[customer_id].document.encode() for _, customer_id in shown],
            totals=Totals(
                customers=len(rows),
                value_at_risk=round(
                    sum(row.value_at_risk or 0.0 for row in rows), kept.run.summary.money.digits
                ),
            ),
            after=After(kept.run.info.run_id, *shown[-1]) if len(places) > limit else None,
        )

    def erase(self, customer_id: str) -> dict[str, int]:
        """Forget a customer in every run; how many rows were removed from what."""
        if self._latest is None:
            return {}
        found = [kept.scores.pop(customer_id, None) for kept in self._runs.values()]
        rows = sum(row is not None for row in found)
        changes, states = self.feed.erase(customer_id, self._latest.run.info)
        return {
            "scores": rows,
            "recommendations": rows,
            "changes": changes,
            "announced": states,
        }

    @property
    def latest_id(self) -> str | None:
        """The run that readers see."""
        return None if self._latest is None else self._latest.run.info.run_id

    def tell(self, customer_id: str, now: Told | None) -> None:
        """Let the change feed know what is said of a customer from now on."""
        self.feed.announce_one(self._now().run.info, customer_id, now, self._rules)

    def rows(self, run_id: str) -> dict[str, ScoreRow]:
        """What is kept of a run, by customer."""
        if (kept := self._runs.get(run_id)) is None:
            raise no_such_run(run_id)
        return kept.scores

    def exhibits(self, run_id: str) -> Mapping[str, bytes]:
        """What was made of a run, by name."""
        if (kept := self._runs.get(run_id)) is None:
            raise no_such_run(run_id)
        return kept.exhibits

    def _prune(self) -> None:
        infos = [kept.run.info for kept in self._runs.values()]
        for info in outdated(infos, keep_runs=self._rules.keep_runs):
            del self._runs[info.run_id]
        self.feed.forget({info.run_id for info in infos[: -self._rules.keep_runs]})

    def _now(self) -> _Kept:
        if self._latest is None:
            raise NoRun("Nothing has been scored yet. `regulars score` publishes a run.")
        return self._latest

    def _said(self, kept: _Kept) -> dict[str, ScoreRow]:
        """What is said of everybody: by a run, and of the latest by orders sent since."""
        said: dict[str, ScoreRow] = dict(kept.scores)
        if kept is self._latest:
            for customer_id, state in self.live.states.items():
                if state.run_id != self.latest_id:
                    continue
                said.pop(customer_id, None)
                if state.score is not None:
                    said[customer_id] = state.score
        return said

    def _document(self, customer_id: str, name: Literal["document", "products"]) -> Document:
        kept = self._now()
        run_id = kept.run.info.run_id
        state = self.live.states.get(customer_id)
        is_pending = state is not None and state.is_waiting(run_id)
        row = self._said(kept).get(customer_id)
        if row is None:
            raise ScorePending if is_pending else UnknownCustomer(customer_id)
        is_live = state is not None and state.run_id == run_id
        live_no = state.scored_no if state is not None and is_live else 0
        return Document(run_id, getattr(row, name).encode(), live_no, is_pending)


def _key(row: ScoreRow, sort: SortKey) -> float:
    value: float | None = getattr(row, sort)
    return _UNKNOWN if value is None else value


def fits(row: ScoreRow, wanted: ChurnFilter) -> bool:
    """Whether a filter lets a customer through."""
    return (
        (not wanted.risk or row.retention_risk in wanted.risk)
        and (not wanted.status or row.status in wanted.status)
        and all(
            json.loads(row.segments)[system] in value.split(ANY_OF)
            for system, value in wanted.segments
        )
        and (not wanted.consent or CONSENTS[row.consent] in wanted.consent)
        and (
            wanted.min_value_at_risk is None
            or _key(row, "value_at_risk") >= wanted.min_value_at_risk
        )
    )
