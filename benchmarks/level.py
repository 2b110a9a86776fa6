"""The total of the next 90 days at many past dates of four public logs, said beside came.

Every date is trained as `regulars train` does, from what was known by then.

    python -m benchmarks level --data FOLDER
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from benchmarks.accuracy.splits import SPLITS, Split
from features.orders.log import OrderLog
from features.settings.loading import settings_from
from serving.settings import Settings
from training.measures.metrics import churn_metrics, value_metrics
from training.measures.total import WindowTotal, ends, level_spread
from training.past.plan import plan_training
from training.past.reach import first_purchase
from training.past.tables import cutoff_table
from training.tasks.assembled import churn_in_run
from training.tasks.churn import ChurnTask
from training.tasks.value import ValueTask
from training.tasks.world import World
from training.value.level import Level

HORIZON_DAYS = 90
NO_GOODS = (
    *("POST", "DOT", "M", "C2", "D", "S", "BANK CHARGES", "ADJUST", "AMAZONFEE", "PADS", "23574"),
    *("CRUK", "B", "m", "ADJUST2", "23595", "C3", "DCGSLBOY", "DCGSLGIRL", "GIFT"),
    *("TEST001", "TEST002"),
)
"""What `regulars init` proposes to ignore in Online Retail II."""


class RetailSplit(Split):
    """Online Retail II with the rules that `regulars init` proposes for it."""

    def settings(self, root: Path) -> Settings:
        plain = super().settings(root)
        rules = {"cancelled_order_prefix": "C", "ignore_products": list(NO_GOODS)}
        values = plain.model_dump(include={"predict", "train"})
        data = {
            "transactions": "orders.parquet",
            "columns": self.columns,
            "currency": self.currency,
            "timezone": self.timezone,
            "rules": rules,
        }
        return settings_from({"data": data, **values}, Settings, root=root)


def _third_of_cdnow(data: Path) -> pd.DataFrame:
    orders = pd.read_parquet(data / "cdnow_master.parquet")
    return orders[orders["customer_id"].astype(int) % 3 == 0]


def _both_sheets(data: Path) -> pd.DataFrame:
    """Equal rows of the two sheets once."""
    return (
        pd.read_parquet(data / "online_retail_ii.parquet").drop(columns="sheet").drop_duplicates()
    )


def _months(first: str, number: int) -> tuple[date, ...]:
    return tuple(day.date() for day in pd.date_range(first, periods=number, freq="MS"))


def dated_logs() -> dict[str, tuple[Split, tuple[date, ...]]]:
    """Name → how it is read, and the dates."""
    known = {split.name: split for split in SPLITS}
    retail = known["online_retail"]
    columns = {
        "customer_id": "Customer ID",
        "order_id": "Invoice",
        "ordered_at": "InvoiceDate",
        "product_id": "StockCode",
        "quantity": "Quantity",
        "unit_price": "Price",
    }
    both = RetailSplit(
        "online_retail_ii",
        "Online Retail II",
        retail.as_of,
        retail.as_of + timedelta(days=HORIZON_DAYS),
        _both_sheets,
        columns,
        "GBP",
        timezone="Europe/London",
    )
    return {
        "CDNOW": (
            replace(known["cdnow_master"], orders=_third_of_cdnow),
            _months("1997-07-01", 10),
        ),
        "Complete Journey": (known["complete_journey"], _months("2017-03-01", 8)),
        "grocery": (known["grocery"], _months("2006-04-01", 19)),
        "Online Retail II": (both, _months("2010-03-01", 19)),
    }


@dataclass(frozen=True)
class Verdict:
    """One date of one log: what was said and came, and why the level was moved."""

    log: str
    as_of: date
    customers: int
    said: float
    unmoved: float
    came: float
    level: Level
    measures: dict[str, float] = field(compare=False)
    total: WindowTotal

    def row(self) -> dict[str, object]:
        """For the table."""
        return {
            "log": self.log,
            "as of": self.as_of,
            "customers": self.customers,
            "unmoved": round(float(np.log(self.unmoved / self.came)), 3),
            "said": round(float(np.log(self.said / self.came)), 3),
            "source": self.level.source,
            **{name: round(value, 4) for name, value in self.measures.items()},
        }


def run(data: Path) -> None:
    """Judge all dates and print log(said ÷ came), date by date and in the mean."""
    verdicts = [
        verdict
        for name, (split, dates) in dated_logs().items()
        for verdict in _judged(name, split, dates, data)
    ]
    table = pd.DataFrame([verdict.row() for verdict in verdicts])
    print(table.to_string(index=False))
    means = table[["unmoved", "said"]].abs().groupby(table["log"]).mean()
    print(f"\nmean |log(said ÷ came)|\n{means.round(3).to_string()}")
    print(f"mean of the logs: {means.mean().round(4).to_dict()}")
    covered = pd.Series(
        {(verdict.log, verdict.as_of): within for verdict, within in _covered(verdicts)}
    )
    print(f"\n80 % interval covers\n{covered.groupby(level=0).mean().round(2).to_string()}")
    print(f"of all dates: {covered.mean():.3f}")


def _covered(verdicts: list[Verdict]) -> Iterator[tuple[Verdict, bool]]:
    """Whether the total's interval held what came, from windows finished by each date.

    As in a training: three windows, which began 90 to 150 days before.
    """
    for verdict in verdicts:
        ages = {
            other: (verdict.as_of - other.as_of).days
            for other in verdicts
            if other.log == verdict.log
        }
        past = [other.total for other, age in ages.items() if 85 < age < 155]
        spread = level_spread(past, season_known=verdict.level.season_share)
        low, high = ends(verdict.said, spread, verdict.total.noise)
        yield verdict, low <= verdict.came <= high


def _judged(name: str, split: Split, dates: tuple[date, ...], data: Path) -> Iterator[Verdict]:
    with TemporaryDirectory() as root, split.log(data, Path(root)) as log:
        for day in dates:
            verdict = _verdict(name, log, day)
            print(verdict.row(), flush=True)
            yield verdict


def _verdict(name: str, log: OrderLog, day: date) -> Verdict:
    plan = plan_training(first_purchase(log), day, HORIZON_DAYS, log.settings.train)
    world = World(log)
    world.prepare(plan.whole)
    truth = cutoff_table(log, day, HORIZON_DAYS, day + timedelta(days=HORIZON_DAYS))
    fitted = {
        "churn": ChurnTask().fit(world, plan.whole),
        "value": ValueTask().fit(world, plan.whole),
    }
    p_order = 1 - fitted["churn"].predict(truth.features)["churn_probability"].to_numpy()
    said = fitted["value"].predict(truth.features, p_order)
    spent = truth.labels["value"].to_numpy()
    churned = (truth.labels["orders"].to_numpy() == 0).astype(float)
    risk = churn_metrics(churned, churn_in_run(truth.features, fitted))
    worth = value_metrics(spent, said["clv"].to_numpy())
    return Verdict(
        log=name,
        as_of=day,
        customers=len(truth.features),
        said=float(said["clv"].sum()),
        unmoved=float(said["unmoved_clv"].sum()),
        came=float(spent.sum()),
        level=fitted["value"].level_,
        total=WindowTotal.of(said["clv"].to_numpy(), spent),
        measures={
            "log_loss": risk["log_loss"],
            "ece": risk["calibration_error"],
            "rmse": worth["rmse"],
            "gini": worth["gini"],
        },
    )
