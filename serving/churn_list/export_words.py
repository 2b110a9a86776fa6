"""Exports of lists in the reader's language: names of columns, codes and reasons."""

from typing import Any

from features.language.languages import SOURCE, Language
from features.language.message import mark
from serving.store.run import RunInfo
from serving.web.words import ACTIONS, PACES, RHYTHMS, RISKS, STATUSES, Words

COLUMNS = {
    "customer_id": mark("Customer"),
    "status": mark("Status"),
    "retention_risk": mark("Risk"),
    "churn_probability": mark("Churn probability"),
    "value_at_risk": mark("Value at risk"),
    "value_at_risk_pace": mark("Pace of the value at risk"),
    "p_order": mark("Chance of an order"),
    "rhythm": mark("Rhythm"),
    "clv": mark("Customer value"),
    "clv_low": mark("Customer value, low end"),
    "clv_median": mark("Customer value, median"),
    "clv_high": mark("Customer value, high end"),
    "value_if_order": mark("Value if they order"),
    "value_if_order_low": mark("Value if they order, low end"),
    "value_if_order_high": mark("Value if they order, high end"),
    "expected_orders": mark("Expected orders"),
    "expected_order_value": mark("Value of an order"),
    "at_risk_on": mark("High risk if silent until"),
    "contact_effect": mark("Effect of a contact"),
    "contact_effect_low": mark("Effect of a contact, low end"),
    "contact_effect_high": mark("Effect of a contact, high end"),
    "expected_profit": mark("Expected profit"),
    "suggested_action": mark("Suggestion"),
    "name": mark("Name"),
    "consent": mark("Consent"),
    "orders": mark("Orders"),
    "spend": mark("Spend"),
    "last_order_date": mark("Last order"),
    "days_since_last_order": mark("Days since last order"),
    "usual_gap_days": mark("Usual gap in days"),
    "next_order_date": mark("Next order"),
    "next_order_low": mark("Next order, earliest"),
    "next_order_high": mark("Next order, latest"),
    "reasons": mark("Why"),
    "run_id": mark("Run"),
    "as_of": mark("Scores from"),
    "horizon_days": mark("Days ahead"),
    "currency": mark("Currency"),
    "stand_ins": mark("Baselines that stand in"),
}
"""What the columns of an export are called; segment systems have names of their own."""


CODES = {
    "status": STATUSES,
    "retention_risk": RISKS,
    "rhythm": RHYTHMS,
    "suggested_action": ACTIONS,
    "value_at_risk_pace": PACES,
}
"""Columns that hold codes, and what these are called."""


class ExportWords:
    """The words of an export.

    Parameters
    ----------
    language : of the reader; None or that of the sources: columns are named as in the API, and
        codes stay as they are
    run : the run that is exported
    """

    def __init__(self, language: Language | None, run: RunInfo) -> None:
        self._words = Words(language or SOURCE)
        self._is_plain = self._words.language == SOURCE
        self._run = run

    def header(self, columns: list[str]) -> list[str]:
        """The names of columns."""
        if self._is_plain:
            return columns
        return [
            self._words.say(COLUMNS[name])
            if name in COLUMNS
            else self._words.system(name, self._run)
            for name in columns
        ]

    def reasons(self, reasons: list[dict[str, Any]]) -> str:
        """All reasons as one text."""
        if not reasons:
            return self._words.say("no single reason")
        return "; ".join(self._words.both(reason["text"]) for reason in reasons)

    def row(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row of a list with its codes in words; missing ones stay missing."""
        if self._is_plain:
            return row
        codes = {
            name: self._words.called(row[name], names)
            for name, names in CODES.items()
            if row.get(name)
        }
        return {**row, **codes}

    def segment(self, system: str, value: str | None) -> str | None:
        """A segment's value."""
        if self._is_plain or value is None:
            return value
        return self._words.value(value, self._run, system)
