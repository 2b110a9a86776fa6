"""The tables of what is sent to the server: lines, histories, the scores that follow."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Integer,
    Table,
    Text,
)

from serving.store.tables import CUSTOMER_ID, metadata, score_columns, scores

live_lines = Table(
    "live_lines",
    metadata,
    Column("order_id", CUSTOMER_ID, primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("customer_id", CUSTOMER_ID, index=True),
    Column("change_no", BigInteger, nullable=False),
    Column("content", Text, nullable=False),
)

live_scores = Table(
    "live_scores",
    metadata,
    Column("customer_id", CUSTOMER_ID, primary_key=True),
    Column("change_no", BigInteger, nullable=False),
    Column("accepted_at", Text, nullable=False),
    Column("scored_no", BigInteger, nullable=False),
    Column("run_no", Integer),
    *score_columns(may_lack=True),
    Column("products", Text),
)
"""A customer with lines that the latest run has not seen: `change_no` is the newest of them,
`scored_no` the newest that the score knows, `run_no` the run it goes beyond; without a
`document` no line of the customer counts as a purchase."""

OF_SCORES = tuple(
    column.name for column in scores.columns if column.name not in {"run_no", "customer_id"}
)
"""What both tables hold of a customer."""

customer_histories = Table(
    "customer_histories",
    metadata,
    Column("customer_id", CUSTOMER_ID, primary_key=True),
    Column("lines", Text, nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("body_digest", Text, nullable=False),
    Column("verdicts", Text, nullable=False),
    Column("expires_at", Text, nullable=False, index=True),
)

live_state = Table(
    "live_state",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("next_no", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)
