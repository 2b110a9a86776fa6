"""Dates as people read them, by the locale data of their language."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache

from features.language.languages import Language
from features.language.message import Message, Phrase, message_in

DAY = message_in("pattern of a date", "d MMM y")
MONTH = message_in("pattern of a date", "MMM y")
"""In the letters of Unicode's locale data (UTS 35)."""


@dataclass(frozen=True)
class DayPhrase(Phrase):
    """A day within a sentence, such as '1 Mar 2026'."""

    day: date

    def into(self, language: Language) -> str:
        """See `Phrase.into`."""
        return date_writer(DAY, language)(self.day)


@cache
def date_writer(pattern: Message, language: Language) -> Callable[[date], str]:
    """What writes days by `DAY`, `MONTH` or another pattern."""
    # The locale data takes memory, which a server without pages does without.
    from babel.core import Locale
    from babel.dates import parse_pattern

    parsed, locale = parse_pattern(pattern.into(language)), Locale.parse(language)
    return lambda day: parsed.apply(day, locale)
