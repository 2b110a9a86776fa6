"""The task of predicting when a customer orders next."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from training import plots
from training.baselines import LastPlusUsualGap
from training.metrics import next_order_metrics
from training.models.next_purchase import NextPurchaseModel
from training.plan import Fold
from training.tasks.task import Improvement, Judgement, error_improvement
from training.world import World

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class NextPurchaseTask:
    """The date of the next order beside "last order + usual gap", by error in days.

    The date is judged on customers who ordered within the horizon, the order of urgency
    (concordance) on all. The curve ends at the churn model's probability, as in a score run.
    """

    name = "next_purchase"
    title = "Next order"
    measure = "date_mae_days"
    baseline = LastPlusUsualGap.title
    tolerated = 0.0

    def obstacle(self, world: World) -> str | None:  # noqa: ARG002 - dates are enough
        return None

    def fit(self, world: World, fold: Fold) -> NextPurchaseModel:
        model = NextPurchaseModel(horizon_days=world.horizon_days, boosting=world.boosting())
        return model.fit(world.tables(fold.train, fold.test))

    def judge(self, world: World, fold: Fold, fitted: Mapping[str, Any]) -> Judgement:
        table = world.judged_table(fold.test)
        usual = LastPlusUsualGap(horizon_days=world.horizon_days).fit(
            world.tables(fold.train, fold.test)
        )
        churn = fitted["churn"].predict(table.features)["churn_probability"].to_numpy()
        said = fitted[self.name].predict(table.features, churn)
        simple = usual.predict(table.features)
        rows = pd.DataFrame(
            {
                "waited": table.labels["days_to_next_order"],
                "model": said["next_order_days"],
                "low": said["next_order_low"],
                "high": said["next_order_high"],
                "baseline": simple["next_order_days"],
            }
        )
        waited, model, low, high, baseline = (rows[name].to_numpy() for name in rows.columns)
        horizon = world.horizon_days
        return Judgement(
            metrics={
                "model": next_order_metrics(
                    waited, model, said["expected_wait_days"].to_numpy(), horizon, low, high
                ),
                self.baseline: next_order_metrics(
                    waited, baseline, simple["expected_wait_days"].to_numpy(), horizon
                ),
            },
            rows=rows.dropna(),
        )

    def improvement(self, rows: pd.DataFrame) -> Improvement:
        waited = rows["waited"]
        return error_improvement(
            (waited - rows["model"]).abs().to_numpy(), (waited - rows["baseline"]).abs().to_numpy()
        )

    def figures(self, rows: pd.DataFrame) -> dict[str, "Figure"]:
        errors = {
            "model": (rows["waited"] - rows["model"]).to_numpy(),
            self.baseline: (rows["waited"] - rows["baseline"]).to_numpy(),
        }
        return {"date_errors": plots.error_distribution(errors, "days later than predicted")}
