"""A shop whose year is known, and what its next weeks count for."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from features.orders.log import read_orders
from features.sources import FrameSource
from tests.support.shop import FIRST_DAY, order_lines, shop_settings
from training.models.season import Season
from training.past.tables import LEAST_PAIRS, SLOT_DAYS, SLOTS_PER_YEAR, Slot, slots_before

UNTIL = date(2026, 1, 1)
FEWEST = SLOTS_PER_YEAR + LEAST_PAIRS
CUSTOMERS = 500
BUSY = np.where(np.arange(SLOTS_PER_YEAR) < 2, 2.0, 1.0)
"""The two slots after the day of training are busy, every year."""


class OneEach:
    """Expects one purchase day of everybody in every slot."""

    def expected_orders(self, summary, days):
        return np.full(len(summary), days / SLOT_DAYS)


def slots(factors, growth=0.0):
    """Slots up to `UNTIL` in which everybody buys as often as the factors say."""
    number = len(factors)
    summary = pd.DataFrame({"x": np.zeros(CUSTOMERS), "t_x": 0.0, "T": 10.0})
    return [
        Slot(
            UNTIL - timedelta(days=SLOT_DAYS * (number - 1 - at)),
            summary,
            round(CUSTOMERS * factor * np.exp(growth * at)),
        )
        for at, factor in enumerate(factors)
    ]


def years(number):
    """The year of `BUSY` so many times over, ending where it starts again."""
    return np.tile(BUSY, number)


def test_what_was_busy_the_year_before_will_be_busy():
    season = Season.fit(OneEach(), slots(years(3)))
    busy, calm = season.pace(UNTIL, 56), season.pace(UNTIL + timedelta(days=56), 200)
    assert 1.6 < busy / calm < 2.0
    assert season.pace(UNTIL, 112) == pytest.approx((busy + calm) / 2)


def test_a_window_of_the_past_has_the_pace_of_its_weeks():
    season = Season.fit(OneEach(), slots(years(2)))
    a_year_ago = UNTIL - timedelta(days=SLOT_DAYS * SLOTS_PER_YEAR)
    assert season.pace(a_year_ago, 56) == season.pace(UNTIL, 56)


@pytest.mark.parametrize("number", [0, 5, FEWEST - 1])
def test_without_a_year_and_some_more_every_season_is_alike(number):
    season = Season.fit(OneEach(), slots(years(3)[:number]))
    assert season.pace(UNTIL, 90) == 1.0


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_no_season(seed):
    noise = np.exp(np.random.default_rng(seed).normal(0, 0.2, 26))
    assert Season.fit(OneEach(), slots(noise)).pace(UNTIL, 84) == pytest.approx(1, abs=0.1)


def test_growth_is_no_season():
    season = Season.fit(OneEach(), slots(np.ones(26), growth=0.05))
    assert season.pace(UNTIL, 84) == pytest.approx(1, abs=0.15)


def test_slots_hold_what_was_known_at_their_start(tmp_path):
    days = {"early": (0, 30, 455), "late": (440,), "end": (476,)}
    lines = order_lines([(name, day, 5.0) for name, at in days.items() for day in at])
    with read_orders(shop_settings(tmp_path), FrameSource(lines)) as log:
        until = FIRST_DAY.date() + timedelta(days=476)
        found = slots_before(log, until)
        assert slots_before(log, until - timedelta(days=2)) == []
    assert len(found) == FEWEST
    assert found[-1].end == until
    last = found[-1]
    assert last.summary.to_dict("list") == {
        "x": [1.0, 0.0],
        "t_x": [30.0, 0.0],
        "T": [448.0, 8.0],
    }
    assert last.purchase_days == 1.0
