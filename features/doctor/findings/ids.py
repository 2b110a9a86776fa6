"""Findings on customer ids: ids of nobody, and several ids of one customer."""

from collections.abc import Iterable

from features.doctor.findings.line_evidence import LineEvidence
from features.doctor.report import Finding
from features.reading.ids import BLANK_CLASS
from features.reading.mapping import customer_text, read_table
from features.sql_text import identifier, literal
from features.vocabulary.words import NobodyWords, folded_sql, nobody_words

_SHOWN = 3


def nobody(evidence: LineEvidence) -> list[Finding]:
    """Ids that stand for guests or unknown buyers, each taken for one customer."""
    vocabulary = nobody_words()
    customers = evidence.connection.execute(f"""
        WITH customers AS (
            SELECT customer_id, count(*) AS orders, CAST(sum(bought) AS DOUBLE) AS bought
            FROM doctor_orders WHERE bought_rows > 0
            GROUP BY customer_id HAVING count(*) > 1
        )
        SELECT * FROM customers WHERE {_may_be_nobody(vocabulary)}
        ORDER BY bought DESC, customer_id""").fetchall()
    suspects = [customer for customer in customers if vocabulary.speaks_of_nobody(customer[0])]
    if not suspects:
        return []
    names = ", ".join(_quoted(name) for name, *_ in suspects[:_SHOWN])
    rest = f" and {len(suspects) - _SHOWN} more" if len(suspects) > _SHOWN else ""
    orders = sum(int(count) for _, count, _ in suspects)
    return [
        Finding(
            code="nobody_id",
            severity="look",
            count=len(suspects),
            unit="customer",
            meaning=f"{names}{rest} with {orders:,} orders looks like nobody: guests, or everybody whom "
            "the till does not know, taken for one customer.",
            advice=f"Set data.rules.anonymous_customers = [{names}], or a column that tells people apart "
            "in data.columns.customer_id.",
            share_of_revenue=evidence.share(sum(bought for *_, bought in suspects)),
            example=f"customer {suspects[0][0]}",
        )
    ]


def _may_be_nobody(vocabulary: NobodyWords) -> str:
    """SQL for the ids that `speaks_of_nobody` is asked of: of many customers next to none."""

    def listed(texts: Iterable[str]) -> str:
        return ", ".join(map(literal, sorted(texts)))

    word, cell = folded_sql("customer_id"), "lower(trim(customer_id))"
    addresses = [f"starts_with({word}, {literal(text)})" for text in vocabulary.addresses]
    conditions = [
        f"{word} IN ({listed(vocabulary.words)})",
        f"{cell} IN ({listed(vocabulary.cells)})",
    ]
    return " OR ".join((*conditions, *addresses))


def collapsing(evidence: LineEvidence) -> list[Finding]:
    """Ids that differ only in their writing: those counted apart, and those read as one."""
    return [*_of_other_case(evidence), *_read_as_one(evidence)]


def _of_other_case(evidence: LineEvidence) -> list[Finding]:
    bare = f"lower(regexp_replace(customer_id, '[{BLANK_CLASS}]+', '', 'g'))"
    people, ids, bought, example, other, addresses = evidence.row(f"""
        WITH people AS (
            SELECT {bare} AS person, count(DISTINCT customer_id) AS ids, sum(bought) AS bought,
                   min(customer_id) AS first_id, max(customer_id) AS last_id
            FROM doctor_orders GROUP BY person HAVING count(DISTINCT customer_id) > 1
        )
        SELECT count(*), coalesce(sum(ids), 0), coalesce(sum(bought), 0),
               min_by(first_id, person), min_by(last_id, person),
               count(*) FILTER (contains(person, '@'))
        FROM people""")
    if not people:
        return []
    is_mail = 2 * int(str(addresses)) >= int(str(people))
    return [
        Finding(
            code="id_case",
            severity="look",
            count=int(str(ids)),
            unit="customer",
            meaning=f"differ from another only in capital letters or blanks, such as {example!r} and "
            f"{other!r}: {int(str(people)):,} people perhaps, each counted several times.",
            advice='Set data.rules.email_ids = "fold".' if is_mail else "Mend the ids in the shop.",
            share_of_revenue=evidence.share(float(str(bought))),
            example=str(example),
        )
    ]


def _read_as_one(evidence: LineEvidence) -> list[Finding]:
    data = evidence.data
    kinds = {
        name: kind
        for name, kind, *_ in evidence.connection.execute("DESCRIBE source_lines").fetchall()
    }
    names = [name for name in data.columns.customer_id if kinds.get(name) == "VARCHAR"]
    if not names:
        return []
    table = read_table(data)
    parts = ", ".join(f"nullif(trim({identifier(name)}), '')" for name in names)
    written = f"coalesce({parts})"
    people, example = evidence.row(f"""
        SELECT count(*), min(person) FROM (
            SELECT person FROM (
                SELECT DISTINCT {customer_text(data, kinds, table)} AS person, {written} AS written
                FROM {table})
            WHERE person IS NOT NULL GROUP BY person HAVING count(*) > 1)""")
    if not people:
        return []
    return [
        Finding(
            code="id_blanks",
            severity="fixed",
            count=int(str(people)),
            unit="customer",
            meaning="written in several ways (blanks around the id, a spreadsheet's quotes, capital "
            "letters of addresses) and read as one.",
            example=f"customer {example}",
        )
    ]


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
