"""Any process from its saved form."""

import json

import pytest

from tests.support.purchase_process import simulate_summary
from training.errors import BundleError
from training.process.choice import PROCESSES, process_from_dict

TRUTH = {"r": 0.8, "alpha": 15.0, "a": 0.8, "b": 3.0, "k": 2}


@pytest.mark.parametrize("name", PROCESSES)
def test_restores_every_process(name):
    summary = simulate_summary(**TRUTH, first_may_be_last=True, customers=300, seed=2)
    fitted = PROCESSES[name]().fit(summary)
    restored = process_from_dict(json.loads(json.dumps(fitted.to_dict(), allow_nan=False)))
    assert type(restored) is type(fitted)
    assert vars(restored) == vars(fitted)
    assert (restored.expected_orders(summary, 90) == fitted.expected_orders(summary, 90)).all()


def test_refuses_what_is_no_process():
    with pytest.raises(BundleError, match="found 'Gamma-Gamma'"):
        process_from_dict({"model": "Gamma-Gamma"})
