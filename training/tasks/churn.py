"""The task of predicting who will not order in the horizon."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from training.measures import plots
from training.measures.groups import customer_columns
from training.measures.metrics import churn_metrics, log_loss_per_row
from training.models.baselines import InactivityRule
from training.models.churn import ChurnModel
from training.past.plan import Fold
from training.stand_ins.churn import InactivityChurn
from training.tasks.assembled import churn_in_run
from training.tasks.task import Improvement, Judgement, error_improvement, if_finite
from training.tasks.world import World

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class ChurnTask:
    """P(no order in the horizon) beside the inactivity rule, by log loss.

    What is judged is what a score run says: at the level of the value model beside it.
    """

    name = "churn"
    title = "Churn"
    measure = "log_loss"
    baseline = InactivityRule.title
    tolerated = 0.0
    outcome: str | None = "churned"
    ranked_by = ("model", "baseline")
    enough_buyers: int | None = None

    def obstacle(self, world: World) -> str | None:  # noqa: ARG002 - dates are enough
        return None

    def fit(self, world: World, fold: Fold) -> ChurnModel:
        model = ChurnModel(horizon_days=fold.horizon_days, boosting=world.boosting())
        return model.fit(world.tables(fold.train, fold.test), rhythms=world.rhythms(fold))

    def stand_in(self, world: World, fold: Fold) -> Any:
        model = InactivityChurn(horizon_days=fold.horizon_days)
        return model.fit(world.tables(fold.train, fold.test), rhythms=world.rhythms(fold))

    def judge(self, world: World, fold: Fold, fitted: Mapping[str, Any]) -> Judgement:
        table = world.judged_table(fold.test)
        rule = InactivityRule().fit(world.tables(fold.train, fold.test))
        rows = pd.DataFrame(
            {
                "churned": (table.labels["orders"] == 0).astype(float),
                "model": churn_in_run(table.features, fitted),
                "baseline": rule.predict(table.features)["churn_probability"],
                **customer_columns(table.features),
            }
        )
        rows["churn_probability"] = rows["model"]
        churned = rows["churned"].to_numpy()
        return Judgement(
            metrics={
                "model": if_finite(
                    rows["model"], lambda: churn_metrics(churned, rows["model"].to_numpy())
                ),
                self.baseline: churn_metrics(churned, rows["baseline"].to_numpy()),
            },
            rows=rows,
        )

    def improvement(self, rows: pd.DataFrame, against: str | None = None) -> Improvement:
        churned = rows["churned"].to_numpy()
        return error_improvement(
            log_loss_per_row(churned, rows["model"].to_numpy()),
            log_loss_per_row(churned, rows[against or "baseline"].to_numpy()),
        )

    def guards(
        self,
        rows: pd.DataFrame,  # noqa: ARG002 - log loss judges order and level alike
        against: str | None = None,  # noqa: ARG002
    ) -> dict[str, Improvement]:
        return {}

    def figures(self, rows: pd.DataFrame) -> dict[str, "Figure"]:
        churned = rows["churned"].to_numpy()
        contenders = {
            "model": rows["model"].to_numpy(),
            self.baseline: rows["baseline"].to_numpy(),
        }
        return {
            "calibration": plots.calibration(churned, contenders),
            "lift": plots.cumulative_gain(churned, contenders, "share of those who churned"),
        }
