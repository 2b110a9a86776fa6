"""Who belongs to which person, household or company, and who pays."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None

CUSTOMER_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "account_members",
        sa.Column("customer_id", CUSTOMER_ID, primary_key=True),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("account_id", CUSTOMER_ID),
        sa.Column("account_level", sa.Text),
        sa.Column("payer_id", CUSTOMER_ID),
    )
    op.create_index("account_members_by_account", "account_members", ["account_id"])
    op.create_index("account_members_by_payer", "account_members", ["payer_id"])


def downgrade() -> None:
    op.drop_table("account_members")
