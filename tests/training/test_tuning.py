"""A search over settings of the trees: on past folds alone, resumed, judged once."""

import pytest
from click.testing import CliRunner

from features.errors import NotEnoughData
from serving.commands.main import main
from tests.support.shop import write_config
from tests.support.trained import copy_of
from training import tuning
from training.settings import BoostingSettings
from training.tuning import TuningGain, tune


@pytest.fixture
def shop(trained, tmp_path):
    return copy_of(trained, tmp_path / "shop")


def test_a_search_goes_on_where_it_was_and_never_sees_the_last_fold(shop, monkeypatch):
    seen = []
    judge = tuning.judge_folds

    def judged(world, folds, tasks):
        seen.append([fold.test for fold in folds])
        return judge(world, folds, tasks)

    monkeypatch.setattr(tuning, "judge_folds", judged)
    first = tune(shop.log, trials=2)
    folds = [fold.test for fold in shop.result.backtest.plan.folds]
    assert first.judged_from == folds[-1]
    # the settings in use, two trials; then, once, both on the last fold
    assert seen == [folds[:-1]] * 3 + [folds[-1:]] * 2
    assert first.tried == 2
    assert first.on_search >= 0  # what is in use was the first that was tried
    assert {gain.task for gain in first.gains} == {"churn", "value", "next_purchase"}
    assert all(gain.low <= gain.gain <= gain.high for gain in first.gains)
    done = CliRunner().invoke(
        main, ["tune", "--trials", "1", "--config", str(write_config(shop.settings))]
    )
    assert done.exit_code == 0, done.stderr
    assert "Tried 3" in done.stdout
    assert "orth it on the fold from" in done.stdout


def test_one_fold_is_too_few(shop):
    train = shop.settings.train.model_copy(update={"folds": 1})
    log = shop.log
    object.__setattr__(log, "settings", shop.settings.model_copy(update={"train": train}))
    with pytest.raises(NotEnoughData, match="two folds"):
        tune(log)


@pytest.mark.parametrize(
    ("intervals", "worth"),
    [
        ([(0.01, 0.05), (-0.02, 0.03)], True),
        ([(-0.01, 0.05), (-0.02, 0.03)], False),
        ([(0.01, 0.05), (-0.05, -0.01)], False),
    ],
)
def test_it_is_worth_it_where_something_is_surely_better_and_nothing_surely_worse(
    intervals, worth, shop
):
    gains = tuple(
        TuningGain(f"task {number}", "log_loss", (low + high) / 2, low, high)
        for number, (low, high) in enumerate(intervals)
    )
    found = tuning.Tuning("run", 1, BoostingSettings(), 0.01, gains, shop.log.end)
    assert found.is_worth_it == worth
    assert found.sentence().startswith("Worth it" if worth else "Not worth it")


def test_settings_reach_the_trees(shop):
    boosting = BoostingSettings(rounds=7, leaves=3)
    train = shop.settings.train.model_copy(update={"boosting": boosting})
    from training.tasks.world import World

    log = shop.log
    object.__setattr__(log, "settings", shop.settings.model_copy(update={"train": train}))
    grown = World(log).boosting()
    assert (grown.rounds, grown.leaves, grown.seed) == (7, 3, train.seed)
