"""Figures for Prometheus; none of them names a customer."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from serving.errors import StoreError
from serving.live.store import LiveStore
from serving.live.worker import ScoresOne
from serving.server.run_figures import LastOutcome, RunFiguresCollector
from serving.store.last_good import LastGood
from serving.web.call import Call
from serving.web.limits.admission import Admission

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class ConnectionFigures:
    """How many connections there are, and how many were ended and why, for Prometheus."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.open = Gauge("regulars_connections", "Connections that are open", registry=registry)
        self._ended = Counter(
            "regulars_connections_ended",
            "Connections that the server ended or refused",
            ["reason"],
            registry=registry,
        )

    def count(self, reason: str) -> None:
        """Add a connection that was ended."""
        self._ended.labels(reason).inc()


class ProcessFigures:
    """Connections, memory and time of the process, however many shops it answers for."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.connections = ConnectionFigures(self._registry)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def text(self) -> bytes:
        """The figures in Prometheus' text format."""
        return generate_latest(self._registry)


class CountsCalls(Protocol):
    """Counts requests that have been answered."""

    def count(self, call: Call, status: int, seconds: float) -> None:
        """Add a request."""


class CallFigures:
    """Requests by method, route and status, and how long they took.

    Parameters
    ----------
    registry : where the figures stand
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "regulars_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "regulars_request_seconds",
            "From the first byte of a request to the last of its answer",
            ["method", "route"],
            buckets=BUCKETS_SECONDS,
            registry=registry,
        )
        # Finding a labelled figure costs more than counting in it.
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count(self, call: Call, status: int, seconds: float) -> None:
        """Add a request that has been answered."""
        # Others are the caller's words.
        method = call.method if call.method in METHODS else "other"
        name = (method, call.entry.template, status)
        figures = self._known.get(name)
        if figures is None:
            figures = self._known[name] = (
                self._requests.labels(method, call.entry.template, str(status)),
                self._seconds.labels(method, call.entry.template),
            )
        counted, timed = figures
        counted.inc()
        timed.observe(seconds)


class Metrics:
    """What is counted of the calls, and asked when somebody reads the figures.

    Parameters
    ----------
    admission : says how many calls are worked on and wait
    scores : says which run speaks
    clock : the present moment, with its time zone
    live : says how many orders wait for their score
    scorer : what scores them, None where there is none
    process : figures of the process, which stand beside those of the shop
    last_outcome : of the regular run, None where there is none
    """

    def __init__(
        self,
        *,
        admission: Admission,
        scores: LastGood,
        clock: Callable[[], datetime],
        live: LiveStore,
        scorer: ScoresOne | None,
        process: ProcessFigures,
        last_outcome: LastOutcome | None,
    ) -> None:
        self._registry = CollectorRegistry()
        self.count = CallFigures(self._registry).count
        self._lines = Counter(
            "regulars_live_lines",
            "Order lines that were sent, by what became of them",
            ["outcome"],
            registry=self._registry,
        )
        self._process = process
        self._registry.register(_ServerState(admission, scores, clock))
        self._registry.register(_Live(live, scorer))
        self._registry.register(RunFiguresCollector(scores, clock, last_outcome))

    def count_lines(self, outcomes: Iterable[str]) -> None:
        """Add order lines that were sent."""
        for outcome in outcomes:
            self._lines.labels(outcome).inc()

    def families(self) -> Iterable[Metric]:
        """All figures of the shop; those of the process are not among them."""
        return self._registry.collect()

    def text(self) -> bytes:
        """All figures in Prometheus' text format, those of the process included."""
        return generate_latest(self._registry) + self._process.text()


class _ServerState(Collector):
    """What is the case now."""

    def __init__(
        self,
        admission: Admission,
        scores: LastGood,
        clock: Callable[[], datetime],
    ) -> None:
        self._admission = admission
        self._scores = scores
        self._clock = clock

    def collect(self) -> Iterator[GaugeMetricFamily | InfoMetricFamily]:
        yield _gauge("regulars_requests_running", "Requests worked on", self._admission.running)
        yield _gauge("regulars_requests_waiting", "Requests in the queue", self._admission.waiting)
        try:
            run = self._scores.latest_run()
        except StoreError:
            return
        store_age = self._scores.age_seconds
        yield _gauge("regulars_store_gone_seconds", "Since the store was last read", store_age)
        age = (self._clock() - run.info.created_at).total_seconds()
        yield _gauge("regulars_score_age_seconds", "Since the scores were made", age)
        customers = run.summary.total.customers
        yield _gauge("regulars_customers", "Customers of the latest run", customers)
        models = InfoMetricFamily("regulars_model", "The models that speak", labels=["model"])
        for name, model in run.info.models.items():
            models.add_metric([name], {"version": model["version"], "grade": model["grade"]})
        yield models


class _Live(Collector):
    """What waits for a score, and what makes it."""

    def __init__(self, live: LiveStore, scorer: ScoresOne | None) -> None:
        self._live = live
        self._scorer = scorer

    def collect(self) -> Iterator[GaugeMetricFamily]:
        if self._scorer is not None:
            is_up = self._scorer.bundle_id is not None
            yield _gauge("regulars_scorer_up", "Whether single customers are scored", is_up)
            yield _gauge(
                "regulars_scorer_requests", "Scores asked for and not made", self._scorer.pending
            )
        try:
            counts = self._live.counts()
        except StoreError:
            return
        yield _gauge("regulars_live_lines_kept", "Order lines that no file holds", counts.lines)
        yield _gauge(
            "regulars_scores_pending", "Customers whose score does not know all", counts.waiting
        )


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, value=value)
