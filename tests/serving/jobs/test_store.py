"""Jobs in the store: a state changes only from what it was, and nothing is worked twice."""

from datetime import UTC, datetime, timedelta

import pytest

from serving.errors import UnknownJob
from serving.jobs.job import JobEnd
from serving.jobs.lease import LEASE_SECONDS, WorkerLease
from serving.jobs.store import GIVEN_UP, KEPT_JOBS, MOST_ATTEMPTS, TAKEN_UP, JobStore
from serving.jobs.timetable import Timetable
from tests.support.stores import fresh_database

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def store():
    return JobStore(fresh_database())


def added(store, kind="run", **arguments):
    return store.add(kind, arguments, by="local", at=NOW)


def texts(store, job):
    return [line.text for line in store.lines(job, limit=100)]


def test_jobs_are_worked_in_the_order_in_which_they_were_asked_for(store):
    first, second = added(store, train=True), added(store)
    begun = store.begin_next("w1", NOW)
    assert (begun.job_id, begun.state, begun.attempts) == (first.job_id, "running", 1)
    assert begun.arguments == {"train": True}
    store.tell(begun, [(NOW, "read"), (NOW, "checked")], "check")
    assert store.end(begun, "w1", JobEnd("done", {"outcome": "published"}), NOW)
    ended = store.job(first.job_id)
    assert (ended.state, ended.stage, ended.ended_at) == ("done", "check", NOW)
    assert ended.outcome == {"outcome": "published"}
    assert texts(store, ended) == ["read", "checked"]
    assert store.begin_next("w1", NOW).job_id == second.job_id
    assert store.begin_next("w1", NOW) is None
    assert [job.job_id for job in store.jobs(10)] == [second.job_id, first.job_id]
    with pytest.raises(UnknownJob):
        store.job("job_none\0")


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_is_asked(store):
    running, waiting = added(store), added(store)
    store.begin_next("w1", NOW)
    assert store.cancel(waiting.job_id, NOW).state == "cancelled"
    asked = store.cancel(running.job_id, NOW)
    assert (asked.state, asked.is_cancelled) == ("running", True)
    assert store.tell(asked, [], None)
    assert store.end(asked, "w1", JobEnd("cancelled", {}), NOW)
    # what has ended stays as it is
    assert not store.end(asked, "w1", JobEnd("done", {}), NOW)
    assert store.cancel(running.job_id, NOW).state == "cancelled"


def test_a_job_whose_worker_is_gone_is_taken_up_again_and_then_given_up(store):
    job = added(store)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        begun = store.begin_next(f"w{attempt}", NOW)
        assert begun.attempts == attempt
        store.take_up(f"w{attempt}", NOW)
        assert store.job(job.job_id).state == "running"  # its own worker's
        store.take_up(f"w{attempt + 1}", NOW)
        # who is gone cannot end it any more
        assert not store.end(begun, f"w{attempt}", JobEnd("done", {}), NOW)
    given_up = store.job(job.job_id)
    assert (given_up.state, given_up.problems) == ("failed", [GIVEN_UP])
    assert texts(store, job) == [TAKEN_UP] * (MOST_ATTEMPTS - 1) + [GIVEN_UP]


def test_a_cancelled_job_whose_worker_is_gone_is_not_taken_up(store):
    job = added(store)
    store.begin_next("w1", NOW)
    store.cancel(job.job_id, NOW)
    store.take_up("w2", NOW)
    assert store.job(job.job_id).state == "cancelled"


def test_a_job_that_is_put_back_loses_no_attempt(store):
    job = added(store)
    for _ in range(MOST_ATTEMPTS + 1):
        store.begin_next("w1", NOW)
        store.put_back("w1", NOW, "stopped")
    assert store.job(job.job_id).state == "waiting"
    assert store.begin_next("w2", NOW).attempts == 1


def test_old_jobs_are_removed_and_those_that_wait_are_not(store):
    first = added(store)
    for _ in range(KEPT_JOBS + 5):
        job = added(store)
        store.cancel(job.job_id, NOW)
    kept = store.jobs(1_000)
    assert len(kept) <= KEPT_JOBS + 2
    assert store.job(first.job_id).state == "waiting"
    store.forget("run")
    assert [job.job_id for job in store.jobs(1_000)] == [first.job_id]


def test_a_moment_of_the_timetable_makes_one_run(store):
    store.set_timetable(Timetable("day", hour=5), NOW)
    assert store.timetable() == Timetable("day", hour=5)
    # what was due before the timetable was made is not made up for
    assert store.add_due(NOW - timedelta(hours=7), NOW) is None
    due = NOW + timedelta(hours=17)
    job = store.add_due(due, due)
    assert (job.kind, job.asked_by) == ("run", "timetable")
    assert store.add_due(due, due) is None
    # a run that waits already will do
    assert store.add_due(due + timedelta(days=1), due) is None
    assert [job.job_id for job in store.unfinished()] == [job.job_id]


def test_one_process_has_the_right_to_work(store):
    lease = WorkerLease(store.engine)
    assert lease.holder(NOW) is None
    assert lease.take("w1", "here", NOW)
    assert not lease.take("w2", "there", NOW)
    assert lease.holder(NOW) == "here"
    late = NOW + timedelta(seconds=LEASE_SECONDS + 1)
    assert lease.keep("w1", NOW + timedelta(seconds=10))
    assert not lease.take("w2", "there", late)
    assert lease.take("w2", "there", late + timedelta(seconds=10))
    assert not lease.keep("w1", late)
    # whoever holds the lock of a place knows that nobody else works there
    assert lease.take("w3", "there", late)
    lease.give_back("w2")
    assert lease.holder(late) == "there"
    lease.give_back("w3")
    assert lease.holder(late) is None
