"""What was understood of a file, as values: for pages where people look at it and correct it."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from features.proposal.draft import Draft, MoneyProof
from features.proposal.place import Place
from features.vocabulary.words import folded

SAMPLES = 3
MOST_SAMPLE_SIGNS = 60
MOST_WORDS = 40


@dataclass(frozen=True)
class ReadField:
    """A field, the columns that it is read from, and what spoke for them."""

    name: str
    columns: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class FileColumn:
    """A column that holds something, with the first values of it."""

    name: str
    samples: tuple[str, ...]


@dataclass(frozen=True)
class WordMeaning:
    """A word of `status` or `document` and what a row with it is; None: nobody has decided."""

    field: str
    word: str
    rows: int
    verdict: str | None
    may_mean: str


@dataclass(frozen=True)
class Understanding:
    """What was understood.

    Attributes
    ----------
    rows : of the whole file
    fields : what is read from which column
    columns : all that could be chosen
    words : of the columns of states, undecided ones first
    proofs : sums that come out, or do not
    tax, discount : as `data.tax` and `data.rules.discount`; None where nothing is read of them
    currency, timezone : as proposed; `is_currency_sure`, `is_timezone_sure`: told by the file
    """

    rows: int
    fields: tuple[ReadField, ...]
    columns: tuple[FileColumn, ...]
    words: tuple[WordMeaning, ...]
    proofs: tuple[MoneyProof, ...]
    tax: str | None
    discount: str | None
    currency: str
    is_currency_sure: bool
    timezone: str
    is_timezone_sure: bool

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


def understood(draft: Draft, place: Place) -> Understanding:
    """What the draft of a proposal holds."""
    return Understanding(
        rows=draft.log.rows,
        fields=tuple(
            ReadField(name, columns, draft.why.get(name, ""))
            for name, columns in draft.mapped.items()
        ),
        columns=tuple(_columns(draft)),
        words=tuple(_words(draft)),
        proofs=tuple(draft.proofs),
        tax=draft.tax,
        discount=draft.discount,
        currency=place.currency,
        is_currency_sure="CHECK" not in place.currency_comment,
        timezone=place.timezone,
        is_timezone_sure="CHECK" not in place.timezone_comment,
    )


def _columns(draft: Draft) -> list[FileColumn]:
    return [
        FileColumn(
            column.name,
            tuple(
                str(value)[:MOST_SAMPLE_SIGNS]
                for value in column.entries.dropna().drop_duplicates().head(SAMPLES)
            ),
        )
        for column in draft.log.columns.values()
    ]


def _words(draft: Draft) -> list[WordMeaning]:
    """Each word under its commonest spelling, undecided ones first, then the commonest."""
    words: dict[tuple[str, str], WordMeaning] = {}
    for field, proposed in draft.verdicts.items():
        spellings = {*proposed.verdicts, *proposed.undecided}
        for spelling in sorted(spellings, key=lambda text: (-proposed.rows.get(text, 0), text)):
            word = WordMeaning(
                field,
                spelling,
                proposed.rows.get(spelling, 0),
                proposed.verdicts.get(spelling),
                proposed.undecided.get(spelling, ""),
            )
            first = words.setdefault((field, folded(spelling)), word)
            if first is not word:
                words[field, folded(spelling)] = replace(first, rows=first.rows + word.rows)
    present = [word for word in words.values() if word.rows]
    return sorted(present, key=lambda word: (word.verdict is not None, -word.rows))[:MOST_WORDS]
