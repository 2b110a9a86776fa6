"""What a person answers about a file: it goes before everything that its values tell."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from features.proposal.draft import Draft, Verdict
from features.proposal.place import Place
from features.vocabulary.words import folded


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Answers of a person; what is left out is decided from the file.

    Attributes
    ----------
    left_out : fields of `features.settings.columns.OPTIONAL_FIELDS` that are read from no column
    currency, timezone : of the shop
    tax, discount : as `data.tax` and `data.rules.discount`
    verdicts : `status` or `document` → word → what a row with it is
    """

    left_out: frozenset[str] = frozenset()
    currency: str | None = None
    timezone: str | None = None
    tax: Literal["excluded", "included"] | None = None
    discount: Literal["taken_off", "to_take_off"] | None = None
    verdicts: Mapping[str, Mapping[str, Verdict]] = field(default_factory=dict)

    def settle(self, draft: Draft) -> None:
        """Put the answers about money and words in the place of what was proposed."""
        draft.verdicts = {
            name: words for name, words in draft.verdicts.items() if name in draft.mapped
        }
        if self.tax is not None and "tax" in draft.mapped:
            draft.tax = self.tax
        if self.discount is not None and draft.discount is not None:
            draft.discount = self.discount
        for name, answered in self.verdicts.items():
            proposed = draft.verdicts.get(name)
            if proposed is None:
                continue
            # words that differ in case alone are one
            said = {folded(word): verdict for word, verdict in answered.items()}
            words = (*proposed.verdicts, *proposed.undecided)
            spelled = {word: said[folded(word)] for word in words if folded(word) in said}
            draft.verdicts[name] = replace(
                proposed,
                verdicts={**proposed.verdicts, **spelled},
                undecided={
                    word: meaning
                    for word, meaning in proposed.undecided.items()
                    if word not in spelled
                },
            )

    def place(self, proposed: Place) -> Place:
        """The place with what was said of it."""
        if self.currency is not None:
            proposed = replace(proposed, currency=self.currency, currency_comment="As you said.")
        if self.timezone is not None:
            proposed = replace(proposed, timezone=self.timezone, timezone_comment="As you said.")
        return proposed


NOTHING_SAID = Answers()
