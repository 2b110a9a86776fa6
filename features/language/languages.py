"""The languages that people can read, and the catalogue of each.

English stands in the sources. Any other language is a folder below `catalogues/` with gettext
files (`.po`); to add a language is to add its folder. Nothing else lists languages.
"""

import gettext
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.core import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

Language = str
"""The name of a catalogue's folder, such as `zh`, or `SOURCE`."""

SOURCE: Language = "en"
"""The language of the sources."""

CATALOGUES = Path(__file__).parent / "catalogues"


@cache
def languages() -> tuple[Language, ...]:
    """All languages, that of the sources first, the others by name."""
    return (SOURCE, *sorted(path.name for path in CATALOGUES.iterdir() if path.is_dir()))


@cache
def own_name(language: Language) -> str:
    """What a language calls itself.

    >>> own_name("en"), own_name("zh")
    ('English', '中文')
    """
    return Locale.parse(language).get_display_name() or language


@cache
def html_code(language: Language) -> str:
    """The language for an HTML page (RFC 5646): what the catalogue's `Language:` says.

    >>> html_code("en"), html_code("zh")
    ('en', 'zh-Hans')
    """
    return translations(language).info().get("language", language).replace("_", "-")


@cache
def translations(language: Language) -> gettext.NullTranslations:
    """What the messages of the sources are called in one language, read once.

    A message without a translation stays as it is in the sources.
    """
    if language == SOURCE:
        return gettext.NullTranslations()
    whole = Catalog(locale=language)
    for path in sorted((CATALOGUES / language).glob("*.po")):
        with path.open("rb") as file:
            part = read_po(file, abort_invalid=True)
        whole.mime_headers = part.mime_headers
        for message in part:
            if message.id:
                whole[message.id] = message
    compiled = BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
