"""Orders sent to the server, what customers bought before them, and the scores that follow."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CUSTOMER_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "live_lines",
        sa.Column("order_id", CUSTOMER_ID, primary_key=True),
        sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("customer_id", CUSTOMER_ID),
        sa.Column("change_no", sa.BigInteger, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_index("ix_live_lines_customer_id", "live_lines", ["customer_id"])
    op.create_table(
        "live_scores",
        sa.Column("customer_id", CUSTOMER_ID, primary_key=True),
        sa.Column("change_no", sa.BigInteger, nullable=False),
        sa.Column("accepted_at", sa.Text, nullable=False),
        sa.Column("scored_no", sa.BigInteger, nullable=False),
        sa.Column("run_no", sa.Integer),
        sa.Column("status", sa.Text),
        sa.Column("retention_risk", sa.Text),
        sa.Column("value_at_risk", sa.Float),
        sa.Column("churn_probability", sa.Float),
        sa.Column("clv", sa.Float),
        sa.Column("segments", sa.JSON),
        sa.Column("document", sa.Text),
        sa.Column("expected_profit", sa.Float),
        sa.Column("consent", sa.Boolean),
        sa.Column("contact_hash", sa.Text),
        sa.Column("products", sa.Text),
    )
    op.create_table(
        "customer_histories",
        sa.Column("customer_id", CUSTOMER_ID, primary_key=True),
        sa.Column("lines", sa.Text, nullable=False),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("body_digest", sa.Text, nullable=False),
        sa.Column("verdicts", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Text, nullable=False),
    )
    op.create_index("ix_idempotency_keys_expires_at", "idempotency_keys", ["expires_at"])
    op.create_table(
        "live_state",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("next_no", sa.BigInteger, nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
    )


def downgrade() -> None:
    for name in (
        *("live_state", "idempotency_keys", "customer_histories"),
        *("live_scores", "live_lines"),
    ):
        op.drop_table(name)
