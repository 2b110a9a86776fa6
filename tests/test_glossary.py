"""The glossary has each term once, and its names are those of code and pages."""

import re
from functools import cache
from pathlib import Path

import pytest

from features.language.languages import translations

ROOT = Path(__file__).parent.parent
ROW = re.compile(r"^\| ([^|]+) \| `(\w+)` \| ([^|]+) \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)
ROWS = ROW.findall((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"))
NOT_SHOWN = "–"


@cache
def names_of_code():
    files = (
        file
        for package in ("features", "training", "serving")
        for file in (ROOT / package).rglob("*.py")
    )
    return {
        name
        for file in files
        for name in re.findall(r"[a-z][a-z0-9_]*", file.read_text(encoding="utf-8"))
    }


def test_each_term_stands_once():
    terms = [term for term, *_ in ROWS]
    assert len(terms) > 70
    assert len(set(terms)) == len(terms)


@pytest.mark.parametrize(("term", "name"), [row[:2] for row in ROWS])
def test_code_uses_the_name(term, name):
    assert name in names_of_code(), term


@pytest.mark.parametrize(("english", "chinese"), [row[2:] for row in ROWS if row[2] != NOT_SHOWN])
def test_pages_use_the_words(english, chinese):
    assert translations("zh").gettext(english) == chinese
