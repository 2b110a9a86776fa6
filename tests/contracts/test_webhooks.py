"""What every store of webhooks must do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from features.errors import ConfigError
from serving.changes.webhook_store import KEPT_DELIVERIES, MOST_WEBHOOKS, Delivery, Webhook
from serving.errors import UnknownWebhook
from tests.support.scores import run_info, score_tables

NOW = datetime(2026, 3, 4, 12, 30, 5, tzinfo=UTC)
LATER = NOW + timedelta(seconds=10)
HOOK = Webhook(
    webhook_id="wh_1",
    url="https://crm.example.com/hook",
    secret="whsec_one",  # noqa: S106 - opens nothing
    created_at=NOW,
    next_no=1,
    due_at=NOW,
)
MOVED = {
    "next_no": 3,
    "pending_no": 4,
    "failures": 2,
    "failing_since": NOW,
    "due_at": LATER,
    "disabled_at": LATER,
    "disabled_because": "It answered 410 Gone.",
}


def call(number=0, **values):
    values = {"changes": 3, "status": 200, "problem": None, **values}
    return Delivery(message_id=f"m{number}", at=NOW, seconds=0.25, **values)


@pytest.fixture
def hooks(stores):
    """A store of webhooks whose feed holds three changes."""
    stores.scores.publish(run_info(), *score_tables(3))
    stores.webhooks.add(HOOK)
    return stores.webhooks


def held(hooks, webhook=HOOK, holder="a", at=NOW, seconds=10):
    wanted = replace(webhook, pending_no=webhook.pending_no or 4)
    return hooks.hold(wanted, holder, at=at, until=at + timedelta(seconds=seconds))


def test_webhooks_read_back_as_they_were_made_the_oldest_first(hooks):
    older = replace(HOOK, webhook_id="wh_2", created_at=NOW - timedelta(days=1))
    hooks.add(older)
    assert list(hooks.all()) == [older, HOOK]
    assert hooks.get("wh_1") == HOOK


def test_a_webhook_tells_neither_its_secret_nor_its_address():
    assert repr(HOOK) == "Webhook('wh_1')"


def test_what_is_not_there_is_unknown(hooks):
    for ask in (
        lambda: hooks.get("x"),
        lambda: hooks.remove("x"),
        lambda: hooks.change_secret("x", "y", old_until=NOW),
        lambda: hooks.enable("x", NOW),
        lambda: hooks.deliveries("x", 1),
    ):
        with pytest.raises(UnknownWebhook):
            ask()


def test_there_are_only_so_many(hooks):
    for number in range(MOST_WEBHOOKS - 1):
        hooks.add(replace(HOOK, webhook_id=f"more_{number}"))
    with pytest.raises(ConfigError, match="Delete one first"):
        hooks.add(replace(HOOK, webhook_id="too_many"))
    assert len(hooks.all()) == MOST_WEBHOOKS


def test_a_removed_webhook_is_gone_with_its_calls(hooks):
    assert held(hooks)
    assert hooks.settle(replace(HOOK, pending_no=4), "a", call())
    assert held(hooks)
    hooks.remove("wh_1")
    assert list(hooks.all()) == []
    assert not hooks.settle(HOOK, "a", call())


def test_the_old_secret_stays_beside_the_new_one(hooks):
    hooks.change_secret("wh_1", "whsec_two", old_until=LATER)
    now = hooks.get("wh_1")
    assert (now.secret, now.old_secret, now.old_secret_until) == ("whsec_two", "whsec_one", LATER)


def test_due_is_who_has_something_to_tell_waiting_longest_first(hooks):
    hooks.add(replace(HOOK, webhook_id="later", due_at=LATER))
    hooks.add(replace(HOOK, webhook_id="told", next_no=4))
    hooks.add(replace(HOOK, webhook_id="off", disabled_at=NOW))
    hooks.add(replace(HOOK, webhook_id="longer", due_at=NOW - timedelta(hours=1)))
    assert [one.webhook_id for one in hooks.due(NOW)] == ["longer", "wh_1"]
    assert [one.webhook_id for one in hooks.due(LATER)] == ["longer", "wh_1", "later"]


def test_nobody_is_due_before_the_first_run(stores):
    stores.webhooks.add(HOOK)
    assert list(stores.webhooks.due(LATER)) == []


def test_one_holds_it_at_a_time_until_the_time_is_over(hooks):
    assert held(hooks, holder="a")
    assert not held(hooks, holder="b", at=NOW + timedelta(seconds=9))
    assert list(hooks.due(NOW + timedelta(seconds=9))) == []
    assert [one.pending_no for one in hooks.due(LATER)] == [4]
    assert held(hooks, holder="b", at=LATER)
    assert not hooks.settle(HOOK, "a", call())
    assert list(hooks.deliveries("wh_1", 10)) == []


def test_a_message_that_is_tried_keeps_its_end(hooks):
    assert held(hooks, replace(HOOK, pending_no=3))
    assert not held(hooks, replace(HOOK, pending_no=4), at=LATER)
    assert held(hooks, replace(HOOK, pending_no=3), at=LATER)


@pytest.mark.parametrize("other", [{"next_no": 2}, {"webhook_id": "gone"}])
def test_what_is_no_longer_so_is_not_held(hooks, other):
    assert not held(hooks, replace(HOOK, **other))


def test_a_disabled_webhook_is_not_held_until_it_is_enabled(hooks):
    held(hooks)
    assert hooks.settle(replace(HOOK, **MOVED), "a", call())
    now = replace(HOOK, **MOVED)
    assert hooks.get("wh_1") == now
    assert not held(hooks, now, at=LATER)
    hooks.enable("wh_1", LATER)
    anew = hooks.get("wh_1")
    assert anew == replace(HOOK, next_no=3, pending_no=4, due_at=LATER)
    assert held(hooks, anew, at=LATER)


def test_settling_leaves_address_and_secrets_alone(hooks):
    held(hooks)
    hooks.change_secret("wh_1", "whsec_two", old_until=LATER)
    assert hooks.settle(replace(HOOK, next_no=4), "a", None)
    now = hooks.get("wh_1")
    assert (now.secret, now.next_no, list(hooks.deliveries("wh_1", 9))) == ("whsec_two", 4, [])


def test_the_last_calls_are_kept_the_latest_first(hooks):
    written = [
        call(1, status=None, problem="It cannot be reached."),
        *(call(number) for number in range(2, KEPT_DELIVERIES + 3)),
    ]
    for one in written:
        assert held(hooks)
        assert hooks.settle(replace(HOOK, pending_no=None), "a", one)
    assert list(hooks.deliveries("wh_1", 1_000)) == written[::-1][:KEPT_DELIVERIES]
    assert [one.message_id for one in hooks.deliveries("wh_1", 1)] == [written[-1].message_id]
