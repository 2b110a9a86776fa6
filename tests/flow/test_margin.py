"""A shop that begins to record costs: from revenue to margin, without comparing the two."""

import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from features.orders.log import read_orders
from features.sources import FrameSource
from serving.scoring.run import score
from tests.support.identities import beside_the_lifetime
from tests.support.shop import COLUMNS, shop_settings, simulate_orders
from tests.support.stores import fresh_runs
from tests.support.trained import SECTIONS, SHOP
from training.bundle.publication import load_models
from training.errors import BundleError
from training.job import train

NOW = datetime(2025, 1, 1, tzinfo=UTC)


def settings_for(root, **predict):
    sections = {**SECTIONS, "predict": {**SECTIONS["predict"], **predict}}
    return shop_settings(root, data={"columns": {**COLUMNS, "cost": "cost"}}, **sections)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    root = tmp_path_factory.mktemp("costs")
    orders = simulate_orders(**SHOP)
    orders["cost"] = (0.6 * orders["amount"]).round(2)
    settings = settings_for(root)
    with read_orders(settings_for(root, value="revenue"), FrameSource(orders)) as log:
        revenue = train(log, None)
        before = score(log, load_models(log.settings), None, NOW)
    said = []
    with read_orders(settings, FrameSource(orders)) as log:
        margin = train(log, None, said.append)
        after = score(log, load_models(settings), None, NOW)
    return settings, revenue, before, margin, after, said


def test_the_training_says_what_values_are_counted_in(shop):
    *_, said = shop
    known = "the cost is known of 100.0% of the money customers paid"
    assert f"values are net margin: {known}" in said


def test_a_margin_is_not_compared_with_a_revenue(shop):
    _, revenue, _, margin, *_ = shop
    assert revenue.verdicts["value"].promoted
    reason = margin.verdicts["value"].reason
    assert "not compared: the champion predicts revenue, this one margin" in reason
    assert "not compared" not in margin.verdicts["churn"].reason


def test_margins_are_what_costs_leave_of_revenue(shop):
    _, _, before, _, after, _ = shop
    assert (before.info.clv_basis, after.info.clv_basis) == ("revenue", "margin")
    for name in ("clv", "clv_lifetime", "value_at_risk"):
        ratio = after.scores[name].sum() / before.scores[name].sum()
        assert ratio == pytest.approx(0.4, abs=0.04), name
    pd.testing.assert_series_equal(
        after.scores["churn_probability"], before.scores["churn_probability"], check_exact=True
    )
    together = np.corrcoef(after.scores["clv"].rank(), before.scores["clv"].rank())[0, 1]
    assert together > 0.97


def test_the_lifetime_year_by_year_tells_revenue_and_cost_apart(shop):
    _, _, before, _, after, _ = shop
    for run in (before, after):
        scores = run.scores.assign(clv_basis=run.info.clv_basis)
        assert beside_the_lifetime(scores) == {}
    revenue, cost = (after.scores[f"lifetime_{name}_1"] for name in ("revenue", "cost"))
    assert (cost / revenue).mean() == pytest.approx(0.6, abs=0.04)
    paid = before.scores["lifetime_revenue_1"]
    assert revenue.sum() / paid.sum() == pytest.approx(1.0, abs=0.05)


def test_of_a_margin_at_risk_a_contact_saves_all(shop):
    settings, _, before, _, after, _ = shop
    cost, rate = settings.campaigns.cost_per_contact, settings.campaigns.save_rate
    for run, share in ((before, run_share(before)), (after, 1.0)):
        assert run.info.economics["value_share"] == pytest.approx(share)
        expected = rate * share * run.scores["value_at_risk"] - cost
        np.testing.assert_allclose(run.scores["expected_profit"], expected, atol=1e-9)
    # what revenue leaves is told all the same: campaigns are measured in it
    assert after.info.economics["margin_share"] == pytest.approx(0.4, abs=0.01)


def run_share(run):
    return run.info.economics["margin_share"]


def test_documents_say_it(shop):
    _, _, _, _, after, _ = shop
    store = fresh_runs()
    store.publish(after.info, after.scores, after.recommendations)
    document = json.loads(store.customer(after.scores["customer_id"].iloc[0]).body)
    assert document["clv_basis"] == "margin"
    terms = document["lifetime_terms"]
    assert sum(term["present_value"] for term in terms) == pytest.approx(document["clv_lifetime"])
    assert all(term["revenue"] > term["cost"] > 0 for term in terms)
    assert document["next_order"]["expected_value"] == document["expected_order_value"]
    assert len(document["next_order"]["categories"]) == 3


def test_models_on_another_basis_than_asked_for_are_refused(shop):
    settings, *_ = shop
    with pytest.raises(BundleError, match=r"predict margin, but predict\.value is revenue"):
        load_models(settings_for(settings.root, value="revenue"))
    assert load_models(settings_for(settings.root, value="margin")).value.clv_basis == "margin"
