"""Scorers that are forked: the same answers, an end of their own, and nobody outlives the server."""

import os
import signal
from dataclasses import replace

import pytest

from serving.live.worker import Worker, state_of
from serving.shops.forks import ForkServer
from serving.shops.serve import FORK_COMMAND
from tests.support.sent import sent_lines
from tests.support.shop import write_config
from tests.support.trained import copy_of
from tests.support.workers import QUICK, wait_until
from training.bundle.manifest import current_bundle

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def forks():
    with ForkServer(FORK_COMMAND) as server:
        yield server


@pytest.fixture
def shop(trained, tmp_path):
    return copy_of(trained, tmp_path).settings


def worker_of(forks, settings):
    bundles = settings.path(settings.store.bundles)
    config = write_config(settings)
    limits = replace(QUICK, start_seconds=60, answer_seconds=30)
    return Worker(lambda: forks.start(config), lambda: state_of(bundles), limits)


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_forked_scorer_answers_and_is_there_again_when_it_ends(forks, shop, trained):
    lines = [
        {**vars(line), "ordered_at": line.ordered_at.isoformat()}
        for line in sent_lines(trained.orders)["c0003"]
    ]
    body = {"customer_id": "a", "lines": lines, "as_of": None, "consents": False, "features": {}}
    with worker_of(forks, shop) as worker:
        worker.wait_until_ready(60)
        assert worker.bundle_id == current_bundle(shop.path(shop.store.bundles)).name
        first = worker.ask(body)
        pid = worker.pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: worker.bundle_id is not None and worker.pid != pid, seconds=60)
        assert worker.ask(body) == first
        pid = worker.pid
    wait_until(lambda: not is_running(pid))


def test_settings_that_cannot_be_read_end_one_process_alone(forks, shop):
    with worker_of(forks, shop) as worker:
        worker.wait_until_ready(60)
        broken = forks.start(shop.root / "none.toml")
        with broken.requests, broken.answers:
            assert "no such file" in broken.answers.readline()
            wait_until(lambda: broken.ended)
            broken.kill()
        assert worker.bundle_id is not None


def test_the_process_that_is_forked_may_end_and_scorers_go_on(shop):
    with ForkServer(FORK_COMMAND) as forks, worker_of(forks, shop) as worker:
        worker.wait_until_ready(60)
        before = forks.pid
        os.kill(before, signal.SIGKILL)
        assert worker.bundle_id is not None
        other = forks.start(shop.root / "regulars.toml")
        assert forks.pid != before
        last = forks.pid
        with other.answers:
            assert "ready" in other.answers.readline()
    assert not is_running(last)
    # its input has not ended: it lives as long as this end of the pipe is open
    other.requests.close()
    wait_until(lambda: other.ended)
