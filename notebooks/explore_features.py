# ---
# jupyter:
#   jupytext:
#     formats: py:percent
# ---

# %% [markdown]
# # What the features say
# Which features tell those who will order from those who will not, and how they hang together.
#
# Run it in the folder of a `regulars.toml`, or name one in `REGULARS_CONFIG`.
# `REGULARS_SMALL=1` looks at a few hundred customers only.

# %%
import os
from datetime import timedelta

import pandas as pd

from features.catalogue import BLOCKS
from regulars import Settings, load_settings, read_orders
from training.past.tables import cutoff_table

settings = load_settings(os.environ.get("REGULARS_CONFIG", "regulars.toml"), Settings)
small = os.environ.get("REGULARS_SMALL") == "1"
horizon = settings.predict.horizon_days

with read_orders(settings) as log:
    table = cutoff_table(log, log.end - timedelta(days=horizon), horizon)

features, labels = table.features, table.labels
if small:
    features, labels = features.head(300), labels.head(300)
print(f"{len(features):,} customers as of {table.cutoff}, {features.shape[1]} features")
# what is the same for everybody tells nobody apart
features = features.loc[:, features.max() > features.min()]

# %% [markdown]
# ## Each feature alone
# The rank correlation with what happened in the horizon: far from 0 tells customers apart.

# %%
outcome = pd.DataFrame({"ordered": labels["orders"] > 0, "spend": labels["spend"]})
alone = features.corrwith(outcome["ordered"].rank(), method="spearman").rename("ordered").to_frame()
alone["spend"] = features.corrwith(outcome["spend"], method="spearman")
words = {feature.name: feature.meaning.into("en") for block in BLOCKS for feature in block.features}
strongest = alone.reindex(alone["spend"].abs().sort_values(ascending=False).index).head(12)
for name, row in strongest.iterrows():
    print(f"{row['ordered']:+.2f} {row['spend']:+.2f}  {name}: {words.get(name, '')}")

# %% [markdown]
# ## One feature by tenths
# Silence: how many of each tenth ordered again.

# %%
tenth = pd.qcut(features["days_since_last_order"], 10, duplicates="drop")
print(outcome["ordered"].groupby(tenth, observed=True).agg(["size", "mean"]).round(3))

# %% [markdown]
# ## Features that say the same

# %%
names = list(strongest.index)
like = features[names].rank().corr().abs()
same = [f"{a} ~ {b}" for n, a in enumerate(names) for b in names[:n] if like.loc[a, b] > 0.95]
print("\n".join(same) or "none of the strongest twelve")
