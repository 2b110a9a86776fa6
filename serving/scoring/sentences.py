"""Sentences about customers, as JSON in every language, prepared once per run.

A sentence is a phrase with slots. Everything but the figures is looked up, translated and encoded
once; the writer called for a customer only fills in the figures.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from features.language.languages import Language, languages
from features.language.message import Message, Phrase, message
from serving.scoring.answers import encode
from serving.scoring.wording import Write

SentenceWriter = Callable[..., str]
"""Called with one figure per slot, in the order of their numbers."""

Piece = tuple[str, int, Write]
"""JSON as it stands, the number of the figure that follows it, and its writer."""

_FIRST_MARK = 0xE000
"""Of the characters for private use: a mark stands where a figure is filled in."""
_MARKS = re.compile("([\ue000-\uf8ff])")


@dataclass(frozen=True)
class FigureSlot(Phrase):
    """The slot of a figure that differs from customer to customer.

    Attributes
    ----------
    number : which of the figures, from 0
    writer : what writes it in a language
    """

    number: int
    writer: Callable[[Language], Write]

    @property
    def mark(self) -> str:
        """Stands for the figure until `sentence_writer` puts it there."""
        return chr(_FIRST_MARK + self.number)

    def into(self, language: Language) -> str:  # noqa: ARG002 - the same in all
        """The mark."""
        return self.mark


def sentence(what: Phrase, effect: Phrase) -> Message:
    """A fact, and its effect on the score."""
    return message("%(what)s – %(effect)s", what=what, effect=effect)


def sentence_writer(
    document: Mapping[str, object], text: Phrase, slots: Sequence[FigureSlot]
) -> SentenceWriter:
    """What writes `document` with `text` in every language, as JSON.

    Parameters
    ----------
    document : plain values, or a `FigureSlot` for a figure as it is; also in mappings
    text : a phrase with `slots` in it
    slots : all that are used, by number
    """
    plain = {name: _marked(value) for name, value in document.items()}
    pieces: list[Piece] = []
    rest = encode(plain)[:-1] + ',"text":{'
    # a figure is no text: the quotes around its mark go
    rest = _fill(
        pieces, re.sub('"([\ue000-\uf8ff])"', r"\1", rest), dict.fromkeys(range(len(slots)), repr)
    )
    for language in languages():
        writers = {slot.number: slot.writer(language) for slot in slots}
        rest += f"{encode(language)}:{encode(text.into(language))}"
        rest = _fill(pieces, rest, writers) + ","
    end = rest[:-1] + "}}"
    return _one_text(pieces, end) or _all_texts(pieces, end)


def _marked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _marked(inner) for name, inner in value.items()}
    return value.mark if isinstance(value, FigureSlot) else value


def _all_texts(pieces: Sequence[Piece], end: str) -> SentenceWriter:
    def write(*figures: float) -> str:
        parts = [lead + write(figures[number]) for lead, number, write in pieces]
        return f"{''.join(parts)}{end}"

    return write


def _one_text(pieces: Sequence[Piece], end: str) -> SentenceWriter | None:
    """For one figure, as it is and then written alike in all languages: it is written once."""
    if not pieces or {number for _, number, _ in pieces} != {0}:
        return None
    (start, _, plain), *texts = pieces
    writers = {write for _, _, write in texts}
    if plain is not repr or len(writers) != 1:
        return None
    (write_figure,) = writers
    between = [*(lead for lead, _, _ in texts), end]

    def write(figure: float, *_: float) -> str:
        return f"{start}{figure!r}{write_figure(figure).join(between)}"

    return write


def _fill(pieces: list[Piece], text: str, writers: Mapping[int, Write]) -> str:
    """Add what `text` holds up to its last figure; what follows is returned."""
    lead = ""
    for part in _MARKS.split(text):
        if _MARKS.fullmatch(part):
            number = ord(part) - _FIRST_MARK
            pieces.append((lead, number, writers[number]))
            lead = ""
        else:
            lead += part
    return lead
