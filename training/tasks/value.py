"""The task of predicting what a customer spends in the horizon."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from training import plots
from training.baselines import RfmAverage
from training.metrics import normalised_gini, value_metrics
from training.models.value import ValueModel
from training.plan import Fold
from training.tasks.task import Improvement, Judgement, share_above
from training.world import World

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class ValueTask:
    """Expected spend in the horizon beside the RFM average, by normalised Gini."""

    name = "value"
    title = "Value"
    measure = "gini"
    baseline = RfmAverage.title
    tolerated = 0.0

    def obstacle(self, world: World) -> str | None:  # noqa: ARG002 - dates are enough
        return None

    def fit(self, world: World, fold: Fold) -> ValueModel:
        predict = world.settings.predict
        model = ValueModel(
            horizon_days=world.horizon_days,
            discount_rate_per_year=predict.discount_rate_per_year,
            lifetime_years=predict.lifetime_years,
            boosting=world.boosting(),
        )
        return model.fit(world.tables(fold.train, fold.test))

    def judge(self, world: World, fold: Fold, fitted: Mapping[str, Any]) -> Judgement:
        table = world.judged_table(fold.test)
        average = RfmAverage().fit(world.tables(fold.train, fold.test))
        said = fitted[self.name].predict(table.features)
        rows = pd.DataFrame(
            {
                "spent": table.labels["spend"],
                "model": said["clv"],
                "low": said["clv_low"],
                "high": said["clv_high"],
                "baseline": average.predict(table.features)["clv"],
            }
        )
        spent, model, low, high, baseline = (rows[name].to_numpy() for name in rows.columns)
        return Judgement(
            metrics={
                "model": value_metrics(spent, model, low, high),
                self.baseline: value_metrics(spent, baseline),
            },
            rows=rows,
        )

    def improvement(self, rows: pd.DataFrame) -> Improvement:
        spent, model, baseline = (rows[name].to_numpy() for name in ("spent", "model", "baseline"))

        def better(at: npt.NDArray[np.intp]) -> float:
            return share_above(
                normalised_gini(spent[at], model[at]), normalised_gini(spent[at], baseline[at])
            )

        return better

    def figures(self, rows: pd.DataFrame) -> dict[str, "Figure"]:
        spent = rows["spent"].to_numpy()
        contenders = {
            "model": rows["model"].to_numpy(),
            self.baseline: rows["baseline"].to_numpy(),
        }
        return {
            "deciles": plots.deciles(spent, contenders),
            "gain": plots.cumulative_gain(spent, contenders, "share of spend"),
        }
