"""Cutoff tables of simulated shops, for tests of models without a whole training."""

from datetime import timedelta
from pathlib import Path

import pandas as pd

from features.engines.build import build_features
from features.orders.log import read_orders
from features.sources import FrameSource
from tests.support.shop import FIRST_DAY, shop_settings
from training.past.tables import CutoffTable, cutoff_table


def shop_tables(
    orders: pd.DataFrame, root: Path, *, horizon_days: int, cutoff_days: tuple[int, ...]
) -> tuple[list[CutoffTable], pd.DataFrame]:
    """Labelled tables at days after 2024-01-01, and the features at the end of `orders`."""
    accepted = {"no_net_money": "some shops of the tests give everything back"}
    settings = shop_settings(
        root, data={"accept": accepted}, predict={"horizon_days": horizon_days}
    )
    with read_orders(settings, FrameSource(orders)) as log:
        cutoffs = [FIRST_DAY.date() + timedelta(days=day) for day in cutoff_days]
        tables = [cutoff_table(log, cutoff, horizon_days) for cutoff in cutoffs]
        return tables, build_features(log, log.end)
