"""Pushing the change feed: messages, signatures, when to try again, and who does it.

Messages follow the Standard Webhooks specification. Each webhook has a place in the feed of
changes, and a call is made by one process at a time, which holds the webhook for as long as
a call may take. The place moves on when a call was acknowledged, so after a crash the same
message is sent again: at least once, in order.
"""

import asyncio
import json
import logging
import random
import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from standardwebhooks import Webhook as Signer

from serving.audit.store import AuditEntry, AuditLog
from serving.changes.feed import ChangeFeed
from serving.changes.webhook_calls import Caller, CallFailed
from serving.changes.webhook_store import Delivery, Webhook, WebhookStore
from serving.errors import CursorTooOld, StoreError

log = logging.getLogger(__name__)

_OWN_CHANCE = random.SystemRandom()

Answer = TypeVar("Answer")

SERVER = "server"
"""Who switches off a webhook that fails for too long, in the audit log."""
SECRET_BYTES = 32
CHANGES_PER_MESSAGE = 100
MESSAGES_PER_TURN = 50
"""After which other webhooks that wait come first."""
MOST_AT_ONCE = 8
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 3_600.0
OLD_SECRET_FOR = timedelta(hours=24)
POLL_SECONDS = 1.0
LEASE_MARGIN_SECONDS = 5.0
"""Beyond the longest call: for writing down what it came to."""
STORE_GONE_SECONDS = 5.0
"""Until a store that has failed is asked again."""
STOP_SECONDS = 5.0
STORE_THREADS = 4
GONE = 410


@dataclass(frozen=True, kw_only=True)
class WebhookMessage:
    """What is posted: `message_id` is the same whenever it is sent again."""

    message_id: str
    kind: str
    data: Mapping[str, object]
    changes: int = 0


@dataclass(frozen=True, kw_only=True)
class CallOutcome:
    """What a call came to: `problem` None where it was taken."""

    at: datetime
    seconds: float
    status: int | None
    problem: str | None
    retry_after_seconds: int | None = None


def new_webhook(url: str, *, next_no: int, at: datetime) -> Webhook:
    """A webhook that is told the changes from `next_no` on."""
    return Webhook(
        webhook_id=f"wh_{secrets.token_hex(8)}",
        url=url,
        secret=new_secret(),
        created_at=at,
        next_no=next_no,
        due_at=at,
    )


def new_secret() -> str:
    """32 random bytes, as the specification writes them."""
    return f"whsec_{b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def signed(webhook: Webhook, message: WebhookMessage, at: datetime) -> tuple[dict[str, str], bytes]:
    """Headers and body of a message; two signatures while an old secret is still in force."""
    # Calls are in order, so the first that failed was the first try of this message.
    tried_at = webhook.failing_since or at
    body = {"type": message.kind, "timestamp": tried_at.isoformat(), "data": message.data}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    using = [webhook.secret]
    if webhook.old_secret and webhook.old_secret_until and at < webhook.old_secret_until:
        using.append(webhook.old_secret)
    # The library takes a time's figures for UTC, whatever its zone.
    moment = at.astimezone(UTC)
    signatures = [Signer(secret).sign(message.message_id, moment, text) for secret in using]
    headers = {
        "content-type": "application/json",
        "user-agent": "Regulars",
        "webhook-id": message.message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    return headers, text.encode()


class Deliverer:
    """Tells webhooks what changed, as long as it runs.

    Any number of processes may do this on one store.

    Parameters
    ----------
    webhooks, feed : who is told, and what
    audit_log : in which it stands when a webhook is switched off
    caller : makes the calls
    clock : the present moment, with its time zone
    call_seconds : the longest that a call takes
    give_up : after how long without an acknowledged call a webhook is switched off
    chance : a number in [0, 1), for pauses that do not fall together
    """

    def __init__(
        self,
        webhooks: WebhookStore,
        feed: ChangeFeed,
        audit_log: AuditLog,
        caller: Caller,
        *,
        clock: Callable[[], datetime],
        call_seconds: float,
        give_up: timedelta,
        chance: Callable[[], float] = _OWN_CHANCE.random,
    ) -> None:
        self._webhooks = webhooks
        self._feed = feed
        self._audit_log = audit_log
        self._caller = caller
        self._clock = clock
        self._lease = timedelta(seconds=call_seconds + LEASE_MARGIN_SECONDS)
        self._give_up = give_up
        self._chance = chance
        self._holder = secrets.token_hex(8)
        # Of their own: calls for keys must never wait behind these.
        self._threads = ThreadPoolExecutor(STORE_THREADS, "webhooks")
        self._turns: dict[str, asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Deliver until `stop` is called; calls that are being made are finished first."""
        while not self._stopping.is_set():
            pause = POLL_SECONDS
            try:
                await self._start_turns()
            except Exception as error:  # noqa: BLE001 - one fault must not end all telling
                log.warning("webhooks cannot be read", extra={"error": type(error).__name__})
                pause = STORE_GONE_SECONDS
            await _wait(self._stopping, pause)
        if self._turns:
            _, late = await asyncio.wait(self._turns.values(), timeout=STOP_SECONDS)
            for turn in late:
                turn.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._threads.shutdown(wait=False)

    def stop(self) -> None:
        """Begin no more calls."""
        self._stopping.set()

    async def _start_turns(self) -> None:
        self._turns = {name: turn for name, turn in self._turns.items() if not turn.done()}
        for webhook in await self._off(self._webhooks.due, self._clock()):
            if len(self._turns) >= MOST_AT_ONCE:
                return
            if webhook.webhook_id not in self._turns:
                self._turns[webhook.webhook_id] = asyncio.create_task(self._turn(webhook))

    async def _turn(self, webhook: Webhook) -> None:
        try:
            for _ in range(MESSAGES_PER_TURN):
                after = await self.deliver(webhook)
                if after is None or after.failures or self._stopping.is_set():
                    return
                webhook = after
        except Exception as error:  # noqa: BLE001 - nor that of one webhook the others'
            log.warning("a webhook cannot be served", extra={"error": type(error).__name__})

    async def _off(self, ask: Callable[..., Answer], *arguments: Any) -> Answer:
        """Ask the store without holding up the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, ask, *arguments)

    async def deliver(self, webhook: Webhook) -> Webhook | None:
        """Tell a webhook its next changes; how it stands then, None where there is nothing to do.

        Raises
        ------
        StoreError
            When the store cannot be read or written; the webhook is let go in time.
        """
        message, webhook = await self._off(self._next_message, webhook)
        if message is None or not await self._off(self._hold, webhook):
            return None
        try:
            outcome = await call(self._caller, webhook, message, clock=self._clock)
        except asyncio.CancelledError:
            with suppress(StoreError):
                self._webhooks.settle(webhook, self._holder, None)
            raise
        return await self._off(self._settle, webhook, message, outcome)

    def _hold(self, webhook: Webhook) -> bool:
        at = self._clock()
        return self._webhooks.hold(webhook, self._holder, at=at, until=at + self._lease)

    def _next_message(self, webhook: Webhook) -> tuple[WebhookMessage | None, Webhook]:
        """The changes to tell now, and the webhook with the end of them as `pending_no`."""
        feed, start = self._feed, webhook.next_no
        try:
            page = feed.changes(start, CHANGES_PER_MESSAGE)
        except CursorTooOld:
            webhook = replace(webhook, pending_no=webhook.pending_no or feed.end())
            return _message(webhook, "changes.dropped", []), webhook
        end = webhook.pending_no or page.next_no
        webhook = replace(webhook, pending_no=end)
        if end == start:
            return None, webhook
        payload = [change.to_dict() for change in page.changes if change.change_no < end]
        return _message(webhook, "customers.changed", payload), webhook

    def _settle(
        self, webhook: Webhook, message: WebhookMessage, outcome: CallOutcome
    ) -> Webhook | None:
        if outcome.problem is None:
            after = _taken(webhook, outcome.at)
        else:
            after = self._refused(webhook, outcome)
        delivery = Delivery(
            message_id=message.message_id,
            at=outcome.at,
            seconds=outcome.seconds,
            changes=message.changes,
            status=outcome.status,
            problem=outcome.problem,
        )
        if not self._webhooks.settle(after, self._holder, delivery):
            return None
        if after.disabled_at is not None:
            self._tell_disabled(after)
        return after

    def _refused(self, webhook: Webhook, outcome: CallOutcome) -> Webhook:
        since = webhook.failing_since or outcome.at
        after = replace(
            webhook,
            failures=webhook.failures + 1,
            failing_since=since,
            due_at=outcome.at + timedelta(seconds=self._pause(webhook.failures, outcome)),
        )
        if outcome.status == GONE:
            return replace(after, disabled_at=outcome.at, disabled_because="It answered 410 Gone.")
        if outcome.at - since >= self._give_up:
            reason = f"No call was acknowledged since {since.isoformat(timespec='seconds')}."
            return replace(after, disabled_at=outcome.at, disabled_because=reason)
        return after

    def _pause(self, failures: int, outcome: CallOutcome) -> float:
        """Twice as long each time, up to an hour, a quarter more or less."""
        usual = min(FIRST_PAUSE_SECONDS * 2.0 ** min(failures, 20), LONGEST_PAUSE_SECONDS)
        pause = min(outcome.retry_after_seconds or 0, LONGEST_PAUSE_SECONDS)
        return max(usual * (0.75 + 0.5 * self._chance()), pause)

    def _tell_disabled(self, webhook: Webhook) -> None:
        reason = f"{webhook.webhook_id}: {webhook.disabled_because}"
        log.warning("webhook switched off", extra={"webhook": webhook.webhook_id})
        self._audit_log.record(
            AuditEntry(
                at=self._clock(), who=SERVER, action="webhook-disable", count=1, detail=reason
            )
        )


async def call(
    caller: Caller, webhook: Webhook, message: WebhookMessage, *, clock: Callable[[], datetime]
) -> CallOutcome:
    """Post a message; any answer of 2xx takes it."""
    at, loop = clock(), asyncio.get_running_loop()
    started = loop.time()
    try:
        reply = await caller.post(webhook.url, *signed(webhook, message, at))
    except CallFailed as error:
        seconds = round(loop.time() - started, 3)
        return CallOutcome(at=at, seconds=seconds, status=None, problem=str(error))
    return CallOutcome(
        at=at,
        seconds=round(loop.time() - started, 3),
        status=reply.status,
        problem=None if 200 <= reply.status < 300 else f"It answered {reply.status}.",
        retry_after_seconds=reply.retry_after_seconds,
    )


def trial_message() -> WebhookMessage:
    """A message that tells nothing, to try an address with."""
    return WebhookMessage(message_id=f"msg_{secrets.token_hex(8)}", kind="webhook.test", data={})


def _message(webhook: Webhook, kind: str, changes: list[dict[str, object]]) -> WebhookMessage:
    cursors = {"since": f"c{webhook.next_no}", "next_cursor": f"c{webhook.pending_no}"}
    return WebhookMessage(
        message_id=f"{webhook.webhook_id}_{webhook.next_no}_{webhook.pending_no}",
        kind=kind,
        data={"changes": changes, **cursors} if kind == "customers.changed" else cursors,
        changes=len(changes),
    )


def _taken(webhook: Webhook, at: datetime) -> Webhook:
    return replace(
        webhook,
        next_no=webhook.pending_no or webhook.next_no,
        pending_no=None,
        failures=0,
        failing_since=None,
        due_at=at,
    )


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
