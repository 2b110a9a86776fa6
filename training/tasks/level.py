"""What a fold carries over into the level of its total."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from features.rows import Rows
from training.models.churn import ChurnModel
from training.models.estimator import Floats
from training.models.next_purchase import NextPurchaseModel
from training.models.rhythm import Rhythm
from training.past.plan import Fold
from training.tasks.world import World
from training.value.level import SWITCHED_OFF, Level, Miss
from training.value.model import ValueModel

Recipe = Callable[..., ValueModel]
"""Makes a value model, not fitted, from the arguments of `ValueModel`."""


def level_of(world: World, fold: Fold, value: ValueModel, recipe: Recipe = ValueModel) -> Level:
    """The level of `fold`, whose value model is fitted and not yet moved.

    Where a year is known, the recipe is fitted as of a year before, without any shift, and
    judged on the window that began then. Where none is, the fold's own past windows are asked.
    Not moved where `train.carry_over` says no. `recipe` makes a model such as `value`, not fitted.
    """
    if not world.settings.train.carry_over:
        return SWITCHED_OFF
    if fold.year_before is not None:
        return Level.of_year(_miss(world, fold.year_before, recipe))
    return Level.of_windows(_misses_of_windows(world, fold, value))


def fitted_value(world: World, fold: Fold, recipe: Recipe = ValueModel) -> ValueModel:
    """The value model of a fold, or another of its kind, its level not moved."""
    predict = world.settings.predict
    model = recipe(
        horizon_days=fold.horizon_days,
        discount_rate_per_year=predict.discount_rate_per_year,
        lifetime_years=predict.lifetime_years,
        basis=world.basis,
        boosting=world.boosting(),
    )
    return model.fit(world.tables(fold.train, fold.test), rhythms=world.rhythms(fold))


def _miss(world: World, fold: Fold, recipe: Recipe) -> Miss:
    table = world.judged_table(fold.test)
    rows = Rows.of(table.features)
    expected = fitted_value(world, fold, recipe).figures(rows, _p_order(world, fold, rows))["clv"]
    return Miss(
        day=fold.test,
        expected=float(expected.sum()),
        came=float(table.labels["value"].sum()),
        buyers=int((table.labels["orders"] > 0).sum()),
    )


def _p_order(world: World, fold: Fold, rows: Rows) -> Floats:
    """P(order in the horizon) as a score run would have it."""
    tables = world.tables(fold.train, fold.test)
    if world.settings.predict.churn == "silence":
        churn = ChurnModel(horizon_days=fold.horizon_days, boosting=world.boosting())
        return 1 - churn.fit(tables, rhythms=world.rhythms(fold)).probability(rows)
    dates = NextPurchaseModel(horizon_days=fold.horizon_days, boosting=world.boosting())
    return dates.fit(tables).figures(rows)["p_order"]


def _misses_of_windows(world: World, fold: Fold, value: ValueModel) -> list[float]:
    """log(came ÷ expected) of each past window; an empty list where a total is no amount above 0.

    Models know the customers of these windows, so the purchase process and the customers' own
    mean orders are asked. For today's customers those and the models may say another total:
    that difference is taken off.
    """
    rhythms, today = world.rhythms(fold), Rows.of(world.rhythms(fold).features)
    recipe = value.figures(today)["clv"].sum()
    process = _by_process(value, rhythms.today, rhythms.features).sum()
    each = rhythms.each(lambda rhythm, features, days: _by_process(value, rhythm, features, days))
    expected = np.array([amounts.sum() for amounts in each])
    came = np.array([table.labels["value"].sum() for table in rhythms.tables])
    if min(recipe, process, *expected, *came) <= 0:
        return []
    misses: list[float] = (np.log(came / expected) - np.log(recipe / process)).tolist()
    return misses


def _by_process(
    value: ValueModel, rhythm: Rhythm, features: pd.DataFrame, days: float | None = None
) -> Floats:
    """The value of each customer by the purchase process and the own orders alone."""
    orders = rhythm.p_order(features, days) * (1 + rhythm.orders_beyond_first(features, days))
    return np.asarray(orders * value.order_value_.shrunk(features))
