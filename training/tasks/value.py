"""The task of predicting what a customer is worth in the horizon."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.measures import plots
from training.measures.groups import customer_columns
from training.measures.metrics import normalised_gini, value_metrics
from training.models.baselines import RfmAverage
from training.models.estimator import Floats
from training.past.plan import Fold
from training.stand_ins.value import RfmAverageValue
from training.tasks.level import Recipe, fitted_value, level_of
from training.tasks.task import Improvement, Judgement, if_finite, share_above
from training.tasks.world import World
from training.value.model import ValueModel

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class ValueTask:
    """Expected value in the horizon beside the RFM average, by normalised Gini.

    What is judged is what a score run says: with the P(order) of the churn model beside it.

    `spent` is what the customer brought, on the basis of the training: revenue or margin.
    """

    name = "value"
    title = "Value"
    measure = "gini"
    baseline = RfmAverage.title
    tolerated = 0.0
    outcome: str | None = "spent"
    ranked_by = ("model", "baseline")
    recipe: Recipe = ValueModel
    enough_buyers: int | None = None

    def obstacle(self, world: World) -> str | None:  # noqa: ARG002 - dates are enough
        return None

    def fit(self, world: World, fold: Fold) -> ValueModel:
        model = fitted_value(world, fold, self.recipe)
        model.level_ = level_of(world, fold, model, self.recipe)
        return model

    def stand_in(self, world: World, fold: Fold) -> ValueModel:
        return fitted_value(world, fold, RfmAverageValue)

    def judge(self, world: World, fold: Fold, fitted: Mapping[str, Any]) -> Judgement:
        table = world.judged_table(fold.test)
        average = RfmAverage().fit(world.tables(fold.train, fold.test))
        p_order = p_order_beside(table.features, fitted)
        predicted = fitted[self.name].predict(table.features, p_order)
        rows = pd.DataFrame(
            {
                "spent": table.labels["value"],
                "model": predicted["clv"],
                "low": predicted["clv_low"],
                "high": predicted["clv_high"],
                "baseline": average.predict(table.features)["clv"],
                **customer_columns(table.features),
            }
        )
        if p_order is not None:
            rows["churn_probability"] = 1 - predicted["p_order"]
        judged = rows[["spent", "model", "low", "high", "baseline"]]
        spent, model, low, high, baseline = judged.to_numpy(dtype=float).T
        return Judgement(
            metrics={
                "model": if_finite(rows["model"], lambda: value_metrics(spent, model, low, high)),
                self.baseline: value_metrics(spent, baseline),
            },
            rows=rows,
        )

    def improvement(self, rows: pd.DataFrame, against: str | None = None) -> Improvement:
        spent, model, baseline = (
            rows[name].to_numpy() for name in ("spent", "model", against or "baseline")
        )

        def better(at: npt.NDArray[np.intp]) -> float:
            return share_above(
                normalised_gini(spent[at], model[at]), normalised_gini(spent[at], baseline[at])
            )

        return better

    def guards(self, rows: pd.DataFrame, against: str | None = None) -> dict[str, Improvement]:
        """The size of the error: the primary measure looks at the order alone."""
        spent, model, baseline = (
            rows[name].to_numpy() for name in ("spent", "model", against or "baseline")
        )

        def better(at: npt.NDArray[np.intp]) -> float:
            errors = (
                float(np.sqrt(np.mean((spent[at] - predicted[at]) ** 2)))
                for predicted in (model, baseline)
            )
            return -share_above(*errors)

        return {"rmse": better}

    def figures(self, rows: pd.DataFrame) -> dict[str, "Figure"]:
        spent = rows["spent"].to_numpy()
        contenders = {
            "model": rows["model"].to_numpy(),
            self.baseline: rows["baseline"].to_numpy(),
        }
        return {
            "deciles": plots.deciles(spent, contenders),
            "gain": plots.cumulative_gain(spent, contenders, "share of spend"),
            "coverage": plots.coverage(
                spent,
                contenders["model"],
                rows["low"].to_numpy(),
                rows["high"].to_numpy(),
                "customers by predicted spend, tenths",
            ),
        }


def p_order_beside(features: pd.DataFrame, fitted: Mapping[str, Any]) -> Floats | None:
    """What the churn model leaves before the level is moved; None where churn is a cancellation."""
    if getattr(fitted.get("churn"), "label", None) != "silence":
        return None
    churn = fitted["churn"].predict(features)["churn_probability"]
    return np.asarray(1 - churn, dtype=float)
