"""An index that holds all that lists filter and sort by."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COLUMNS = (
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


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.create_index("scores_listed", "scores", list(COLUMNS))


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index("scores_listed", "scores")
