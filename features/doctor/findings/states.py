"""Findings on the states of orders: states without a date, and state columns that are not read."""

from dataclasses import dataclass

from features.doctor.findings.line_evidence import LineEvidence
from features.doctor.report import Finding
from features.reading.rules import REFUNDED
from features.reading.states import STATUS_NONE
from features.sql_text import identifier, literal
from features.vocabulary.words import Verdict, status_words

_AGES = ((30, "up to 30 days"), (90, "31 to 90"), (365, "91 to 365"), (None, "over a year"))
_LOOKED_AT = 50_000
_FEW_VALUES = 40
_SHOWN = 4


def without_date(evidence: LineEvidence) -> list[Finding]:
    """States without the date from which they hold."""
    is_no_purchase = f"reason IN ({literal(STATUS_NONE)}, 'cancelled_column', {literal(REFUNDED)})"
    undated = f"changed_at IS NULL AND ({is_no_purchase} OR reason IS NULL AND refunded > 0)"
    bands = " ".join(
        f"WHEN age <= {days} THEN {number}" if days else f"ELSE {number}"
        for number, (days, _) in enumerate(_AGES)
    )
    rows = evidence.frame(f"""
        WITH of_orders AS (
            SELECT bool_or({undated}) AS is_changed, max(ordered_on) AS day
            FROM judged_lines
            WHERE (reason IS NULL OR {is_no_purchase}) AND NOT is_return AND ordered_on IS NOT NULL
            GROUP BY customer_id, coalesce(order_id, CAST(ordered_on AS VARCHAR))
        ), aged AS (SELECT *, max(day) OVER () - day AS age FROM of_orders)
        SELECT CASE {bands} END AS band, count(*) AS orders, count(*) FILTER (is_changed) AS changed
        FROM aged GROUP BY band ORDER BY band""")
    changed = int(rows["changed"].sum())
    if not changed:
        return []
    shares = ", ".join(
        f"{_AGES[int(band)][1]}: {share:.1%}"
        for band, share in zip(rows["band"], rows["changed"] / rows["orders"], strict=True)
    )
    return [
        Finding(
            code="state_without_date",
            severity="look",
            count=changed,
            unit="order",
            meaning="cancelled or refunded, and the file does not say since when: what the export says "
            "holds for all dates, also those before anybody knew. Share of the orders by their age in "
            f"days: {shares}. Where the young ones are far fewer, more of them will follow.",
            advice="If the file says when, set data.columns.status_at and data.columns.refunded_at.",
        )
    ]


@dataclass(frozen=True)
class _SpeakingColumn:
    """A column whose values are states of orders."""

    name: str
    verdicts: dict[str, Verdict]


def unread_states(evidence: LineEvidence) -> list[Finding]:
    """Unmapped columns of few values that name cancelled, failed, refunded or test orders."""
    return [
        finding
        for column in _speaking_columns(evidence)
        for finding in _unread_state(evidence, column)
    ]


def _unread_state(evidence: LineEvidence, column: _SpeakingColumn) -> list[Finding]:
    listed = ", ".join(literal(value) for value in column.verdicts)
    counts = evidence.connection.execute(f"""
        WITH written AS (
            SELECT source_file, source_row, trim({identifier(column.name)}) AS value
            FROM source_lines
        ), used AS (
            SELECT source_file, source_row, amount FROM judged_lines WHERE reason IS NULL
        )
        SELECT value, count(*) AS rows, coalesce(sum(abs(amount)), 0) AS moved
        FROM written JOIN used USING (source_file, source_row) WHERE value IN ({listed})
        GROUP BY value ORDER BY rows DESC, value""").fetchall()
    if not counts:
        return []
    shown = ", ".join(f"{value!r} ({rows:,} rows)" for value, rows, _ in counts[:_SHOWN])
    rest = f" and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else ""
    return [
        Finding(
            code="unread_state",
            severity="look",
            count=sum(int(rows) for _, rows, _ in counts),
            unit="row",
            meaning=f"column {column.name!r} speaks of orders that are no purchases, and they count: "
            f"{shown}{rest}.",
            advice=f"Set data.columns.status = {identifier(column.name)}, and say in data.rules.status "
            "which values are a purchase, none or a return.",
            share_of_revenue=evidence.share(sum(float(amount) for *_, amount in counts)),
            example=str(counts[0][0]),
        )
    ]


def _speaking_columns(evidence: LineEvidence) -> list[_SpeakingColumn]:
    """The unmapped columns of few values, half of them words for states, one of no purchase."""
    data = evidence.data
    read = {name for names in data.columns.mapped().values() for name in names}
    read |= {name for names in data.named_beside().values() for name in names}
    kinds = evidence.connection.execute("DESCRIBE source_lines").fetchall()
    texts = [
        name
        for name, kind, *_ in kinds
        if kind == "VARCHAR" and name not in read and not name.startswith(("source_", "regulars_"))
    ]
    speaking = (
        _SpeakingColumn(name, _states_of(evidence, name))
        for name in texts
        if 2 <= len(values := _first_values(evidence, name)) <= _FEW_VALUES and _speaks(values)
    )
    return [column for column in speaking if column.verdicts]


def _first_values(evidence: LineEvidence, name: str) -> list[str]:
    """The different values among the first rows, some more than a few at most.

    Column by column: all values of all columns at once would fill memory.
    """
    value = f"trim({identifier(name)})"
    rows = evidence.connection.execute(f"""
        SELECT DISTINCT {value} FROM (SELECT {identifier(name)} FROM source_lines LIMIT {_LOOKED_AT})
        WHERE {value} <> '' LIMIT {_FEW_VALUES + 1}""").fetchall()
    return sorted(text for (text,) in rows)


def _speaks(values: list[str]) -> bool:
    vocabulary = status_words()
    states = [value for value in values if vocabulary.verdict(value) is not None]
    return 2 * len(states) >= len(values) and any(_is_no_purchase(value) for value in values)


def _is_no_purchase(value: str) -> bool:
    vocabulary = status_words()
    verdict = vocabulary.verdict(value)
    return verdict not in (None, "purchase") and not vocabulary.is_ambiguous(value)


def _states_of(evidence: LineEvidence, name: str) -> dict[str, Verdict]:
    vocabulary = status_words()
    values = evidence.frame(f"SELECT DISTINCT trim({identifier(name)}) AS value FROM source_lines")
    if len(values) > 10 * _FEW_VALUES:
        return {}
    verdicts = {value: vocabulary.verdict(value) for value in values["value"].dropna()}
    return {
        value: verdict for value, verdict in verdicts.items() if verdict not in (None, "purchase")
    }
