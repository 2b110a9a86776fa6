import math

import numpy as np
import pandas as pd
import pytest

from tests.support.purchases import day, random_shop
from training.buyers.interval import buyers_between
from training.buyers.likely_buyers import LikelyBuyers
from training.measures.buyer_metrics import (
    PAST_BUYERS,
    BuyerScore,
    contest_of,
    judged_buyers,
)

CUTOFF = day(170)


def test_measures_of_two_customers_and_two_items_by_hand():
    chance = np.array([[0.5, 0.25], [0.5, 0.0625]])
    happened = np.array([[1.0, 0.0], [0.0, 0.0]])
    score = BuyerScore()
    for row in range(2):  # in blocks, as it is used
        score.add(chance[row : row + 1], happened[row : row + 1])
    measures = score.measures()
    loss = -(2 * math.log(0.5) + math.log(0.75) + math.log(0.9375)) / 4
    assert measures["buyers_log_loss"] == pytest.approx(loss)
    assert measures["buyers_first_50"] == 1 / 4  # both customers of both items are looked at
    assert measures["buyers_total"] == pytest.approx(1.3125 / 1)
    tenths = score.tenths()
    assert tenths[["pairs", "said", "came"]].sum().tolist() == pytest.approx([4, 1.3125, 1])
    assert measures["buyers_decile_error"] == pytest.approx(
        (tenths["said"] - tenths["came"]).abs().sum()
    )


def test_eight_in_ten_numbers_of_buyers_lie_in_their_interval():
    draw = np.random.default_rng(1)
    said, spread = 40.0, 0.3
    mean = draw.gamma(1 / spread**2, said * spread**2, size=20_000)
    came = draw.poisson(mean)
    low, high = buyers_between(said, said, spread)
    assert np.mean((came >= low) & (came <= high)) == pytest.approx(0.81, abs=0.03)
    assert low < said < high
    assert buyers_between(0.0, 0.0, 0.3) == (0, 0)
    assert buyers_between(0.05, 0.05, 0.3) == (0, 1)


def test_the_model_is_judged_beside_counting_on_the_same_pairs():
    shop = random_shop(seed=11, customers=200)
    model = LikelyBuyers(horizon_days=30, seed=3).fit(shop, as_of=CUTOFF)
    names = sorted(shop["customer_id"].astype(str).unique())
    p_order = pd.Series(0.9, names)
    contest = contest_of(model, shop, p_order, cutoff=CUTOFF)
    measures = judged_buyers(model, shop, p_order, cutoff=CUTOFF, seed=1)
    assert contest.model.pairs == contest.past_buyers.pairs == len(names) * 40
    assert (contest.model.came == contest.past_buyers.came).all()
    ours, theirs = measures["model"], measures[PAST_BUYERS]
    better = 1 - ours["buyers_log_loss"] / theirs["buyers_log_loss"]
    assert ours["buyers_better"] == pytest.approx(better)
    assert ours["buyers_better_low"] < better < ours["buyers_better_high"]
    assert ours["buyers_better_low"] > 0
    assert ours["buyers_first_50"] > theirs["buyers_first_50"]
    nobody = judged_buyers(model, shop, p_order, cutoff=day(400), seed=1)
    assert nobody == judged_buyers(None, shop, p_order, cutoff=CUTOFF, seed=1)
    assert nobody == {"model": {}, PAST_BUYERS: {}}
