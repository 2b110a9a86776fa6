"""Where changes are pushed to: addresses, how far each has come, what became of the calls."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, delete, func, insert, or_, select, update

from features.errors import ConfigError
from serving.errors import UnknownWebhook
from serving.store.database import store_errors
from serving.store.tables import change_feed, webhook_deliveries, webhooks

MOST_WEBHOOKS = 50
"""Of one store: each is a copy of everybody's scores that leaves the house."""
KEPT_DELIVERIES = 100
"""Of each webhook; earlier ones are forgotten."""


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """An address, and how far it has come in the feed of changes.

    `next_no` is the first change that it has not acknowledged; `pending_no` the end of the
    message that is being tried, None between messages, so that a message sent again is the
    same one. `old_secret` signs too until `old_secret_until`. `failures` counts calls since
    the last that was acknowledged, `failing_since` is the first of them; nothing is called
    before `due_at`, nor while `disabled_at` is set. All times know their zone.
    """

    webhook_id: str
    url: str
    secret: str
    created_at: datetime
    next_no: int
    due_at: datetime
    old_secret: str | None = None
    old_secret_until: datetime | None = None
    pending_no: int | None = None
    failures: int = 0
    failing_since: datetime | None = None
    disabled_at: datetime | None = None
    disabled_because: str | None = None

    def __repr__(self) -> str:
        """Without secrets and address: such texts end in logs."""
        return f"Webhook({self.webhook_id!r})"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A call: `status` None where nothing was answered, `problem` None where it was taken."""

    message_id: str
    at: datetime
    seconds: float
    changes: int
    status: int | None
    problem: str | None


class WebhookStore:
    """Where webhooks are kept. A call is made by whoever holds the webhook, for a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, webhook: Webhook) -> None:
        """Keep a new webhook.

        Raises
        ------
        ConfigError
            When there are `MOST_WEBHOOKS` already.
        """
        with store_errors(), self._engine.begin() as connection:
            connection.execute(insert(webhooks).values(_row(webhook, _NAMES)))
            count = connection.execute(select(func.count()).select_from(webhooks)).scalar_one()
            _check_room(count - 1)

    def all(self) -> Sequence[Webhook]:
        """Every webhook, the oldest first."""
        with store_errors(), self._engine.connect() as connection:
            return sorted(map(_webhook, connection.execute(select(webhooks))), key=_age)

    def get(self, webhook_id: str) -> Webhook:
        """One webhook; raises `UnknownWebhook`, as all that follow."""
        this = select(webhooks).where(webhooks.c.webhook_id == webhook_id)
        with store_errors(), self._engine.connect() as connection:
            row = connection.execute(this).one_or_none()
        if row is None:
            raise UnknownWebhook
        return _webhook(row)

    def remove(self, webhook_id: str) -> None:
        """Forget a webhook, its secret and its deliveries."""
        its = webhooks.c.webhook_id == webhook_id
        with store_errors(), self._engine.begin() as connection:
            # First, so that no call that ends now is written down behind the deletion.
            if connection.execute(update(webhooks).where(its).values(holder=None)).rowcount == 0:
                raise UnknownWebhook
            for table in (webhook_deliveries, webhooks):
                connection.execute(delete(table).where(table.c.webhook_id == webhook_id))

    def change_secret(self, webhook_id: str, secret: str, *, old_until: datetime) -> None:
        """Sign with another secret from now on, and with the present one too for a while."""
        self._change(
            webhook_id,
            {
                "secret": secret,
                "old_secret": webhooks.c.secret,
                "old_secret_until": old_until.timestamp(),
            },
        )

    def enable(self, webhook_id: str, at: datetime) -> None:
        """Go on where it ended, at once."""
        self._change(webhook_id, {name: _stored(value) for name, value in _anew(at).items()})

    def due(self, at: datetime) -> Sequence[Webhook]:
        """Webhooks with changes to be told now that nobody holds, waiting longest first."""
        waiting = (
            select(webhooks)
            .join(change_feed, webhooks.c.next_no < change_feed.c.next_no)
            .where(
                webhooks.c.disabled_at.is_(None),
                webhooks.c.due_at <= at.timestamp(),
                _free(at),
            )
            .order_by(webhooks.c.due_at)
        )
        with store_errors(), self._engine.connect() as connection:
            return list(map(_webhook, connection.execute(waiting)))

    def hold(self, webhook: Webhook, holder: str, *, at: datetime, until: datetime) -> bool:
        """Hold a webhook for a call of the changes up to its `pending_no`.

        False when somebody else holds it, or it is no longer as `webhook` says.
        """
        still = (
            webhooks.c.webhook_id == webhook.webhook_id,
            webhooks.c.next_no == webhook.next_no,
            webhooks.c.disabled_at.is_(None),
            or_(webhooks.c.pending_no.is_(None), webhooks.c.pending_no == webhook.pending_no),
            _free(at),
        )
        held = update(webhooks).where(*still)
        values = {
            "holder": holder,
            "held_until": until.timestamp(),
            "pending_no": webhook.pending_no,
        }
        with store_errors(), self._engine.begin() as connection:
            return connection.execute(held.values(values)).rowcount == 1

    def settle(self, webhook: Webhook, holder: str, delivery: Delivery | None) -> bool:
        """Write down what a call came to, and let go.

        `webhook` says how it now stands; its address and secrets are not written. False,
        and nothing is written, when `holder` no longer holds it.
        """
        own_webhook = (webhooks.c.webhook_id == webhook.webhook_id, webhooks.c.holder == holder)
        values = {**_row(webhook, _MOVING), "holder": None, "held_until": None}
        with store_errors(), self._engine.begin() as connection:
            # First, since it also keeps others from writing to this webhook.
            ours = (
                connection.execute(update(webhooks).where(*own_webhook).values(values)).rowcount
                == 1
            )
            if ours and delivery is not None:
                _keep(connection, webhook.webhook_id, delivery)
        return ours

    def deliveries(self, webhook_id: str, limit: int) -> Sequence[Delivery]:
        """The last calls, the latest first."""
        self.get(webhook_id)
        its = webhook_deliveries.c.webhook_id == webhook_id
        latest = select(*(webhook_deliveries.c[field.name] for field in fields(Delivery)))
        latest = latest.where(its).order_by(webhook_deliveries.c.attempt_no.desc()).limit(limit)
        with store_errors(), self._engine.connect() as connection:
            rows = connection.execute(latest).mappings().all()
        return [Delivery(**{**row, "at": _moment(row["at"])}) for row in rows]

    def _change(self, webhook_id: str, values: dict[str, object]) -> None:
        changed = update(webhooks).where(webhooks.c.webhook_id == webhook_id).values(values)
        with store_errors(), self._engine.begin() as connection:
            if connection.execute(changed).rowcount == 0:
                raise UnknownWebhook


_NAMES = tuple(field.name for field in fields(Webhook))
_MOVING = (
    *("next_no", "pending_no", "failures", "failing_since"),
    *("due_at", "disabled_at", "disabled_because"),
)
_TIMES = frozenset({"created_at", "old_secret_until", "failing_since", "due_at", "disabled_at"})


def _anew(at: datetime) -> dict[str, object]:
    return {
        "failures": 0,
        "failing_since": None,
        "due_at": at,
        "disabled_at": None,
        "disabled_because": None,
    }


def _keep(connection: Any, webhook_id: str, delivery: Delivery) -> None:
    table = webhook_deliveries
    its = table.c.webhook_id == webhook_id
    last = connection.execute(select(func.max(table.c.attempt_no)).where(its)).scalar() or 0
    values = {**vars(delivery), "at": delivery.at.timestamp()}
    connection.execute(insert(table).values(webhook_id=webhook_id, attempt_no=last + 1, **values))
    connection.execute(delete(table).where(its, table.c.attempt_no <= last + 1 - KEPT_DELIVERIES))


def _free(at: datetime) -> Any:
    return or_(webhooks.c.held_until.is_(None), webhooks.c.held_until <= at.timestamp())


def _check_room(count: int) -> None:
    if count >= MOST_WEBHOOKS:
        raise ConfigError(f"There are {MOST_WEBHOOKS} webhooks already. Delete one first.")


def _age(webhook: Webhook) -> tuple[datetime, str]:
    return webhook.created_at, webhook.webhook_id


def _row(webhook: Webhook, names: Iterable[str]) -> dict[str, object]:
    return {name: _stored(getattr(webhook, name)) for name in names}


def _stored(value: Any) -> Any:
    return value.timestamp() if isinstance(value, datetime) else value


def _webhook(row: Any) -> Webhook:
    values = {name: row._mapping[name] for name in _NAMES}  # noqa: SLF001 - a row's public names
    for name in _TIMES:
        values[name] = None if values[name] is None else _moment(values[name])
    return Webhook(**values)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
