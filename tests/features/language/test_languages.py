"""A language is a folder with a catalogue: nothing else has to know it."""

import json
import os
import subprocess
import sys

import pytest

from features.language import languages as module
from features.language.languages import languages, translations
from features.language.message import Message, message, message_in, message_list

GERMAN = """
msgid ""
msgstr ""
"Language: de\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "1 day"
msgid_plural "%(number)s days"
msgstr[0] "1 Tag"
msgstr[1] "%(number)s Tage"

msgid "days since the last order"
msgstr "Tage seit der letzten Bestellung"

msgctxt "pattern of a date"
msgid "d MMM y"
msgstr "d. MMM y"
"""

ASKED_IN_GERMAN = """
import json, sys
from datetime import date
from pathlib import Path
from features.language import languages
languages.CATALOGUES = Path(sys.argv[1])
from features.catalogue import feature_named
from serving.scoring.reasons.choice import EFFECTS
from serving.scoring.wording import writer
from serving.web.formats.accept import preferred_language
from serving.web.schemas import Text
from serving.web.words import Words
feature = feature_named("days_since_last_order")
days = writer("days", "EUR", "de")
print(json.dumps({
    "meaning": feature.meaning.in_all_languages(),
    "days": [days(number) for number in (1, 2, 1.5, 1001)],
    "preferred": preferred_language("de-AT, en;q=0.5"),
    "schema": list(Text.model_json_schema()["properties"]),
    "day": Words("de").day(date(2026, 3, 1)),
    "names": [languages.own_name("de"), languages.html_code("de")],
}))
"""


def test_a_new_language_is_one_catalogue(tmp_path):
    folder = tmp_path / "de"
    folder.mkdir()
    (folder / "all.po").write_text(GERMAN, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-c", ASKED_IN_GERMAN, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONIOENCODING": "utf-8"},
    )
    assert json.loads(ran.stdout) == {
        "meaning": {
            "en": "days since the last order",
            "de": "Tage seit der letzten Bestellung",
        },
        "days": ["1 Tag", "2 Tage", "1.5 Tage", "1,001 Tage"],
        "preferred": "de",
        "schema": ["en", "de"],
        "day": "1. März 2026",
        "names": ["Deutsch", "de"],
    }


def test_the_source_language_comes_first():
    assert languages()[0] == module.SOURCE
    assert sorted(languages()[1:]) == list(languages()[1:])
    assert "zh" in languages()


def test_values_are_read_in_the_language_of_the_text():
    text = message("Value: %(value)s", value=Message("Loyalty"))
    assert text.into("en") == "Value: Loyalty"
    assert text.in_all_languages().keys() == set(languages())
    assert message("%(a)s and %(b)s").filled(a=1).filled(b=Message("Loyalty")).into("en") == (
        "1 and Loyalty"
    )


def test_a_list_is_joined_as_the_language_does():
    traits = message_list(
        [Message("came later than most"), Message("return little")],
        message_in("between traits", ", "),
    )
    assert traits.in_all_languages()["en"] == "came later than most, return little"
    assert traits.into("zh") == "，".join(
        translations("zh").gettext(text) for text in ("came later than most", "return little")
    )


def test_a_percent_sign_is_one_where_nothing_is_filled_in():
    assert Message("5 %").into("en") == "5 %"
    assert message("%(share)s %%", share=5).into("en") == "5 %"


@pytest.mark.parametrize(("language", "are_alike"), [("en", True), ("zh", False)])
def test_a_context_parts_what_english_calls_alike(language, are_alike):
    stage = message_in("stage of the lifecycle", "stable").into(language)
    assert (stage == translations(language).gettext("stable")) == are_alike
