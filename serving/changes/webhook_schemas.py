"""What is said of webhooks, and taken to make one."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.changes.schemas import ChangeOfCustomer
from serving.changes.webhook_calls import MOST_ADDRESS_SIGNS
from serving.changes.webhook_store import Delivery, Webhook
from serving.changes.webhooks import CallOutcome
from serving.web.shape import ApiShape

Cursor = Annotated[str, Field(pattern=r"^c[1-9][0-9]{0,17}$")]
State = Literal["active", "failing", "disabled"]


class NewWebhook(BaseModel):
    """Where to push changes to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        min_length=1,
        max_length=MOST_ADDRESS_SIGNS,
        description="https alone",
        examples=["https://crm.example.com/hook"],
        json_schema_extra={"pattern": "^https?://"},
    )
    since: str = Field(
        "end",
        pattern=r"^(c[1-9][0-9]{0,17}|end)$",
        description="From which cursor of the feed of changes on; `end`: those to come",
    )

    def place(self, end: int) -> int:
        """The number of the first change to tell."""
        return end if self.since == "end" else int(self.since.removeprefix("c"))


class WebhookItem(ApiShape):
    """A webhook; its secret is told when it is made, and never again."""

    webhook_id: str
    url: str
    created_at: datetime
    state: State = Field(description="failing: the last call was not acknowledged")
    next_cursor: Cursor = Field(description="The first change that it has not acknowledged")
    failures: int = Field(description="Calls since the last that was acknowledged")
    failing_since: datetime | None
    next_call_not_before: datetime | None = Field(description="null while it is disabled")
    disabled_at: datetime | None
    disabled_because: str | None

    @classmethod
    def of(cls, webhook: Webhook) -> "WebhookItem":
        return cls(**_told(webhook))


class WebhookWithSecret(WebhookItem):
    """A webhook with its secret, for once: it cannot be read again."""

    secret: str = Field(pattern=r"^whsec_[A-Za-z0-9+/]{43}=$")

    @classmethod
    def of(cls, webhook: Webhook) -> "WebhookWithSecret":
        return cls(**_told(webhook), secret=webhook.secret)


class WebhookCall(ApiShape):
    """A call of the past."""

    message_id: str
    at: datetime
    seconds: float = Field(ge=0)
    changes: int = Field(ge=0)
    status: int | None = Field(description="That was answered; null: nothing was")
    problem: str | None = Field(description="null: it was acknowledged")

    @classmethod
    def of(cls, delivery: Delivery) -> "WebhookCall":
        return cls(**vars(delivery))


class WebhookDetail(WebhookItem):
    """A webhook and its last calls, the latest first."""

    deliveries: list[WebhookCall]

    @classmethod
    def told(cls, webhook: Webhook, deliveries: list[WebhookCall]) -> "WebhookDetail":
        return cls(**_told(webhook), deliveries=deliveries)


class ChangesTold(ApiShape):
    """The changes of a message, as `GET /v1/changes` has them."""

    changes: list[ChangeOfCustomer]
    since: Cursor
    next_cursor: Cursor


class CustomersChanged(ApiShape):
    """What a webhook is sent when customers came, went or changed."""

    type: Literal["customers.changed"]
    timestamp: datetime
    data: ChangesTold


class PlacesTold(ApiShape):
    """From where to where changes are no longer kept."""

    since: Cursor
    next_cursor: Cursor


class ChangesDropped(ApiShape):
    """What a webhook is sent that was away for longer than changes are kept."""

    type: Literal["changes.dropped"]
    timestamp: datetime
    data: PlacesTold


class WebhookTest(ApiShape):
    """What a webhook is sent to try it."""

    type: Literal["webhook.test"]
    timestamp: datetime
    data: dict[str, object] = Field(max_length=0)


class Webhooks(ApiShape):
    webhooks: list[WebhookItem]


class WebhookTrial(ApiShape):
    """What a trial call came to."""

    acknowledged: bool
    seconds: float = Field(ge=0)
    status: int | None = Field(description="That was answered; null: nothing was")
    problem: str | None

    @classmethod
    def of(cls, outcome: CallOutcome) -> "WebhookTrial":
        return cls(
            acknowledged=outcome.problem is None,
            seconds=outcome.seconds,
            status=outcome.status,
            problem=outcome.problem,
        )


def _told(webhook: Webhook) -> dict[str, object]:
    active: State = "failing" if webhook.failures else "active"
    return {
        "webhook_id": webhook.webhook_id,
        "url": webhook.url,
        "created_at": webhook.created_at,
        "state": "disabled" if webhook.disabled_at else active,
        "next_cursor": f"c{webhook.next_no}",
        "failures": webhook.failures,
        "failing_since": webhook.failing_since,
        "next_call_not_before": None if webhook.disabled_at else webhook.due_at,
        "disabled_at": webhook.disabled_at,
        "disabled_because": webhook.disabled_because,
    }
