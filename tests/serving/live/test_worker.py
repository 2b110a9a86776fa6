"""The worker: there again when it ends, anew when the models change, never a wrong answer."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from features.errors import ConfigError, RegularsError
from serving.errors import ScorerAway, ScorerBusy
from serving.live.worker import worker_for
from tests.support.sent import sent_lines
from tests.support.shop import write_config
from tests.support.workers import QUICK, starts_of, wait_until, worker_of
from training.bundle.manifest import current_bundle


@pytest.fixture
def plan(tmp_path):
    file = tmp_path / "plan"
    file.write_text("first")
    return file


@pytest.fixture
def worker(plan):
    one = worker_of(plan)
    one.start()
    wait_until(lambda: one.bundle_id == "first")
    yield one
    one.close()


def test_answers_belong_to_their_requests(worker):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(worker.ask, [{"of": number} for number in range(200)]))
    assert answers == [{"by": "first", "of": number} for number in range(200)]


def test_before_it_is_ready_and_after_its_end_there_is_no_score(plan):
    one = worker_of(plan)
    with pytest.raises(ScorerAway):
        one.ask({})
    one.start()
    wait_until(lambda: one.bundle_id == "first")
    pid = one.pid
    one.close()
    assert one.bundle_id is None
    assert pid is not None
    with pytest.raises(ScorerAway):
        one.ask({})


def test_what_does_not_fit_is_told(worker):
    with pytest.raises(ConfigError, match="too early"):
        worker.ask({"do": "refuse"})
    with pytest.raises(RegularsError, match="KeyError"):
        worker.ask({"do": "fail"})
    assert worker.ask({"of": 1})["of"] == 1


def test_a_process_that_ends_is_there_again(worker, plan):
    with pytest.raises(ScorerAway):
        worker.ask({"do": "end"})
    wait_until(lambda: worker.bundle_id == "first")
    assert worker.ask({"of": 7}) == {"by": "first", "of": 7}
    assert starts_of(plan) == ["first", "first"]


def test_a_process_that_hangs_is_replaced(plan):
    one = worker_of(plan, replace(QUICK, answer_seconds=0.3))
    one.start()
    wait_until(lambda: one.bundle_id == "first")
    pid = one.pid
    with pytest.raises(ScorerAway):
        one.ask({"do": "hang"})
    wait_until(lambda: one.bundle_id == "first" and one.pid != pid)
    assert one.ask({"of": 1})["of"] == 1
    one.close()


def test_more_than_it_can_take_is_refused_at_once(worker):
    with ThreadPoolExecutor(4) as pool:
        slow = [pool.submit(worker.ask, {"seconds": 0.3}) for _ in range(4)]
        wait_until(lambda: worker._places._value == 0)
        with pytest.raises(ScorerBusy):
            worker.ask({})
        assert {one.result()["by"] for one in slow} == {"first"}
    assert worker.ask({})["by"] == "first"


@pytest.mark.parametrize("bad", ["hangs at start", "ends at start", "is bad"])
def test_bad_models_leave_the_old_ones_at_work(plan, bad):
    one = worker_of(plan, replace(QUICK, start_seconds=3.0))
    one.start()
    wait_until(lambda: one.bundle_id == "first")
    plan.write_text(bad)
    wait_until(lambda: one._refused == bad)
    assert one.ask({"of": 1}) == {"by": "first", "of": 1}
    time.sleep(0.2)
    assert starts_of(plan) == ["first", bad]
    plan.write_text("second")
    wait_until(lambda: one.bundle_id == "second")
    assert one.ask({"of": 1}) == {"by": "second", "of": 1}
    one.close()


def test_models_change_under_load_without_an_error(worker, plan):
    stop, answers, errors = threading.Event(), [], []

    def ask_on() -> None:
        while not stop.is_set():
            try:
                answers.append(worker.ask({"of": 1})["by"])
            except RegularsError as error:
                errors.append(error)

    asking = [threading.Thread(target=ask_on) for _ in range(3)]
    for thread in asking:
        thread.start()
    for name in ("second", "third", "fourth"):
        plan.write_text(name)
        wait_until(lambda name=name: worker.bundle_id == name)
    stop.set()
    for thread in asking:
        thread.join()
    assert not errors
    assert answers[0] == "first"
    assert worker.ask({})["by"] == "fourth"
    wait_until(lambda: not worker._leaving)


def test_models_that_never_load_are_tried_again_with_growing_waits(plan):
    plan.write_text("is bad")
    one = worker_of(plan, replace(QUICK, back_off_seconds=0.2))
    one.start()
    wait_until(lambda: len(starts_of(plan)) >= 3)
    with pytest.raises(ScorerAway):
        one.ask({})
    plan.write_text("good")
    wait_until(lambda: one.bundle_id == "good")
    one.close()


def test_the_end_waits_for_who_is_waiting(plan):
    one = worker_of(plan)
    one.start()
    wait_until(lambda: one.bundle_id == "first")
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(one.ask, {"seconds": 0.5, "of": 3})
        wait_until(lambda: one._places._value == QUICK.queue - 1)
        time.sleep(0.1)
        one.close()
        assert slow.result()["of"] == 3


def test_a_real_process_scores_with_the_published_models(trained):
    config = write_config(trained.settings)
    bundles = trained.settings.path(trained.settings.store.bundles)
    one = worker_for(config, bundles, replace(QUICK, start_seconds=60, answer_seconds=30))
    one.start()
    try:
        wait_until(lambda: one.bundle_id is not None, seconds=60)
        assert one.bundle_id == current_bundle(bundles).name
        lines = [
            {**vars(line), "ordered_at": line.ordered_at.isoformat()}
            for line in sent_lines(trained.orders)["c0003"]
        ]
        body = {
            "customer_id": "茶",
            "lines": [*lines, lines[0]],
            "as_of": None,
            "consents": False,
            "features": {},
        }
        answer = one.ask(body)
        assert answer["document"]["customer_id"] == "茶"
        assert answer["put_aside"] == [{"line": len(lines), "reason": "duplicate"}]
        with pytest.raises(ConfigError, match="counts as a purchase"):
            one.ask({**body, "lines": []})
    finally:
        one.close()
        config.unlink()


def test_slow_is_not_stuck(plan):
    one = worker_of(plan, replace(QUICK, answer_seconds=1.0))
    one.start()
    wait_until(lambda: one.bundle_id == "first")
    pid = one.pid
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(one.ask, {"seconds": 0.4}) for _ in range(4)]
        late = [each.exception() for each in asked]
    assert any(isinstance(error, ScorerAway) for error in late)
    assert any(error is None for error in late)
    wait_until(lambda: one._current.pending == 0)
    assert one.ask({"of": 1})["of"] == 1
    assert one.pid == pid
    one.close()
