"""Findings on customers: cards, sharing, staff and wholesale, the left edge of the log."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from features.doctor.findings.line_evidence import LineEvidence
from features.doctor.report import Finding

_NO_PERSON = "If it is no person, name it in data.rules.anonymous_customers."


def identities(evidence: LineEvidence) -> list[Finding]:
    """The effect of the identities table."""
    resolution = evidence.identities
    if resolution is None:
        return []
    persons = resolution.persons
    merged = persons[persons["card_id"] != persons["customer_id"]]
    before, after = (
        evidence.row(f"""
        SELECT coalesce(sum(amount) FILTER ({condition}), 0)
        FROM judged_lines WHERE reason IS NULL""")[0]
        for condition in ("customer_id IS NULL OR is_by_card", "customer_id IS NULL")
    )
    shares = [f"{evidence.share(float(str(part))) or 0:.1%}" for part in (before, after)]
    return [
        Finding(
            code="identities",
            severity="fixed",
            count=len(merged),
            unit="card",
            meaning=f"read as {merged['customer_id'].nunique():,} customers; revenue without a "
            f"customer id {shares[0]} before, {shares[1]} after.",
        ),
        *_unknown_cards(evidence),
    ]


def _unknown_cards(evidence: LineEvidence) -> list[Finding]:
    by_card = "is_by_card" if evidence.data.columns.card_id else "customer_id IS NOT NULL"
    condition = f"reason IS NULL AND {by_card} AND NOT is_in_identities"
    cards, amount = evidence.row(
        f"SELECT count(DISTINCT customer_id), coalesce(sum(amount), 0) FROM judged_lines WHERE {condition}"
    )
    if not cards:
        return []
    return [
        Finding(
            code="unknown_card",
            severity="look",
            count=int(str(cards)),
            unit="card",
            meaning="not in the identities table: each stays a customer of its own.",
            share_of_revenue=evidence.share(float(str(amount))),
            example=evidence.example(condition),
        )
    ]


_CUSTOMERS = """
    SELECT customer_id, count(*) AS orders, count(DISTINCT ordered_on) AS days,
           CAST(sum(bought) AS DOUBLE) AS bought, CAST(sum(discount) AS DOUBLE) AS discount,
           min(ordered_on) AS first_day
    FROM doctor_orders WHERE bought_rows > 0 GROUP BY customer_id"""

# in several shops at the same minute, more often than by chance
_TORN = """
    SELECT customer_id FROM (
        SELECT customer_id FROM doctor_orders
        WHERE bought_rows > 0 AND first_at <> ordered_on
        GROUP BY customer_id, date_trunc('minute', first_at)
        HAVING min(channel) <> max(other_channel)
    ) GROUP BY customer_id HAVING count(*) >= 3"""


def patterns(evidence: LineEvidence) -> list[Finding]:
    """Customers that do not behave like one private person, and the left edge of the log."""
    customers = evidence.frame(_CUSTOMERS)
    if customers.empty:
        return []
    torn = customers["customer_id"].isin(evidence.frame(_TORN)["customer_id"])
    hasty = (customers["orders"] >= 5 * customers["days"]) & (customers["orders"] >= 100)
    orders, bought = customers["orders"].median(), customers["bought"].median()
    paid = customers["bought"] + customers["discount"]
    usual = customers["discount"].sum() / max(paid.sum(), 1)
    share = customers["discount"] / paid.where(paid > 0)
    staff = (customers["orders"] >= max(50, 10 * orders)) & (share >= max(0.2, 3 * usual))
    large = (customers["bought"] >= 100 * bought) & (len(customers) >= 100) & (bought > 0)
    weight = customers["bought"][large].sum() / max(customers["bought"].sum(), 1)
    # hundreds of orders of usual size belong to many people: a reseller buys much at once
    usual_order = (customers["bought"] / customers["orders"]).median()
    small = customers["bought"] / customers["orders"] <= 3 * usual_order
    clerks = large & small & (customers["orders"] >= max(100, 10 * orders))
    wholesale = large & (weight >= 0.05) & ~clerks
    shared = torn | hasty
    kinds = (
        (
            "shared_card",
            shared,
            (
                "order at a pace, or in several places at the same minute, as no one person does: "
                "a card of many, a till, a default."
            ),
            _NO_PERSON,
        ),
        (
            "staff_like",
            (staff | clerks) & ~shared,
            (
                "order over ten times as often as is usual, at a discount three times as large or in "
                "hundreds of orders of usual size: cards of staff or of a till perhaps."
            ),
            _NO_PERSON,
        ),
        (
            "wholesale_like",
            wholesale & ~shared,
            (
                "each buys for over a hundred times the usual customer: resellers perhaps. "
                "Means and totals hang on them."
            ),
            "",
        ),
    )
    findings = [
        _people(evidence, code, customers[matches], *sentences)
        for code, matches, *sentences in kinds
        if matches.any()
    ]
    return findings + _left_edge(evidence, customers) + _cohort(evidence, customers)


def _people(
    evidence: LineEvidence, code: str, customers: pd.DataFrame, meaning: str, advice: str
) -> Finding:
    largest = customers.sort_values(["bought", "customer_id"], ascending=[False, True])
    return Finding(
        code=code,
        severity="look",
        count=len(customers),
        unit="customer",
        meaning=meaning,
        advice=advice,
        share_of_revenue=evidence.share(customers["bought"].sum()),
        example=f"customer {largest['customer_id'].iloc[0]}",
    )


def _cohort(evidence: LineEvidence, customers: pd.DataFrame) -> list[Finding]:
    first, last = evidence.usual_days["day"].iloc[[0, -1]]
    newest = customers["first_day"][customers["first_day"] <= last].max()
    silent_days = (last - newest).days
    if len(customers) < 20 or silent_days < max(90, (last - first).days / 2):
        return []
    return [
        Finding(
            code="closed_cohort",
            severity="look",
            count=len(customers),
            unit="customer",
            meaning=f"all of them are first seen by {newest:%Y-%m-%d}, and nobody new in the "
            f"{silent_days} days since: a cohort rather than a shop. Sales fall as it ages, and what "
            "is learned of it need not hold for new customers.",
            advice="If the shop has new customers, export them too.",
        )
    ]


def _left_edge(evidence: LineEvidence, customers: pd.DataFrame) -> list[Finding]:
    first, last = evidence.usual_days["day"].iloc[[0, -1]]
    early = customers["first_day"] < first + timedelta(days=30)
    if (last - first).days < 90 or len(customers) < 20 or early.mean() < 0.5:
        return []
    return [
        Finding(
            code="left_truncated",
            severity="look",
            count=int(early.sum()),
            unit="customer",
            meaning=f"{early.mean() * 100:.0f} % of all are first seen in the first 30 days: most were "
            "customers before. First seen is not acquisition; ages are at least what they seem.",
            advice="An earlier start of the export tells new customers from old.",
        )
    ]
