"""The date of the next order, to filter and sort by."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BEFORE = (
    "run_no",
    "customer_id",
    "retention_risk",
    "status",
    "consent",
    "value_at_risk",
    "expected_profit",
    "churn_probability",
    "clv",
    "segments",
    "rhythm",
)
"""The columns of the index of lists up to now."""

ORDINAL, EPOCH = 719_163, "julianday('1970-01-01')"
"""1970-01-01 as Python and as SQLite count days."""

NEARNESS = {
    "sqlite": (
        f"-(julianday(json_extract(document, '$.next_order.date')) - {EPOCH} + {ORDINAL})",
        "-9e999",
    ),
    "postgresql": (
        f"-((document::json -> 'next_order' ->> 'date')::date - date '1970-01-01' + {ORDINAL})",
        "'-Infinity'::float8",
    ),
}
"""The date in a document as a number, the sooner the higher, and less than any number."""


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    nearness, unknown = NEARNESS[dialect]
    for table in ("scores", "live_scores"):
        op.add_column(table, sa.Column("next_order_date", sa.Float))
        op.execute(
            f"UPDATE {table} SET next_order_date = coalesce({nearness}, {unknown}) "
            "WHERE document IS NOT NULL"
        )
    op.create_index(
        "scores_by_next_order_date", "scores", ["run_no", "next_order_date", "customer_id"]
    )
    # counted anew, with the dates
    op.execute("DELETE FROM run_facets")
    if dialect == "sqlite":
        op.drop_index("scores_listed", "scores")
        op.create_index("scores_listed", "scores", [*BEFORE, "next_order_date"])


def downgrade() -> None:
    op.drop_index("scores_by_next_order_date", "scores")
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index("scores_listed", "scores")
        op.create_index("scores_listed", "scores", list(BEFORE))
    op.execute("DELETE FROM run_facets")
    for table in ("scores", "live_scores"):
        op.drop_column(table, "next_order_date")
