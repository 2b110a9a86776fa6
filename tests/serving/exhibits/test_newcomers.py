"""New customers are foretold from those before, and from the year before, by hand."""

import numpy as np
import pytest

from serving.exhibits.newcomers import PARTS, Newcomers

YEAR = 12


def shop(per_third, customers=50.0):
    """New customers who spend all on their first day; `per_third` from the latest on back."""
    return Newcomers(
        np.diag(np.array(per_third, dtype=float)), np.full(len(per_third), customers), YEAR
    )


def test_as_much_as_in_the_horizon_before():
    assert shop([10, 20, 30]).forecast(0) == 60
    assert shop([10, 20]).forecast(0) is None


def test_what_later_thirds_bring_counts_to_the_third_of_the_first_purchase():
    value = np.zeros((3, 3))
    value[2, 0], value[0, 0] = 7, 5
    newcomers = Newcomers(value, np.ones(3), YEAR)
    assert newcomers.came(0) == 12
    # the window ends before what the customer of the oldest third bought last
    older = Newcomers(np.pad(value, ((0, 1), (0, 1))), np.ones(4), YEAR)
    assert older.came(1) == 0


def test_the_year_before_shows_how_two_horizons_compare():
    # thirds 9 to 11 are the same days of last year, 12 to 14 the horizon before them
    thirds = [10.0] * 9 + [40.0] * 3 + [20.0] * 3
    newcomers = shop(thirds, customers=25.0)
    assert newcomers.season_known
    # 150 customers: half of twice as much
    assert newcomers.forecast(0) == pytest.approx(30 * 2**0.5)
    assert not shop(thirds[:-1]).season_known
    assert shop(thirds[:-1]).forecast(0) == 30


def test_the_same_rule_at_past_dates_tells_what_it_was_off_by():
    newcomers = shop([80.0] * PARTS + [40.0] * PARTS)
    latest = newcomers.windows()[-1]
    assert (latest.said, latest.came) == (120.0, 240.0)
    assert len(newcomers.windows()) == 1
    assert shop([10.0] * PARTS).windows() == []
