"""Products beyond those that a run left: for filters that leave too few, for who has no orders."""

from features.orders.histories import told_beside
from serving.live.after import background_of, read_lines
from serving.live.messages import (
    AnotherRun,
    PopularAnswer,
    PopularRequest,
    ProductsAnswer,
    ProductsRequest,
)
from serving.live.scorer import Scorer
from serving.settings import Settings


def products_after(
    scorer: Scorer, settings: Settings, request: ProductsRequest
) -> ProductsAnswer | AnotherRun:
    """The best products that pass the caller's filters and the shop's rules.

    As in a run's answer and ranked anew: fewer than asked for only where no product is left.
    """
    run, lines = scorer.run, request.lines
    if run is None or run.run_id != lines.run_id:
        return AnotherRun(run_id=None if run is None else run.run_id)
    read = read_lines(settings.data, lines)
    ranked = scorer.products(
        lines.customer_id,
        [*read.files, *read.new],
        query=request.query,
        background=background_of(told_beside(lines.history)),
    )
    return ProductsAnswer(run_id=run.run_id, recommendations=ranked)


def popular_products(scorer: Scorer, request: PopularRequest) -> PopularAnswer:
    """The best products for somebody who has not ordered yet.

    Raises
    ------
    ConfigError
        When the segment is none that the models know.
    """
    ranked = scorer.popular(request.query)
    return PopularAnswer(as_of=scorer.as_of.isoformat(), recommendations=ranked)
