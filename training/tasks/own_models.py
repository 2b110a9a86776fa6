"""The tasks in which an estimator of the shop's own predicts churn or value."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from features.errors import ConfigError
from features.libraries.plug_ins import MODELS, loaded, plugged
from training.measures.metrics import churn_metrics, value_metrics
from training.models.churn import ChurnModel
from training.models.own_churn import OwnChurn
from training.past.plan import Fold
from training.tasks.assembled import churn_in_run
from training.tasks.churn import ChurnTask
from training.tasks.task import Judgement
from training.tasks.value import ValueTask, p_order_beside
from training.tasks.world import World
from training.value.own_value import OwnValue

OURS = "our model"
ANSWERS = {"churn_model": "predict_proba", "value_model": "predict"}
"""Setting of `[train]` → the method by which its estimator answers."""


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


class OwnValueTask(ValueTask):
    """An own regressor beside the RFM average, and beside our model on the same folds.

    Parameters
    ----------
    estimator : see `OwnValue`
    model_name : what it is called
    """

    def __init__(self, estimator: Any, model_name: str = "own") -> None:
        self.recipe = partial(OwnValue, estimator=estimator, title=model_name)
        self.title = f"Value ({model_name})"

    def judge(self, world: World, fold: Fold, fitted: Mapping[str, Any]) -> Judgement:
        judgement = super().judge(world, fold, fitted)
        features = world.judged_table(fold.test).features
        ours = ValueTask().fit(world, fold)
        predicted = ours.predict(features, p_order_beside(features, fitted))["clv"]
        spent = judgement.rows["spent"].to_numpy(dtype=float)
        metrics = {**judgement.metrics, OURS: value_metrics(spent, predicted.to_numpy(dtype=float))}
        return Judgement(metrics=metrics, rows=judgement.rows)


def own_estimator(setting: str, name: str) -> Any:
    """The estimator that an installed package brings under this name, made where it is a class or
    a function.

    Parameters
    ----------
    setting : of `[train]` that names it, see `ANSWERS`

    Raises
    ------
    ConfigError
        When there is none, or it cannot answer.
    """
    points = plugged(MODELS)
    if name not in points:
        have = ", ".join(points) or "none"
        raise ConfigError(
            f"train.{setting}: no installed package brings {name!r} (entry points of "
            f"{MODELS}: {have})."
        )
    estimator = loaded(points[name])
    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        estimator = estimator()
    if not (hasattr(estimator, "fit") and hasattr(estimator, ANSWERS[setting])):
        raise ConfigError(f"train.{setting}: {name} has no fit and {ANSWERS[setting]}.")
    return estimator
