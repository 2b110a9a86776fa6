"""Who changed from run to run, what was told of each customer last, who was erased.

There is no revision 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
# There is no migration 0003: the number was never used in a release. The chain is
# held by these names alone, so nothing is missing, and stores out there must not be renumbered.
down_revision = "0002"
branch_labels = None
depends_on = None

CUSTOMER_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name in ("scores", "recommendations"):
            op.alter_column(name, "customer_id", type_=CUSTOMER_ID)
    op.create_table(
        "changes",
        sa.Column("change_no", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("run_no", sa.Integer, sa.ForeignKey("runs.run_no"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("customer_id", CUSTOMER_ID),
        sa.Column("retention_risk_before", sa.Text),
        sa.Column("churn_probability_before", sa.Float),
        sa.Column("clv_before", sa.Float),
        sa.Column("retention_risk", sa.Text),
        sa.Column("churn_probability", sa.Float),
        sa.Column("clv", sa.Float),
    )
    for name in ("run_no", "customer_id"):
        op.create_index(f"ix_changes_{name}", "changes", [name])
    op.create_table(
        "announced",
        sa.Column("customer_id", CUSTOMER_ID, primary_key=True),
        sa.Column("retention_risk", sa.Text),
        sa.Column("churn_probability", sa.Float, nullable=False),
        sa.Column("clv", sa.Float, nullable=False),
    )
    op.create_table(
        "change_feed",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("first_no", sa.BigInteger, nullable=False),
        sa.Column("next_no", sa.BigInteger, nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
    )
    op.create_table(
        "erasures",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("erased_at", sa.Text, nullable=False),
    )


def downgrade() -> None:
    for name in ("erasures", "change_feed", "announced", "changes"):
        op.drop_table(name)
