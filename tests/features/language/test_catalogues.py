"""Every text that people read speaks every language, and no translation is left over."""

import io
import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from features.language.languages import CATALOGUES, SOURCE, languages, translations

ROOT = Path(__file__).parents[3]
PACKAGES = ("features", "training", "serving")
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "mark": None}
KEYWORDS |= {"say": None, "say_many": (1, 2)}
KEYWORDS |= {"message": None, "message_in": ((1, "c"), 2), "counted": (1, 2)}
TEMPLATES = "**/templates/**.html"
METHODS = [
    ("commands/**.py", "ignore"),  # the command line speaks English
    ("**.py", "python"),
    (TEMPLATES, "jinja2.ext:babel_extract"),
]
OPTIONS = {TEMPLATES: {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}}
BARE = re.compile(r"(?<!%)%(?![(%])")
"""A percent sign that would end in an error where values are filled in."""
OTHERS = tuple(language for language in languages() if language != SOURCE)


def forms_of(message):
    """A message as one or two texts."""
    return message if isinstance(message, tuple) else (message,)


@cache
def extracted():
    """(context, message) → its forms (one, or singular and plural), from all three packages."""
    messages = {}
    for package in PACKAGES:
        for _, _, message, _, context in extract_from_dir(
            ROOT / package, method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS
        ):
            forms = forms_of(message)
            messages[context, forms[0]] = forms
    return messages


def translations_of(language):
    """(file, (context, message), translation) of everything in the files of a language."""
    return [
        (path.name, (message.context, forms_of(message.id)[0]), message)
        for path in sorted((CATALOGUES / language).glob("*.po"))
        for message in read_po(io.BytesIO(path.read_bytes()), abort_invalid=True)
        if message.id
    ]


def po_entries(names):
    """Messages as the lines of a catalogue that only their translations are missing from."""
    catalogue = Catalog()
    for context, name in names:
        forms = extracted()[context, name]
        catalogue.add(forms if len(forms) > 1 else name, context=context)
    written = io.BytesIO()
    write_po(written, catalogue, width=0, omit_header=True)
    return written.getvalue().decode()


def fields(text):
    return set(re.findall(r"%\((\w+)\)s", text))


def test_messages_come_from_all_kinds_of_sources():
    messages = {message for _, message in extracted()}
    assert {"Churn list", "days since the last order", "raises the risk"} <= messages
    assert {"Cohort retention", "Customer pyramid", "1 more order", "Overview"} <= messages


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_is_translated(language):
    """A text that is missing here is shown in English."""
    translated = {name for _, name, message in translations_of(language) if all(message.string)}
    missing = sorted(set(extracted()) - translated, key=str)
    assert not missing, f"to be translated in {CATALOGUES / language}:\n{po_entries(missing)}"


@pytest.mark.parametrize("language", OTHERS)
def test_no_translation_is_left_over(language):
    left = [(file, name) for file, name, _ in translations_of(language) if name not in extracted()]
    assert left == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_message_is_translated_in_one_way(language):
    texts = {}
    for _, name, message in translations_of(language):
        texts.setdefault(name, set()).add(str(message.string))
    assert [name for name, strings in texts.items() if len(strings) > 1] == []


@pytest.mark.parametrize("language", OTHERS)
def test_translations_fill_in_what_the_message_fills_in(language):
    for file, name, message in translations_of(language):
        many = extracted().get(name, name[1:])[-1]
        for text in forms_of(message.string):
            assert fields(text) == fields(many), (file, name)
            assert set(BARE.findall(text)) <= set(BARE.findall(name[1])), (file, name)
        assert not message.fuzzy, (file, name)


@pytest.mark.parametrize("language", OTHERS)
def test_every_file_says_the_same_of_its_language(language):
    heads = set()
    for path in (CATALOGUES / language).glob("*.po"):
        catalogue = read_po(io.BytesIO(path.read_bytes()))
        heads.add((catalogue.locale_identifier, catalogue.plural_forms))
    assert len(heads) == 1


def test_a_missing_text_is_named_as_the_lines_to_fill_in():
    lines = po_entries([("rule", "Lifecycle"), (None, "1 day"), (None, "Overview")])
    read = list(read_po(io.BytesIO(lines.encode())))
    named = {(message.context, message.id) for message in read if message.id}
    assert named == {
        ("rule", "Lifecycle"),
        (None, ("1 day", "%(number)s days")),
        (None, "Overview"),
    }


def test_a_message_without_a_translation_stays_english():
    texts = translations("zh")
    assert texts.gettext("brand new") == "brand new"
    assert texts.ngettext("1 brand new", "%(number)s brand new", 2) == "%(number)s brand new"
