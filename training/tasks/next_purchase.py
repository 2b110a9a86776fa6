"""The task of predicting when a customer orders next."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.measures import plots
from training.measures.category_metrics import judged_categories
from training.measures.metrics import next_order_metrics
from training.models.baselines import LastPlusUsualGap
from training.models.estimator import Floats
from training.models.next_purchase import NextPurchaseModel
from training.past.plan import Fold
from training.tasks.assembled import churn_in_run
from training.tasks.task import Improvement, Judgement, if_finite, share_above
from training.tasks.world import World

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class NextPurchaseTask:
    """The date of the next order beside "last order + usual gap", by error in days.

    The date is judged on customers who ordered within the horizon, the order of urgency
    (concordance) on all; the category, beside the last and the most popular one, by whether the
    next order held it. Where churn is silence, the curve ends at the churn model's probability, as in a score run.
    """

    name = "next_purchase"
    title = "Next order"
    measure = "date_mae_days"
    baseline = LastPlusUsualGap.title
    tolerated = 0.0
    outcome: str | None = "waited"
    ranked_by = ("urgency", "baseline_urgency")
    enough_buyers: int | None = None

    def obstacle(self, world: World) -> str | None:  # noqa: ARG002 - dates are enough
        return None

    def fit(self, world: World, fold: Fold) -> NextPurchaseModel:
        model = NextPurchaseModel(horizon_days=fold.horizon_days, boosting=world.boosting())
        return _fitted(model, world, fold)

    def stand_in(self, world: World, fold: Fold) -> NextPurchaseModel:
        model = NextPurchaseModel(horizon_days=fold.horizon_days, lined_up_by="baseline")
        return _fitted(model, world, fold)

    def judge(self, world: World, fold: Fold, fitted: Mapping[str, Any]) -> Judgement:
        table = world.judged_table(fold.test)
        usual = LastPlusUsualGap(horizon_days=fold.horizon_days).fit(
            world.tables(fold.train, fold.test)
        )
        model = fitted[self.name]
        churn = None
        if world.settings.predict.churn == "silence":
            churn = churn_in_run(table.features, fitted)
        predicted = model.predict(table.features, churn)
        simple = usual.predict(table.features)
        rows = pd.DataFrame(
            {
                "waited": table.labels["days_to_next_order"],
                "model": predicted["next_order_days"],
                "low": predicted["next_order_low"],
                "high": predicted["next_order_high"],
                "baseline": simple["next_order_days"],
                "urgency": predicted["expected_wait_days"],
                "baseline_urgency": simple["expected_wait_days"],
            }
        )
        waited, days, low, high, baseline, urgency, usual_urgency = (
            rows[name].to_numpy() for name in rows.columns
        )
        horizon = fold.horizon_days
        category = _categories(world, fold, model, table.features.index)
        return Judgement(
            metrics={
                "model": if_finite(
                    rows["model"],
                    lambda: next_order_metrics(waited, days, urgency, horizon, low, high),
                )
                | category.pop("model", {}),
                self.baseline: next_order_metrics(waited, baseline, usual_urgency, horizon),
                **category,
            },
            rows=rows,
            track=_track(waited, 1 - model.survival(table.features, churn)[:, 1 : horizon + 1]),
        )

    def improvement(self, rows: pd.DataFrame, against: str | None = None) -> Improvement:
        waited = rows["waited"]
        errors = (
            (waited - rows[name]).abs().to_numpy() for name in ("model", against or "baseline")
        )
        model, other = errors

        def better(at: npt.NDArray[np.intp]) -> float:
            # the date is known only of customers who ordered
            ordered = at[~np.isnan(model[at])]
            if not len(ordered):
                return float("nan")
            return -share_above(float(model[ordered].mean()), float(other[ordered].mean()))

        return better

    def guards(
        self,
        rows: pd.DataFrame,  # noqa: ARG002 - the error in days is the only measure
        against: str | None = None,  # noqa: ARG002
    ) -> dict[str, Improvement]:
        return {}

    def figures(self, rows: pd.DataFrame) -> dict[str, "Figure"]:
        rows = rows[rows["waited"].notna()]
        errors = {
            "model": (rows["waited"] - rows["model"]).to_numpy(),
            self.baseline: (rows["waited"] - rows["baseline"]).to_numpy(),
        }
        return {
            "date_errors": plots.error_distribution(errors, "days later than predicted"),
            "coverage": plots.coverage(
                rows["waited"].to_numpy(),
                rows["model"].to_numpy(),
                rows["low"].to_numpy(),
                rows["high"].to_numpy(),
                "customers by predicted date, tenths",
            ),
        }


def _fitted(model: NextPurchaseModel, world: World, fold: Fold) -> NextPurchaseModel:
    model.fit(world.tables(fold.train, fold.test)).with_gaps(world.gaps(fold.test))
    purchases = world.named_purchases
    return model if purchases is None else model.with_categories(purchases, as_of=fold.test)


def _categories(
    world: World, fold: Fold, model: NextPurchaseModel, customers: pd.Index
) -> dict[str, dict[str, float]]:
    """Contender → how well it knew the category of the next order; empty without categories."""
    purchases = world.named_purchases
    if purchases is None:
        return {}
    category = getattr(model, "category_", None)
    return judged_categories(
        category, purchases, customers, cutoff=fold.test, horizon_days=fold.horizon_days
    )


def _track(waited: Floats, ordered_by: Floats) -> pd.DataFrame:
    """See `Judgement.track`; `ordered_by` is P(ordered within d days), customers × days."""
    days = np.arange(1, ordered_by.shape[1] + 1)
    # an order on the first day (0 days later) has come within one day
    actual = (waited[:, None] < days).sum(axis=0)
    return pd.DataFrame(
        {"predicted": ordered_by.sum(axis=0), "actual": actual}, index=pd.Index(days, name="day")
    )
