"""Counts beside the filters of a run's list, made when it is published."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "run_facets",
        sa.Column("run_no", sa.Integer, sa.ForeignKey("runs.run_no"), primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("run_facets")
