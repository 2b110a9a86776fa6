import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalogue import FEATURES, OPTIONAL_FEATURES, feature_named
from serving.scoring.reasons import EFFECTS, reasons_of
from serving.scoring.sides import _SIDES, LEAST, RHYTHM

NAMES = [RHYTHM, *FEATURES]


def reasons(weights, values=None, *, currency="EUR", most=3, about="risk"):
    """The reasons of one customer from contributions by name; features unnamed are 2.0."""
    contributions = pd.DataFrame([{**dict.fromkeys(NAMES, 0.0), **weights}])
    given = {**dict.fromkeys([*FEATURES, *(name for name in weights if name != RHYTHM)], 2.0)}
    features = pd.DataFrame([{**given, **(values or {})}], dtype=float)
    (found,) = reasons_of(contributions, features, currency, about=about, most=most)
    return json.loads(f"[{found}]")


def english(*arguments, **options):
    return [reason["text"]["en"] for reason in reasons(*arguments, **options)]


def chinese(*arguments, **options):
    return [reason["text"]["zh"] for reason in reasons(*arguments, **options)]


def test_the_strongest_comes_first_and_each_says_its_direction():
    found = reasons({"spend_365d": -0.3, "weekend_share": 0.9, "orders": 0.001})
    assert [(one["feature"], one["effect"]) for one in found] == [
        ("weekend_share", "raises_risk"),
        ("spend_365d", "lowers_risk"),
    ]


@given(
    st.dictionaries(st.sampled_from(NAMES), st.floats(-3, 3), max_size=12),
    st.dictionaries(
        # of a customer the last order is always known
        st.sampled_from(sorted(FEATURES.keys() - {"days_since_last_order"})),
        st.floats(0, 1e6) | st.just(float("nan")),
        max_size=20,
    ),
)
def test_no_text_contradicts_the_model(weights, values):
    for about in ("risk", "value"):
        found = reasons(weights, values, about=about)
        assert len(found) <= 3
        strengths = [abs(side_total(weights, one["feature"])) for one in found]
        assert strengths == sorted(strengths, reverse=True)
        assert all(strength >= LEAST for strength in strengths)
        for one in found:
            assert_agrees(one, weights[one["feature"]], about)
            assert weights[one["feature"]] * side_total(weights, one["feature"]) > 0
            known = None if one["feature"] == RHYTHM else values.get(one["feature"], 2.0)
            assert one["value"] == known


def side_total(weights, name):
    """What the features of the same side add in all."""
    side = _SIDES.get(name, name)
    return sum(weight for other, weight in weights.items() if _SIDES.get(other, other) == side)


def assert_agrees(reason, weight, about):
    effect, said = EFFECTS[about, weight > 0]
    assert reason["effect"] == effect
    assert effect.startswith("raises" if weight > 0 else "lowers")
    for language, text in reason["text"].items():
        assert text.endswith(said.into(language))
    assert "nan" not in (reason["text"]["en"] + reason["text"]["zh"]).lower()


def test_the_words_of_an_effect_say_what_its_name_says():
    assert {
        effect: (said.into("en").replace("the ", "").replace(" ", "_"), said.into("zh")[:2])
        for effect, said in EFFECTS.values()
    } == {
        "raises_risk": ("raises_risk", "提高"),
        "lowers_risk": ("lowers_risk", "降低"),
        "raises_value": ("raises_value", "提高"),
        "lowers_value": ("lowers_value", "降低"),
    }


def test_opposing_features_of_one_side_are_weighed_together():
    (one,) = reasons({"orders_90d": 0.5, "orders_365d": -0.8, "orders": -0.1})
    assert (one["feature"], one["effect"]) == ("orders_365d", "lowers_risk")
    assert reasons({"orders_90d": 0.5, "orders_365d": -0.5}) == []


def test_nothing_is_said_of_what_is_not_known():
    found = reasons({"std_gap_days": 2.0, "orders": 0.4}, {"std_gap_days": np.nan})
    assert [one["feature"] for one in found] == ["orders"]


def test_the_same_side_of_a_customer_is_told_once():
    found = reasons(
        {RHYTHM: 0.9, "days_since_last_order": -0.8, "silence_ratio": 0.7, "orders": 0.6}
    )
    assert [one["feature"] for one in found] == [RHYTHM, "orders"]


def test_at_most_as_many_as_asked():
    weights = {"orders": 0.9, "weekend_share": 0.8, "mean_order_value": 0.7}
    assert [len(reasons(weights, most=most)) for most in (0, 1, 2, 3)] == [0, 1, 2, 3]


def test_the_rhythm_in_words():
    weights = {RHYTHM: 0.5}
    usual = {"days_since_last_order": 41, "mean_gap_days": 21.04}
    assert english(weights, usual) == [
        "Last order 41 days ago, usually every 21 days – raises the risk"
    ]
    assert chinese(weights, usual) == ["最近一单在41天前，通常每21天一单，提高流失风险"]
    first = {"days_since_last_order": 12, "mean_gap_days": np.nan}
    assert english(weights, first) == ["One day of purchases so far, 12 days ago – raises the risk"]
    assert chinese(weights, first) == ["至今只有一天购买，在12天前，提高流失风险"]


def test_one_day_is_no_plural():
    daily = {"days_since_last_order": 1, "mean_gap_days": 1.02}
    assert english({RHYTHM: -0.5}, daily) == [
        "Last order 1 day ago, usually every day – lowers the risk"
    ]
    assert "1 day – " in english({"min_gap_days": -0.5}, {"min_gap_days": 0.98})[0]
    assert "0.9 days – " in english({"min_gap_days": -0.5}, {"min_gap_days": 0.9})[0]


@pytest.mark.parametrize(
    ("name", "value", "en", "zh"),
    [
        ("spend_365d", 1234.5, ": €1,234.50 – ", "：€1,234.50，"),
        ("weekend_share", 0.254, ": 25% – ", "：25%，"),
        ("days_since_first_order", 400.0, ": 400 days – ", "：400天，"),
        ("orders", 12.0, ": 12 – ", "：12，"),
        ("products_per_order", 2.345, ": 2.3 – ", "：2.3，"),
        ("products_per_order", -0.04, ": 0 – ", "：0，"),
        ("silence_ratio", 2.345, ": 2.3 – ", "：2.3，"),
        ("silence_ratio", 0.0323, ": 0.03 – ", "：0.03，"),
        ("silence_ratio", 0.998, ": 1 – ", "：1，"),
        ("silence_ratio", 0.003, ": < 0.01 – ", "：< 0.01，"),
        ("silence_ratio", 0.0, ": 0 – ", "：0，"),
    ],
)
def test_values_in_their_units(name, value, en, zh):
    assert en in english({name: 0.5}, {name: value})[0]
    assert zh in chinese({name: 0.5}, {name: value})[0]


@pytest.mark.parametrize(("change", "contribution"), [(-900.0, -0.5), (900.0, 0.5)])
def test_a_change_that_seems_to_work_backwards_is_not_told(change, contribution):
    assert english({"spend_trend_90d": contribution}, {"spend_trend_90d": change}) == []
    assert len(english({"spend_trend_90d": -contribution}, {"spend_trend_90d": change})) == 1


def test_money_has_the_decimals_of_its_currency():
    assert "¥1,235 " in english({"spend_365d": 1}, {"spend_365d": 1234.7}, currency="JPY")[0]


ATTRIBUTES = ["attribute_age", "is_region_north"]


@pytest.mark.parametrize("name", [*FEATURES, *OPTIONAL_FEATURES, *ATTRIBUTES])
def test_every_feature_has_words_in_both_languages(name):
    value = {name: -2.0 if "_trend_" in name else 2.0}
    ((en,), (zh,)) = english({name: 1.0}, value), chinese({name: 1.0}, value)
    feature = feature_named(name)
    assert en.startswith(feature.meaning.into("en")[0].upper())
    assert re.search(r"[\u4e00-\u9fff]", feature.meaning.into("zh"))
    assert zh.startswith(feature.meaning.into("zh"))


@pytest.mark.parametrize(
    ("name", "value", "en", "zh"),
    [
        ("is_region_north", 1, "Region north: yes – ", "客户属性 region north：是，"),
        ("is_region_north", 0, "Region north: no – ", "客户属性 region north：否，"),
        ("attribute_age", 47.5, "Age: 47.5 – ", "客户属性 age：47.5，"),
        ("referred", 1, "Referred by somebody: yes – ", "由他人推荐而来：是，"),
        ("last_satisfaction", 9.25, ": 9.2 – ", "：9.2，"),
        ("contact_cost_365d", 1.5, ": €1.50 – ", "：€1.50，"),
    ],
)
def test_optional_features_in_their_units(name, value, en, zh):
    assert en in english({name: 0.5}, {name: value})[0]
    assert zh in chinese({name: 0.5}, {name: value})[0]


def test_attributes_are_told_beside_each_other_and_interactions_once():
    weights = {"attribute_age": 0.9, "is_region_north": 0.8, "visits_30d": 0.7, "visits_90d": 0.6}
    told = [reason["feature"] for reason in reasons(weights, most=4)]
    assert told == ["visits_30d", "attribute_age", "is_region_north"]


def test_each_customer_has_reasons_of_their_own():
    contributions = pd.DataFrame([dict.fromkeys(NAMES, 0.0)] * 3)
    contributions.loc[1, "orders"] = 1.0
    features = pd.DataFrame([dict.fromkeys(FEATURES, 2.0)] * 3)
    found = reasons_of(contributions, features, "EUR")
    assert [len(json.loads(f"[{text}]")) for text in found] == [0, 1, 0]
    assert reasons_of(contributions.iloc[:0], features.iloc[:0], "EUR") == []
