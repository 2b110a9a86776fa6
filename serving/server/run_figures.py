"""What the latest run and the latest regular run were like, as figures for Prometheus."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from serving.errors import StoreError
from serving.schedule.outcome import OUTCOMES
from serving.store.figures import BAND, CAME, DRIFT, SAID, TRAINED_DAYS
from serving.store.last_good import LastGood
from serving.store.run import RunInfo

PLAIN = {
    "null_share": ("regulars_scores_null_share", "Share of customers without a number"),
    "expected_total": ("regulars_expected_total", "Expected of today's customers, in money"),
    "orders": ("regulars_orders", "Orders that the latest run read"),
    "quarantined_share": ("regulars_rows_quarantined_share", "Share of the rows put aside"),
}
"""Figure of a run → name of the gauge and its words."""

LABELLED = {
    BAND: ("regulars_band_share", "Share of the customers by band of risk", "band"),
    DRIFT: ("regulars_input_drift", "Stability index of features since the training", "group"),
    SAID: ("regulars_said", "What the latest finished run expected", "what"),
    CAME: ("regulars_came", "What came of the latest finished run", "what"),
}
"""Beginning of figures → name of the gauge, its words, and what the rest of the name is."""

LastOutcome = Callable[[], Mapping[str, Any] | None]
"""The latest outcome of a regular run, as `serving.schedule.outcome.kept_outcome` reads it."""


class RunFiguresCollector(Collector):
    """Asked when somebody reads the figures.

    Parameters
    ----------
    scores : says which run speaks
    clock : the present moment, with its time zone
    last_outcome : None where there is no regular run
    """

    def __init__(
        self,
        scores: LastGood,
        clock: Callable[[], datetime],
        last_outcome: LastOutcome | None,
    ) -> None:
        self._scores = scores
        self._clock = clock
        self._last_outcome = last_outcome

    def collect(self) -> Iterator[GaugeMetricFamily]:
        run = self._latest()
        if run is not None:
            yield from self._of_run(run)
        outcome = self._last_outcome() if self._last_outcome is not None else None
        if outcome is not None:
            yield from self._of_outcome(outcome)

    def _latest(self) -> RunInfo | None:
        try:
            return self._scores.latest_run().info
        except StoreError:
            return None  # the store's own gauge says so

    def _of_run(self, run: RunInfo) -> Iterator[GaugeMetricFamily]:
        for figure, (name, help_text) in PLAIN.items():
            if figure in run.figures:
                yield GaugeMetricFamily(name, help_text, value=run.figures[figure])
        for start, (name, help_text, label) in LABELLED.items():
            gauge = GaugeMetricFamily(name, help_text, labels=[label])
            for figure, value in run.figures.items():
                if figure.startswith(start):
                    gauge.add_metric([figure.removeprefix(start)], value)
            yield gauge
        yield GaugeMetricFamily(
            "regulars_gates_opened",
            "Gates that were opened for the latest run",
            value=len(run.accepted),
        )
        yield self._ages(run)
        standing_in = GaugeMetricFamily(
            "regulars_baseline_stands_in",
            "Whether a baseline answers for a model",
            labels=["model"],
        )
        for model in run.models:
            standing_in.add_metric([model], float(model in run.stand_ins))
        yield standing_in

    def _ages(self, run: RunInfo) -> GaugeMetricFamily:
        since_run = (self._clock().date() - run.as_of).days
        ages = GaugeMetricFamily(
            "regulars_model_age_days", "Days of orders that a model does not know", labels=["model"]
        )
        for figure, days in run.figures.items():
            if figure.startswith(TRAINED_DAYS):
                ages.add_metric([figure.removeprefix(TRAINED_DAYS)], days + since_run)
        return ages

    def _of_outcome(self, outcome: Mapping[str, Any]) -> Iterator[GaugeMetricFamily]:
        gauge = GaugeMetricFamily(
            "regulars_run_outcome", "1 for the outcome of the regular run", labels=["outcome"]
        )
        for name in OUTCOMES:
            gauge.add_metric([name], float(outcome.get("outcome") == name))
        yield gauge
        try:
            age = (self._clock() - datetime.fromisoformat(outcome["at"])).total_seconds()
        except (LookupError, TypeError, ValueError):
            return
        yield GaugeMetricFamily("regulars_run_age_seconds", "Since the regular run", value=age)
