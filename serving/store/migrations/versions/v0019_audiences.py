"""Saved audiences, and the figures and texts that their rules ask for.

Those of the run that readers see are written now, from its documents; of earlier runs nobody asks.
"""

import json
from datetime import date
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

CUSTOMER_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BEFORE = (
    *("run_no", "customer_id", "retention_risk", "status", "consent", "value_at_risk"),
    *("expected_profit", "churn_probability", "clv", "segments", "rhythm", "next_order_date"),
)
"""The columns of the index of lists up to now."""

PLACES = {
    "profile": ("orders", "spend", "days_since_last_order", "usual_gap_days"),
    "next_order": ("p_order_30d",),
    "": ("expected_order_value", "value_if_order", "clv_lifetime", "churn_percentile"),
}
DAYS = {"profile": ("first_order_date", "last_order_date"), "": ("at_risk_on",)}
ROWS_AT_ONCE = 1_000


def upgrade() -> None:
    op.create_table(
        "audiences",
        sa.Column("audience_no", sa.Integer, primary_key=True),
        sa.Column("audience_id", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", sa.Text, nullable=False, unique=True),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("changed_at", sa.Text, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
    )
    for table in ("scores", "live_scores"):
        op.add_column(table, sa.Column("figures", sa.JSON))
        op.add_column(table, sa.Column("search_text", CUSTOMER_ID))
    _fill("scores", "run_no IN (SELECT run_no FROM current)")
    _fill("live_scores", "document IS NOT NULL")
    # counted anew, with the figures
    op.execute("DELETE FROM run_facets")
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index("scores_listed", "scores")
        op.create_index("scores_listed", "scores", [*BEFORE, "figures", "search_text"])


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index("scores_listed", "scores")
        op.create_index("scores_listed", "scores", list(BEFORE))
    op.execute("DELETE FROM run_facets")
    for table in ("scores", "live_scores"):
        for name in ("search_text", "figures"):
            op.drop_column(table, name)
    op.drop_table("audiences")


def _fill(name: str, which: str) -> None:
    """Write figures and texts of the rows of a table."""
    table = sa.table(
        name,
        *(sa.column(column) for column in ("run_no", "customer_id", "document", "contact_hash")),
        sa.column("figures", sa.JSON),
        sa.column("search_text"),
    )
    connection = op.get_bind()
    ids = connection.execute(
        sa.select(table.c.run_no, table.c.customer_id).where(sa.text(which))
    ).all()
    for start in range(0, len(ids), ROWS_AT_ONCE):
        block = [customer_id for _, customer_id in ids[start : start + ROWS_AT_ONCE]]
        of_block = table.c.customer_id.in_(block) & sa.text(which)
        rows = connection.execute(sa.select(table).where(of_block)).all()
        same = (table.c.run_no == sa.bindparam("of_run")) & (
            table.c.customer_id == sa.bindparam("of_customer")
        )
        filling = sa.update(table).where(same)
        connection.execute(
            filling.values(figures=sa.bindparam("its_figures"), search_text=sa.bindparam("text")),
            [
                {
                    "of_run": row.run_no,
                    "of_customer": row.customer_id,
                    "its_figures": _figures(json.loads(row.document)),
                    "text": _text(row.customer_id, row.document, row.contact_hash),
                }
                for row in rows
            ],
        )


def _figures(document: dict[str, Any]) -> dict[str, float]:
    numbers = {
        name: _part(document, part).get(name) for part, names in PLACES.items() for name in names
    }
    days = {name: _part(document, part).get(name) for part, names in DAYS.items() for name in names}
    numbers |= {
        name: float(date.fromisoformat(day).toordinal()) for name, day in days.items() if day
    }
    numbers |= document.get("indices") or {}
    return {name: float(value) for name, value in numbers.items() if value is not None}


def _part(document: dict[str, Any], part: str) -> Any:
    return document.get(part) or {} if part else document


def _text(customer_id: str, document: str, contact_hash: str | None) -> str:
    words = [*customer_id.split(), *(json.loads(document).get("name") or "").split()]
    sign = []
    if contact_hash is not None:
        digits = contact_hash[:12]
        if not set(digits) <= set("0123456789abcdefABCDEF"):
            digits = sha256(contact_hash.encode()).hexdigest()[:12]
        sign = ["".join(chr(0xE000 + int(digit, 16)) for digit in digits)]
    return " ".join([*(word.casefold() for word in words), *sign])
