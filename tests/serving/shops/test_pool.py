"""Scorers of many shops in few processes: who is asked wakes up, the longest idle leaves."""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from serving.errors import ScorerAway, ScorerBusy
from serving.live.pipe import CommandProgram
from serving.shops.pool import ScorerPool
from tests.support.workers import PROGRAM, QUICK, starts_of, wait_until
from training.bundle.manifest import CURRENT


def starting(config):
    """A process that follows the pointer beside the settings file."""
    return CommandProgram((sys.executable, "-c", PROGRAM, str(config.parent / CURRENT)))


@pytest.fixture
def shops(tmp_path):
    folders = {name: tmp_path / name for name in ("alpha", "beta", "gamma")}
    for name, folder in folders.items():
        folder.mkdir()
        (folder / CURRENT).write_text(f"models of {name}")
    return folders


@pytest.fixture
def pool():
    pool = ScorerPool(starting, places=2, limits=replace(QUICK, answer_seconds=8.0))
    yield pool
    pool.close()


def scorer(pool, folder):
    return pool.scorer_of(folder / "regulars.toml", folder)


def test_whoever_is_asked_wakes_up_and_the_longest_idle_leaves(pool, shops):
    alpha, beta, gamma = (scorer(pool, folder) for folder in shops.values())
    assert (alpha.bundle_id, pool.awake) == (None, 0)
    for one, name in ((alpha, "alpha"), (beta, "beta"), (alpha, "alpha"), (gamma, "gamma")):
        assert one.ask({"of": 1}) == {"by": f"models of {name}", "of": 1}
    assert pool.awake == 2
    assert alpha.ask({})["by"] == "models of alpha"
    # beta left for gamma; what it last scored with is still said
    assert [len(starts_of(folder / CURRENT)) for folder in shops.values()] == [1, 1, 1]
    assert beta.bundle_id == "models of beta"
    assert beta.ask({})["by"] == "models of beta"
    assert pool.awake == 2


def test_nobody_who_is_at_work_has_to_leave(pool, shops):
    alpha, beta, gamma = (scorer(pool, folder) for folder in shops.values())
    with ThreadPoolExecutor(2) as threads:
        slow = [threads.submit(one.ask, {"seconds": 1.5}) for one in (alpha, beta)]
        wait_until(lambda: alpha.is_at_work and beta.is_at_work and pool.awake == 2)
        with pytest.raises(ScorerBusy):
            gamma.ask({})
        assert {one.result()["by"] for one in slow} == {"models of alpha", "models of beta"}
    assert gamma.ask({})["by"] == "models of gamma"


def test_bad_models_of_one_shop_are_known_and_hold_no_place(pool, shops):
    (shops["beta"] / CURRENT).write_text("is bad")
    alpha, beta, _ = (scorer(pool, folder) for folder in shops.values())
    alpha.try_new_models()
    beta.try_new_models()
    assert (alpha.refusal, alpha.bundle_id) == (None, "models of alpha")
    assert (beta.refusal, beta.bundle_id) == ("other numbers", None)
    assert pool.awake == 1
    beta.try_new_models()
    assert len(starts_of(shops["beta"] / CURRENT)) == 1
    with pytest.raises(ScorerAway):
        beta.ask({})
    (shops["beta"] / CURRENT).write_text("better models")
    beta.try_new_models()
    assert (beta.refusal, beta.bundle_id) == (None, "better models")


def test_many_shops_asked_at_once_are_all_answered_by_their_own(pool, shops):
    scorers = {name: scorer(pool, folder) for name, folder in shops.items()}

    def ask(number):
        name = list(shops)[number % 3]
        while True:
            try:
                return name, scorers[name].ask({"of": number})
            except ScorerAway:
                pass

    with ThreadPoolExecutor(4) as threads:
        for number, (name, answer) in enumerate(threads.map(ask, range(24))):
            assert answer == {"by": f"models of {name}", "of": number}
    assert pool.awake <= 2
