"""The tables of the store, as the latest migration leaves them."""

from sqlalchemy import (
    JSON,
    BigInteger,
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

CUSTOMER_ID = Text().with_variant(Text(collation="C"), "postgresql")
"""Compared sign by sign, whatever language the database speaks."""

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
    Column("customer_id", CUSTOMER_ID, primary_key=True),
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
    Column("customer_id", CUSTOMER_ID, primary_key=True),
    Column("products", Text, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text),
    Column("revoked_at", Text),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("entry_no", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("detail", Text, nullable=False),
)

changes = Table(
    "changes",
    metadata,
    Column("change_no", BigInteger, primary_key=True, autoincrement=False),
    Column("run_no", Integer, ForeignKey("runs.run_no"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("customer_id", CUSTOMER_ID, index=True),
    Column("retention_risk_before", Text),
    Column("churn_probability_before", Float),
    Column("clv_before", Float),
    Column("retention_risk", Text),
    Column("churn_probability", Float),
    Column("clv", Float),
)

announced = Table(
    "announced",
    metadata,
    Column("customer_id", CUSTOMER_ID, primary_key=True),
    Column("retention_risk", Text),
    Column("churn_probability", Float, nullable=False),
    Column("clv", Float, nullable=False),
)

change_feed = Table(
    "change_feed",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("first_no", BigInteger, nullable=False),
    Column("next_no", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

erasures = Table(
    "erasures",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("erased_at", Text, nullable=False),
)
