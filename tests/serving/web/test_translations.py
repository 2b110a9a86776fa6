"""Every text of the pages speaks every language, and no translation is left over."""

import io
import re
from functools import cache

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from serving.web.frame import HERE
from serving.web.languages import LANGUAGES, TRANSLATIONS, Translations, preferred

KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "mark": None}
KEYWORDS |= {"say": None, "say_many": (1, 2)}
PAGES = ("web/**.py", "*/page.py", "*/docs_page.py", "*/form.py", "*/timeline.py", "*/picture.py")
TEMPLATES = "web/templates/**.html"
METHODS = [*((name, "python") for name in PAGES), (TEMPLATES, "jinja2.ext:babel_extract")]
OPTIONS = {TEMPLATES: {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}}
BARE = re.compile(r"(?<!%)%(?![(%])")
"""A percent sign that would end in an error where values are filled in."""
OTHERS = tuple(language for language in LANGUAGES if language != "en")


@cache
def extracted():
    """Message → its forms (one, or singular and plural), from sources and templates."""
    found = {}
    for _, _, message, _, _ in extract_from_dir(
        HERE.parent, method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS
    ):
        forms = message if isinstance(message, tuple) else (message,)
        found[forms[0]] = forms
    return found


def translations_of(language):
    """(file, message, text) of everything in the files of a language."""
    return [
        (path.name, message.id if isinstance(message.id, str) else message.id[0], message)
        for path in sorted((TRANSLATIONS / language).glob("*.po"))
        for message in read_po(io.BytesIO(path.read_bytes()), abort_invalid=True)
        if message.id
    ]


def fields(text):
    return set(re.findall(r"%\((\w+)\)s", text))


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_is_translated(language):
    known = {name for _, name, message in translations_of(language) if any(message.string)}
    assert sorted(set(extracted()) - known) == []


@pytest.mark.parametrize("language", OTHERS)
def test_no_translation_is_left_over(language):
    left = [(file, name) for file, name, _ in translations_of(language) if name not in extracted()]
    assert left == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_message_is_translated_in_one_way(language):
    texts = {}
    for _, name, message in translations_of(language):
        texts.setdefault(name, set()).add(str(message.string))
    assert [name for name, found in texts.items() if len(found) > 1] == []


@pytest.mark.parametrize("language", OTHERS)
def test_translations_fill_in_what_the_message_fills_in(language):
    for file, name, message in translations_of(language):
        text = message.string if isinstance(message.string, str) else message.string[0]
        many = extracted().get(name, (name,))[-1]
        assert fields(text) == fields(many), (file, name)
        assert not message.fuzzy, (file, name)
        assert set(BARE.findall(text)) <= set(BARE.findall(name)), (file, name)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("de-DE,de;q=0.9,zh;q=0.5,en;q=0.4", "zh"),
        ("zh;q=0,en", "en"),
        ("fr", "en"),
        ("zh;q=much", "en"),
    ],
)
def test_the_browser_says_which_language_is_read(header, language):
    assert preferred(header) == language


def test_a_message_without_a_translation_stays_english():
    texts = Translations("zh")
    assert texts.gettext("brand new") == "brand new"
    assert texts.ngettext("1 brand new", "%(number)s brand new", 2) == "%(number)s brand new"
