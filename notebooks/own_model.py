# ---
# jupyter:
#   jupytext:
#     formats: py:percent
# ---

# %% [markdown]
# # Models of one's own, judged as ours and served
# For churn any classifier of scikit-learn, for value any regressor: here straight lines. They are
# backtested beside the named baseline and our model, graded, registered, published, served.

# %%
import os

import requests
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, TweedieRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import regulars

churn = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(C=0.1))
value = make_pipeline(SimpleImputer(), StandardScaler(), TweedieRegressor(power=1.5))
shop = regulars.Shop(os.environ.get("REGULARS_CONFIG", "regulars.toml"))

# %%
with shop.orders() as log:
    result = regulars.train(log, tasks=regulars.own_models(churn=churn, value=value, name="line"))
print(result.backtest.table().query("measure in ['log_loss', 'gini']"))
print(*(result.verdicts[name].sentence() for name in ("churn", "value")), sep="\n")
shop.score()

# %%
sold = {"order_id": "1", "ordered_at": "2024-07-01T10:00:00Z", "product_id": "p001", "amount": 9}
with shop.serve() as address:
    body = {"customer_id": "new", "lines": [sold]}
    answer = requests.post(f"{address}/v1/score", json=body, timeout=60).json()
print("own models:", answer["churn_probability"], answer["clv"])
