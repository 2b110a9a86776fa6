"""Score runs, the pointer to the latest, scores and recommendations."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("run_no", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.Text, nullable=False, unique=True),
        sa.Column("info", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
    )
    op.create_table(
        "current",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_no", sa.Integer, sa.ForeignKey("runs.run_no"), nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
    )
    op.create_table(
        "scores",
        sa.Column("run_no", sa.Integer, sa.ForeignKey("runs.run_no"), primary_key=True),
        sa.Column("customer_id", sa.Text, primary_key=True),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("retention_risk", sa.Text),
        sa.Column("value_at_risk", sa.Float, nullable=False),
        sa.Column("churn_probability", sa.Float, nullable=False),
        sa.Column("clv", sa.Float, nullable=False),
        sa.Column("segments", sa.JSON, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    for key in ("value_at_risk", "churn_probability", "clv"):
        op.create_index(f"scores_by_{key}", "scores", ["run_no", key, "customer_id"])
    op.create_table(
        "recommendations",
        sa.Column("run_no", sa.Integer, sa.ForeignKey("runs.run_no"), primary_key=True),
        sa.Column("customer_id", sa.Text, primary_key=True),
        sa.Column("products", sa.Text, nullable=False),
    )


def downgrade() -> None:
    for name in ("recommendations", "scores", "current", "runs"):
        op.drop_table(name)
