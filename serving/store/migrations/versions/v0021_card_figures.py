"""What each card has brought, beside whose it is."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0019"
branch_labels = None
depends_on = None

COLUMNS = {
    "orders": sa.Integer,
    "revenue": sa.Float,
    "last_order_on": sa.Text,
    "share": sa.Float,
}


def upgrade() -> None:
    with op.batch_alter_table("account_members") as table:
        for name, kind in COLUMNS.items():
            table.add_column(sa.Column(name, kind))


def downgrade() -> None:
    with op.batch_alter_table("account_members") as table:
        for name in COLUMNS:
            table.drop_column(name)
