"""What the routes and pages answer from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal, TypedDict

from serving.changes.webhook_calls import Caller
from serving.live.orders import LiveOrders
from serving.live.worker import ScoresOne
from serving.people.audit_store import Action, AuditEntry
from serving.privacy.erasure import CustomerFiles
from serving.server.stores import Stores
from serving.store.last_good import LastGood
from serving.store.run import PublishedRun
from serving.web.lifecycle import Lifecycle
from serving.web.metrics import Metrics


class BundleInfo(TypedDict):
    """The published models, as their manifest names them: name → `version` and `grade`."""

    bundle_id: str
    models: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class Services:
    """Everything that routes and pages may use.

    `scores` reads score runs and goes on for a while when the store is gone; `stores` are
    what lies behind, for all else. `bundle` is the set of models that the server has
    checked, None if there is none yet; `clock` tells the present moment with its time zone.
    `caller` calls webhooks; `scorer` scores one customer at a time, None where the server has none.
    `mlflow_url` is where people reach MLflow's own pages, None where nobody said.
    """

    scores: LastGood
    stores: Stores
    bundle: BundleInfo | None
    clock: Callable[[], datetime]
    metrics: Metrics
    lifecycle: Lifecycle
    customer_files: CustomerFiles | None
    caller: Caller
    scorer: ScoresOne | None = None
    mlflow_url: str | None = None

    @property
    def scorer_state(self) -> Literal["ready", "starting", "none"]:
        """Whether new orders are scored at once."""
        if self.scorer is None:
            return "none"
        return "starting" if self.scorer.bundle_id is None else "ready"

    @cached_property
    def orders(self) -> LiveOrders:
        """Takes orders in and scores the customers who sent them."""
        return LiveOrders(
            self.stores,
            scores=self.scores,
            scorer=self.scorer,
            files=self.customer_files,
            clock=self.clock,
        )

    def ages(self, run: PublishedRun | str) -> dict[str, str]:
        """Headers that say how old an answer from `run` is.

        `Regulars-Score-Age` is the seconds since the run was made. `Age` is there only while
        the store is gone, and says for how many seconds.
        """
        known = self.scores.run_of(run) if isinstance(run, str) else run
        since = self.clock() - known.info.created_at
        headers = {"Regulars-Score-Age": str(max(int(since.total_seconds()), 0))}
        if gone := self.scores.age_seconds:
            headers["Age"] = str(gone)
        return headers

    def audit(self, who: str, action: Action, count: int, detail: str) -> None:
        """Write down what is about to be done; when it cannot be, it must not be done."""
        entry = AuditEntry(at=self.clock(), who=who, action=action, count=count, detail=detail)
        self.stores.audit.record(entry)
