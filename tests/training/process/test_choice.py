"""Which process is chosen, and any of them from its saved form."""

import json

import pytest

from tests.support.purchase_process import simulate_summary
from training.errors import BundleError
from training.process.choice import PROCESSES, Trial, fit_process, process_from_dict
from training.process.modified_beta_geometric import ModifiedBetaGeometric
from training.process.regular_beta_geometric import RegularBetaGeometric

TRUTH = {"r": 0.8, "a": 0.8, "b": 3.0, "first_may_be_last": True, "customers": 1500}


def shop(k, **changes):
    return simulate_summary(**TRUTH | {"alpha": 30.0 / k, "seed": 2, "k": k} | changes)


@pytest.mark.parametrize("k", [2, 3])
def test_finds_the_steps_of_simulated_regulars(k):
    chosen = fit_process(shop(k))
    assert isinstance(chosen, RegularBetaGeometric)
    assert chosen.k == k


def test_random_gaps_stay_with_the_simple_process():
    assert isinstance(fit_process(shop(1)), ModifiedBetaGeometric)


def test_without_the_gaps_the_sums_decide():
    chosen = fit_process(shop(3, customers=8000).drop(columns="litt"))
    assert isinstance(chosen, RegularBetaGeometric)


def test_a_limit_of_one_step_leaves_no_choice():
    assert isinstance(fit_process(shop(3), most_stages=1), ModifiedBetaGeometric)


def test_a_trial_outweighs_the_likelihood():
    summary = shop(3)
    earlier = summary.head(800)
    truth = RegularBetaGeometric(k=3).fit(earlier)
    as_regulars = Trial(earlier, 60.0, truth.p_no_order(earlier, 60.0) < 0.5)
    assert fit_process(summary, trial=as_regulars).to_dict()["model"] == "MBG/CNBD-k"
    everybody = Trial(earlier, 60.0, earlier["x"].to_numpy() >= 0)
    assert isinstance(fit_process(summary, trial=everybody), ModifiedBetaGeometric)


@pytest.mark.parametrize("name", PROCESSES)
def test_restores_every_process(name):
    summary = shop(2, customers=300)
    fitted = PROCESSES[name]().fit(summary)
    restored = process_from_dict(json.loads(json.dumps(fitted.to_dict(), allow_nan=False)))
    assert type(restored) is type(fitted)
    assert vars(restored) == vars(fitted)
    assert (restored.expected_orders(summary, 90) == fitted.expected_orders(summary, 90)).all()


def test_refuses_what_is_no_process():
    with pytest.raises(BundleError, match="found 'Gamma-Gamma'"):
        process_from_dict({"model": "Gamma-Gamma"})
