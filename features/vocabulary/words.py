"""The words by which shops write what a row is: data files of this folder, read once.

Words propose and report; which rows are purchases is said by the settings alone.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

Verdict = Literal["purchase", "none", "return", "test"]

_BLANKS = re.compile(r"[\s_-]+")
_SYSTEM_PREFIX = "wc "


def folded(text: str) -> str:
    """A word as words are compared: no case, no blanks around it, `-`, `_` and blanks alike.

    The rule in SQL is `features.vocabulary.words.folded_sql`.

    >>> folded(" Pending_Payment "), folded("on-hold")
    ('pending payment', 'on hold')
    """
    lower = "".join(char.lower()[0] for char in text)  # letter by letter, as the engine does
    return _BLANKS.sub(" ", lower).strip(" ")


def folded_sql(text: str) -> str:
    """SQL for `folded` of an expression of text."""
    return (
        rf"trim(regexp_replace(lower({text}), '[\s\p{{Z}}_\x{{1c}}-\x{{1f}}\x{{85}}-]+', ' ', 'g'))"
    )


@dataclass(frozen=True)
class StatusWords:
    """Words of order statuses and kinds of papers, as `folded` writes them.

    Attributes
    ----------
    verdicts : word → what a row with it is, in all languages together
    ambiguous : word → what it means where; never to be decided without a look
    """

    verdicts: dict[str, Verdict]
    ambiguous: dict[str, str]

    def verdict(self, value: str) -> Verdict | None:
        """What a value of a status column says, None where it is no word of the list."""
        word = folded(value).removeprefix(_SYSTEM_PREFIX)
        return self.verdicts.get(word)

    def is_ambiguous(self, value: str) -> bool:
        return folded(value).removeprefix(_SYSTEM_PREFIX) in self.ambiguous


@cache
def status_words() -> StatusWords:
    """Words that speak of an order's state; of two verdicts on a word the more careful one holds."""
    tables = _read("status_words")
    verdicts: dict[str, Verdict] = {}
    kinds: tuple[Verdict, ...] = ("purchase", "return", "none", "test")
    for kind in kinds:
        verdicts |= dict.fromkeys(_words(tables[kind]), kind)
    ambiguous = {
        folded(word): meaning
        for listed, meaning in tables["ambiguous"].items()
        for word in listed.split(",")
    }
    return StatusWords(verdicts, ambiguous)


@cache
def no_product_words() -> dict[str, frozenset[str]]:
    """Names of lines that are no goods, `folded`, by kind: such as shipping or tax."""
    return {kind: frozenset(_words(table)) for kind, table in _read("no_product_words").items()}


@dataclass(frozen=True)
class NobodyWords:
    """How a customer column says that nobody is known.

    Attributes
    ----------
    words : whole cells, `folded`
    cells : whole cells as they stand, but for case and blanks around them: `-1` is not `1`
    addresses : how e-mail addresses begin that are of no person, `folded`
    """

    words: frozenset[str]
    cells: frozenset[str]
    addresses: tuple[str, ...]

    def speaks_of_nobody(self, customer_id: str) -> bool:
        """Whether an id is a word for nobody, or an address that stands for no person.

        >>> nobody_words().speaks_of_nobody("Guest"), nobody_words().speaks_of_nobody("ann")
        (True, False)
        """
        word = folded(customer_id)
        if word in self.words or customer_id.strip().casefold() in self.cells:
            return True
        return word.startswith(self.addresses)


@cache
def nobody_words() -> NobodyWords:
    """Values of a customer column that stand for many people or for nobody."""
    tables = _read("anonymous_words")
    words = frozenset(_words(tables["words"]))
    cells = frozenset(value.casefold() for values in tables["values"].values() for value in values)
    patterns = tables["parts"]["email_nobody"]
    # an address of a domain that is nobody's is still told apart from the others of it
    addresses = tuple(folded(pattern[:-1]) for pattern in patterns if pattern.endswith("*"))
    return NobodyWords(words, cells, addresses)


def _words(table: dict[str, list[str]]) -> list[str]:
    return [folded(word) for listed in table.values() for word in listed]


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text(encoding="utf-8"))
