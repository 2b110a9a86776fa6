"""Webhooks: where changes are pushed to."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from serving.audit.store import Action
from serving.changes.feed import ChangeFeed
from serving.changes.webhook_calls import Caller
from serving.changes.webhook_schemas import (
    NewWebhook,
    WebhookCall,
    WebhookDetail,
    WebhookItem,
    Webhooks,
    WebhookTrial,
    WebhookWithSecret,
)
from serving.changes.webhook_store import WebhookStore
from serving.changes.webhooks import OLD_SECRET_FOR, call, new_secret, new_webhook, trial_message
from serving.web.call import current_call
from serving.web.context import RouteContext
from serving.web.params import body_schema, json_body
from serving.web.problems import declared

SHOWN_DELIVERIES = 20

Sent = Annotated[NewWebhook, Depends(json_body(NewWebhook))]


def webhook_routes(
    context: RouteContext, store: WebhookStore, feed: ChangeFeed, caller: Caller
) -> APIRouter:
    """Making, reading, trying and ending webhooks."""
    router = APIRouter(prefix="/v1/webhooks", tags=["changes"])

    def audit(action: Action, webhook_id: str) -> None:
        context.audit(current_call.get().caller, action, 1, webhook_id)

    @router.post(
        "",
        operation_id="createWebhook",
        summary="Push changes to an address; the answer alone holds the secret that signs them",
        status_code=201,
        responses=declared(400, 410, 413, 415, 422, 503),
        openapi_extra=body_schema(NewWebhook),
    )
    def create_webhook(sent: Sent) -> WebhookWithSecret:
        url = caller.checked(sent.url)
        start = sent.place(feed.end())
        feed.changes(start, 1)
        webhook = new_webhook(url, next_no=start, at=context.clock())
        audit("webhook-create", webhook.webhook_id)
        store.add(webhook)
        return WebhookWithSecret.of(webhook)

    @router.get(
        "",
        operation_id="getWebhooks",
        summary="All webhooks, the oldest first",
        responses=declared(503),
    )
    def get_webhooks() -> Webhooks:
        return Webhooks(webhooks=[WebhookItem.of(webhook) for webhook in store.all()])

    @router.get(
        "/{webhook_id}",
        operation_id="getWebhook",
        summary="A webhook, how far it has come, and its last calls",
        responses=declared(404, 422, 503),
    )
    def get_webhook(webhook_id: str) -> WebhookDetail:
        webhook = store.get(webhook_id)
        calls = store.deliveries(webhook_id, SHOWN_DELIVERIES)
        return WebhookDetail.told(webhook, [WebhookCall.of(call) for call in calls])

    @router.delete(
        "/{webhook_id}",
        operation_id="deleteWebhook",
        summary="End a webhook, for good",
        status_code=204,
        response_class=Response,
        responses=declared(404, 422, 503),
    )
    def delete_webhook(webhook_id: str) -> None:
        store.get(webhook_id)
        audit("webhook-delete", webhook_id)
        store.remove(webhook_id)

    @router.post(
        "/{webhook_id}/test",
        operation_id="testWebhook",
        summary="Call a webhook once with a message that tells nothing",
        responses=declared(404, 422, 503),
    )
    async def test_webhook(webhook_id: str) -> WebhookTrial:
        webhook = await run_in_threadpool(store.get, webhook_id)
        outcome = await call(caller, webhook, trial_message(), clock=context.clock)
        return WebhookTrial.of(outcome)

    @router.post(
        "/{webhook_id}/secret",
        operation_id="changeWebhookSecret",
        summary="A new secret; for 24 hours the present one signs beside it",
        responses=declared(404, 422, 503),
    )
    def change_webhook_secret(webhook_id: str) -> WebhookWithSecret:
        store.get(webhook_id)
        audit("webhook-secret", webhook_id)
        until = context.clock() + OLD_SECRET_FOR
        store.change_secret(webhook_id, new_secret(), old_until=until)
        return WebhookWithSecret.of(store.get(webhook_id))

    @router.post(
        "/{webhook_id}/enable",
        operation_id="enableWebhook",
        summary="Go on with a webhook that failed or was switched off, where it ended and at once",
        responses=declared(404, 422, 503),
    )
    def enable_webhook(webhook_id: str) -> WebhookItem:
        store.get(webhook_id)
        audit("webhook-enable", webhook_id)
        store.enable(webhook_id, context.clock())
        return WebhookItem.of(store.get(webhook_id))

    return router
