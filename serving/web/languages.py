"""The languages of the pages: English in the sources, others from `translations/`."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from babel.messages.pofile import read_po

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
NAMES: Mapping[Language, str] = {"en": "English", "zh": "中文"}
HTML_CODES: Mapping[Language, str] = {"en": "en", "zh": "zh-Hans"}

TRANSLATIONS = Path(__file__).parent / "translations"


def mark(message: str) -> str:
    """`message` itself: marks a text for translation that is looked up later."""
    return message


class Translations:
    """What the messages of the sources are called in one language.

    A message is found by its English text; one without a translation stays English.

    Parameters
    ----------
    language : read from every file of its folder below `translations/`
    """

    def __init__(self, language: Language) -> None:
        self._texts: dict[str, str] = {}
        for path in sorted((TRANSLATIONS / language).glob("*.po")):
            with path.open("rb") as file:
                for message in read_po(file, abort_invalid=True):
                    self._keep(message.id, message.string)

    def gettext(self, message: str) -> str:
        return self._texts.get(message, message)

    def ngettext(self, one: str, many: str, number: int) -> str:
        return self._texts.get(one) or (one if number == 1 else many)

    def _keep(self, found: str | Sequence[str], string: str | Sequence[str] | None) -> None:
        """Of a plural, the one form that Chinese has."""
        message = found if isinstance(found, str) else found[0]
        text = string if isinstance(string, str) else (string or ("",))[0]
        if message and text:
            self._texts[message] = text


@cache
def translations(language: Language) -> Translations:
    """The translations into `language`, read once."""
    return Translations(language)


def preferred(header: str) -> Language:
    """The language that a browser asks for first among ours (RFC 9110, Accept-Language)."""
    wanted = []
    for place, part in enumerate(header.split(",")):
        name, _, quality = part.partition(";")
        weight = quality.strip().removeprefix("q=")
        wanted.append((-_number(weight or "1"), place, name.strip().lower()[:2]))
    known = (name for weight, _, name in sorted(wanted) if weight < 0)
    return next((one for name in known for one in LANGUAGES if one == name), "en")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
