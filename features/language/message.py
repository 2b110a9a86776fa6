"""A text of the sources that is read in the reader's language."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Self

from features.language.languages import Language, languages, translations

Value = object
"""What a placeholder is filled with: a `Phrase` is put into the reader's language first."""


class Phrase(ABC):
    """Something that can be read in every language."""

    @abstractmethod
    def into(self, language: Language) -> str:
        """The text in one language."""

    def in_all_languages(self) -> dict[Language, str]:
        """The text in every language, ready for JSON."""
        return {language: self.into(language) for language in languages()}


@dataclass(frozen=True)
class Message(Phrase):
    """An English text and what its placeholders `%(name)s` are filled with.

    Attributes
    ----------
    english : as it stands in the sources; `%%` is a percent sign where there are values
    values : by the names of the placeholders
    context : parts texts that are the same in English only; None: there is no other
    """

    english: str
    values: tuple[tuple[str, Value], ...] = ()
    context: str | None = None

    def filled(self, **values: Value) -> Self:
        """The same text with these values added."""
        return replace(self, values=(*self.values, *values.items()))

    def into(self, language: Language) -> str:
        """See `Phrase.into`."""
        text = _translated(self.english, self.context, language)
        if not self.values:
            return text
        return text % {name: _read(value, language) for name, value in self.values}


@dataclass(frozen=True)
class MessageList(Phrase):
    """Several texts as one, with `between` them."""

    items: tuple[Phrase, ...]
    between: Phrase

    def into(self, language: Language) -> str:
        """See `Phrase.into`."""
        return self.between.into(language).join(item.into(language) for item in self.items)


def mark(english: str) -> str:
    """`english` itself: marks a text for translation that is looked up later."""
    return english


def message(english: str, /, **values: Value) -> Message:
    """A text of the sources; the call marks it for translation.

    >>> message("%(number)s days", number=5).into("en")
    '5 days'
    """
    return Message(english, tuple(values.items()))


def message_in(context: str, english: str, /, **values: Value) -> Message:
    """A text that is another one in other languages where it stands in another context."""
    return Message(english, tuple(values.items()), context)


def message_list(items: Iterable[Phrase], between: Phrase) -> MessageList:
    """Several texts as one, such as the parts of a rule."""
    return MessageList(tuple(items), between)


def _read(value: Value, language: Language) -> Value:
    return value.into(language) if isinstance(value, Phrase) else value


@cache
def _translated(english: str, context: str | None, language: Language) -> str:
    """Looked up once, so that messages may be filled in for every customer of a run."""
    catalogue = translations(language)
    if context is None:
        return catalogue.gettext(english)
    return catalogue.pgettext(context, english)
