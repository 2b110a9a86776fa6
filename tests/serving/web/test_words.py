"""Words, figures and dates as the pages write them."""

import re

import pytest

from serving.models.page import MEASURES
from serving.models.reasons import read_reason
from serving.store.run import MoneyFormat
from serving.web.drawing import ticks
from serving.web.whole_amounts import rounded_together
from serving.web.words import Words
from tests.support.scores import run_info
from training.recommend.reasons import CODES

EN, ZH = Words("en"), Words("zh")


def test_whole_amounts_add_up_to_the_whole_total():
    amounts = [10.4, 10.4, 10.4, 0.0, -3.5]
    assert rounded_together(amounts) == [10, 11, 10, 0, -3]
    assert rounded_together([]) == []


@pytest.mark.parametrize(
    ("probability", "written"),
    [(None, "–"), (0.0, "0%"), (0.004, "<1%"), (0.5, "50%"), (0.996, ">99%"), (1.0, "100%")],
)
def test_percentages_claim_no_certainty(probability, written):
    assert EN.percent(probability) == written


@pytest.mark.parametrize(
    ("why", "written"),
    [
        (
            {"code": "every_n_days", "days": 21, "last_days_ago": 25},
            "Bought every 21 days, last 25 days ago",
        ),
        (
            {"code": "bought_with", "product_id": "P", "product_name": "Jam"},
            "Often bought with Jam",
        ),
        (
            {"code": "bought_with", "product_id": "P", "product_name": None},
            "Often bought with P",
        ),
        ({"code": "popular"}, "Popular in this shop"),
        ({"code": "left_in_cart", "on": "2024-03-05"}, "Left in the cart on 5 Mar 2024"),
        ({"code": "brand_new_reason"}, "Brand new reason"),
        ({}, "–"),
    ],
)
def test_why_a_product_is_recommended_is_said_in_words(why, written):
    assert EN.why(why) == written


@pytest.mark.parametrize("code", CODES)
def test_every_reason_for_a_product_is_said_in_both_languages(code):
    why = {"code": code, "days": 21, "times": 2, "last_days_ago": 25, "lift": 2.0, "share": 0.1}
    why |= {"on": "2024-03-05"}
    why |= {"product_id": "P", "product_name": "P", "segment": "A", "category": None}
    english, chinese = EN.why(why), ZH.why(why)
    # a readable form of the code stands in for a missing text
    assert english != code.replace("_", " ").capitalize()
    assert english != chinese
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)


def test_a_minus_is_that_of_print_and_zero_has_no_sign():
    assert [EN.signed(number, ".0f") for number in (-0.3, -54, 28, 0.2, None)] == [
        *("0", "−54", "+28", "0", "–")
    ]
    assert (EN.figure(-0.0312, 3), EN.share(-0.0001), EN.points(-0.0125)) == (
        *("−0.031", "0.0%", "−1.25 points"),
    )
    for words in (EN, ZH):
        write = words.round_money(run_info(), MoneyFormat(prefix="£", digits=2))
        assert [write(-10), write(-0.4)] == ["−£10", "£0"]


def test_reasons_of_verdicts_are_read_in_the_readers_language():
    reason = "B: log_loss +12.2% [-1.0%, +15.0%] against inactivity rule; there is no champion yet"
    assert read_reason(EN, reason, MEASURES) == (
        (
            "B: Log loss better by +12.2% (−1.0% to +15.0%) than “inactivity rule”; "
            "the first model of this shop"
        ),
        True,
    )
    chinese = read_reason(ZH, reason, MEASURES)
    assert chinese.is_translated
    assert not re.search("log_loss|champion|inactivity", chinese.text)
    assert read_reason(ZH, "forced (a sale)", MEASURES) == ("forced (a sale)", False)


def test_codes_without_a_name_stay_readable():
    assert EN.value("important_value") == "Champions (important value)"
    assert EN.value("555") == "555"
    assert EN.value("brand_new") == "Brand new"
    assert EN.value(None) == "–"
    assert EN.system("my_system") == "My system"


@pytest.mark.parametrize(
    ("highest", "found"),
    [(0, [0.0]), (9, [0, 2.5, 5, 7.5, 10]), (100, [0, 25, 50, 75, 100]), (7, [0, 2, 4, 6, 8])],
)
def test_scales_have_round_numbers(highest, found):
    assert ticks(highest) == found


@pytest.mark.parametrize(
    ("amount", "english", "chinese"),
    [
        (None, "–", "–"),
        (950.0, "£950", "£950"),
        (15_000.0, "£15k", "£1.5万"),
        (1.25e6, "£1.2M", "£125万"),
        (-2e8, "−£200M", "−£2亿"),
    ],
)
def test_large_amounts_are_short_on_scales(amount, english, chinese):
    form = MoneyFormat(prefix="£", digits=2)
    assert EN.short_money(run_info(), form)(amount) == english
    assert ZH.short_money(run_info(), form)(amount) == chinese


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ({"ordered": True, "orders": 2, "spend": 30.0}, "2 orders, £30.00"),
        ({"ordered": True, "orders": None, "spend": None}, "ordered"),
        ({"ordered": False}, "no order"),
        (
            {"ordered": None, "reason": "horizon_not_over", "known_on": "2026-05-30"},
            "outcome known on",
        ),
        ({"ordered": None, "reason": "orders_corrected"}, "not known"),
    ],
)
def test_what_happened_is_said_in_words(outcome, said):
    money = EN.money(run_info(), MoneyFormat(prefix="£", digits=2))
    assert said in EN.outcome(outcome, money)
