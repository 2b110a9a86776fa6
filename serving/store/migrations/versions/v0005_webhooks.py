"""Where changes are pushed to, how far each address has come, and what became of the last calls."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("webhook_id", sa.Text, primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("old_secret", sa.Text),
        sa.Column("old_secret_until", sa.Float),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("next_no", sa.BigInteger, nullable=False),
        sa.Column("pending_no", sa.BigInteger),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failing_since", sa.Float),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("disabled_at", sa.Float),
        sa.Column("disabled_because", sa.Text),
        sa.Column("holder", sa.Text),
        sa.Column("held_until", sa.Float),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("webhook_id", sa.Text, sa.ForeignKey("webhooks.webhook_id"), primary_key=True),
        sa.Column("attempt_no", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("changes", sa.Integer, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("problem", sa.Text),
    )


def downgrade() -> None:
    for name in ("webhook_deliveries", "webhooks"):
        op.drop_table(name)
