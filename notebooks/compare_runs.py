# ---
# jupyter:
#   jupytext:
#     formats: py:percent
# ---

# %% [markdown]
# # Train, and compare runs
# A training with another setting, its runs in MLflow beside the earlier ones, and who is
# champion. What is surely worse than the champion on the same customers stays a challenger;
# `docs/decisions/0006-promotion.md` has the rule.

# %%
import os

from regulars import Settings, load_settings, read_orders, train
from training.promotion.promotion import RULE
from training.tracking.mlflow_runs import Tracker

settings = load_settings(os.environ.get("REGULARS_CONFIG", "regulars.toml"), Settings)
small = os.environ.get("REGULARS_SMALL") == "1"

# %% [markdown]
# ## Two trainings that differ in one setting
# Here: how many past dates the models learn from.

# %%
results = {}
for cutoffs in (2, 3) if small else (3, 6):
    changed = settings.train.model_copy(
        update={"max_cutoffs": cutoffs, "folds": 1 if small else settings.train.folds}
    )
    with read_orders(settings.model_copy(update={"train": changed})) as log:
        results[cutoffs] = train(log, None)

# %% [markdown]
# ## Beside each other
# The same folds, the same baselines: means over the folds.

# %%
for cutoffs, result in results.items():
    for task in result.backtest.results:
        mean = task.mean("model", task.task.measure)
        print(f"{cutoffs} cutoffs  {task.task.title:<16} {task.grade.sentence()}  ({mean:.3f})")

# %% [markdown]
# ## Who was promoted, and why

# %%
print(RULE)
for cutoffs, result in results.items():
    for name, verdict in result.verdicts.items():
        print(f"{cutoffs} cutoffs  {name:<16} {verdict.sentence()}")

# %% [markdown]
# ## The runs in MLflow
# `make mlflow` shows the same, with plots and metrics per fold.

# %%
for version in Tracker(settings).versions():
    print(version.name, version.version, ",".join(version.aliases), version.improvement)
