"""Who will probably buy which item."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

CUSTOMER_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "listed_items",
        sa.Column("run_no", sa.Integer, sa.ForeignKey("runs.run_no"), primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("item_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text),
        sa.Column("category", sa.Text),
        sa.Column("past_buyers", sa.Integer, nullable=False),
        sa.Column("expected", sa.Float, nullable=False),
        sa.Column("low", sa.Integer, nullable=False),
        sa.Column("high", sa.Integer, nullable=False),
    )
    op.create_table(
        "likely_buyers",
        sa.Column("run_no", sa.Integer, sa.ForeignKey("runs.run_no"), primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("item_id", sa.Text, primary_key=True),
        sa.Column("customer_id", CUSTOMER_ID, primary_key=True),
        sa.Column("chance", sa.Float, nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("last_days_ago", sa.Integer),
    )
    op.create_index("likely_buyers_of_customer", "likely_buyers", ["customer_id"])
    # counted anew, with the items
    op.execute("DELETE FROM run_facets")


def downgrade() -> None:
    op.drop_table("likely_buyers")
    op.drop_table("listed_items")
    op.execute("DELETE FROM run_facets")
