"""Figures for Prometheus of all shops: those of each with its name, and those of the process once."""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from serving.server.metrics import CallFigures, ProcessFigures
from serving.shops.pool import ScorerPool
from serving.shops.registry import ShopRegistry

NO_SHOP = ""
"""The label of calls to the server itself."""


class HostMetrics:
    """What is counted of calls to the server itself, and the figures of all shops beside.

    Parameters
    ----------
    shops : the shops, as they are when somebody reads the figures
    pool : of their scorers
    process : figures of the process, which stand beside those of the shops
    """

    def __init__(self, shops: ShopRegistry, pool: ScorerPool, process: ProcessFigures) -> None:
        own = CollectorRegistry()
        self.count = CallFigures(own).count
        self._process = process
        self._all = CollectorRegistry()
        self._all.register(_OfShops(shops, pool, own))

    def text(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self._all) + self._process.text()


class _OfShops(Collector):
    def __init__(self, shops: ShopRegistry, pool: ScorerPool, own: CollectorRegistry) -> None:
        self._shops = shops
        self._pool = pool
        self._own = own

    def collect(self) -> Iterator[Metric]:
        registries = {
            state.name: state.shop.parts.metrics.families()
            for state in [*self._shops.states.values()]
            if state.shop is not None
        }
        yield from merged({NO_SHOP: self._own.collect(), **registries})
        up = GaugeMetricFamily("regulars_shop_up", "Whether the shop answers", labels=["shop"])
        models = GaugeMetricFamily(
            "regulars_shop_scorer_refused", "Whether its models were refused", labels=["shop"]
        )
        for state in [*self._shops.states.values()]:
            up.add_metric([state.name], float(state.why_not_ready is None))
            refused = state.shop is not None and state.shop.scorer.refusal is not None
            models.add_metric([state.name], float(refused))
        yield up
        yield models
        yield GaugeMetricFamily(
            "regulars_scorer_processes", "Scorers that hold a process", value=self._pool.awake
        )


def merged(of_shops: Mapping[str, Iterable[Metric]]) -> Iterator[Metric]:
    """The figures of several shops, each name once, with the shop as a label."""
    by_name: dict[str, Metric] = {}
    for shop, metrics in of_shops.items():
        for metric in metrics:
            common = by_name.setdefault(
                metric.name, Metric(metric.name, metric.documentation, metric.type)
            )
            common.samples.extend(_of_shop(shop, sample) for sample in metric.samples)
    yield from by_name.values()


def _of_shop(shop: str, sample: Sample) -> Sample:
    return sample._replace(labels={"shop": shop, **sample.labels})
