"""While the store is gone the last answers go on, marked as what they are, for a while."""

from datetime import timedelta

import pytest

from features.errors import ConfigError
from serving.errors import StoreError, UnknownCustomer
from serving.runs.store import RunStore
from serving.settings import Serve
from serving.store.last_good import LastGood
from serving.store.protocol import ChurnFilter
from tests.serving.conftest import NOW, client_of
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_database


class Fragile(RunStore):
    """A store that can be taken away, and counts who asks it."""

    def __init__(self):
        super().__init__(fresh_database())
        self.gone = False
        self.asked = 0

    def customer(self, customer_id, *, at_once=False):
        self._ask()
        return super().customer(customer_id, at_once=at_once)

    def customers(self, customer_ids):
        self._ask()
        return super().customers(customer_ids)

    def recommendations(self, customer_id, *, at_once=False):
        self._ask()
        return super().recommendations(customer_id, at_once=at_once)

    def churn_list(self, wanted, **place):
        self._ask()
        return super().churn_list(wanted, **place)

    def latest_run(self):
        self._ask()
        return super().latest_run()

    def _ask(self):
        self.asked += 1
        if self.gone:
            raise StoreError("The store cannot be used: canary.")


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now

    def later(self, seconds):
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def scene():
    store, clock = Fragile(), Clock()
    store.publish(run_info(), *score_tables(30))
    return store, clock, LastGood(store, clock=clock, seconds=60, customers=10)


def test_what_was_read_last_is_given_while_the_store_is_gone(scene):
    store, clock, last = scene
    wanted = {"chosen": ChurnFilter(), "sort": "clv", "limit": 5}
    first = last.customer("012000"), last.recommendations("012000"), last.churn_list(**wanted)
    cursor = first[2].after
    second_page = last.churn_list(**wanted, after=cursor)
    many = last.customers(["012000", "012007"])
    store.gone = True
    clock.later(30)
    assert (
        last.customer("012000"),
        last.recommendations("012000"),
        last.churn_list(**wanted),
    ) == first
    assert last.churn_list(**wanted, after=cursor) == second_page
    assert last.customers(["012007", "012000"])[1] == many[1][::-1]
    assert last.latest_run() == many[0]
    assert last.age_seconds == 30


def test_a_clock_that_is_set_back_changes_no_duration(scene):
    store, clock, _ = scene
    seconds = iter([0.0, 1.0, 2.0, 3.5, 3.5, 4.0, 65.0, 66.0, 67.0, 68.0]).__next__
    last = LastGood(store, clock=clock, seconds=60, customers=10, ticks=seconds)
    last.latest_run()
    store.gone = True
    clock.later(-3_600)
    run = last.latest_run()
    store.gone = False
    # asked again a second and a half later, and not an hour
    assert last.latest_run() == run
    store.gone = True
    with pytest.raises(StoreError):
        [last.latest_run() for _ in range(3)]


def test_what_was_not_read_is_refused(scene):
    store, clock, last = scene
    last.customer("012000")
    last.latest_run()
    store.gone = True
    clock.later(2)
    reads = (
        lambda: last.customer("012007"),
        lambda: last.customers(["012000", "012007"]),
        lambda: last.recommendations("012000"),
        lambda: last.churn_list(ChurnFilter(), sort="clv", limit=5),
    )
    for read in reads:
        with pytest.raises(StoreError):
            read()


def test_past_the_longest_time_nothing_is_given(scene):
    store, clock, last = scene
    last.latest_run()
    last.customer("012000")
    store.gone = True
    clock.later(59.9)
    last.customer("012000")
    clock.later(0.1)
    for read in (lambda: last.customer("012000"), last.latest_run):
        with pytest.raises(StoreError):
            read()


def test_a_store_that_comes_back_is_heard_at_once_and_not_asked_all_the_time(scene):
    store, clock, last = scene
    last.latest_run()
    last.customer("012000")
    store.gone, store.asked = True, 0
    for _ in range(50):
        last.customer("012000")
    assert store.asked == 1
    store.gone = False
    clock.later(1)
    with pytest.raises(UnknownCustomer):
        last.customer("nobody")
    assert last.age_seconds == 0


def test_an_older_run_is_not_mixed_in(scene):
    store, clock, last = scene
    last.latest_run()
    last.customer("012000")
    store.publish(run_info("run-2"), *score_tables(30, seed=2))
    last.latest_run()
    store.gone = True
    clock.later(2)
    with pytest.raises(StoreError):
        last.customer("012000")


def test_what_is_kept_is_bounded(scene):
    store, clock, last = scene
    last.latest_run()
    ids = list(score_tables(30)[0]["customer_id"])
    for customer_id in ids:
        last.customer(customer_id)
    store.gone = True
    clock.later(2)
    kept = 0
    for customer_id in ids:
        try:
            last.customer(customer_id)
            kept += 1
        except StoreError:
            continue
    assert kept == 10


def test_a_wrong_question_is_no_failure_of_the_store(scene):
    _, _, last = scene
    with pytest.raises(ConfigError):
        last.churn_list(ChurnFilter(segments=(("odd", "1"),)), sort="clv", limit=5)
    assert last.age_seconds == 0


def test_over_the_wire_the_age_stands_in_the_headers_and_then_comes_503():
    store, clock = Fragile(), Clock()
    store.publish(run_info(), *score_tables(30))
    client = client_of(store, clock=clock, settings=Serve(last_good_seconds=60))
    good = client.get("/v1/customers/012000")
    assert "age" not in good.headers
    store.gone = True
    clock.later(40)
    old = client.get("/v1/customers/012000")
    assert (old.status_code, old.content, old.headers["age"]) == (200, good.content, "40")
    assert int(old.headers["regulars-score-age"]) == int(good.headers["regulars-score-age"]) + 40
    assert client.get("/readyz").status_code == 200
    clock.later(20)
    refused = client.get("/v1/customers/012000")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert "canary" not in refused.text
    assert client.get("/readyz").status_code == 503
    store.gone = False
    clock.later(2)
    back = client.get("/v1/customers/012000")
    assert (back.status_code, "age" in back.headers) == (200, False)
