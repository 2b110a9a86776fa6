"""Campaigns with their members, and what lists of a run choose them by."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

CUSTOMER_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    # below all others, as unknown values are; SQLite reads 1e999 as infinity
    unknown = sa.text("-1e999" if is_sqlite else "'-Infinity'")
    op.add_column(
        "scores", sa.Column("expected_profit", sa.Float, nullable=False, server_default=unknown)
    )
    op.add_column("scores", sa.Column("consent", sa.Boolean))
    op.add_column("scores", sa.Column("contact_hash", sa.Text))
    op.create_index(
        "scores_by_expected_profit", "scores", ["run_no", "expected_profit", "customer_id"]
    )
    op.create_table(
        "campaigns",
        sa.Column("campaign_no", sa.Integer, primary_key=True),
        sa.Column("campaign_id", sa.Text, nullable=False, unique=True),
        sa.Column("request_key", sa.Text, unique=True),
        sa.Column("starts_on", sa.Text, nullable=False),
        sa.Column("ends_on", sa.Text, nullable=False),
        sa.Column("cancelled_at", sa.Text),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("results", sa.Text),
    )
    op.create_table(
        "campaign_members",
        sa.Column(
            "campaign_no", sa.Integer, sa.ForeignKey("campaigns.campaign_no"), primary_key=True
        ),
        sa.Column("customer_id", CUSTOMER_ID, primary_key=True),
        sa.Column("arm", sa.Text, nullable=False),
        sa.Column("stratum", sa.Text, nullable=False),
        sa.Column("retention_risk", sa.Text),
        sa.Column("rfm_group", sa.Text),
        sa.Column("rfm_cell", sa.Text),
        sa.Column("clv", sa.Float),
        sa.Column("value_at_risk", sa.Float),
        sa.Column("usual_value", sa.Float),
        sa.Column("expected_profit", sa.Float),
        sa.Column("contact_hash", sa.Text),
        sa.Column("orders", sa.Integer),
        sa.Column("revenue", sa.Float),
        sa.Column("margin", sa.Float),
        sa.Column("visits", sa.Integer),
    )
    op.create_index("campaign_members_of_customer", "campaign_members", ["customer_id"])


def downgrade() -> None:
    op.drop_table("campaign_members")
    op.drop_table("campaigns")
    op.drop_index("scores_by_expected_profit", "scores")
    for name in ("contact_hash", "consent", "expected_profit"):
        op.drop_column("scores", name)
