"""The customer's document: what is rounded, what is null, what is kept as it came."""

import json
import math
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from serving.runs.publication import prepare
from serving.scoring import answers, rounding
from serving.store.money import money_format
from tests.support.scores import run_info, score_tables


def documents(scores, recommendations, **run):
    ready = prepare(run_info(**run), scores, recommendations)
    return [json.loads(row.document) for row in ready.rows]


def test_money_and_probabilities_are_rounded_and_gaps_are_null():
    scores, recommendations = score_tables(2)
    scores["clv"] = [1.005_1, math.nan]
    scores["churn_probability"] = [0.123_456, math.inf]
    scores["value_at_risk"] = [-0.001, 2.5]
    scores["next_order_date"] = [date(2026, 3, 9), None]
    scores["at_risk_on"] = pd.to_datetime(["2026-04-01", None])
    scores["retention_risk"] = ["low", None]
    scores["usual_gap_days"] = [21.04, math.nan]
    first, second = documents(scores, recommendations)
    assert (first["clv"], second["clv"]) == (1.01, None)
    assert (first["churn_probability"], second["churn_probability"]) == (0.1235, None)
    assert math.copysign(1, first["value_at_risk"]) == 1
    assert [one["next_order"]["date"] for one in (first, second)] == ["2026-03-09", None]
    assert [one["at_risk_on"] for one in (first, second)] == ["2026-04-01", None]
    assert [one["retention_risk"] for one in (first, second)] == ["low", None]
    assert [one["profile"]["usual_gap_days"] for one in (first, second)] == [21.0, None]


def test_a_currency_without_minor_units_has_whole_amounts():
    scores, recommendations = score_tables(1)
    (answer,) = documents(scores.assign(clv=1234.56), recommendations, currency="JPY")
    assert answer["clv"] == 1235
    assert money_format("JPY").write(1234.56) == "¥1,235"


@pytest.mark.parametrize(
    ("currency", "written"),
    [
        ("GBP", "£1,234.50"),
        ("CHF", "CHF\N{NO-BREAK SPACE}1,234.50"),
        ("KWD", "KWD\N{NO-BREAK SPACE}1,234.500"),
        ("CNY", "CN¥1,234.50"),
    ],
)
def test_amounts_are_written_as_english_writes_them(currency, written):
    assert money_format(currency).write(1234.5) == written


def test_an_amount_that_rounds_to_nothing_has_no_sign():
    assert money_format("GBP").write(-0.001) == "£0.00"


def test_reasons_keep_their_words_and_lose_what_json_cannot_hold():
    scores, recommendations = score_tables(2)
    reason = {
        "feature": "usual_gap_days",
        "value": np.float32("nan"),
        "effect": "raises_risk",
        "text": {"en": "No rhythm", "zh": "无规律"},
    }
    scores["reasons"] = [[reason], None]
    first, second = documents(scores, recommendations)
    assert first["reasons"] == [{**reason, "value": None}]
    assert second["reasons"] == []


def test_values_of_numpy_and_dates_become_plain():
    text = answers.encode({"a": np.int64(3), "b": date(2026, 3, 1), "c": np.array([1.5, math.nan])})
    assert json.loads(text) == {"a": 3, "b": "2026-03-01", "c": [1.5, None]}


def test_segments_are_text():
    scores, recommendations = score_tables(2)
    scores["rfm_cell"] = [555, 111]
    scores["abc"] = ["A", None]
    first, second = documents(scores, recommendations)
    assert (first["segments"]["rfm_cell"], second["segments"]["abc"]) == ("555", None)


def test_products_stand_by_rank_whatever_the_order_of_rows():
    scores, recommendations = score_tables(20)
    shuffled = recommendations.sample(frac=1, random_state=3)
    in_order = answers.Ranked(scores["customer_id"], recommendations)
    found = answers.Ranked(scores["customer_id"], shuffled).texts(0, 20)
    assert found == in_order.texts(0, 7) + in_order.texts(7, 20)
    assert [json.loads(text)["rank"] for text in found[0]] == [1, 2, 3, 4, 5, 6]


def test_a_run_reads_back_from_its_text():
    info = run_info()
    assert type(info).from_json(info.to_json()) == info


ENDS = [
    0.0,
    0.001,
    1.0,
    1.001,
    1.999,
    12.345,
    12.340000000000001,
    1e6 + 0.005,
    -0.001,
    -2.5,
    0.1 + 0.2,
]


@pytest.mark.parametrize("digits", [0, 2, 3])
def test_ends_of_intervals_are_rounded_outwards_by_one_rule(digits):
    ends = np.array(ENDS)
    low, high = (rule(ends, digits=digits) for rule in (rounding.rounded_down, rounding.rounded_up))
    slack = 10.0**-digits * 1e-5
    assert (low <= ends + slack).all()
    assert (high >= ends - slack).all()
    assert (high - low <= 10.0**-digits + slack).all()
    # pages round the same way
    form = replace(money_format("GBP"), digits=digits)
    for end, down, up in zip(ENDS, low, high, strict=True):
        assert form.write_low(end) == form.write(down)
        assert form.write_high(end) == form.write(up)


def test_an_end_that_is_round_stays():
    round_figures = np.array([0.3, 0.1 + 0.2, 4.35, 1.1 * 3])
    shown = [0.3, 0.3, 4.35, 3.3]
    assert rounding.rounded_down(round_figures, digits=2).tolist() == shown
    assert rounding.rounded_up(round_figures, digits=2).tolist() == shown
