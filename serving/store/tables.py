"""The tables of the store, as the latest migration leaves them."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
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


def score_columns(*, may_lack: bool) -> list[Column[Any]]:
    """What is kept of a customer's score; `may_lack`: of one who has none, too."""
    return [
        Column("status", Text, nullable=may_lack),
        Column("retention_risk", Text),
        Column("value_at_risk", Float, nullable=may_lack),
        Column("churn_probability", Float, nullable=may_lack),
        Column("clv", Float, nullable=may_lack),
        Column("segments", JSON, nullable=may_lack),
        Column("document", Text, nullable=may_lack),
        Column("expected_profit", Float, nullable=may_lack),
        Column("rhythm", Float),
        Column("next_order_date", Float),
        Column("consent", Boolean),
        Column("contact_hash", Text),
        Column("figures", JSON),
        Column("search_text", CUSTOMER_ID),
    ]


scores = Table(
    "scores",
    metadata,
    Column("run_no", Integer, ForeignKey("runs.run_no"), primary_key=True),
    Column("customer_id", CUSTOMER_ID, primary_key=True),
    *score_columns(may_lack=False),
    Index("scores_by_value_at_risk", "run_no", "value_at_risk", "customer_id"),
    Index("scores_by_churn_probability", "run_no", "churn_probability", "customer_id"),
    Index("scores_by_clv", "run_no", "clv", "customer_id"),
    Index("scores_by_expected_profit", "run_no", "expected_profit", "customer_id"),
    Index("scores_by_rhythm", "run_no", "rhythm", "customer_id"),
    Index("scores_by_next_order_date", "run_no", "next_order_date", "customer_id"),
    # All that lists filter and sort by, so that nobody reads past the documents for it;
    # PostgreSQL keeps those aside by itself.
    Index(
        "scores_listed",
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
        "rhythm",
        "next_order_date",
        "figures",
        "search_text",
    ).ddl_if(dialect="sqlite"),
)

recommendations = Table(
    "recommendations",
    metadata,
    Column("run_no", Integer, ForeignKey("runs.run_no"), primary_key=True),
    Column("customer_id", CUSTOMER_ID, primary_key=True),
    Column("products", Text, nullable=False),
)

listed_items = Table(
    "listed_items",
    metadata,
    Column("run_no", Integer, ForeignKey("runs.run_no"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("item_id", Text, primary_key=True),
    Column("name", Text),
    Column("category", Text),
    Column("past_buyers", Integer, nullable=False),
    Column("expected", Float, nullable=False),
    Column("low", Integer, nullable=False),
    Column("high", Integer, nullable=False),
)

likely_buyers = Table(
    "likely_buyers",
    metadata,
    Column("run_no", Integer, ForeignKey("runs.run_no"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("item_id", Text, primary_key=True),
    Column("customer_id", CUSTOMER_ID, primary_key=True),
    Column("chance", Float, nullable=False),
    Column("times", Integer, nullable=False),
    Column("last_days_ago", Integer),
    Index("likely_buyers_of_customer", "customer_id"),
)

run_exhibits = Table(
    "run_exhibits",
    metadata,
    Column("run_no", Integer, ForeignKey("runs.run_no"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("body", Text, nullable=False),
)

run_facets = Table(
    "run_facets",
    metadata,
    Column("run_no", Integer, ForeignKey("runs.run_no"), primary_key=True),
    Column("body", LargeBinary, nullable=False),
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

webhooks = Table(
    "webhooks",
    metadata,
    Column("webhook_id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("old_secret", Text),
    Column("old_secret_until", Float),
    Column("created_at", Float, nullable=False),
    Column("next_no", BigInteger, nullable=False),
    Column("pending_no", BigInteger),
    Column("failures", Integer, nullable=False),
    Column("failing_since", Float),
    Column("due_at", Float, nullable=False),
    Column("disabled_at", Float),
    Column("disabled_because", Text),
    Column("holder", Text),
    Column("held_until", Float),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("webhook_id", Text, ForeignKey("webhooks.webhook_id"), primary_key=True),
    Column("attempt_no", BigInteger, primary_key=True, autoincrement=False),
    Column("message_id", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("changes", Integer, nullable=False),
    Column("status", Integer),
    Column("problem", Text),
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("campaign_no", Integer, primary_key=True),
    Column("campaign_id", Text, nullable=False, unique=True),
    Column("request_key", Text, unique=True),
    Column("starts_on", Text, nullable=False),
    Column("ends_on", Text, nullable=False),
    Column("cancelled_at", Text),
    Column("plan", Text, nullable=False),
    Column("results", Text),
)

campaign_members = Table(
    "campaign_members",
    metadata,
    Column("campaign_no", Integer, ForeignKey("campaigns.campaign_no"), primary_key=True),
    Column("customer_id", CUSTOMER_ID, primary_key=True),
    Column("arm", Text, nullable=False),
    Column("stratum", Text, nullable=False),
    Column("retention_risk", Text),
    Column("rfm_group", Text),
    Column("rfm_cell", Text),
    Column("clv", Float),
    Column("value_at_risk", Float),
    Column("usual_value", Float),
    Column("expected_profit", Float),
    Column("contact_hash", Text),
    Column("orders", Integer),
    Column("revenue", Float),
    Column("margin", Float),
    Column("visits", Integer),
    Index("campaign_members_of_customer", "customer_id"),
)

experiments = Table(
    "experiments",
    metadata,
    Column("experiment_no", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("read_at", Text, nullable=False),
    Column("body", Text, nullable=False),
)

account_members = Table(
    "account_members",
    metadata,
    Column("customer_id", CUSTOMER_ID, primary_key=True),
    Column("level", Text, nullable=False),
    Column("account_id", CUSTOMER_ID),
    Column("account_level", Text),
    Column("payer_id", CUSTOMER_ID),
    Column("orders", Integer),
    Column("revenue", Float),
    Column("last_order_on", Text),
    Column("share", Float),
    Index("account_members_by_account", "account_id"),
    Index("account_members_by_payer", "payer_id"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("job_no", Integer, primary_key=True),
    Column("job_id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("started_at", Text),
    Column("ended_at", Text),
    Column("stage", Text),
    Column("attempts", Integer, nullable=False),
    Column("is_cancelled", Boolean, nullable=False),
    Column("worker", Text),
    Column("arguments", Text, nullable=False),
    Column("outcome", Text, nullable=False),
)

job_lines = Table(
    "job_lines",
    metadata,
    Column("job_no", Integer, ForeignKey("jobs.job_no"), primary_key=True),
    Column("line_no", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("text", Text, nullable=False),
)

job_worker = Table(
    "job_worker",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("worker", Text),
    Column("place", Text),
    Column("seen_at", Float, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

job_timetable = Table(
    "job_timetable",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("body", Text, nullable=False),
    Column("handled_until", Float, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

audiences = Table(
    "audiences",
    metadata,
    Column("audience_no", Integer, primary_key=True),
    Column("audience_id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False, unique=True),
    Column("rule", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
    Column("changed_by", Text, nullable=False),
)

people = Table(
    "people",
    metadata,
    Column("person_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sign_in_name", Text, unique=True),
    Column("role", Text, nullable=False),
    Column("password_hash", Text),
    Column("subject", Text, unique=True),
    Column("created_at", Float, nullable=False),
    Column("removed_at", Float),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("people.person_id"), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
    Index("sessions_of_person", "person_id"),
)

invitations = Table(
    "invitations",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("name", Text),
    Column("person_id", Text, ForeignKey("people.person_id")),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
)
