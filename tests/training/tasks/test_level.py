"""A shop whose third autumn month is busy every year: the level of the season comes back."""

from datetime import timedelta

import numpy as np
import pytest

from features.orders.log import read_orders
from features.sources import FrameSource
from tests.support.shop import FIRST_DAY, shop_settings, simulate_orders
from training.past.plan import plan_training
from training.past.reach import first_purchase
from training.past.tables import cutoff_table
from training.tasks.assembled import churn_in_run
from training.tasks.churn import ChurnTask
from training.tasks.value import ValueTask
from training.tasks.world import World

HORIZON = 60
BUSY_FROM, UNTIL = 505, 570


def shop(root, orders):
    settings = shop_settings(root, predict={"horizon_days": HORIZON})
    return read_orders(settings, FrameSource(orders))


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """Models of the day on which the busy time begins, and what came of it."""
    orders = simulate_orders(customers=260, days=UNTIL, seed=3)
    day = (orders["time"] - FIRST_DAY).dt.days % 365
    busy = (day >= BUSY_FROM - 365) & (day < BUSY_FROM - 365 + HORIZON)
    orders["amount"] = orders["amount"] * np.where(busy, 3.0, 1.0)
    as_of = (FIRST_DAY + timedelta(days=BUSY_FROM)).date()
    with shop(tmp_path_factory.mktemp("season"), orders) as log:
        plan = plan_training(first_purchase(log), as_of, HORIZON, log.settings.train)
        world = World(log)
        world.prepare(plan.whole)
        truth = cutoff_table(log, as_of, HORIZON, as_of + timedelta(days=HORIZON))
    fitted = {task.name: task.fit(world, plan.whole) for task in (ChurnTask(), ValueTask())}
    return fitted, truth


def test_the_total_follows_the_season_of_a_year_before(moved):
    fitted, truth = moved
    level = fitted["value"].level_
    assert level.source == "year"
    assert level.year.day == (FIRST_DAY + timedelta(days=BUSY_FROM - 365)).date()
    assert level.shift > 0.3
    p_order = 1 - fitted["churn"].predict(truth.features)["churn_probability"].to_numpy()
    said = fitted["value"].predict(truth.features, p_order)
    came = truth.labels["value"].sum()
    without, within = (abs(np.log(said[name].sum() / came)) for name in ("unmoved_clv", "clv"))
    assert within < 0.7 * without


def test_the_whole_shift_reaches_the_total_and_the_chance_of_an_order(moved):
    fitted, truth = moved
    said = fitted["value"].predict(truth.features, 1 - churn_alone(fitted, truth))
    factor = said["clv"] / said["unmoved_clv"]
    assert np.exp(fitted["value"].level_.shift) == pytest.approx(factor.max())
    np.testing.assert_allclose(1 - said["p_order"], churn_in_run(truth.features, fitted))
    assert (said["p_order"] > 1 - churn_alone(fitted, truth)).all()


def churn_alone(fitted, truth):
    return fitted["churn"].predict(truth.features)["churn_probability"].to_numpy()
