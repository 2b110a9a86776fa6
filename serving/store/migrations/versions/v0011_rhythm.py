"""Silence beside the usual gap, to filter and sort by."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
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
)
"""The columns of the index of lists up to now."""

WITHIN = {
    "sqlite": ("json_extract(document, '$.rhythm')", "-9e999"),
    "postgresql": ("document::json ->> 'rhythm'", "'-Infinity'::float8"),
}
"""The word in a document, and less than any number."""


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    word, unknown = WITHIN[dialect]
    for table in ("scores", "live_scores"):
        op.add_column(table, sa.Column("rhythm", sa.Float))
        op.execute(
            f"UPDATE {table} SET rhythm = CASE {word} WHEN 'on_time' THEN 0 "
            f"WHEN 'late' THEN 1 WHEN 'overdue' THEN 2 ELSE {unknown} END "
            "WHERE document IS NOT NULL"
        )
    op.create_index("scores_by_rhythm", "scores", ["run_no", "rhythm", "customer_id"])
    # counted anew, with the counts by rhythm
    op.execute("DELETE FROM run_facets")
    if dialect == "sqlite":
        op.drop_index("scores_listed", "scores")
        op.create_index("scores_listed", "scores", [*BEFORE, "rhythm"])


def downgrade() -> None:
    op.drop_index("scores_by_rhythm", "scores")
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index("scores_listed", "scores")
        op.create_index("scores_listed", "scores", list(BEFORE))
    op.execute("DELETE FROM run_facets")
    for table in ("scores", "live_scores"):
        op.drop_column(table, "rhythm")
