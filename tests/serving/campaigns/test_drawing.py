"""Hold-outs and test samples: fair, reproducible, stratified."""

from collections import Counter

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from features.segments.break_even import every_nth as every_nth_of_features
from serving.campaigns.holdout import every_nth, hold_out, strata


def shop(sizes):
    return {f"{name}{number}": name for name, size in sizes.items() for number in range(size)}


def test_each_stratum_gives_its_share():
    of = shop({"a": 100, "b": 200, "c": 700})
    drawn = Counter(of[one] for one in hold_out(of, 0.1, "seed"))
    assert drawn == {"a": 10, "b": 20, "c": 70}


@given(
    sizes=st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 40), min_size=1),
    share=st.floats(0.01, 0.5),
    seed=st.text(max_size=5),
)
def test_strata_are_off_their_share_by_less_than_one(sizes, share, seed):
    of = shop(sizes)
    drawn = hold_out(of, share, seed)
    assert len(drawn) == max(round(share * len(of)), 1)
    share = len(drawn) / len(of)
    for name, size in sizes.items():
        assert abs(sum(of[one] == name for one in drawn) - share * size) < 1 + 1e-6


def test_the_same_seed_draws_the_same_and_another_draws_others():
    of = shop({"a": 500})
    assert hold_out(of, 0.2, "s") == hold_out(dict(reversed(of.items())), 0.2, "s")
    assert hold_out(of, 0.2, "s") != hold_out(of, 0.2, "t")


def test_everybody_has_the_same_chance():
    of = shop({"a": 7, "b": 13})
    drawn = Counter(one for seed in range(2_000) for one in hold_out(of, 0.25, str(seed)))
    # 2,000 draws of 0.25: standard deviation 19.4
    assert all(abs(drawn[one] - 500) < 5 * 19.4 for one in of)


def test_nobody_is_held_out_of_nobody_and_one_of_few():
    assert hold_out({}, 0.1, "s") == set()
    assert len(hold_out(shop({"a": 3}), 0.1, "s")) == 1


def test_strata_are_thirds_of_the_value_within_bands():
    assert strata(["high"] * 6, [1, 2, 3, 4, 5, 6]) == [
        *["high/low"] * 2,
        *["high/middle"] * 2,
        *["high/high"] * 2,
    ]
    assert strata([None], [1.0]) == ["unknown/high"]
    assert strata([], []) == []


def test_a_test_of_forty_thousand_of_eight_hundred_thousand_keeps_the_cell_shares():
    # Hughes' example, a hundredth of it: every 20th
    sizes = {f"{r}{f}{m}": 40 + 8 * r + f for r in range(1, 6) for f in range(1, 6) for m in (1, 5)}
    of = shop(sizes)
    size = len(of) // 20
    drawn = Counter(of[one] for one in every_nth(of, size))
    assert sum(drawn.values()) == size
    assert all(abs(drawn[cell] - count / 20) < 1 for cell, count in sizes.items())


def test_every_nth_is_that_of_the_features():
    of = shop({"111": 5, "555": 12, "333": 9})
    cells = pd.Series(of)
    for size in (1, 7, 26):
        assert every_nth(of, size) == list(every_nth_of_features(cells, size))
