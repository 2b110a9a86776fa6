"""Audiences for the API, the page and the command line alike: who belongs to them, by name."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from features.errors import ConfigError
from features.language.languages import SOURCE, languages
from features.language.message import Message
from serving.audiences.items import gone, refusal, unlisted
from serving.audiences.store import AudienceStore, SavedAudience
from serving.churn_list.rule_words import choice_label, field_label
from serving.store.facets import FacetStore
from serving.store.likely_buyers import BuyerStore
from serving.store.protocol import ChurnFilter
from serving.store.rule.binding import bound
from serving.store.rule.fields import AudienceField, fields_of
from serving.store.rule.tree import AudienceRule, searches
from serving.store.run import PublishedRun, Totals
from serving.web.words import Words

ID_BYTES = 6
LONGEST_NAME = 120
LONGEST_NOTE = 1_000
MOST_CHOICES = 300
"""A field with more values than this is filled in by its value, not chosen."""


@dataclass(frozen=True, kw_only=True)
class AudienceSize:
    """How many belong to an audience, and their value at risk; `problem`: why nobody can tell.

    `gone` says of each item without a list of likely buyers that nobody counts as one.
    """

    totals: Totals | None
    problem: str = ""
    gone: Sequence[Message] = ()


class AudienceService:
    """Counts audiences, and keeps them.

    Parameters
    ----------
    store : where they are kept
    facets : counts customers
    buyers : which items have a list of likely buyers
    clock : the present moment
    """

    def __init__(
        self,
        store: AudienceStore,
        facets: FacetStore,
        buyers: BuyerStore,
        clock: Callable[[], datetime],
    ) -> None:
        self.store = store
        self._facets = facets
        self._buyers = buyers
        self._clock = clock

    def totals(self, run: PublishedRun, rule: AudienceRule | None) -> Totals:
        """How many customers of a run a rule holds of, orders sent since counted in.

        Raises
        ------
        ConfigError
            When the run cannot be asked, naming every condition.
        """
        if rule is not None:
            bound(rule, run.info)
        current = self._facets.current(run.info.run_id, has_texts=searches(rule))
        totals = current.totals(ChurnFilter(rule=rule))
        digits = run.summary.money.digits
        return replace(totals, value_at_risk=round(totals.value_at_risk, digits))

    def size(self, run: PublishedRun, audience: SavedAudience) -> AudienceSize:
        """The same of a saved audience, whose field may have gone with an earlier run."""
        try:
            totals = self.totals(run, audience.rule)
            unknown = unlisted(audience.rule, self._buyers.items())
            return AudienceSize(totals=totals, gone=[gone(key) for key in unknown])
        except ConfigError as error:
            return AudienceSize(totals=None, problem=str(error))

    def item_problems(self, rule: AudienceRule, kept: AudienceRule | None = None) -> list[Message]:
        """Why a new rule cannot ask for some items; those of `kept`, which it replaces, may stay."""
        items = self._buyers.items()
        may_stay = [] if kept is None else unlisted(kept, items)
        return [refusal(key, items) for key in unlisted(rule, items) if key not in may_stay]

    def check_items(self, rule: AudienceRule, kept: AudienceRule | None = None) -> None:
        """Raises `ConfigError` with every one of `item_problems`."""
        if problems := self.item_problems(rule, kept):
            raise ConfigError([problem.into(SOURCE) for problem in problems])

    def save(
        self, run: PublishedRun, name: str, rule: AudienceRule, *, note: str, caller: str
    ) -> SavedAudience:
        """Keep a new one; the run must be able to tell its members.

        Raises
        ------
        ConfigError
            When it cannot.
        AudienceConflict
            When the name is taken.
        """
        bound(rule, run.info)
        self.check_items(rule)
        now = self._clock()
        audience = SavedAudience(
            audience_id=f"a-{secrets.token_hex(ID_BYTES)}",
            name=name,
            rule=rule,
            note=note,
            created_at=now,
            created_by=caller,
            changed_at=now,
            changed_by=caller,
        )
        self.store.add(audience)
        return audience

    def change(
        self,
        run: PublishedRun,
        audience_id: str,
        name: str,
        rule: AudienceRule,
        *,
        note: str,
        caller: str,
    ) -> SavedAudience:
        """Give it another name, rule or note; raises as `save`, and `UnknownAudience`."""
        bound(rule, run.info)
        kept = self.store.audience(audience_id)
        self.check_items(rule, kept.rule)
        changed = replace(
            kept,
            name=name,
            rule=rule,
            note=note,
            changed_at=self._clock(),
            changed_by=caller,
        )
        self.store.change(changed)
        return changed

    def sizes_by_field(self, run: PublishedRun) -> Mapping[str, Mapping[str, int]]:
        """Field → value → customers, of fields with few enough values to choose from."""
        counts = self._facets.counts(run.info.run_id, ChurnFilter())
        return {
            "risk": counts.by_risk,
            "rhythm": counts.by_rhythm,
            "consent": counts.by_consent,
            "status": counts.by_status,
            **counts.by_segment,
        }


def field_rows(run: PublishedRun, sizes: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    """The catalogue of fields as it is answered."""
    info = run.info
    every_language = [Words(language) for language in languages()]

    def label(field: AudienceField) -> dict[str, str]:
        if field.label:
            return Message(field.label).in_all_languages()
        return {words.language: field_label(field, words, info) for words in every_language}

    def values(field: AudienceField) -> list[dict[str, Any]] | None:
        if field.kind != "choice" or field.name not in sizes:
            return None
        return [
            {
                "value": value,
                "customers": customers,
                "label": {
                    words.language: choice_label(field, value, words, info)
                    for words in every_language
                },
            }
            for value, customers in sizes[field.name].items()
        ]

    return [
        {
            "field": field.name,
            "kind": field.kind,
            "heading": field.heading,
            "label": label(field),
            "unit": field.unit,
            "operators": list(field.operators),
            "values": values(field),
        }
        for field in fields_of(info)
    ]
