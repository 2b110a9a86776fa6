"""Sentences as JSON: the same as text by text, whichever way they are put together."""

import json

import pytest

from features.language.languages import languages
from features.language.message import Message, message
from serving.scoring.sentences import FigureSlot, sentence, sentence_writer
from serving.scoring.wording import GAP_DIGITS, every_days, in_unit


@pytest.mark.parametrize("unit", ["days", "share", "money", "yes_no"])
@pytest.mark.parametrize("value", [0.0, 1.0, 0.5, 2.25, 1234.5])
def test_a_sentence_of_one_figure_is_that_of_each_language(unit, value):
    write_in = in_unit(unit, "EUR")
    slot = FigureSlot(0, write_in)
    what = Message('{"%(value)s"}', (("value", slot),))
    effect = message("%(value)s", value="100 %")
    written = sentence_writer({"name": 'a "b"', "value": slot}, sentence(what, effect), [slot])
    texts = {
        language: sentence(
            Message('{"%(value)s"}', (("value", write_in(language)(value)),)), effect
        ).into(language)
        for language in languages()
    }
    assert json.loads(written(value)) == {"name": 'a "b"', "value": value, "text": texts}


def test_figures_go_where_their_slots_are_and_may_be_left_out():
    slots = [FigureSlot(number, in_unit("count")) for number in range(3)]
    text = Message("%(b)s, %(a)s, %(b)s", (("a", slots[0]), ("b", slots[1])))
    written = sentence_writer({"second": slots[1], "none": None}, text, slots)
    document = json.loads(written(1.0, 20.0, 300.0))
    assert document["second"] == 20.0
    assert document["none"] is None
    assert set(document["text"].values()) == {"20, 1, 20"}
    plain = sentence_writer({"x": 1}, Message("nothing in it"), slots)
    assert set(json.loads(plain(1.0, 2.0, 3.0))["text"].values()) == {"nothing in it"}


def test_a_usual_gap_is_one_number_of_days_wherever_it_stands():
    """In a reason, and in the column beside it, which shows the published gap in whole days."""
    for hundredths in range(100, 4_000):
        gap = hundredths / 100
        days = round(round(gap, GAP_DIGITS))
        assert every_days("en")(gap) == ("every day" if days == 1 else f"every {days} days")
        assert f"{round(gap, GAP_DIGITS):.0f}" == f"{days}"
