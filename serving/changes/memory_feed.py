"""The change feed's twin in memory."""

from collections.abc import Mapping

from serving.changes.feed import Change, ChangeKind, ChangePage, Told, check_cursor
from serving.store.rules import EXACT, PublishRules, edges
from serving.store.run import RunInfo, ScoreRow


class MemoryFeed:
    """A `ChangeFeed` that forgets everything when the process ends."""

    def __init__(self) -> None:
        self._changes: list[Change] = []
        self._announced: dict[str, Told] = {}
        self._first_no = 1
        self._next_no = 1

    def end(self) -> int:
        return self._next_no

    def changes(self, since: int | None, limit: int) -> ChangePage:
        check_cursor(since, self._first_no, self._next_no)
        start = self._first_no if since is None else since
        rows = [change for change in self._changes if change.change_no >= start]
        shown = rows[:limit]
        return ChangePage(
            changes=shown,
            next_no=shown[-1].change_no + 1 if shown else start,
            more=len(rows) > limit,
        )

    def announce(self, run: RunInfo, rows: Mapping[str, ScoreRow], rules: PublishRules) -> None:
        """Write who changed by a run."""
        for customer_id in sorted(rows):
            row = rows[customer_id]
            now = Told(
                retention_risk=row.retention_risk,
                churn_probability=row.churn_probability,
                clv=row.clv,
            )
            before = self._announced.get(customer_id)
            if before is None or worth_telling(before, now, run, rules):
                self._add("new" if before is None else "changed", customer_id, run, before, now)
        for customer_id in sorted(set(self._announced) - set(rows)):
            self._add("removed", customer_id, run, self._announced[customer_id], None)

    def announce_one(
        self, run: RunInfo, customer_id: str, now: Told | None, rules: PublishRules
    ) -> None:
        """Write that a customer moved, where it is worth telling; see `live_feed`."""
        before = self._announced.get(customer_id)
        if before is None and now is None:
            return
        if before is not None and now is not None and not worth_telling(before, now, run, rules):
            return
        kind: ChangeKind = "removed" if now is None else "new" if before is None else "changed"
        self._add(kind, customer_id, run, before, now)

    def forget(self, run_ids: set[str]) -> None:
        """Remove the changes of these runs."""
        self._changes = [one for one in self._changes if one.run_id not in run_ids]
        self._first_no = self._changes[0].change_no if self._changes else self._next_no

    def erase(self, customer_id: str, run: RunInfo) -> tuple[int, int]:
        """Forget a customer, and tell that somebody was erased; how many changes and states."""
        kept = [one for one in self._changes if one.customer_id != customer_id]
        removed = len(self._changes) - len(kept)
        self._changes = kept
        told = self._announced.pop(customer_id, None)
        self._changes.append(
            Change(
                change_no=self._next_no,
                kind="erased",
                customer_id=None,
                run_id=run.run_id,
                as_of=run.as_of,
                before=None,
                after=None,
            )
        )
        self._next_no += 1
        return removed, int(told is not None)

    def _add(
        self,
        kind: ChangeKind,
        customer_id: str,
        run: RunInfo,
        before: Told | None,
        now: Told | None,
    ) -> None:
        self._changes.append(
            Change(
                change_no=self._next_no,
                kind=kind,
                customer_id=customer_id,
                run_id=run.run_id,
                as_of=run.as_of,
                before=before,
                after=now,
            )
        )
        self._next_no += 1
        if now is None:
            del self._announced[customer_id]
        else:
            self._announced[customer_id] = now


def worth_telling(before: Told, now: Told, run: RunInfo, rules: PublishRules) -> bool:
    """Whether a customer is another one than told: see `docs/settings.md`, `[changes]`."""
    churn = _apart(before.churn_probability, now.churn_probability)
    clv = _apart(before.clv, now.clv)
    of_silence = any(told.retention_risk != _band(told, run) for told in (before, now))
    return (
        churn >= rules.churn_points - EXACT
        or (clv > 0 and clv >= max(rules.least_clv, rules.clv_share * abs(before.clv or 0)) - EXACT)
        or (
            before.retention_risk != now.retention_risk
            and (churn >= rules.band_margin - EXACT or of_silence)
        )
    )


def _apart(before: float | None, now: float | None) -> float:
    if before is None or now is None:
        return 0.0 if before is now else float("inf")
    return abs(now - before)


def _band(told: Told, run: RunInfo) -> str:
    churn = float("-inf") if told.churn_probability is None else told.churn_probability
    return next((band for band, edge in edges(run).items() if churn >= edge), "low")
