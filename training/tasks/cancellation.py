"""The task of predicting who will cancel a contract in the horizon."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from features.blocks.optional.membership import is_cancelled
from training.measures.metrics import churn_metrics
from training.models.baselines import TenureRule
from training.models.cancellation import CancellationModel
from training.past.plan import Fold
from training.past.tables import CutoffTable
from training.stand_ins.churn import TenureChurn
from training.tasks.churn import ChurnTask
from training.tasks.task import Judgement, if_finite
from training.tasks.world import World


class CancellationTask(ChurnTask):
    """P(cancelled in the horizon) beside the tenure rule, by log loss, on contracts that run."""

    baseline = TenureRule.title

    def fit(self, world: World, fold: Fold) -> CancellationModel:  # type: ignore[override]
        model = CancellationModel(
            horizon_days=fold.horizon_days,
            period_days=world.settings.predict.contract_days,
            boosting=world.boosting(),
        )
        return model.fit(world.cancellation_tables(fold), rhythms=world.rhythms(fold))

    def stand_in(self, world: World, fold: Fold) -> Any:
        model = TenureChurn(
            horizon_days=fold.horizon_days, period_days=world.settings.predict.contract_days
        )
        return model.fit(world.cancellation_tables(fold))

    def judge(self, world: World, fold: Fold, fitted: Mapping[str, Any]) -> Judgement:
        table = running(world.judged_table(fold.test))
        rule = TenureRule().fit(world.cancellation_tables(fold))
        return judged(
            table.labels["cancelled"],
            fitted[self.name].predict(table.features)["churn_probability"],
            rule.predict(table.features)["churn_probability"],
            self.baseline,
        )


def running(table: CutoffTable) -> CutoffTable:
    """The table without the customers whose contract had ended at its cutoff."""
    runs = ~is_cancelled(table.features)
    return CutoffTable(table.cutoff, table.features[runs], table.labels[runs])


def judged(
    happened: "pd.Series[float]",
    predicted: "pd.Series[float]",
    usual: "pd.Series[float]",
    baseline: str,
) -> Judgement:
    """The judgement of the probabilities of a model and of its baseline."""
    rows = pd.DataFrame({"churned": happened, "model": predicted, "baseline": usual})
    churned = rows["churned"].to_numpy()
    return Judgement(
        metrics={
            "model": if_finite(
                rows["model"], lambda: churn_metrics(churned, rows["model"].to_numpy())
            ),
            baseline: churn_metrics(churned, rows["baseline"].to_numpy()),
        },
        rows=rows,
    )
