"""Reasons: true of the customer, in the model, and on the side of what they explain."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue import FEATURES, OPTIONAL_FEATURES
from features.rows import Rows
from features.settings.predict import RiskBands
from serving.scoring.reasons.catalogue import SENTENCES
from serving.scoring.reasons.choice import (
    EFFECTS,
    LEAST,
    MOST,
    choose,
    direction,
    true_facts,
    written,
)
from serving.scoring.reasons.factors import factor_values, factors_of
from serving.scoring.reasons.facts import CustomerFacts
from serving.scoring.reasons.references import beside_others, references_of
from serving.scoring.sides import RHYTHM

NAMES = [RHYTHM, *FEATURES, *OPTIONAL_FEATURES]
BANDS = RiskBands()
SHOP = {
    "churn_probability": 0.4,
    "clv": 50.0,
    "orders_365d": 4.0,
    "spend_365d": 200.0,
    "distinct_products": 12.0,
    "mean_order_value": 50.0,
    "mean_products_per_order": 3.0,
    "margin_share": 0.4,
    "mean_gap_days_of_expected_back": 50.0,
}
BY_CODE = {sentence.code: sentence for sentence in SENTENCES}


def reasons(weights, values, churn=0.9, clv=10.0, *, averages=SHOP, currency="EUR"):
    """The reasons of one customer; contributions not named are 0, features not named unknown."""
    numbers = {**dict.fromkeys(NAMES, 0.0), **weights}
    parts = Rows.stacked([numbers], NAMES)
    facts = CustomerFacts(Rows.stacked([values], list(values)), averages)
    scores = {"churn_probability": np.array([churn]), "clv": np.array([clv])}
    true, used, documents = true_facts(facts), None, []
    for about in ("risk", "value"):
        ways = direction(about, scores, BANDS, averages, parts)
        chosen = choose(about, ways, parts, true, used)
        used = chosen.used_topics
        documents += [
            json.loads(text) for text in written(chosen, facts, about, currency)[0] if text
        ]
    return documents


def codes(*arguments, **options):
    return [reason["code"] for reason in reasons(*arguments, **options)]


SILENT = {
    "days_since_last_order": 41.0,
    "mean_gap_days": 20.6,
    "silence_ratio": 2.0,
    "repeat_purchase_days": 3.0,
    "orders": 4.0,
    "days_since_first_order": 300.0,
}


def test_a_reason_in_words():
    (reason,) = reasons({RHYTHM: 0.9}, SILENT)
    assert reason == {
        "code": "silent",
        "about": "risk",
        "effect": "raises_risk",
        "figures": {"silence": 41.0, "every": 20.6},
        "text": {
            "en": "No order for 41 days, usually every 21 days",
            "zh": "已41天未下单，平时约每21天一单",
        },
    }


@pytest.mark.parametrize(
    ("churn", "weight", "expected"),
    [
        (0.9, 0.9, ["silent"]),
        (0.6, 0.9, ["silent"]),
        (0.45, 0.9, ["silent"]),  # medium, and above the shop's average of 0.4
        (0.35, 0.9, []),  # medium, and below it
        (0.1, 0.9, []),  # what raises the risk does not explain a low one
        (0.9, -0.9, []),  # the model says the contrary
        (0.9, LEAST / 2, []),  # it hardly says anything
    ],
)
def test_the_way_of_what_is_explained(churn, weight, expected):
    assert codes({RHYTHM: weight}, SILENT, churn=churn, clv=60.0) == expected


def test_a_fact_that_is_not_true_is_never_used():
    on_time = {**SILENT, "days_since_last_order": 10.0, "silence_ratio": 0.5}
    assert codes({RHYTHM: 0.9}, on_time) == []
    assert codes({RHYTHM: -0.9}, on_time, churn=0.1, clv=60.0) == ["within_rhythm"]


def test_features_of_a_group_are_weighed_together():
    assert codes({RHYTHM: 0.9, "silence_ratio": -1.0}, SILENT, clv=60.0) == []
    assert codes({RHYTHM: 0.5, "silence_ratio": -0.1, "mean_gap_days": 0.2}, SILENT) == ["silent"]


def test_a_fact_is_told_once():
    weights = {RHYTHM: 0.9, "orders": 0.8, "orders_365d": 0.2}
    one = {"orders": 1.0, "days_since_first_order": 90.0, "days_since_last_order": 90.0}
    assert codes(weights, one) == ["one_order"]
    # what explains the risk is not repeated for the value
    moved = {name: -weight for name, weight in weights.items()}
    about_value = reasons(moved, one, churn=0.45, clv=10.0)
    assert [(reason["code"], reason["about"]) for reason in about_value] == [("one_order", "value")]


SIDES = {"high": {"silence_ratio": -0.5, RHYTHM: -0.25}, "low": {"silence_ratio": 0.5}}


def test_a_risk_is_told_beside_customers_of_other_bands():
    parts = Rows.stacked([dict.fromkeys(NAMES, 0.1)] * 4, NAMES)
    churn = np.array([0.1, 0.3, 0.6, 0.9])
    beside = beside_others(parts, churn, BANDS, SIDES)
    np.testing.assert_allclose(beside["silence_ratio"], [-0.4, 0.1, 0.6, 0.6])
    np.testing.assert_allclose(beside[RHYTHM], [0.1, 0.1, 0.35, 0.35])
    np.testing.assert_allclose(beside["spend"], 0.1)
    np.testing.assert_allclose(beside_others(parts, churn, BANDS, {}).numbers, parts.numbers)


class FourTimes:
    """A model whose contributions are four times the features."""

    def parts(self, rows):
        return Rows(rows.numbers * 4, rows.columns)


def test_references_are_the_means_of_the_other_side():
    rows = Rows.stacked([{"orders": float(n)} for n in (1, 2, 4, 8)], ["orders"])
    references = references_of(rows, np.array([0.1, 0.3, 0.6, 0.9]), FourTimes(), BANDS)
    assert references == {"high": {"orders": 4 * 1.5}, "low": {"orders": 4 * 14 / 3}}
    assert references_of(rows, np.full(4, 0.9), FourTimes(), BANDS) == {
        "low": {"orders": 4 * 15 / 4}
    }
    many = Rows(np.arange(5_000.0)[:, None], ["orders"])
    sampled = references_of(many, np.full(5_000, 0.1), FourTimes(), BANDS)
    assert sampled["high"]["orders"] == pytest.approx(4 * np.arange(0, 5_000, 5).mean())


def test_where_the_shop_is_not_known_the_side_is_that_of_the_model():
    assert codes({RHYTHM: 0.9}, SILENT, churn=0.35, averages={}) == ["silent"]
    assert codes({RHYTHM: 0.9, "spend": -2.0}, SILENT, churn=0.35, averages={}) == []


def test_the_strongest_comes_first_and_weak_ones_are_left_out():
    values = {**SILENT, "returned_share": 0.25, "complaints_365d": 1.0}
    values["days_since_last_complaint"] = 12.0
    weights = {RHYTHM: 0.3, "returned_share": 0.9, "complaints_365d": 0.1}
    assert codes(weights, values) == ["returns", "silent"]
    assert codes({**weights, "complaints_365d": 0.2}, values) == ["returns", "silent", "complaint"]


CASES = {
    "silent": SILENT,
    "far_apart": {**SILENT, "mean_gap_days": 129.0, "silence_ratio": 0.3},
    "within_rhythm": {**SILENT, "days_since_last_order": 20.0, "silence_ratio": 0.97},
    "one_order": {"orders": 1.0, "days_since_first_order": 90.0, "days_since_last_order": 90.0},
    "new_without_second_order": {"orders": 1.0, "days_since_first_order": 12.0},
    "new": {"orders": 1.0, "days_since_first_order": 12.0, "days_since_last_order": 12.0},
    "orders_often": {"orders_365d": 6.0},
    "orders_rarely": {"orders_365d": 1.0, "orders": 3.0, "days_since_first_order": 500.0},
    "orders_up": {"orders_90d": 5.0, "orders_180d": 7.0, "days_since_first_order": 300.0},
    "orders_down": {"orders_90d": 1.0, "orders_180d": 5.0, "days_since_first_order": 300.0},
    "spend_up": {"spend_90d": 90.0, "spend_180d": 120.0, "days_since_first_order": 300.0},
    "spend_down": {"spend_90d": 30.5, "spend_180d": 120.5, "days_since_first_order": 300.0},
    "spends_much": {"spend_365d": 1234.5},
    "spends_little": {"spend_365d": 20.0, "orders_365d": 2.0, "days_since_first_order": 300.0},
    "large_orders": {"mean_order_value": 80.0},
    "small_orders": {"mean_order_value": 20.0},
    "regular": {"silence_ratio": 1.0, "gap_variation": 0.3, "repeat_purchase_days": 6.0},
    "irregular": {"gap_variation": 1.5, "repeat_purchase_days": 6.0},
    "long_standing": {"days_since_first_order": 800.0, "orders": 4.0},
    "discounts_only": {"discounted_order_share": 0.95, "orders": 20.0},
    "full_price": {"discounted_order_share": 0.1, "orders": 10.0},
    "returns": {"returned_share": 0.254},
    "complaint": {"complaints_365d": 1.0, "days_since_last_complaint": 1.0},
    "satisfied": {"last_satisfaction": 9.5},
    "dissatisfied": {"last_satisfaction": 4.0},
    "wide_range": {"distinct_products": 26.0},
    "narrow_range": {"distinct_products": 2.0, "orders": 4.0},
    "full_baskets": {"mean_products_per_order": 5.0},
    "small_baskets": {"mean_products_per_order": 1.25},
    "bought_in_season": {"orders_year_ago_90d": 2.0},
    "not_in_season": {"orders_year_ago_90d": 0.0, "days_since_first_order": 400.0},
    "answered_contact": {
        "contacts_90d": 1.0,
        "days_since_last_order": 5.0,
        "days_since_last_contact": 9.0,
    },
    "silent_after_contact": {
        "contacts_90d": 1.0,
        "days_since_last_order": 50.0,
        "days_since_last_contact": 9.0,
    },
    "visits": {"visits_30d": 3.0},
    "no_visits": {"days_since_last_visit": 120.0},
    "interest": {"carts_90d": 1.0, "quotes_90d": 0.0, "enquiries_90d": 0.0},
    "recommends": {"referrals": 2.0},
    "recommended": {"referred": 1.0},
    "channels": {"distinct_channels": 2.0},
    "high_margin": {"margin_share": 0.55},
    "low_margin": {"margin_share": 0.2},
}
IN_ENGLISH = {
    "far_apart": "Orders far apart: usually every 129 days "
    "(customers with low or medium risk: every 50 days)",
    "one_order": "Only one order so far, 90 days ago",
    "orders_often": "6 orders in the last 365 days (average customer: 4)",
    "orders_rarely": "Only 1 order in the last 365 days (average customer: 4)",
    "orders_up": "Orders more often: 5 orders in the last 90 days, 2 in the 90 before",
    "spend_down": "Spends less: €30.50 in the last 90 days, €90.00 in the 90 before",
    "spends_much": "Spent €1,234.50 in the last 365 days (average customer: €200.00)",
    "long_standing": "A customer for more than 2 years",
    "complaint": "Complained 1 day ago",
    "satisfied": "Satisfied: 9.5 of 10 points in the last survey",
    "returns": "Returned goods: 25% of the money spent",
    "bought_in_season": "This time last year: 2 orders in the following 90 days",
}
IN_CHINESE = {
    "one_order": "至今只下过一单，在90天前",
    "orders_often": "近365天6单（客户平均4单）",
    "spend_down": "消费减少：近90天€30.50，之前90天€90.00",
    "within_rhythm": "最近一单在20天前，平时约每21天一单",
}


def test_every_sentence_has_a_case():
    assert CASES.keys() == BY_CODE.keys()
    assert len(BY_CODE) == len(SENTENCES)


@pytest.mark.parametrize("code", CASES)
@pytest.mark.parametrize("about", ["risk", "value"])
def test_each_sentence_is_used_for_what_it_explains(code, about):
    sentence = BY_CODE[code]
    effect = sentence.effect(about)
    weights = dict.fromkeys(sentence.group, effect / len(sentence.group))
    if about == "risk":
        churn, clv = (0.9 if effect > 0 else 0.1), (1.0 if effect > 0 else 99.0)
    else:
        churn, clv = (0.1 if effect > 0 else 0.9), (99.0 if effect > 0 else 1.0)
    found = reasons(weights, CASES[code], churn=churn, clv=clv)
    if not effect:
        assert found == []
        return
    (reason,) = [reason for reason in found if reason["code"] == code]
    word, _ = EFFECTS[about, effect > 0]
    assert (reason["about"], reason["effect"]) == (about, word)
    english, chinese = reason["text"]["en"], reason["text"]["zh"]
    assert english == IN_ENGLISH.get(code, english)
    assert chinese == IN_CHINESE.get(code, chinese)
    assert re.search(r"[\u4e00-\u9fff]", chinese)
    assert not re.search(r"%\(|nan|_", english + chinese)
    # of an unknown customer nothing is said
    assert reasons(weights, {"orders": np.nan}, churn=churn, clv=clv) == []


def test_groups_are_features_and_their_sentences_pull_both_ways_of_a_topic():
    for sentence in SENTENCES:
        assert set(sentence.group) <= set(NAMES), sentence.code
        # a fact that lowers the risk raises the value
        assert sentence.effect("risk") in {0, -sentence.effect("value")}
        assert sentence.effect("value") != 0


plain = st.sampled_from([0.0, 0.1, 0.5, 0.95, 1.0, 2.0, 9.0, 40.0, 200.0, 900.0, np.nan])
customers = st.fixed_dictionaries(dict.fromkeys(NAMES[1:], plain))
contributions = st.fixed_dictionaries({name: st.floats(-1, 1) for name in NAMES})


@settings(max_examples=60)
@given(customers, contributions, st.floats(0, 1), st.floats(0, 100))
def test_whatever_the_customer_reasons_are_true_in_the_model_and_on_their_side(
    values, weights, churn, clv
):
    found = reasons(weights, values, churn, clv)
    facts = CustomerFacts(Rows.stacked([values], list(values)), SHOP)
    topics = [BY_CODE[reason["code"]].topic for reason in found]
    assert len(topics) == len(set(topics))
    for about, most in MOST.items():
        assert sum(reason["about"] == about for reason in found) <= most
    for reason in found:
        sentence, about = BY_CODE[reason["code"]], reason["about"]
        effect = sentence.effect(about)
        assert sentence.holds(facts)[0]
        assert effect * sum(weights[name] for name in sentence.group) >= LEAST * (1 - 1e-9)
        if about == "value":
            assert effect == (1 if clv > SHOP["clv"] else -1)
        elif churn < BANDS.medium:
            assert effect == -1
        elif churn >= BANDS.high:
            assert effect == 1
        else:
            assert effect == (1 if churn > SHOP["churn_probability"] else -1)
        assert "nan" not in json.dumps(reason).lower()


def test_money_has_the_decimals_of_its_currency():
    weights = dict.fromkeys(BY_CODE["spends_much"].group, 1.0)
    (reason,) = reasons(weights, {"spend_365d": 1234.7}, churn=0.1, clv=99.0, currency="JPY")
    assert "¥1,235 " in reason["text"]["en"]


def test_customers_do_not_mix():
    parts = Rows.of(pd.DataFrame([{RHYTHM: 0.0}, {RHYTHM: 0.9}, {RHYTHM: 0.0}]))
    facts = CustomerFacts(Rows.stacked([SILENT] * 3, list(SILENT)), SHOP)
    chosen = choose("risk", np.ones(3, dtype=np.int8), parts, true_facts(facts))
    lengths = [sum(map(bool, row)) for row in written(chosen, facts, "risk", "EUR")]
    assert lengths == [0, 1, 0]
    empty = CustomerFacts(Rows(np.empty((0, 1)), ["orders"]), SHOP)
    none = choose("risk", np.empty(0, dtype=np.int8), parts.at([]), true_facts(empty))
    assert written(none, empty, "risk", "EUR").shape == (0, MOST["risk"])


def test_factors_are_all_contributions():
    risk = Rows(np.array([[0.25, 0.0, -0.004], [0.0, 0.0, 0.0]]), ["rhythm", "orders", "spend"])
    value = Rows(np.array([[0.0, -1.5, 0.006], [0.0, 0.0, 0.0]]), ["rhythm", "orders", "spend"])
    first, second = map(json.loads, factors_of({"risk": risk, "value": value}))
    assert first == {"risk": {"rhythm": 0.25}, "value": {"orders": -1.5, "spend": 0.01}}
    assert second == {"risk": {}, "value": {}}
    assert factor_values({"risk": risk, "value": value}) == [first, second]
    numbers = np.random.default_rng(4).normal(0, 3, (50, 3)) ** 3
    many = {"risk": Rows(numbers, risk.columns), "value": Rows(numbers[::-1] / 99, risk.columns)}
    assert factor_values(many) == [*map(json.loads, factors_of(many))]
    assert factors_of({"risk": risk.at([]), "value": value.at([])}) == []


@pytest.mark.parametrize(("days", "years"), [(365.0, None), (366.0, "1 year"), (731.0, "2 years")])
def test_more_than_a_year_is_more_than_a_year(days, years):
    weights = dict.fromkeys(BY_CODE["long_standing"].group, -1.0)
    values = {"days_since_first_order": days, "orders": 4.0}
    texts = [reason["text"]["en"] for reason in reasons(weights, values, churn=0.1, clv=60.0)]
    assert texts == ([f"A customer for more than {years}"] if years else [])


def reason_codes_of(features, weights, *, is_late):
    """The codes that may be used for one customer, by their facts and a contribution each."""
    facts = CustomerFacts(Rows.stacked([features], list(features)), SHOP, np.array([is_late]))
    return {
        sentence.code
        for sentence, is_true in zip(SENTENCES, true_facts(facts)[0], strict=True)
        if is_true and any(name in weights for name in sentence.group)
    }


def test_nobody_late_is_told_to_be_within_the_usual_gap():
    features = {**SILENT, "days_since_last_order": 19.0, "silence_ratio": 0.92}
    assert "within_rhythm" in reason_codes_of(features, {RHYTHM}, is_late=False)
    assert "within_rhythm" not in reason_codes_of(features, {RHYTHM}, is_late=True)


def test_nobody_silent_is_told_to_order_at_regular_intervals():
    steady = {**SILENT, "gap_variation": 0.2, "repeat_purchase_days": 5.0, "silence_ratio": 1.4}
    about = {RHYTHM, "gap_variation"}
    assert "regular" in reason_codes_of(steady, about, is_late=True)
    silent = reason_codes_of({**steady, "silence_ratio": 1.5}, about, is_late=True)
    assert "silent" in silent
    assert "regular" not in silent
