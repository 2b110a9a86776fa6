"""Who is left out of files and messages: those who refused, and those without consent.

Erased people are in no score run, so a list does not hold them; where members were drawn before
somebody was erased, they are counted.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from features.language.languages import SOURCE, Language
from serving.errors import StoreError
from serving.store.protocol import CONSENTS, ChurnFilter, ChurnPage, Consent, ScoreReader, SortKey
from serving.store.run import RunInfo, Totals
from serving.web.words import Words

HEADER = "Regulars-Left-Out"
"""Of an answer with a file: `refused=2, without-consent=5, erased=0`."""

READ_AGAIN = 5
"""How often counts are read again while new runs are published between them."""

REASONS: Mapping[str, Callable[[Words, int], str]] = {
    "refused": lambda words, number: words.say_many(
        "1 who refused to be contacted", "%(number)s who refused to be contacted", number
    ),
    "without_consent": lambda words, number: words.say_many(
        "1 without consent", "%(number)s without consent", number
    ),
    "erased": lambda words, number: words.say_many(
        "1 who was erased", "%(number)s who were erased", number
    ),
}
"""Why people are left out → so many of them in words."""


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """How many people a file or a message leaves out, by reason; nobody counts twice."""

    refused: int = 0
    without_consent: int = 0
    erased: int = 0

    @classmethod
    def of(cls, consents: Iterable[bool | None], *, is_kept: bool) -> "LeftOut":
        """Those of `consents` who may not be contacted; see `may_be_contacted`.

        >>> LeftOut.of([True, False, None, None], is_kept=True)
        LeftOut(refused=1, without_consent=2, erased=0)
        """
        forbidden = [
            consent for consent in consents if not may_be_contacted(consent, is_kept=is_kept)
        ]
        refused = forbidden.count(False)
        return cls(refused=refused, without_consent=len(forbidden) - refused)

    @property
    def total(self) -> int:
        """All of them."""
        return self.refused + self.without_consent + self.erased

    def to_dict(self) -> dict[str, int]:
        """Reason → number, ready for JSON."""
        return {name: getattr(self, name) for name in REASONS}

    def header(self) -> dict[str, str]:
        """The header of an answer with a file."""
        counts = (f"{name.replace('_', '-')}={number}" for name, number in self.to_dict().items())
        return {HEADER: ", ".join(counts)}

    def sentence(self, language: Language = SOURCE) -> str:
        """Who is left out, in words; empty where nobody is.

        >>> LeftOut(refused=1, without_consent=1200).sentence()
        'Left out: 1 who refused to be contacted, 1,200 without consent.'
        """
        words = Words(language)
        parts = [REASONS[name](words, number) for name, number in self.to_dict().items() if number]
        return words.say("Left out: %(people)s.", people=words.listed(parts)) if parts else ""


@dataclass(frozen=True, kw_only=True)
class ContactableList:
    """A list without those who may not be contacted.

    Attributes
    ----------
    chosen : the filter that lets through who may be contacted
    first : the first page
    left_out : who else the reader's own filter lets through
    """

    chosen: ChurnFilter
    first: ChurnPage
    left_out: LeftOut


def is_consent_kept(run: RunInfo) -> bool:
    """Whether the shop's table of customers says who may be contacted."""
    return run.economics.get("consent_known", False)


def may_be_contacted(consent: bool | None, *, is_kept: bool) -> bool:
    """Whether somebody may be: not after a refusal and, where consent is kept, only with it."""
    return consent is True or (consent is None and not is_kept)


def contactable(
    store: ScoreReader, chosen: ChurnFilter, *, sort: SortKey, limit: int
) -> ContactableList:
    """The list of whom a filter lets through and who may be contacted, of one run.

    Raises
    ------
    StoreError
        When a new run is published between all readings.
    """
    for _ in range(READ_AGAIN):
        everybody = store.churn_list(chosen, sort=sort, limit=limit)
        run = everybody.run.info
        allowed = {
            name
            for consent, name in CONSENTS.items()
            if may_be_contacted(consent, is_kept=is_consent_kept(run))
        }
        forbidden = _within(chosen, set(CONSENTS.values()) - allowed)
        pages = {
            name: store.churn_list(replace(chosen, consent=(name,)), sort=sort, limit=1)
            for name in forbidden
        }
        counts = {name: page.totals.customers for name, page in pages.items()}
        if not any(counts.values()):
            first, narrowed = everybody, chosen
        else:
            narrowed = replace(chosen, consent=_within(chosen, allowed))
            first = (
                store.churn_list(narrowed, sort=sort, limit=limit)
                if narrowed.consent
                else replace(
                    everybody,
                    documents=[],
                    totals=Totals(customers=0, value_at_risk=0.0),
                    after=None,
                )
            )
        if {page.run.info.run_id for page in (first, *pages.values())} == {run.run_id}:
            left_out = LeftOut(
                refused=counts.get("no", 0), without_consent=counts.get("unknown", 0)
            )
            return ContactableList(chosen=narrowed, first=first, left_out=left_out)
    raise StoreError("New scores are being published. Ask again.")


def _within(chosen: ChurnFilter, names: set[Consent]) -> tuple[Consent, ...]:
    """Those of `names` that the filter lets through; it names none where it lets all through."""
    return tuple(name for name in CONSENTS.values() if name in names & set(chosen.consent or names))
