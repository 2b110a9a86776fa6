"""Words of files with the list: codes and names for people, reasons in the reader's language."""

from typing import Any

from features.language.languages import SOURCE, Language
from features.language.message import message_in
from serving.churn_list.list_columns import INDEX_MEANING, LIST_COLUMNS
from serving.store.protocol import CONSENTS
from serving.store.run import RunInfo
from serving.web.words import PACES, RHYTHMS, RISKS, STATUSES, Words

_BETWEEN_SENTENCES = message_in("between sentences", " ")

CODES = {
    "status": STATUSES,
    "retention_risk": RISKS,
    "rhythm": RHYTHMS,
    "value_at_risk_pace": PACES,
}
"""Columns that hold codes, and what these are called."""


class ExportWords:
    """The words of an export.

    Parameters
    ----------
    language : of reasons, and of all words for people; None: that of the sources
    run : the run that is exported
    for_people : whether codes and columns are put into words; programs get those of the API
    """

    def __init__(self, language: Language | None, run: RunInfo, *, for_people: bool) -> None:
        self.words = Words(language or SOURCE)
        self._for_people = for_people
        self._run = run

    def title(self, column: str) -> str:
        """The header of a column for people; segment systems have names of their own."""
        if column in LIST_COLUMNS:
            return self.words.say(LIST_COLUMNS[column].title)
        return self.words.system(column, self._run)

    def meaning(self, column: str) -> str:
        """What a column means; of a segment system its rule, where the run carries it."""
        values = {
            "days": self.words.whole(self._run.horizon_days),
            "basis": self.words.clv_basis(self._run.clv_basis),
        }
        if column in LIST_COLUMNS:
            return self.words.say(LIST_COLUMNS[column].meaning, **values)
        if column in self._run.index_columns:
            return self.words.say(INDEX_MEANING)
        rule = self._run.segment_rules.get(column)
        return self.words.both(rule["rule"]) if rule else ""

    def reasons(self, reasons: list[dict[str, Any]]) -> str:
        """All reasons as one text."""
        if not reasons:
            return self.words.say("no single reason")
        between = _BETWEEN_SENTENCES.into(self.words.language) if self._for_people else "; "
        return between.join(self.words.both(reason["text"]) for reason in reasons)

    def row(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row of a list with its codes in words; missing ones stay missing."""
        if not self._for_people:
            return row
        codes = {
            name: self.words.called(row[name], names)
            for name, names in CODES.items()
            if row.get(name)
        }
        if row.get("suggested_action"):
            codes["suggested_action"] = self.words.action(row["suggested_action"], self._run)
        return {**row, **codes, "consent": self.words.consent(CONSENTS[row.get("consent")])}

    def segment(self, system: str, value: str | None) -> str | None:
        """A segment's value."""
        if not self._for_people or value is None:
            return value
        return self.words.value(value, self._run, system)
