"""The twin in memory of what is sent to the server; see `serving.live.store`."""

import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from serving.live.store import (
    Handover,
    LiveCounts,
    LiveLine,
    LivePast,
    PastOrder,
    Progress,
    RequestKey,
    Said,
    SentLine,
    Verdict,
    WhoIsErased,
    changed_lines,
    check_key,
    past_of,
    past_orders,
    told_by,
    verdicts_of,
)
from serving.store.run import ScoreRow

if TYPE_CHECKING:
    from serving.store.memory import MemoryStore


@dataclass(frozen=True, kw_only=True)
class LiveState(Progress):
    """The score itself, too; `score` None: no line counts as a purchase."""

    accepted_at: datetime
    score: ScoreRow | None = None


class _Answered(NamedTuple):
    key: RequestKey
    verdicts: list[Verdict]


class MemoryLive:
    """A `LiveStore` that forgets everything when the process ends."""

    def __init__(self, store: "MemoryStore") -> None:
        self._store = store
        self._lines: dict[tuple[str, int], LiveLine] = {}
        self._histories: dict[str, str] = {}
        self._answered: dict[str, _Answered] = {}
        self._last_no = 0
        self._lock = threading.Lock()
        self.states: dict[str, LiveState] = {}

    def accept(
        self,
        sent: Sequence[SentLine],
        *,
        at: datetime,
        erased: WhoIsErased,
        key: RequestKey | None = None,
    ) -> list[Verdict]:
        with self._lock:
            self._answered = {
                name: one for name, one in self._answered.items() if one.key.expires_at >= at
            }
            if key is not None and (before := self._answered.get(key.digest)) is not None:
                check_key(key, before.key.body_digest)
                return before.verdicts
            gone = erased({one.line.customer_id for one in sent if one.line.customer_id})
            verdicts = verdicts_of(sent, dict(self._lines), gone)
            self._keep(changed_lines(sent, verdicts), at)
            if key is not None:
                self._answered[key.digest] = _Answered(key, verdicts)
            return verdicts

    def waiting(self, customer_ids: Iterable[str]) -> set[str]:
        run_id = self._store.latest_id
        known = {name: self.states[name] for name in customer_ids if name in self.states}
        return {name for name, state in known.items() if state.is_waiting(run_id)}

    def overdue(self, *, before: datetime, limit: int) -> list[str]:
        run_id = self._store.latest_id
        late = [
            (state.change_no, name)
            for name, state in self.states.items()
            if state.accepted_at < before and state.is_waiting(run_id)
        ]
        return [name for _, name in sorted(late)[:limit]]

    def past(self, customer_id: str, *, waiting: bool = True) -> LivePast | None:
        self._store.latest_run()
        state = self.states.get(customer_id)
        if state is None and waiting:
            return None
        runs = [run.info for run in self._store.runs()]
        rows = {run.run_id: self._store.rows(run.run_id).get(customer_id) for run in runs}
        return past_of(
            customer_id,
            state or Progress(),
            self._histories.get(customer_id),
            self._lines_of(customer_id),
            runs,
            {
                run_id: Said(
                    row.churn_probability,
                    row.clv,
                    row.document,
                    json.loads(row.segments),
                    row.consent,
                    row.contact_hash,
                )
                for run_id, row in rows.items()
                if row is not None
            },
        )

    def save(self, past: LivePast, score: ScoreRow | None) -> bool:
        state = self.states.get(past.customer_id)
        is_news = state is not None and (
            state.scored_no < past.change_no or state.run_id != past.run_id
        )
        if state is None or not is_news or self._store.latest_id != past.run_id:
            return False
        self.states[past.customer_id] = replace(
            state, scored_no=past.change_no, run_id=past.run_id, score=score
        )
        self._store.tell(past.customer_id, told_by(score))
        return True

    def lines(self) -> Iterator[LiveLine]:
        return iter(sorted(self._lines.values(), key=_in_order))

    def history(self, customer_id: str) -> list[PastOrder]:
        digits = 2
        if self._store.latest_id is not None:
            digits = self._store.latest_run().summary.money.digits
        return past_orders(
            self._histories.get(customer_id), self._lines_of(customer_id), 10**digits
        )

    def counts(self) -> LiveCounts:
        return LiveCounts(lines=len(self._lines), waiting=len(self.waiting(self.states)))

    def take_over(self, handover: Handover) -> None:
        """Put a run's histories in the place of those before, and drop what the run has seen."""
        self._histories = dict(handover.histories)
        self.states = {
            name: state for name, state in self.states.items() if state.change_no > handover.seen_no
        }
        for order_id, line, change_no in handover.absorbed:
            kept = self._lines.get((order_id, line))
            if kept is not None and kept.change_no == change_no:
                del self._lines[order_id, line]

    def erase(self, customer_id: str) -> dict[str, int]:
        """Forget a customer; how many rows were removed from what."""
        mine = [place for place, one in self._lines.items() if one.customer_id == customer_id]
        for place in mine:
            del self._lines[place]
        return {
            "live_lines": len(mine),
            "live_scores": int(self.states.pop(customer_id, None) is not None),
            "customer_histories": int(self._histories.pop(customer_id, None) is not None),
        }

    def _keep(self, lines: Sequence[LiveLine], at: datetime) -> None:
        if not lines:
            return
        self._last_no += 1
        for line in lines:
            self._lines[line.place] = replace(line, change_no=self._last_no)
            if line.customer_id is not None:
                before = self.states.get(line.customer_id)
                news = LiveState(change_no=self._last_no, accepted_at=at)
                if before is not None:
                    news = replace(before, change_no=self._last_no, accepted_at=at)
                self.states[line.customer_id] = news

    def _lines_of(self, customer_id: str) -> list[LiveLine]:
        mine = [one for one in self._lines.values() if one.customer_id == customer_id]
        return sorted(mine, key=_in_order)


def _in_order(line: LiveLine) -> tuple[int, str, int]:
    return line.change_no, line.order_id, line.line
