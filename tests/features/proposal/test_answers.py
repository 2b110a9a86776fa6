"""What a person answers goes before what the file tells; what was understood adds up."""

from pathlib import Path

import pytest

from features.errors import ConfigError
from features.proposal import propose
from features.proposal.answers import Answers
from features.settings.feature_settings import FeatureSettings
from features.settings.loading import settings_from

CASES = Path(__file__).parents[2] / "cases"
SHOPIFY = CASES / "systems" / "shopify" / "orders_export_1.csv"
GERMAN = CASES / "german-statuses" / "orders.csv"


def proposed(file, tmp_path, **answers):
    return propose(str(file), relative_to=tmp_path, answers=Answers(**answers))


def fields_of(proposal):
    return {field.name: field.columns for field in proposal.understanding.fields}


@pytest.fixture(scope="module")
def german(tmp_path_factory):
    return proposed(GERMAN, tmp_path_factory.mktemp("german"))


def test_what_was_understood_is_what_the_settings_say(german):
    understanding = german.understanding
    read = {
        name: tuple([columns] if isinstance(columns, str) else columns)
        for name, columns in german.settings["data"]["columns"].items()
    }
    assert fields_of(german) == read
    assert understanding.currency == german.settings["data"]["currency"]
    assert understanding.timezone == german.settings["data"]["timezone"]
    assert {column.name for column in understanding.columns} >= {
        name for names in read.values() for name in names
    }
    words = [word for word in understanding.words if word.field == "status"]
    rules = german.settings["data"]["rules"]["status"]
    assert all(word.word in rules[word.verdict] for word in words)
    # every row has one word, and words that differ in case are one
    assert sum(word.rows for word in words) == understanding.rows
    assert len({word.word.casefold() for word in words}) == len(words)


def test_the_money_of_a_shop_system_is_proved(tmp_path):
    proofs = {proof.column: proof for proof in proposed(SHOPIFY, tmp_path).understanding.proofs}
    assert {"Subtotal", "Total"} <= set(proofs)
    assert all(proof.of == "order" and proof.share == 1.0 for proof in proofs.values())


def test_answers_take_the_place_of_guesses(german, tmp_path):
    word = next(word for word in german.understanding.words if word.verdict == "none")
    answered = proposed(
        GERMAN,
        tmp_path,
        currency="CHF",
        timezone="Europe/Zurich",
        verdicts={word.field: {word.word: "purchase"}},
    )
    data = settings_from(answered.settings, FeatureSettings, root=tmp_path).data
    assert (data.currency, data.timezone) == ("CHF", "Europe/Zurich")
    assert word.word in answered.settings["data"]["rules"][word.field]["purchase"]
    assert word.word not in answered.settings["data"]["rules"][word.field].get("none", ())
    assert answered.understanding.is_currency_sure


def test_fields_that_are_left_out_are_read_from_no_column(german, tmp_path):
    left_out = frozenset({"status", "quantity", "order_id"})
    assert left_out <= set(fields_of(german))
    answered = proposed(GERMAN, tmp_path, left_out=left_out)
    assert not left_out & set(fields_of(answered))
    settings_from(answered.settings, FeatureSettings, root=tmp_path)


def test_what_every_shop_needs_cannot_be_left_out(tmp_path):
    with pytest.raises(ConfigError, match="customer_id: cannot be left out"):
        proposed(GERMAN, tmp_path, left_out=frozenset({"customer_id"}))
