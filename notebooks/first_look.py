# ---
# jupyter:
#   jupytext:
#     formats: py:percent
# ---

# %% [markdown]
# # A first look
# Orders → features at a past date → one model beside its baseline → the runs in MLflow.
#
# Open it as a notebook (VS Code reads `# %%`, Jupyter needs jupytext), or run it as a script:
# `python notebooks/first_look.py`. It uses `regulars.toml` in the working directory, or the file
# named in `REGULARS_CONFIG`.

# %%
import os
from datetime import timedelta

from features.catalogue import BLOCKS
from regulars import Settings, load_settings, read_orders
from training.measures.metrics import churn_metrics
from training.models.baselines import InactivityRule
from training.models.churn import ChurnModel
from training.past.tables import cutoff_table

settings = load_settings(os.environ.get("REGULARS_CONFIG", "regulars.toml"), Settings)
horizon = settings.predict.horizon_days

# %% [markdown]
# ## What the orders hold
# `read_orders` is the only way in: it types, judges and keys the rows.

# %%
with read_orders(settings) as log:
    report = log.report
    end = log.end
    # Two cutoffs a horizon apart: learn at the first, judge at the second. What happened on or
    # after the second is not known to the first.
    judged_at = end - timedelta(days=horizon)
    learned_at = judged_at - timedelta(days=horizon)
    learn = cutoff_table(log, learned_at, horizon, known_until=judged_at)
    judge = cutoff_table(log, judged_at, horizon)

print(f"{report.rows_read:,} rows, {report.orders:,} orders of {report.customers:,} customers")

# %% [markdown]
# ## The features, block by block

# %%
for block in BLOCKS:
    print(f"{block.name:<12}", ", ".join(feature.name for feature in block.features))
print(judge.features[["orders", "days_since_last_order", "mean_gap_days", "spend"]].describe())

# %% [markdown]
# ## One model beside its named baseline

# %%
churned = (judge.labels["orders"] == 0).to_numpy(dtype=float)
contenders = {
    "model": ChurnModel(horizon_days=horizon).fit([learn]),
    InactivityRule.title: InactivityRule().fit([learn]),
}
for title, contender in contenders.items():
    said = contender.predict(judge.features)["churn_probability"].to_numpy()
    found = churn_metrics(churned, said)
    print(f"{title:<16} AUC {found['auc']:.3f}  log loss {found['log_loss']:.3f}")

# %% [markdown]
# ## The registered models
# `make mlflow` shows the same with plots, metrics per fold and parameters.

# %%
from training.tracking.mlflow_runs import Tracker

for version in Tracker(settings).versions():
    print(version.name, version.version, ", ".join(version.aliases), version.improvement)
