"""The tables of the store, as the latest migration leaves them."""

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)

UNKNOWN = float("-inf")
"""What a sort column holds for an unknown value: below all others, and comparable."""

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("run_no", Integer, primary_key=True),
    Column("run_id", Text, nullable=False, unique=True),
    Column("info", Text, nullable=False),
    Column("summary", Text, nullable=False),
)

current = Table(
    "current",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_no", Integer, ForeignKey("runs.run_no"), nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

scores = Table(
    "scores",
    metadata,
    Column("run_no", Integer, ForeignKey("runs.run_no"), primary_key=True),
    Column("customer_id", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("retention_risk", Text),
    Column("value_at_risk", Float, nullable=False),
    Column("churn_probability", Float, nullable=False),
    Column("clv", Float, nullable=False),
    Column("segments", JSON, nullable=False),
    Column("document", Text, nullable=False),
    Index("scores_by_value_at_risk", "run_no", "value_at_risk", "customer_id"),
    Index("scores_by_churn_probability", "run_no", "churn_probability", "customer_id"),
    Index("scores_by_clv", "run_no", "clv", "customer_id"),
)

recommendations = Table(
    "recommendations",
    metadata,
    Column("run_no", Integer, ForeignKey("runs.run_no"), primary_key=True),
    Column("customer_id", Text, primary_key=True),
    Column("products", Text, nullable=False),
)
