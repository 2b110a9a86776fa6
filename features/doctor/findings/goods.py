"""Findings on products: codes that are no goods, and one product under several codes."""

from __future__ import annotations

import pandas as pd

from features.doctor.findings.line_evidence import LineEvidence
from features.doctor.report import Finding
from features.reading.fees import is_correction, is_fee, is_only_fee, is_regular, is_test

_LISTED = 5

_KINDS = {
    "bad_debt": "look like bookkeeping (bad debts, adjustments), not purchases.",
    "test_product": "look like tests of the till, not purchases.",
    "fee_product": "look like fees, postage or corrections, not products.",
}


def no_goods(evidence: LineEvidence) -> list[Finding]:
    """Codes that look like no product and are not ignored yet."""
    products = evidence.frame(
        "SELECT product_id, CAST(rows AS BIGINT) AS rows, CAST(amount AS DOUBLE) AS amount, coalesce(name, '') AS name "
        "FROM doctor_products ORDER BY rows DESC, product_id"
    )
    if products.empty:
        return []
    regular = is_regular(products["product_id"], products["rows"])
    names = {name: is_only_fee(name) for name in products["name"].unique()}
    suspects = products[~regular | products["name"].map(names)]
    kinds = pd.Series(
        [
            _kind(code, name)
            for code, name in zip(suspects["product_id"], suspects["name"], strict=True)
        ],
        index=suspects.index,
        dtype=object,
    )
    return [
        _finding(evidence, kind, suspects[kinds == kind])
        for kind in _KINDS
        if (kinds == kind).any()
    ]


def _kind(code: str, name: str) -> str | None:
    if is_correction(name):
        return "bad_debt"
    if is_test(code, name):
        return "test_product"
    return "fee_product" if is_fee(code, name) else None


def _finding(evidence: LineEvidence, kind: str, products: pd.DataFrame) -> Finding:
    codes = ", ".join(f'"{code}"' for code in products["product_id"].head(_LISTED))
    rest = f" and {len(products) - _LISTED} more" if len(products) > _LISTED else ""
    first = products.iloc[0]
    return Finding(
        code=kind,
        severity="look",
        count=len(products),
        unit="product",
        meaning=_KINDS[kind],
        advice=f"Add to data.rules.ignore_products: {codes}{rest}.",
        share_of_revenue=evidence.share(products["amount"].abs().sum()),
        example=" ".join(filter(None, (first["product_id"], first["name"]))),
    )


def one_product_several_codes(evidence: LineEvidence) -> list[Finding]:
    """Codes that differ only in case or blanks."""
    groups = evidence.frame(r"""
        SELECT min(product_id) AS code, max(product_id) AS other, count(*) AS codes,
               CAST(sum(amount) AS DOUBLE) AS amount
        FROM doctor_products GROUP BY upper(regexp_replace(product_id, '\s', '', 'g'))
        HAVING count(*) > 1 ORDER BY code""")
    if groups.empty:
        return []
    return [
        Finding(
            code="product_code_case",
            severity="look",
            count=int(groups["codes"].sum()),
            unit="product",
            meaning="codes that differ from another only in case or blanks count apart.",
            advice='If they are the same product, set data.rules.product_code_case = "upper".',
            share_of_revenue=evidence.share(groups["amount"].abs().sum()),
            example=f"{groups['code'].iloc[0]} and {groups['other'].iloc[0]}",
        )
    ]


def several_names(evidence: LineEvidence) -> list[Finding]:
    """Codes with more than one name."""
    count, example = evidence.row(
        "SELECT count(*), max_by(product_id || ' ' || first_name || ' / ' || last_name, (names, product_id)) "
        "FROM doctor_products WHERE names > 1"
    )
    if not count:
        return []
    return [
        Finding(
            code="several_names",
            severity="look",
            count=int(str(count)),
            unit="product",
            meaning="several names for one code: the last one that was paid for is shown.",
            example=str(example),
        )
    ]
