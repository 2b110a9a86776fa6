"""The ledger of customers on real logs: opened, moved, closed, to the cent.

    python -m benchmarks ledger --data FOLDER

Models are trained once, on what was known at the earlier date, and score both dates: the ledger's
arithmetic is under test, not the forecast. What was realised is added up again from the file,
by pandas, apart from everything the product reads with.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from features.orders.log import OrderLog, read_orders
from features.settings.loading import settings_from
from serving.commands.shop.demo import write_orders
from serving.exhibits.catalogue import exhibits_of
from serving.runs.store import RunStore
from serving.scoring.run import score
from serving.settings import Settings
from training.bundle.publication import load_models
from training.job import train

DAYS = 28
LINES = ("opening", "passing", "acquired", "ordered", "silent", "lost")
CHEAP = {"train": {"folds": 1, "max_cutoffs": 2}}
JOURNEY = {
    "transactions": "orders.parquet",
    "timezone": "America/New_York",
    "naive_timestamps": "utc",
    "currency": "USD",
    "columns": {
        "customer_id": "household_id",
        "order_id": "basket_id",
        "ordered_at": "transaction_timestamp",
        "product_id": "product_id",
        "category": "product_category",
        "quantity": "quantity",
        "amount": "sales_value",
    },
}
RETAIL = {
    "timezone": "Europe/London",
    "currency": "GBP",
    "columns": {
        "customer_id": "Customer ID",
        "order_id": "Invoice",
        "ordered_at": "InvoiceDate",
        "product_id": "StockCode",
        "quantity": "Quantity",
        "unit_price": "Price",
    },
    "rules": {
        "cancelled_order_prefix": "C",
        "ignore_products": ["POST", "DOT", "M", "BANK CHARGES", "D", "CRUK", "AMAZONFEE", "S"],
    },
}


def run(data: Path) -> None:
    """Print the ledger of each log, and whether it balances."""
    with TemporaryDirectory() as folder:
        orders = Path(folder) / "orders.parquet"
        write_orders(orders)
        _show("Complete Journey", Path(folder), JOURNEY)
    retail = data / "online_retail_ii.parquet"
    if not retail.exists():
        print(f"{retail}: not there, Online Retail II is left out")
        return
    with TemporaryDirectory() as folder:
        _show("Online Retail II", Path(folder), RETAIL | {"transactions": str(retail)})


def _show(title: str, root: Path, data: Mapping[str, Any]) -> None:
    settings = settings_from({"data": dict(data), **CHEAP}, Settings, root=root)
    with read_orders(settings) as log:
        assets = _assets(log, root)
        ledger = assets["ledger"]
        print(f"\n## {title}, {ledger['from']} to {ledger['to']} ({settings.data.currency})\n")
        for line in (*LINES, "realised", "closing"):
            print(f"| {line} | {ledger[line]:,.2f} |")
        cents = {line: round(100 * ledger[line]) for line in (*LINES, "realised", "closing")}
        off = sum(cents[line] for line in LINES) - cents["realised"] - cents["closing"]
        by_hand = _realised(log, ledger["from"], ledger["to"])
        print(f"\nlines − realised − closing: {off} cents")
        print(
            f"realised − the sum of the used lines by pandas: {cents['realised'] - by_hand} cents"
        )
        for kind, parts in ledger["acquired_by"].items():
            apart = sum(round(100 * part["acquired"]) for part in parts) - cents["acquired"]
            print(f"acquired by {kind} − acquired: {apart} cents")
        print(f"closing 80 %: {assets['closing_low']:,.0f} to {assets['closing_high']:,.0f}")


def _assets(log: OrderLog[Settings], root: Path) -> dict[str, Any]:
    """The exhibit of the last day, opened with a run of `DAYS` before."""
    early = log.end - timedelta(days=DAYS)
    train(log, early)
    models = load_models(log.settings)
    now = datetime.now(UTC)
    store = RunStore(f"sqlite:///{root}/regulars.db")
    try:
        first = score(log, models, early, now)
        store.publish(first.info, first.scores, first.recommendations)
        second = score(log, replace(models, recommendation=None), None, now)
        found: Any = exhibits_of(log, second, models, store)["customer_assets"]
        return dict(found["data"])
    finally:
        store.close()


def _realised(log: OrderLog[Settings], start: str, end: str) -> int:
    """Cents of the used lines of known customers in [start, end), added up one by one."""
    lines = log.frame("SELECT customer, day, amount FROM lines")
    lines = lines[lines["customer"].notna()]
    days = pd.to_datetime(lines["day"], unit="D")
    within = (days >= pd.Timestamp(start)) & (days < pd.Timestamp(end))
    return int(lines.loc[within, "amount"].astype("int64").sum())
