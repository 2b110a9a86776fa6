# ---
# jupyter:
#   jupytext:
#     formats: py:percent
# ---

# %% [markdown]
# # From a CSV to a served model
# `import regulars` and a file of orders: settings, models beside their baselines, registered in
# MLflow, explained, and asked over HTTP.

# %%
import os

import mlflow
import requests

import regulars

orders = os.environ.get("REGULARS_ORDERS", "orders.csv")
shop = regulars.Shop.init(orders, "from_a_csv")
print(*shop.notes, sep="\n")

# %% [markdown]
# ## The doctor, the features, the models
# Rows read are rows used and rows put aside, each with its reason.

# %%
with shop.orders() as log:
    report = log.report
    print(f"{report.rows_read:,} rows read, {report.rows_used:,} used")
    table = regulars.features(log)
    result = regulars.train(log)
print(result)

# %% [markdown]
# ## Every customer scored, published, explained

# %%
run = shop.score()
scores = shop.scores()
print(run, scores[["churn_probability", "clv", "next_order_date"]].describe().round(2), sep="\n")
customer = scores["value_at_risk"].idxmax()
for reason in shop.customer(customer)["reasons"]:
    print(customer, reason["text"]["en"])

# %% [markdown]
# ## The registered model, by itself

# %%
mlflow.set_tracking_uri(shop.settings.database_url(shop.settings.tracking.uri))
champion = mlflow.pyfunc.load_model("models:/regulars-churn@champion")
print(champion.predict(table.reset_index())[["customer_id", "churn_probability"]].head(3))

# %% [markdown]
# ## Served
# The same figures over HTTP, for as long as the block lasts; `regulars serve` in the folder stays.

# %%
with shop.serve() as address:
    answer = requests.get(f"{address}/v1/customers/{customer}", timeout=60).json()
print("served:", customer, answer["churn_probability"], answer["retention_risk"])
print("published:", *scores.loc[customer, ["churn_probability", "retention_risk"]])
