"""Promises of finished runs against what happened, counted again in pandas."""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from serving.exhibits.catalogue import exhibits_of
from serving.exhibits.past import run_misses
from serving.scoring.run import score
from serving.store.run import RISKS
from tests.serving.exhibits.conftest import NOW, knowing_until
from tests.support.stores import fresh_runs


def test_promises_are_set_against_what_happened(trained, models, orders):
    """Two runs of the past, read back after their horizon."""
    early = trained.log.end - timedelta(days=80), trained.log.end - timedelta(days=50)
    then = knowing_until(models, early[0])
    store = fresh_runs()
    said = {}
    for day in early:
        past = score(trained.log, then, day, NOW)
        total = past.info.level["total"]
        level = {**past.info.level, "low": 0.8 * total, "high": 1.25 * total}
        info = replace(past.info, level=level if day == early[1] else past.info.level)
        store.publish(info, past.scores, past.recommendations)
        said[day] = past.scores.set_index("customer_id")
    now = score(trained.log, models, None, NOW)
    found = exhibits_of(trained.log, now, models, store)["promise"]["data"]
    horizon = timedelta(days=trained.settings.predict.horizon_days)
    assert [one["as_of"] for one in found["runs"]] == [day.isoformat() for day in early]
    for day, entry in zip(early, found["runs"], strict=True):
        window = orders[
            (orders["day"] >= pd.Timestamp(day)) & (orders["day"] < pd.Timestamp(day + horizon))
        ]
        mine = window[window["customer"].isin(said[day].index)]
        assert entry["customers"] == len(said[day])
        assert entry["churn_happened"] == len(said[day]) - mine["customer"].nunique()
        assert entry["value_happened"] == pytest.approx(mine["amount"].sum(), abs=0.005)
        assert entry["churn_said"] == pytest.approx(
            said[day]["churn_probability"].round(4).sum(), abs=0.01
        )
        p = said[day]["churn_probability"].round(4)
        chance = 1.96 * np.sqrt((p * (1 - p)).sum())
        assert entry["churn_low"] == max(math.ceil(p.sum() - chance), 0)
        assert entry["churn_high"] == min(math.floor(p.sum() + chance), len(p))
        assert entry["churn_kept"] == (
            entry["churn_low"] <= entry["churn_happened"] <= entry["churn_high"]
        )
    without, entry = found["runs"]
    assert (without["value_low"], without["value_within"]) == (None, None)
    assert entry["value_low"] == pytest.approx(0.8 * entry["value_said"], rel=1e-4)
    assert entry["value_high"] == pytest.approx(1.25 * entry["value_said"], rel=1e-4)
    assert entry["value_within"] == (
        entry["value_low"] <= entry["value_happened"] <= entry["value_high"]
    )
    assert all(
        band["kept"] == (band["low"] <= band["happened"] <= band["high"]) for band in found["bands"]
    )
    everybody = pd.concat(said.values())
    for band in found["bands"]:
        assert band["customers"] == (everybody["retention_risk"] == band["band"]).sum()
    assert [band["band"] for band in found["bands"]] == list(RISKS)
    gone = sum(one["churn_happened"] for one in found["runs"])
    assert sum(band["happened"] for band in found["bands"]) == gone
    assert sum(one["happened"] for one in found["churn"]["levels"]) == gone
    assert len(
        exhibits_of(trained.log, now, models, store)["expected_revenue"]["data"]["occasions"]
    ) == (len(models.evidence.tasks["value"]["totals"]) + 2)


def test_what_a_finished_run_was_off_by_goes_to_the_next_training(trained, models, orders):
    horizon = timedelta(days=trained.settings.predict.horizon_days)
    day = trained.log.end - horizon
    past = score(trained.log, knowing_until(models, day), day, NOW)
    store = fresh_runs()
    # the run had been moved by a tenth for those before it
    info = replace(past.info, level={**past.info.level, "lasting": 0.1})
    store.publish(info, past.scores, past.recommendations)
    (miss,) = run_misses(trained.log, store, trained.log.end)
    known = orders[orders["customer"].isin(past.scores["customer_id"])]
    window = known[
        (known["day"] >= pd.Timestamp(day)) & (known["day"] < pd.Timestamp(day + horizon))
    ]
    said = past.scores["clv"].round(2).sum()
    assert miss.as_of == day
    assert miss.miss == pytest.approx(np.log(window["amount"].sum() / said) + 0.1, abs=1e-6)
    assert run_misses(trained.log, store, trained.log.end - timedelta(days=1)) == ()
    # a run of an earlier release does not know what had been added
    store.publish(replace(past.info, level={}, run_id="old"), past.scores, past.recommendations)
    assert run_misses(trained.log, store, trained.log.end) == ()
