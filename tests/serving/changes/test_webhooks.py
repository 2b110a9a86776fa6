"""Webhooks: what is told to whom, in which order, how often, and what a crash changes."""

import asyncio
import signal
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from serving.changes.webhook_calls import Caller, CallRules
from serving.changes.webhooks import (
    CHANGES_PER_MESSAGE,
    OLD_SECRET_FOR,
    Deliverer,
    WebhookMessage,
    new_webhook,
    signed,
)
from serving.privacy.store import Tombstone
from serving.server.stores import open_stores
from serving.settings import Serve
from serving.store.rules import PublishRules
from serving.store.tables import webhooks as webhooks_table
from tests.serving.conftest import NOW, client_of
from tests.serving.server.test_api import problem
from tests.support.receiver import receiving, signature
from tests.support.scores import run_info, score_tables
from tests.support.servers import running_server
from tests.support.stores import fresh_runs, stores_beside

OPEN = Serve(webhook_plain_http=True, webhook_private_addresses=True, webhook_seconds=2)
RULES = CallRules(seconds=2, plain_http=True, private_addresses=True)


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def stores():
    return stores_beside(fresh_runs(PublishRules(keep_runs=2)))


def publish(stores, count, name="run-1", seed=1):
    stores.scores.publish(run_info(name), *score_tables(count, seed=seed))


def deliverer(stores, clock, **options):
    options = {
        "call_seconds": RULES.seconds,
        "give_up": timedelta(hours=10),
        "chance": lambda: 0.5,
        **options,
    }
    return Deliverer(
        stores.webhooks, stores.feed, stores.audit, Caller(RULES), clock=clock, **options
    )


def deliver_all(stores, clock, **options):
    """Deliver what is due until nothing is, each webhook one message at a time."""

    async def work():
        one = deliverer(stores, clock, **options)
        while due := stores.webhooks.due(clock()):
            for webhook in due:
                await one.deliver(webhook)

    asyncio.run(work())


def hook(stores, receiver, clock, next_no=1):
    webhook = new_webhook(receiver.url, next_no=next_no, at=clock())
    stores.webhooks.add(webhook)
    return webhook


def test_the_signature_is_the_one_that_the_specification_publishes():
    webhook = new_webhook("https://example.com/", next_no=1, at=NOW)
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the published one
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
    }
    body = b'{"test": 2432232314}'
    assert signature(secret, headers, body) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    sent, text = signed(webhook, WebhookMessage(message_id="m", kind="k", data={"名": "é"}), NOW)
    assert sent["webhook-signature"] == signature(webhook.secret, sent, text)
    assert sent["webhook-timestamp"] == str(int(NOW.timestamp()))


def test_changes_come_signed_in_order_and_in_messages_of_a_hundred(stores, receiver, clock):
    publish(stores, 250)
    webhook = hook(stores, receiver, clock)
    deliver_all(stores, clock)
    assert [len(message["data"]["changes"]) for message in receiver.messages()] == [100, 100, 50]
    assert receiver.customers() == sorted(score_tables(250)[0]["customer_id"])
    assert receiver.ids() == [
        f"{webhook.webhook_id}_{start}_{end}" for start, end in [(1, 101), (101, 201), (201, 251)]
    ]
    for headers, body in receiver.came:
        assert headers["webhook-signature"] == signature(webhook.secret, headers, body)
        assert headers["content-type"] == "application/json"
    first = receiver.messages()[0]
    assert first["type"] == "customers.changed"
    assert (first["data"]["since"], first["data"]["next_cursor"]) == ("c1", "c101")
    asked = client_of(stores).get(f"/v1/changes?limit={CHANGES_PER_MESSAGE}").json()
    assert first["data"]["changes"] == asked["changes"]


def test_a_receiver_that_is_down_loses_nothing_and_gets_all_in_order(stores, receiver, clock):
    publish(stores, 150)
    webhook = hook(stores, receiver, clock)
    receiver.status = 500
    deliver_all(stores, clock)
    assert len(receiver.came) == 1
    publish(stores, 160, "run-2", seed=1)
    pauses = []
    for _ in range(12):
        before = clock.now
        clock.now = stores.webhooks.get(webhook.webhook_id).due_at
        pauses.append((clock.now - before).total_seconds())
        deliver_all(stores, clock)
    assert pauses == [*(5 * 2**n for n in range(10)), 3600, 3600]
    assert set(receiver.ids()) == {f"{webhook.webhook_id}_1_101"}
    assert len({body for _, body in receiver.came}) == 1
    receiver.status, tries = 204, len(receiver.came)
    clock.now += timedelta(hours=1)
    deliver_all(stores, clock)
    told = receiver.messages()[tries:]
    all_changes = [change.to_dict() for change in stores.feed.changes(None, 1_000).changes]
    assert [change for each in told for change in each["data"]["changes"]] == all_changes
    now = stores.webhooks.get(webhook.webhook_id)
    assert (now.failures, now.failing_since, now.next_no) == (0, None, stores.feed.end())
    calls = stores.webhooks.deliveries(webhook.webhook_id, 100)
    assert [one.status for one in calls] == [*([204] * len(told)), *([500] * tries)]


def test_pauses_are_spread_and_follow_the_receiver(stores, receiver, clock):
    publish(stores, 1)
    webhook = hook(stores, receiver, clock)
    receiver.status, receiver.headers = 429, {"Retry-After": "40"}
    deliver_all(stores, clock, chance=lambda: 0.0)
    assert stores.webhooks.get(webhook.webhook_id).due_at == NOW + timedelta(seconds=40)
    receiver.headers = {}
    for chance, seconds in [(0.0, 7.5), (1.0, 25.0)]:
        clock.now = stores.webhooks.get(webhook.webhook_id).due_at
        deliver_all(stores, clock, chance=lambda chance=chance: chance)
        pause = stores.webhooks.get(webhook.webhook_id).due_at - clock.now
        assert pause == timedelta(seconds=seconds)


def test_a_webhook_that_fails_for_too_long_is_switched_off_and_that_is_audited(
    stores, receiver, clock
):
    publish(stores, 3)
    webhook = hook(stores, receiver, clock)
    receiver.status = 500
    deliver_all(stores, clock)
    clock.now += timedelta(hours=10)
    deliver_all(stores, clock)
    now = stores.webhooks.get(webhook.webhook_id)
    assert now.disabled_at == clock.now
    entry = stores.audit.entries(1)[0]
    assert (entry.who, entry.action) == ("server", "webhook-disable")
    assert entry.detail.startswith(webhook.webhook_id)
    clock.now += timedelta(days=9)
    deliver_all(stores, clock)
    assert len(receiver.came) == 2
    receiver.status = 200
    stores.webhooks.enable(webhook.webhook_id, clock.now)
    deliver_all(stores, clock)
    assert receiver.customers()[-3:] == sorted(score_tables(3)[0]["customer_id"])


def test_gone_switches_off_at_once(stores, receiver, clock):
    publish(stores, 3)
    webhook = hook(stores, receiver, clock)
    receiver.status = 410
    deliver_all(stores, clock)
    assert "410" in stores.webhooks.get(webhook.webhook_id).disabled_because


def test_who_was_away_for_longer_than_changes_are_kept_is_told(stores, receiver, clock):
    publish(stores, 5)
    webhook = hook(stores, receiver, clock)
    for number in range(2, 5):
        publish(stores, 5 + number, f"run-{number}")
    end = stores.feed.end()
    deliver_all(stores, clock)
    message = receiver.messages()[0]
    assert message["type"] == "changes.dropped"
    assert message["data"] == {"since": "c1", "next_cursor": f"c{end}"}
    assert stores.webhooks.get(webhook.webhook_id).next_no == end


def test_two_servers_do_not_call_at_the_same_time(tmp_path, receiver, clock):
    url = f"sqlite:///{tmp_path}/regulars.db"
    several = [open_stores(url) for _ in range(3)]
    publish(several[0], 450)
    hook(several[0], receiver, clock)

    async def work():
        workers = [deliverer(stores, clock) for stores in several]
        while due := several[0].webhooks.due(clock()):
            await asyncio.gather(*(worker.deliver(due[0]) for worker in workers))

    asyncio.run(work())
    for stores in several:
        stores.close()
    assert receiver.customers() == sorted(receiver.customers())
    assert len(receiver.customers()) == 450


def test_nothing_is_told_of_who_was_erased_meanwhile_but_that_somebody_was(stores, receiver, clock):
    publish(stores, 2)
    hook(stores, receiver, clock)
    receiver.status = 500
    deliver_all(stores, clock)
    erased, left = receiver.customers()
    tombstone = Tombstone(digest="d", key_id="k", erased_at=NOW)
    stores.erasures.erase({erased: tombstone})
    receiver.status = 200
    clock.now += timedelta(minutes=1)
    deliver_all(stores, clock)
    assert receiver.customers()[2:] == [left, None]


def test_the_deliverer_runs_until_it_is_stopped(stores, receiver, clock):
    publish(stores, 250)
    hooks = [hook(stores, receiver, clock) for _ in range(3)]

    async def work():
        one = deliverer(stores, clock)
        running = asyncio.create_task(one.run())
        await _until(lambda: len(receiver.came) == 9)
        one.stop()
        await running

    asyncio.run(work())
    assert len(receiver.came) == 9
    for webhook in hooks:
        assert stores.webhooks.get(webhook.webhook_id).next_no == 251


def test_a_store_that_is_gone_ends_nothing(stores, clock, monkeypatch):
    asked = []

    def gone(at):
        asked.append(at)
        raise RuntimeError

    monkeypatch.setattr(stores.webhooks, "due", gone)

    async def work():
        one = deliverer(stores, clock)
        running = asyncio.create_task(one.run())
        await _until(lambda: asked)
        assert not running.done()
        one.stop()
        await running

    asyncio.run(work())


# over HTTP


@pytest.fixture
def client(stores):
    publish(stores, 5)
    return client_of(stores, settings=OPEN)


def made(client, receiver, **sent):
    answer = client.post("/v1/webhooks", json={"url": receiver.url, **sent})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_secret_is_told_once(client, receiver, stores):
    webhook = made(client, receiver)
    where = f"/v1/webhooks/{webhook['webhook_id']}"
    assert webhook.pop("secret") == stores.webhooks.get(webhook["webhook_id"]).secret
    assert (webhook["state"], webhook["next_cursor"]) == ("active", "c6")
    assert client.get("/v1/webhooks").json() == {"webhooks": [webhook]}
    assert client.get(where).json() == {**webhook, "deliveries": []}
    assert client.delete(where).status_code == 204
    problem(client.get(where), 404, "unknown-webhook")
    actions = [(entry.action, entry.detail) for entry in stores.audit.entries(2)]
    assert actions == [
        ("webhook-delete", webhook["webhook_id"]),
        ("webhook-create", webhook["webhook_id"]),
    ]


def test_a_webhook_may_begin_at_a_cursor(client, receiver):
    assert made(client, receiver, since="c3")["next_cursor"] == "c3"
    for since in ("c7", "c999999999999999999"):
        sent = {"url": receiver.url, "since": since}
        problem(client.post("/v1/webhooks", json=sent), 410, "cursor-too-old")


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"url": ""},
        {"url": "http://127.0.0.1/", "since": "7"},
        {"url": "ftp://example.com/"},
        {"url": 7},
        {"url": "https://example.com/", "name": "x"},
    ],
)
def test_what_is_no_webhook_is_refused(client, sent):
    problem(client.post("/v1/webhooks", json=sent), 422, "invalid-request")


def test_by_default_only_public_addresses_over_tls_are_taken(stores):
    client = client_of(stores)
    for url in ("http://example.com/", "https://127.0.0.1/", "https://[::1]/", "https://0x7f.1/"):
        problem(client.post("/v1/webhooks", json={"url": url}), 422, "invalid-request")


def test_a_trial_tells_what_came_of_it(client, receiver):
    webhook = made(client, receiver)
    where = f"/v1/webhooks/{webhook['webhook_id']}/test"
    trial = client.post(where).json()
    assert (trial["acknowledged"], trial["status"], trial["problem"]) == (True, 200, None)
    headers, body = receiver.came[0]
    assert headers["webhook-signature"] == signature(webhook["secret"], headers, body)
    assert receiver.messages()[0]["type"] == "webhook.test"
    receiver.status = 404
    trial = client.post(where).json()
    assert (trial["acknowledged"], trial["status"]) == (False, 404)
    problem(client.post("/v1/webhooks/nobody/test"), 404, "unknown-webhook")


def test_for_a_day_both_secrets_sign(client, receiver, stores):
    webhook = made(client, receiver, since="c1")
    changed = client.post(f"/v1/webhooks/{webhook['webhook_id']}/secret").json()
    assert changed["secret"] != webhook["secret"]
    for later, secrets in [
        (timedelta(), [changed["secret"], webhook["secret"]]),
        (OLD_SECRET_FOR, [changed["secret"]]),
    ]:
        kept = stores.webhooks.get(webhook["webhook_id"])
        message = WebhookMessage(message_id="m", kind="k", data={})
        headers, body = signed(kept, message, NOW + later)
        assert headers["webhook-signature"].split() == [
            signature(secret, headers, body) for secret in secrets
        ]


def test_state_calls_and_a_new_start_are_told(client, receiver, stores, clock):
    webhook = made(client, receiver, since="c1")
    where = f"/v1/webhooks/{webhook['webhook_id']}"
    receiver.status = 500
    deliver_all(stores, clock)
    told = client.get(where).json()
    assert (told["state"], told["failures"]) == ("failing", 1)
    assert told["deliveries"][0] | {"seconds": 0} == {
        "message_id": f"{webhook['webhook_id']}_1_6",
        "at": "2026-03-04T00:00:00Z",
        "seconds": 0,
        "changes": 5,
        "status": 500,
        "problem": "It answered 500.",
    }
    receiver.status = 410
    clock.now += timedelta(minutes=1)
    deliver_all(stores, clock)
    told = client.get(where).json()
    assert (told["state"], told["next_call_not_before"]) == ("disabled", None)
    assert client.post(f"{where}/enable").json()["state"] == "active"


# a real server, killed

SCRIPT = """
import sys
from serving.settings import Serve
from serving.server.server import serve
from serving.server.stores import open_stores
serve("127.0.0.1", int(sys.argv[2]), stores=open_stores(sys.argv[1]),
      bundle_info={"bundle_id": "b-1", "models": {}},
      settings=Serve(webhook_plain_http=True, webhook_private_addresses=True, drain_seconds=0))
"""


@pytest.mark.slow
def test_a_server_killed_before_the_acknowledgement_sends_the_same_message_again(
    tmp_path, receiver
):
    url = f"sqlite:///{tmp_path}/regulars.db"
    stores = open_stores(url)
    publish(stores, 250)
    stores.webhooks.add(new_webhook(receiver.url, next_no=1, at=datetime.now(UTC)))
    server = Future()

    def kill_at_the_second():
        if len(receiver.came) == 2:
            server.result(timeout=30).send_signal(signal.SIGKILL)
            server.result().wait(timeout=30)

    receiver.on_message = kill_at_the_second
    with running_server(url, script=SCRIPT) as (_, process):
        server.set_result(process)
        process.wait(timeout=30)
    assert len(receiver.came) == 2
    # As after the time in which nobody else may call.
    with stores.scores.engine.begin() as connection:
        connection.execute(update(webhooks_table).values(held_until=0.0))
    with running_server(url, script=SCRIPT) as (_, process):
        asyncio.run(_until(lambda: stores.webhooks.all()[0].next_no == 251))
        process.terminate()
        assert process.wait(timeout=30) == -signal.SIGTERM
    stores.close()
    assert receiver.ids()[1] == receiver.ids()[2]
    assert len(receiver.came) == 4
    customers = receiver.customers()
    assert customers[:200] + customers[300:] == sorted(set(customers))


async def _until(holds):
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.02)
