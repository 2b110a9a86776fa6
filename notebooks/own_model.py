# ---
# jupyter:
#   jupytext:
#     formats: py:percent
# ---

# %% [markdown]
# # A feature and a model of one's own
# A feature computed from the others, a model that is five lines long, and the same judge as
# for every model: the backtest beside the named baseline, and the rule of promotion.

# %%
import os
from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from regulars import Settings, load_settings, read_orders
from training.backtest.backtest import run_backtest
from training.backtest.record import BacktestRecord
from training.job import prepare_training
from training.models.estimator import stacked
from training.past.plan import Fold
from training.past.tables import CutoffTable
from training.promotion.promotion import on_shared_folds, verdict
from training.tasks.churn import ChurnTask
from training.tasks.world import World
from training.tracking.mlflow_runs import Tracker

settings = load_settings(os.environ.get("REGULARS_CONFIG", "regulars.toml"), Settings)
if os.environ.get("REGULARS_SMALL") == "1":
    one = settings.train.model_copy(update={"folds": 1, "max_cutoffs": 2})
    settings = settings.model_copy(update={"train": one})

# %% [markdown]
# ## A feature
# How late a customer is: silence in usual gaps. To make it one of ours, add its SQL to a block
# in `features/blocks` and a line to `features/catalogue.py`; then training, scoring and Spark
# compute it alike.


# %%
def with_lateness(features: pd.DataFrame) -> pd.DataFrame:
    usual = features["mean_gap_days"].fillna(features["mean_gap_days"].median()).fillna(30.0)
    lateness = features["days_since_last_order"] / usual.clip(lower=1)
    return pd.DataFrame(
        {
            "lateness": np.log1p(lateness),
            "orders": np.log1p(features["orders"]),
            "silence": np.log1p(features["days_since_last_order"]),
        }
    )


# %% [markdown]
# ## A model
# It learns from labelled cutoffs and says a probability per customer, index as given.


# %%
class Logistic:
    def fit(self, tables: Sequence[CutoffTable]) -> "Logistic":
        features, labels = stacked(tables)
        self.model_ = make_pipeline(StandardScaler(), LogisticRegression())
        self.model_.fit(with_lateness(features), labels["orders"] == 0)
        return self

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        risk = self.model_.predict_proba(with_lateness(features))[:, 1]
        return pd.DataFrame({"churn_probability": risk}, index=features.index)


# %% [markdown]
# ## Its task
# The task of churn with another model: judged alike, on the same folds.


# %%
class OwnChurn(ChurnTask):
    title = "Churn, own model"

    def fit(self, world: World, fold: Fold) -> Logistic:
        return Logistic().fit(world.tables(fold.train, fold.test))


with read_orders(settings) as log:
    prepared = prepare_training(log, None, print, (ChurnTask(),))
    ours = run_backtest(prepared.world, prepared.plan, (ChurnTask(),)).results[0]
    own = run_backtest(prepared.world, prepared.plan, (OwnChurn(),))
print("ours ", ours.grade.sentence())
print("own  ", own.results[0].grade.sentence())

# %% [markdown]
# ## Would it be promoted in the place of ours?

# %%
folds = prepared.plan.folds
mine, theirs = BacktestRecord.of(own.results[0], folds), BacktestRecord.of(ours, folds)
against = on_shared_folds(mine, theirs, "our model") or "no fold in common"
print(verdict(ChurnTask(), mine, against, seed=settings.train.seed).sentence())

# %% [markdown]
# ## Into MLflow, beside the others
# To serve it, give it `save` and `load` in safe formats, and its class a place in
# `training/pyfunc.py` and `training/bundle/publication.py`.

# %%
tracker = Tracker(settings)
day = prepared.plan.as_of.isoformat()
with tracker.training({"model": "logistic, own feature"}, day, kind="trial") as run_id:
    tracker.log_trial(own.results[0])
print("run", run_id)
