"""What webhooks are sent, for OpenAPI: each message is a call that a receiver answers."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Header

from serving.changes.webhook_schemas import ChangesDropped, CustomersChanged, WebhookTest

MessageId = Annotated[
    str,
    Header(alias="webhook-id", description="The same whenever the message is sent again"),
]
SentAt = Annotated[int, Header(alias="webhook-timestamp", description="Seconds since 1970")]
Signature = Annotated[
    str, Header(alias="webhook-signature", description="By Standard Webhooks; see docs/webhooks.md")
]
ACKNOWLEDGED: Mapping[int | str, dict[str, object]] = {
    204: {"description": "Any 2xx: taken. 410: switch me off. Else it comes again"}
}


def webhook_messages() -> APIRouter:
    """The messages as operations of a receiver. None is a route of this server."""
    router = APIRouter()

    @router.post(
        "customers.changed",
        summary="Customers came, went or changed",
        status_code=204,
        responses=dict(ACKNOWLEDGED),
    )
    def customers_changed(
        body: CustomersChanged, message: MessageId, at: SentAt, signature: Signature
    ) -> None:
        """Up to 100 changes, in their order."""

    @router.post(
        "changes.dropped",
        summary="Changes between two cursors are gone",
        status_code=204,
        responses=dict(ACKNOWLEDGED),
    )
    def changes_dropped(
        body: ChangesDropped, message: MessageId, at: SentAt, signature: Signature
    ) -> None:
        """Read the whole list anew."""

    @router.post(
        "webhook.test", summary="A trial call", status_code=204, responses=dict(ACKNOWLEDGED)
    )
    def webhook_test(
        body: WebhookTest, message: MessageId, at: SentAt, signature: Signature
    ) -> None:
        """It tells nothing."""

    return router
