"""Findings on single rows: missing and odd values."""

from pathlib import Path

from features.doctor.findings.line_evidence import LineEvidence
from features.doctor.report import Finding
from features.reading.rules import duplicates_dropped
from features.settings.predict import LEAST_KNOWN_COST_SHARE

_HUGE_SHARE = 1e-4
_CONTENT = "customer_id, order_id, product_id, ordered_at, quantity, amount, discount, channel"


def missing_ids(evidence: LineEvidence) -> list[Finding]:
    """Rows without a customer."""
    condition = "reason IS NULL AND customer_id IS NULL"
    count, amount = _counted(evidence, condition)
    if not count:
        return []
    share = f"{100 * count / evidence.rows_used:.1f} %"
    advice = "If the file knows their card or account, name its column in data.columns.card_id."
    return [
        Finding(
            code="missing_id",
            severity="look",
            count=count,
            unit="row",
            meaning=f"no customer id ({share} of the rows used): they count for what is popular, not "
            "for any customer.",
            advice="" if evidence.data.columns.card_id else advice,
            share_of_revenue=evidence.share(amount),
            example=evidence.example(condition),
        )
    ]


def free_lines(evidence: LineEvidence) -> list[Finding]:
    """Lines with amount 0, and lines with quantity 0."""
    free, _ = _counted(evidence, "reason IS NULL AND amount = 0")
    none, amount = _counted(evidence, "reason IS NULL AND quantity = 0")
    free_and_none, _ = _counted(evidence, "reason IS NULL AND amount = 0 AND quantity = 0")
    smallest = f"{1 / evidence.data.minor_units:g} {evidence.data.currency}"
    findings = []
    if free:
        findings.append(
            Finding(
                code="free",
                severity="look",
                count=free,
                unit="row",
                meaning=f"amount 0 (in steps of {smallest}): used, as gifts or samples.",
                advice="If they were sold, their price is missing. If they are gifts, tests or "
                'replacements, data.rules.free_lines = "no_purchase" puts them aside.',
                example=evidence.example("reason IS NULL AND amount = 0"),
            )
        )
    if none:
        findings.append(
            Finding(
                code="zero_quantity",
                severity="look",
                count=none,
                unit="row",
                meaning=f"quantity 0, {free_and_none:,} of them with amount 0 as well: used with their amount; "
                "no feature counts pieces.",
                share_of_revenue=evidence.share(amount),
                example=evidence.example("reason IS NULL AND quantity = 0"),
            )
        )
    return findings


def equal_rows(evidence: LineEvidence) -> list[Finding]:
    """Rows that are equal to an earlier row of their file and are used."""
    if duplicates_dropped(evidence.data):
        return []
    copies = f"""
        SELECT min(source_row) AS first_row, source_file, count(*) - 1 AS copies,
               (count(*) - 1) * any_value(amount) AS amount
        FROM judged_lines WHERE reason IS NULL
        GROUP BY source_file, {_CONTENT} HAVING count(*) > 1"""
    count, amount, example = evidence.row(f"""
        SELECT coalesce(sum(copies), 0), coalesce(sum(amount), 0),
               min_by(parse_filename(source_file) || ', row ' || first_row, (source_file, first_row))
        FROM ({copies})""")
    if not count:
        return []
    return [
        Finding(
            code="equal_rows",
            severity="look",
            count=int(str(count)),
            unit="row",
            meaning="equal to an earlier row of their file and used: nothing tells a line exported "
            "twice from the same thing bought twice.",
            advice='If they are exported twice, set data.rules.duplicates = "drop".',
            share_of_revenue=evidence.share(int(str(amount))),
            example=str(example),
        )
    ]


def below_cost(evidence: LineEvidence) -> list[Finding]:
    """Goods sold for less than they cost."""
    condition = "reason IS NULL AND NOT is_return AND amount > 0 AND amount < cost"
    count, amount = _counted(evidence, condition)
    if not count:
        return []
    return [
        Finding(
            code="below_cost",
            severity="look",
            count=count,
            unit="row",
            meaning="sold for less than the cost: their margin counts as negative.",
            advice="If these are no promotions: is the cost that of the whole line, and are both with "
            "or both without tax?",
            share_of_revenue=evidence.share(amount),
            example=evidence.example(condition),
        )
    ]


def unknown_costs(evidence: LineEvidence) -> list[Finding]:
    """Costs that are known of too few of the goods."""
    goods = "reason IS NULL AND NOT is_return AND customer_id IS NOT NULL"
    unknown = f"{goods} AND cost IS NULL AND amount > 0"
    all_lines, paid = _counted(evidence, goods)
    count, amount = _counted(evidence, unknown)
    too_many = paid > 0 and amount > (1 - LEAST_KNOWN_COST_SHARE) * paid + 1e-6
    if not too_many or all_lines == _counted(evidence, f"{goods} AND cost IS NULL")[0]:
        return []
    return [
        Finding(
            code="costs_unknown",
            severity="look",
            count=count,
            unit="row",
            meaning=f"no cost ({100 * amount / paid:.1f} % of what customers paid): more than "
            f"{1 - LEAST_KNOWN_COST_SHARE:.0%}, so values are revenue and not margin.",
            advice="Add the costs in data.columns.cost or data.products.unit_cost.",
            share_of_revenue=evidence.share(amount),
            example=evidence.example(unknown),
        )
    ]


def measures(evidence: LineEvidence) -> list[Finding]:
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


def unknown_goods(evidence: LineEvidence) -> list[Finding]:
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
    findings = []
    for code, missing, meaning, advice in checks:
        condition = f"reason IS NULL AND {missing}"
        count, amount = _counted(evidence, condition)
        if count:
            findings.append(
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
    return findings


def conversions(evidence: LineEvidence) -> list[Finding]:
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


def _counted(evidence: LineEvidence, condition: str) -> tuple[int, int]:
    count, amount = evidence.row(
        f"SELECT count(*), coalesce(sum(amount), 0) FROM judged_lines WHERE {condition}"
    )
    return int(str(count)), int(str(amount))
