"""The task of predicting churn by a classifier of the shop's own."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from features.errors import ConfigError
from features.libraries.plug_ins import MODELS, loaded, plugged
from training.measures.metrics import churn_metrics
from training.models.churn import ChurnModel
from training.models.own_churn import OwnChurn
from training.past.plan import Fold
from training.tasks.assembled import churn_in_run
from training.tasks.churn import ChurnTask
from training.tasks.task import Judgement
from training.tasks.world import World

OURS = "our model"


class OwnChurnTask(ChurnTask):
    """An own classifier beside the inactivity rule, and beside our model on the same folds.

    Parameters
    ----------
    estimator : see `OwnChurn`
    model_name : what it is called
    """

    def __init__(self, estimator: Any, model_name: str = "own") -> None:
        self.estimator = estimator
        self.model_name = model_name
        self.title = f"Churn ({model_name})"

    def fit(self, world: World, fold: Fold) -> OwnChurn:
        model = OwnChurn(
            horizon_days=fold.horizon_days, estimator=self.estimator, title=self.model_name
        )
        return model.fit(world.tables(fold.train, fold.test), rhythms=world.rhythms(fold))

    def judge(self, world: World, fold: Fold, fitted: Mapping[str, Any]) -> Judgement:
        judgement = super().judge(world, fold, fitted)
        ours: ChurnModel = ChurnTask().fit(world, fold)
        table = world.judged_table(fold.test)
        predicted = churn_in_run(table.features, {**fitted, self.name: ours})
        happened = judgement.rows["churned"].to_numpy(dtype=float)
        metrics = {**judgement.metrics, OURS: churn_metrics(np.asarray(happened), predicted)}
        return Judgement(metrics=metrics, rows=judgement.rows)


def own_estimator(name: str) -> Any:
    """The classifier that an installed package brings under this name, made where it is a class
    or a function.

    Raises
    ------
    ConfigError
        When there is none, or it is no classifier.
    """
    points = plugged(MODELS)
    if name not in points:
        have = ", ".join(points) or "none"
        raise ConfigError(
            f"train.churn_model: no installed package brings {name!r} (entry points of "
            f"{MODELS}: {have})."
        )
    estimator = loaded(points[name])
    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        estimator = estimator()
    if not (hasattr(estimator, "fit") and hasattr(estimator, "predict_proba")):
        raise ConfigError(f"train.churn_model: {name} has no fit and predict_proba.")
    return estimator
