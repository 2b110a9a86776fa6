"""A small shop after its first training, shared by all tests that only look at it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import joblib
import pandas as pd
from filelock import FileLock

from features.orders.log import OrderLog, read_orders
from features.sources import FrameSource
from serving.settings import Settings
from tests.support.shop import shop_settings, simulate_orders
from training.job import TrainResult, train

SHOP = {"customers": 90, "days": 240, "seed": 3, "taste_days": 60}
"""A shop in which every model is at least as good as its baseline."""

SECTIONS = {
    "predict": {"horizon_days": 45, "recommendations": 5},
    "train": {"folds": 2, "max_cutoffs": 3, "min_customers": 30, "threads": 1},
}


@dataclass(frozen=True)
class TrainedShop:
    """What a training left.

    Attributes
    ----------
    orders : the order lines it learned from
    log : the same, read; the engine stays open as long as the fixture
    """

    root: Path
    settings: Settings
    orders: pd.DataFrame
    log: OrderLog
    result: TrainResult


@contextmanager
def trained_shop(root: Path) -> Iterator[TrainedShop]:
    """The simulated shop in `root`, whose orders also lie there as a file, after its training.

    The first who asks trains it; processes that run tests beside each other share it.
    """
    settings, result_file = shop_settings(root, **SECTIONS), root / "result.joblib"
    with FileLock(root.with_suffix(".lock")):
        if not result_file.exists():
            joblib.dump(_trained(settings), result_file)
    orders = pd.read_parquet(root / "orders.parquet")
    with read_orders(settings, FrameSource(orders)) as log:
        yield TrainedShop(root, settings, orders, log, joblib.load(result_file))


def _trained(settings: Settings) -> TrainResult:
    settings.root.mkdir(exist_ok=True)
    orders = simulate_orders(**SHOP)
    orders.to_parquet(settings.root / "orders.parquet", index=False)
    with read_orders(settings, FrameSource(orders)) as log:
        return train(log, None)


def copy_of(shop: TrainedShop, root: Path) -> TrainedShop:
    """The shop as it is, in a folder of its own where it may be trained again."""
    shutil.copytree(shop.root, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("artifacts"))
    # artifacts lie where their experiment was created: new runs get one of this folder
    settings = shop_settings(root, tracking={"experiment": "copy"}, **SECTIONS)
    return replace(shop, root=root, settings=settings, log=replace(shop.log, settings=settings))
