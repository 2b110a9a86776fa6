"""The catalogue of findings; to add one: a function, and a line here."""

from collections.abc import Callable

from features.doctor.findings import calendar, clock, goods, ids, lines, people, states
from features.doctor.findings.line_evidence import LineEvidence
from features.doctor.report import Finding

FINDINGS: tuple[Callable[[LineEvidence], list[Finding]], ...] = (
    states.unread_states,
    ids.nobody,
    clock.at_night,
    calendar.stray_days,
    calendar.cut_short,
    lines.missing_ids,
    ids.collapsing,
    people.identities,
    people.patterns,
    states.without_date,
    goods.no_goods,
    goods.one_product_several_codes,
    clock.changed_hours,
    calendar.jump,
    calendar.empty_days,
    calendar.odd_days,
    lines.unknown_goods,
    lines.conversions,
    clock.days_only,
    lines.equal_rows,
    lines.below_cost,
    lines.unknown_costs,
    lines.measures,
    lines.free_lines,
    goods.several_names,
    calendar.open_month,
)
"""The gravest first: findings that make every number wrong come before those on a few rows."""


def find_all(evidence: LineEvidence) -> list[Finding]:
    """Every finding, in the order of the catalogue."""
    evidence.prepare()
    try:
        return [finding for find in FINDINGS for finding in find(evidence)]
    finally:
        evidence.clear()
