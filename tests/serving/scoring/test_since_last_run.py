import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalogue import FEATURES
from serving.scoring.reasons.choice import EFFECTS
from serving.scoring.sides import LEAST, RHYTHM
from serving.scoring.since_last_run import MODEL, MOST, changes_of

NAMES = [RHYTHM, *FEATURES]


def table(values):
    return pd.DataFrame([{**dict.fromkeys(FEATURES, 2.0), **values}], dtype=float)


def changes(moved, now, before, *, change=None, about="risk", same_model=True, currency="EUR"):
    """What is told of one customer; features unnamed were and are 2.0."""
    (found,) = changes_of(
        pd.DataFrame([{**dict.fromkeys(NAMES, 0.0), **moved}]),
        np.array([sum(moved.values()) if change is None else change]),
        table(now),
        table(before),
        currency,
        about=about,
        same_model=same_model,
    )
    return json.loads(f"[{found}]")


def texts(*arguments, **options):
    return [tuple(one["text"].values()) for one in changes(*arguments, **options)]


def test_silence_in_words():
    told = texts({RHYTHM: 0.9}, {"days_since_last_order": 71.0}, {"days_since_last_order": 31.0})
    assert told == [
        (
            "No order for 40 days more, 71 in all – raises the risk",
            "又有40天没有下单，共71天，提高流失风险",
        )
    ]


def test_orders_that_broke_the_silence():
    now, before = (
        {"days_since_last_order": 3.0, "orders": 7.0},
        {"days_since_last_order": 40.0, "orders": 5.0},
    )
    assert texts({RHYTHM: -0.9}, now, before) == [
        (
            "2 more orders, the last 3 days ago – lowers the risk",
            "新增2单，最近一单在3天前，降低流失风险",
        )
    ]
    assert (
        texts({"orders": 0.4}, now, before, about="value")[0][0]
        == "2 more orders – raises the value"
    )


def test_an_order_that_was_cancelled_later():
    (told,) = texts(
        {RHYTHM: -0.9}, {"days_since_last_order": 31.0}, {"days_since_last_order": 40.0}
    )
    assert told[0] == "Last order 31 days ago, before 40 days – lowers the risk"


@pytest.mark.parametrize(
    ("name", "now", "before", "en", "zh"),
    [
        ("spend", 320.0, 200.0, "Spent €120.00 more", "又消费了€120.00"),
        ("orders", 3.0, 2.0, "1 more order", "新增1单"),
        ("orders_90d", 4.0, 1.0, "Orders in the last 90 days: 4, before 1", "最近90天的订单数：4，之前为1"),
        ("returned_share", 0.25, 0.5, ": 25%, before 50%", "：25%，之前为50%"),
    ],
)  # fmt: skip
def test_figures_before_and_after(name, now, before, en, zh):
    ((english, chinese),) = texts({name: 0.5}, {name: now}, {name: before}, about="value")
    assert english.endswith(f"{en} – raises the value")
    assert chinese.endswith(f"{zh}，提高客户价值")


def test_only_what_went_the_way_of_the_score_is_told():
    now = {"spend": 9.0, "orders": 1.0, "distinct_products": 1.0}
    moved = {"spend": -0.4, "orders": 0.9, "distinct_products": 0.2}
    assert [one["feature"] for one in changes(moved, now, {})] == ["orders", "distinct_products"]


def test_a_move_that_seems_to_work_backwards_is_not_told():
    assert changes({"orders": 0.9}, {"orders": 5.0}, {}) == []
    assert len(changes({"orders": -0.9}, {"orders": 5.0}, {})) == 1


@pytest.mark.parametrize("name", ["product_entropy", "first_to_last_days", "weekend_share"])
def test_features_that_are_not_for_people_are_not_told(name):
    for weight in (-0.9, 0.9):
        assert changes({name: weight}, {name: 5.0}, {}) == []


def test_a_score_that_hardly_moved_needs_no_reason():
    moved = {"spend": -0.4, "orders": 0.4 + LEAST / 2}
    assert changes(moved, {"spend": 9.0, "orders": 5.0}, {}) == []


def test_another_model_is_named_and_the_same_is_not():
    moved, now = {"orders": 0.1}, {"orders": 3.0}
    (told,) = changes(moved, now, {}, change=-0.6, same_model=False)
    assert (told["feature"], told["value"], told["before"]) == (MODEL, None, None)
    assert told["text"]["en"] == "The model has been trained anew – lowers the risk"
    # rows that came in late: nothing that could be named
    assert changes(moved, now, {}, change=-0.6) == []


values = st.dictionaries(
    st.sampled_from(sorted(FEATURES)), st.floats(0, 1e6) | st.just(float("nan")), max_size=10
)


@given(
    st.dictionaries(st.sampled_from(NAMES), st.floats(-3, 3), max_size=10),
    values,
    values,
    st.floats(-2, 2),
    st.booleans(),
    st.sampled_from(["risk", "value"]),
)
def test_no_change_contradicts_the_figures(moved, now, before, by_model, same_model, about):
    always = {"days_since_last_order": 5.0, "orders": 3.0}
    now, before = ({**one, **always} for one in (now, before))
    change = sum(moved.values()) + by_model
    told = changes(moved, now, before, change=change, about=about, same_model=same_model)
    assert len(told) <= MOST
    for one in told:
        effect, said = EFFECTS[about, change > 0]
        assert abs(change) >= LEAST
        assert one["effect"] == effect
        for language, text in one["text"].items():
            assert text.endswith(said.into(language))
        assert "nan" not in one["text"]["en"]
        if one["feature"] == MODEL:
            assert not same_model
            assert by_model * change > 0
        else:
            assert one["value"] == now.get(one["feature"], 2.0)
            assert one["before"] == before.get(one["feature"], 2.0)
            assert one["value"] != one["before"]
            assert moved[one["feature"]] * change > 0
