"""Cards and accounts beside customers: who bought where no customer is named."""

from dataclasses import dataclass

from features.proposal.draft import Draft, percent
from features.sql_text import identifier


@dataclass(frozen=True)
class ProposedIdentities:
    """The columns that say whose card it is, and what spoke for them.

    `is_contradictory`: some cards stand beside several customers.
    """

    card_id: str
    customer_id: str
    comment: str
    is_contradictory: bool


def find_card(draft: Draft) -> None:
    """Read `card_id` where it names somebody on rows without a customer."""
    customer = _text(draft.mapped["customer_id"][0])
    for column in draft.liked("card_id", 2):
        if not column.can_identify:
            continue
        card = _text(column.name)
        counts = draft.log.query(f"""
            SELECT avg(CASE WHEN {customer} IS NULL AND {card} IS NOT NULL THEN 1 ELSE 0 END) AS filled,
                   (SELECT count(*) FROM (SELECT DISTINCT {card} AS id FROM log_lines)
                    WHERE id IN (SELECT {customer} FROM log_lines)) AS shared
            FROM log_lines""").iloc[0]
        if not counts["filled"]:
            draft.candidates["card_id"] = (column.name,)
        elif counts["shared"]:
            draft.candidates["card_id"] = (column.name,)
            draft.note(
                f"'{column.name}' holds numbers that are ids of customers as well: it is not read, since "
                "one would be taken for the other."
            )
        else:
            share = percent(float(counts["filled"]))
            draft.take("card_id", column, f"the only one who is named on {share} of the rows")
            draft.note(f"{share} of the rows name no customer but a card ('{column.name}').")
            return


def find_identities(draft: Draft) -> ProposedIdentities | None:
    """Whose the cards are, where rows that name both tell it of rows that name the card alone."""
    if "card_id" not in draft.mapped:
        return None
    names = draft.mapped["card_id"][0], draft.mapped["customer_id"][0]
    card, customer = map(_text, names)
    counts = draft.log.query(f"""
        WITH pairs AS (
            SELECT {card} AS card, count(DISTINCT {customer}) AS customers
            FROM log_lines WHERE {card} IS NOT NULL AND {customer} IS NOT NULL GROUP BY card
        )
        SELECT (SELECT count(*) FROM log_lines
                WHERE {customer} IS NULL AND {card} IN (SELECT card FROM pairs WHERE customers = 1))
                   AS rows,
               count(*) AS cards, count(*) FILTER (customers > 1) AS torn
        FROM pairs""").iloc[0]
    rows, cards, torn = (int(counts[name]) for name in ("rows", "cards", "torn"))
    if not rows:
        draft.note(
            "No row says whose card it is: each card is a customer of its own, unless a table of "
            "cards and customers is named in [data.identities]."
        )
        return None
    comment = f"{cards:,} cards stand beside a customer, which names {rows:,} more rows."
    several = f" {torn:,} of them stand beside several." if torn else ""
    draft.note(f"Whose card it is comes from the same rows (data.identities): {comment}{several}")
    return ProposedIdentities(*names, comment + several, bool(torn))


def _text(name: str) -> str:
    return f"nullif(trim({identifier(name)}::VARCHAR), '')"
