# ---
# jupyter:
#   jupytext:
#     formats: py:percent
# ---

# %% [markdown]
# # A model of one's own, judged as ours and served
# Any classifier of scikit-learn that says probabilities and bears missing values.

# %%
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import regulars

config = os.environ.get("REGULARS_CONFIG", "regulars.toml")
line = make_pipeline(
    SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True),
    StandardScaler(),
    LogisticRegression(C=0.1),
)

# %% [markdown]
# ## Backtested beside the named baseline and our model, graded, registered, published

# %%
with regulars.read_orders(config) as log:
    result = regulars.train(log, tasks=regulars.own_churn(line, "line"))
print(result.backtest.table().query("task == 'churn' and measure == 'log_loss'"))
print(result.verdicts["churn"].sentence())
with regulars.Shop(config) as shop:
    shop.score()
    customer = shop.scores().index[0]
    print("published", shop.runs()["churn_version"].iloc[-1], shop.customer(customer)["reasons"])

# %% [markdown]
# ## Served: the model answers for orders that it has never seen

# %%
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
serve = [sys.executable, "-m", "serving.commands.main", "serve", "--config", config]
server = subprocess.Popen([*serve, "--port", str(port)], stderr=subprocess.DEVNULL)  # noqa: S603
orders = [
    {"order_id": str(n), "ordered_at": f"2024-0{n}-01T10:00:00Z", "product_id": "p001", "amount": 9}
    for n in (5, 6, 7)
]
request = urllib.request.Request(
    f"http://127.0.0.1:{port}/v1/score",
    json.dumps({"customer_id": "new", "lines": orders}).encode(),
    {"Content-Type": "application/json"},
)
answer = None
while answer is None:
    try:
        answer = json.load(urllib.request.urlopen(request))  # noqa: S310
    except urllib.error.URLError as error:
        if getattr(error, "code", 503) != 503 or server.poll() is not None:
            raise
        time.sleep(0.5)  # the server, or its scorer, is starting
server.terminate()
server.wait()
print("own model: churn probability", answer["churn_probability"])
