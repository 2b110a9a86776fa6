"""Who is chosen, beside sorting everybody by rounded profit."""

import random

import pytest

from serving.campaigns.choosing import ContactProfit
from serving.campaigns.store import ListedCandidates


@pytest.mark.parametrize("digits", [0, 2])
@pytest.mark.parametrize("modelled", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_the_chosen_are_the_first_of_all_when_sorted(digits, modelled, seed):
    draw = random.Random(seed)  # noqa: S311 - made-up customers
    # few different profits, some of them around 0 and a thousandth apart: many ties at any cut
    at_risk = [draw.choice([None, 2.0, 9.999, 10.0, 10.001, 40.0, 40.004]) for _ in range(300)]
    expected = [draw.choice([None, -1.0, 0.004, 0.006, 3.0]) for _ in range(300)]
    ids = [f"c{number}" for number in range(300)]
    draw.shuffle(ids)
    rows = [(*row, None, None) for row in zip(ids, at_risk, expected, strict=True)]
    listed = ListedCandidates.of(rows)
    profit = ContactProfit(
        saved_share=0.1,
        cost=1.0,
        digits=digits,
        modelled=modelled,
        modelled_cost=1.0,
        modelled_margin=0.4,
        scale=0.5,
        margin_share=0.3,
    )

    def rounded(place):
        if modelled and expected[place] is not None:
            earned = (expected[place] + 1.0) / 0.4 * 0.5 * 0.3
        else:
            earned = 0.1 * (at_risk[place] or 0.0)
        return round(earned - 1.0, digits)

    places = [place for place in range(300) if place % 7]
    earned = profit.unrounded(listed)
    worth = profit.above_zero(earned, places)
    assert worth == [place for place in places if rounded(place) > 0]
    for size in {1, 5, len(worth) // 2, len(worth)}:
        ranked = sorted(worth, key=lambda place: (-rounded(place), ids[place]))
        assert profit.highest(earned, worth, ids, size) == ranked[:size]
