"""Jobs, their logs, who works them, and when the regular run is made by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("job_no", sa.Integer, primary_key=True),
        sa.Column("job_id", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("started_at", sa.Text),
        sa.Column("ended_at", sa.Text),
        sa.Column("stage", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("is_cancelled", sa.Boolean, nullable=False),
        sa.Column("worker", sa.Text),
        sa.Column("arguments", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
    )
    op.create_table(
        "job_lines",
        sa.Column("job_no", sa.Integer, sa.ForeignKey("jobs.job_no"), primary_key=True),
        sa.Column("line_no", sa.Integer, primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    worker = op.create_table(
        "job_worker",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("worker", sa.Text),
        sa.Column("place", sa.Text),
        sa.Column("seen_at", sa.Float, nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
    )
    timetable = op.create_table(
        "job_timetable",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("handled_until", sa.Float, nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
    )
    op.bulk_insert(worker, [{"id": 1, "seen_at": 0.0}])
    op.bulk_insert(timetable, [{"id": 1, "body": '{"every":"never"}', "handled_until": 0.0}])


def downgrade() -> None:
    for table in ("job_timetable", "job_worker", "job_lines", "jobs"):
        op.drop_table(table)
