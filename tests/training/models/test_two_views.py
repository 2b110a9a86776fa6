"""Two views of a world that has aged: they say who, the process how much."""

import numpy as np
import pandas as pd
import pytest

from training.models.boosting import Boosting
from training.models.calibration import expit
from training.models.links import LogAmount, LogOdds
from training.models.two_views import Target, TwoViews, views_out_of_fold

GROWN = Boosting(rounds=60, min_rows_in_leaf=40, seed=7, threads=1)
LINKS = {"binary": LogOdds(), "poisson": LogAmount()}


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def customers(rng, *, age, rows=3_000):
    """`habit` tells who buys, `age` grows with the shop and tells nothing."""
    features = pd.DataFrame({"habit": rng.normal(0, 1, rows), "age": rng.uniform(age, age + 9)})
    return features.set_index(pd.Index([f"c{number}" for number in range(rows)]))


def world(rng, objective):
    """A past in which the older part bought more, and today's customers, older than all."""
    past = customers(rng, age=10)
    past["age"] = rng.uniform(10, 20, len(past))
    process = np.full(len(past), -0.5)
    truth = process + past["habit"].to_numpy() + (past["age"].to_numpy() - 15) / 5
    chance = rng.random(len(past)) < expit(truth)
    wanted = chance.astype(float) if objective == "binary" else rng.poisson(np.exp(truth))
    target = Target(
        outcome=wanted.astype(float),
        offset=process,
        level=process,
        link=LINKS[objective],
        parameters=GROWN.parameters(objective),
        rounds=GROWN.rounds,
    )
    today = customers(rng, age=30)
    return past, target, today, np.full(len(today), -0.5)


@pytest.mark.parametrize("objective", LINKS)
def test_todays_customers_come_to_what_the_process_says(objective, rng):
    past, target, today, process = world(rng, objective)
    views = TwoViews().fit(past, target, today, process).predict(today, process)
    mean = expit if objective == "binary" else np.exp
    for view in views:
        assert mean(view).mean() == pytest.approx(mean(process).mean(), rel=0.01)
        assert np.corrcoef(view, today["habit"])[0, 1] > 0.8


@pytest.mark.parametrize("objective", LINKS)
def test_out_of_fold_both_views_know_who_buys(objective, rng):
    past, target, _, _ = world(rng, objective)
    for view in views_out_of_fold(past, target):
        assert len(view) == len(past)
        assert np.corrcoef(view, past["habit"])[0, 1] > 0.5
