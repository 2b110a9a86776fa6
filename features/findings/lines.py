"""Findings on single rows: what they lack, and values that are odd."""

from pathlib import Path

from features.findings.evidence import Evidence
from features.report import Finding

_HUGE_SHARE = 1e-4


def missing_ids(evidence: Evidence) -> list[Finding]:
    """Rows of nobody."""
    condition = "reason IS NULL AND customer_id IS NULL"
    count, amount = _counted(evidence, condition)
    if not count:
        return []
    advice = "If the file knows their card or account, name its column in data.columns.card_id."
    return [
        Finding(
            code="missing_id",
            severity="look",
            count=count,
            unit="row",
            meaning="no customer id: they count for what is popular, not for any customer.",
            advice="" if evidence.data.columns.card_id else advice,
            share_of_revenue=evidence.share(amount),
            example=evidence.example(condition),
        )
    ]


def free_lines(evidence: Evidence) -> list[Finding]:
    """Lines that cost nothing, and lines of no piece."""
    free, _ = _counted(evidence, "reason IS NULL AND amount = 0")
    none, amount = _counted(evidence, "reason IS NULL AND quantity = 0")
    found = []
    if free:
        found.append(
            Finding(
                code="free",
                severity="look",
                count=free,
                unit="row",
                meaning="amount 0: used, as gifts or samples.",
                advice="If they were sold, their price is missing.",
                example=evidence.example("reason IS NULL AND amount = 0"),
            )
        )
    if none:
        found.append(
            Finding(
                code="zero_quantity",
                severity="look",
                count=none,
                unit="row",
                meaning="quantity 0: used with their amount; no feature counts pieces.",
                share_of_revenue=evidence.share(amount),
                example=evidence.example("reason IS NULL AND quantity = 0"),
            )
        )
    return found


def measures(evidence: Evidence) -> list[Finding]:
    """Quantities that are litres or grams rather than pieces."""
    (usual,) = evidence.row(
        "SELECT coalesce(quantile_cont(quantity, 0.99), 0) FROM judged_lines WHERE reason IS NULL"
    )
    condition = (
        f"reason IS NULL AND abs(quantity) >= 1000 AND quantity > 100 * CAST({usual} AS DOUBLE)"
    )
    count, amount = _counted(evidence, condition)
    if count <= _HUGE_SHARE * evidence.rows_used:
        return []
    return [
        Finding(
            code="measure_not_pieces",
            severity="look",
            count=count,
            unit="row",
            meaning="quantities of 1,000 and more, over a hundred times what is usual: "
            "perhaps a measure (fuel, weight), not pieces. No feature counts pieces.",
            share_of_revenue=evidence.share(amount),
            example=evidence.example(condition),
        )
    ]


def unknown_goods(evidence: Evidence) -> list[Finding]:
    """Rows without product or category, and products that the products table does not know."""
    columns, table = evidence.data.columns, evidence.data.products
    checks = []
    if columns.product_id:
        checks.append(
            ("no_product", "product_id IS NULL", "no product code: never recommended.", "")
        )
    if columns.category or (table and table.category):
        missing = "category IS NULL"
        checks.append(("no_category", missing, "no category: left out of habits by category.", ""))
    if table:
        missing = "product_id IS NOT NULL AND NOT is_in_catalogue"
        means = f"a product that is not in {Path(table.path).name}."
        checks.append(("not_in_products", missing, means, "Add it to the table."))
    found = []
    for code, missing, meaning, advice in checks:
        condition = f"reason IS NULL AND {missing}"
        count, amount = _counted(evidence, condition)
        if count:
            found.append(
                Finding(
                    code=code,
                    severity="look",
                    count=count,
                    unit="row",
                    meaning=meaning,
                    advice=advice,
                    share_of_revenue=evidence.share(amount),
                    example=evidence.example(condition),
                )
            )
    return found


def conversions(evidence: Evidence) -> list[Finding]:
    """Amounts that were converted from other currencies."""
    if evidence.data.columns.currency is None:
        return []
    condition = f"reason IS NULL AND currency <> '{evidence.data.currency}'"
    count, amount = _counted(evidence, condition)
    if not count:
        return []
    rates = ", ".join(
        f"{code} at {rate.normalize():f}" for code, rate in evidence.data.rates.items()
    )
    return [
        Finding(
            code="converted",
            severity="fixed",
            count=count,
            unit="row",
            meaning=f"paid in another currency, converted into {evidence.data.currency}: {rates}.",
            share_of_revenue=evidence.share(amount),
            example=evidence.example(condition),
        )
    ]


def _counted(evidence: Evidence, condition: str) -> tuple[int, int]:
    count, amount = evidence.row(
        f"SELECT count(*), coalesce(sum(amount), 0) FROM judged_lines WHERE {condition}"
    )
    return int(str(count)), int(str(amount))
