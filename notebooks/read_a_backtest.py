# ---
# jupyter:
#   jupytext:
#     formats: py:percent
# ---

# %% [markdown]
# # Read a backtest
# What `regulars backtest` prints, customer by customer: where a model is right, where its
# baseline is, and for whom it is wrong. Nothing is published.

# %%
import os
from pathlib import Path

import numpy as np
import pandas as pd

from regulars import Settings, load_settings, read_orders
from training.backtest.backtest import run_backtest
from training.backtest.grade import RULE
from training.backtest.report import backtest_page
from training.job import prepare_training

settings = load_settings(os.environ.get("REGULARS_CONFIG", "regulars.toml"), Settings)
if os.environ.get("REGULARS_SMALL") == "1":
    one = settings.train.model_copy(update={"folds": 1, "max_cutoffs": 2})
    settings = settings.model_copy(update={"train": one})

with read_orders(settings) as log:
    prepared = prepare_training(log, None, print)
    judged = run_backtest(prepared.world, prepared.plan, prepared.tasks)

# %% [markdown]
# ## The table
# One row per contender and measure, one column per fold.

# %%
print(judged.table().round(3).to_string(index=False))
print(RULE)

# %% [markdown]
# ## Behind the table
# `rows` hold what happened and what was said of each customer, all folds below each other.

# %%
results = {result.task.name: result for result in judged.results}
churn = results["churn"].rows
churn["group"] = pd.qcut(churn["model"], 5, duplicates="drop")
print(churn.groupby("group", observed=True)[["model", "baseline", "churned"]].mean().round(3))

# %% [markdown]
# ## For whom is value most wrong?

# %%
value = results["value"].rows
value["off_by"] = (value["model"] - value["spent"]).abs()
inside = np.mean((value["spent"] >= value["low"]) & (value["spent"] <= value["high"]))
print(f"{inside:.0%} spent what their 80 % interval said")
print(value.nlargest(5, "off_by").round(2).to_string())

# %% [markdown]
# ## The page with the plots

# %%
page = Path(os.environ.get("REGULARS_REPORT", "backtest.html"))
page.write_text(backtest_page(judged), encoding="utf-8")
print(f"{page}: {page.stat().st_size:,} bytes")
