"""Scores from 0 to 100: their bands, and the weights of the management score."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from features.settings.segments import Segments
from serving.exhibits.scores.weights import agreement, compared
from tests.features.segments.customers import customers


def test_a_score_that_follows_the_value_agrees_wholly():
    """Learned: behaviour alone, which is what came; set: contribution alone, its opposite."""
    steps = [float(step) for step in range(100)]
    table = customers(
        orders_365d=steps,
        days_since_last_order=steps[::-1],
        spend_365d=steps[::-1],
        churn_probability=np.nan,
    )
    only = {"behaviour": 0.0, "contribution": 1.0, "loyalty": 0.0}
    settings = Segments.model_validate({"management": only})
    learned = {"behaviour": 1.0, "contribution": 0.0, "loyalty": 0.0}
    found = compared(table, pd.Series(steps, table.index), learned, settings)
    in_force, better = found["scores"]
    assert (in_force["weights"], in_force["agreement"]) == ("set", -1.0)
    assert (better["weights"], better["agreement"]) == ("learned", 1.0)
    assert (found["difference"], found["better"]) == (2.0, "learned")
    # the best fifth by orders brought 80 + … + 99 of 0 + … + 99
    assert better["top_share"] == pytest.approx(sum(range(80, 100)) / sum(range(100)), abs=1e-4)
    assert found["parts"][0] == {"part": "behaviour", "set": 0.0, "learned": 1.0}


def test_the_agreement_is_that_of_spearman_and_its_interval_covers():
    rng = np.random.default_rng(7)
    score = rng.normal(size=400).round(1)
    value = score + rng.normal(size=400)
    assert agreement(score, value)[0] == pytest.approx(spearmanr(score, value).statistic)
    assert agreement(np.zeros(60), value[:60]).tolist() == [0.0] * 51


def test_alike_weights_differ_in_nothing():
    rng = np.random.default_rng(8)
    table = customers(spend_365d=list(rng.random(80)), churn_probability=np.nan)
    learned = {"behaviour": 0.3, "contribution": 0.5, "loyalty": 0.2}
    found = compared(table, pd.Series(rng.random(80), table.index), learned, Segments())
    assert (found["difference"], found["better"]) == (0.0, None)


def test_the_weights_of_the_shop_are_learned_before_they_are_judged(made, run):
    data = made["management_weights"]["data"]
    assert data["learned_at"] < data["judged_at"] < run.info.as_of.isoformat()
    assert sum(part["learned"] for part in data["parts"]) == pytest.approx(1, abs=0.002)
    assert data["customers_learned"] <= data["customers_judged"] <= len(run.scores)
    for score in data["scores"]:
        assert score["low"] < score["agreement"] < score["high"]
        assert 0 < score["top_share"] <= 1


def test_bands_hold_every_customer_once(made, run):
    found = made["score_bands"]["data"]["scores"]
    assert set(found) == set(run.info.index_columns)
    for name, spread in found.items():
        numbers = run.scores[name].dropna()
        assert spread["customers"] + spread["unknown"] == len(run.scores)
        assert sum(band["customers"] for band in spread["bands"]) == len(numbers)
        for band in spread["bands"]:
            assert band["customers"] == numbers.between(band["from"], band["to"]).sum()
    spread = found["management_score"]
    assert sum(band["clv"] for band in spread["bands"]) == pytest.approx(
        run.scores["clv"].sum(), abs=0.1
    )


def test_customers_and_lists_tell_scores_as_numbers(shown, run):
    row = run.scores.iloc[0]
    answer = shown.get(f"/v1/customers/{row['customer_id']}").json()
    assert answer["indices"]["management_score"] == row["management_score"]
    assert set(answer["indices"]) == set(run.info.index_columns)
    assert not set(answer["indices"]) & set(answer["segments"])
    listed = shown.get("/v1/churn-list?limit=5").json()["customers"]
    by_id = run.scores.set_index("customer_id")["rfm_score"]
    assert all(each["indices"]["rfm_score"] == by_id[each["customer_id"]] for each in listed)
    header, first = shown.get("/v1/churn-list?format=csv&limit=1").text.splitlines()[:2]
    at = header.split(",").index("management_score")
    assert first.split(",")[at].isdigit()


def test_the_page_of_a_score_shows_bands_and_weights(shown, made):
    page = shown.get("/segments/management_score").text
    assert "Are the weights good?" in page
    data = made["management_weights"]["data"]
    for score in data["scores"]:
        assert f"{score['agreement']:.3f}" in page
    assert "权重合理吗" in shown.get("/segments/management_score?lang=zh").text
    exhibit = shown.get("/v1/exhibits/management_weights").json()
    assert json.dumps(exhibit["data"], sort_keys=True) == json.dumps(data, sort_keys=True)
    assert "Are the weights good?" not in shown.get("/segments/rfm_score?lang=en").text
