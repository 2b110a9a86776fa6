"""The task of predicting which products a customer buys next."""

from collections.abc import Iterator, Mapping
from datetime import date
from threading import RLock
from typing import TYPE_CHECKING, Any

import pandas as pd

from training.measures import plots
from training.measures.buyer_metrics import PAST_BUYERS, judged_buyers
from training.measures.recommendation_metrics import (
    catalogue_coverage,
    customer_metrics,
    mean_metrics,
    next_baskets,
)
from training.past.plan import Fold
from training.recommend.baselines import OwnFrequency, PopularProducts
from training.recommend.model import RecommendationModel
from training.tasks.assembled import p_order_in_run
from training.tasks.task import Improvement, Judgement, score_improvement
from training.tasks.world import World

if TYPE_CHECKING:
    from matplotlib.figure import Figure

K = 10

LEARNING = RLock()
"""Held while a recommender learns: its tables of candidates are the largest of a training, and
folds run side by side."""


class RecommendationTask:
    """Products of the next basket beside own frequency and popularity, by NDCG@10.

    Judged on the first basket of each known customer within the horizon; lists are made on the day
    the fold starts. Fitting costs more than all other tasks together, so earlier folds are left out
    once 1,000 customers ordered: the mean NDCG of so many has a standard error of about .01.
    The other way round, the likely buyers of each item are judged beside its past buyers.
    """

    name = "recommendation"
    title = "Recommendations"
    measure = "ndcg"
    baseline = "own frequency"
    other_baseline = "popularity"
    # counts are hard to beat where tastes never change, but give no reasons and no new products
    tolerated = 0.05
    outcome: str | None = None
    ranked_by = ("model", "baseline")
    enough_buyers: int | None = 1_000

    def obstacle(self, world: World) -> str | None:
        if world.purchases.empty:
            return "the orders carry no product ids (data.columns.product_id)"
        return None

    def fit(self, world: World, fold: Fold) -> RecommendationModel:
        return _fitted(RecommendationModel(seed=world.settings.train.seed), world, fold)

    def stand_in(self, world: World, fold: Fold) -> RecommendationModel:
        return _fitted(RecommendationModel(counts_only=True), world, fold)

    def judge(self, world: World, fold: Fold, fitted: Mapping[str, Any]) -> Judgement:
        titles = ("model", self.baseline, self.other_baseline)
        nobody = Judgement(
            metrics={title: {} for title in (*titles, PAST_BUYERS)},
            rows=pd.DataFrame(columns=list(titles), dtype=float),
        )
        if fitted[self.name] is None:
            return nobody
        purchases = world.purchases
        truth = next_baskets(purchases, cutoff=fold.test, horizon_days=fold.horizon_days)
        customers = world.judged_table(fold.test).features.index
        truth = truth[truth["customer_id"].isin(customers)]
        if truth.empty:
            return nobody
        metrics, rows = {}, {}
        everybody = list(truth["customer_id"].unique())
        contenders = _lists(fitted[self.name], world, everybody, fold.test)
        for title, lists in zip(titles, contenders, strict=True):
            by_customer = customer_metrics(lists, truth, history=purchases, cutoff=fold.test, k=K)
            coverage = catalogue_coverage(lists, history=purchases, cutoff=fold.test, k=K)
            metrics[title] = {
                f"{name}_at_{K}": value for name, value in mean_metrics(by_customer).items()
            }
            metrics[title][f"catalogue_coverage_at_{K}"] = coverage
            rows[title] = by_customer[self.measure]
        for title, measures in _buyers(world, fold, fitted).items():
            metrics[title] = {**metrics.get(title, {}), **measures}
        return Judgement(metrics=metrics, rows=pd.DataFrame(rows))

    def improvement(self, rows: pd.DataFrame, against: str | None = None) -> Improvement:
        other = rows[against or self.baseline]
        return score_improvement(rows["model"].to_numpy(), other.to_numpy())

    def guards(
        self,
        rows: pd.DataFrame,  # noqa: ARG002 - there is one measure only
        against: str | None = None,  # noqa: ARG002
    ) -> dict[str, Improvement]:
        return {}

    def figures(self, rows: pd.DataFrame) -> dict[str, "Figure"]:
        means = {str(title): {f"NDCG@{K}": float(rows[title].mean())} for title in rows.columns}
        return {"ndcg": plots.bars(means, f"mean NDCG@{K}")}


def _lists(
    model: RecommendationModel, world: World, customers: list[str], day: date
) -> Iterator[pd.DataFrame]:
    """The lists of the model, of own frequency and of popularity, as of `day`."""
    purchases = world.purchases
    yield model.recommend(purchases, customers=customers, as_of=day, limit=K, signs=world.signs)
    popular = PopularProducts().fit(purchases, as_of=day)
    call = popular.ask(purchases, customers, day, K, "all", ())
    yield OwnFrequency.beside(popular).lists(call)
    yield popular.lists(call)


def _fitted(model: RecommendationModel, world: World, fold: Fold) -> RecommendationModel:
    with LEARNING:
        model.fit(
            world.purchases,
            as_of=fold.test,
            segments=world.groups(fold.test),
            signs=world.signs,
        )
        return model.with_buyers(world.purchases, as_of=fold.test, horizon_days=fold.horizon_days)


def _buyers(world: World, fold: Fold, fitted: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Contender → how well the buyers of each item were foretold."""
    model = getattr(fitted["recommendation"], "buyers_", None)
    p_order = p_order_in_run(world.judged_table(fold.test).features, fitted)
    return judged_buyers(
        None if p_order is None else model,
        world.purchases,
        pd.Series(dtype=float) if p_order is None else p_order,
        cutoff=fold.test,
        seed=world.settings.train.seed,
    )
