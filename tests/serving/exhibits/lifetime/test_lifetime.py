"""The lifetime at other terms, and profit in four parts."""

import math

import numpy as np
import pandas as pd
import pytest

from serving.exhibits.lifetime.arithmetic import (
    LifetimeAssumptions,
    LifetimeTerm,
    recalculated,
    term_lengths,
)
from serving.scoring.profit_parts import saved_cost
from training.value.lifetime import Lifetime

HORIZON = LifetimeTerm(0, 30.0, 10.0, 20.0, 0.0, 0.25)
YEARS = [LifetimeTerm(year, 100.0, 40.0, 60 / 1.1**year, year, 1.0) for year in (1, 2)]


def worth(assumptions, customers=1):
    terms = recalculated([HORIZON, *YEARS], assumptions, stated_rate=0.1, customers=customers)
    return sum(term.present_value for term in terms)


def test_the_worked_example_of_a_lifetime():
    """20 now, and 60 a year for two years: at 20 % 50 and 41.67, at 0 % 120."""
    assert worth(LifetimeAssumptions(0.2, 2)) == pytest.approx(20 + 60 / 1.2 + 60 / 1.44)
    assert worth(LifetimeAssumptions(0.0, 2)) == pytest.approx(20 + 120)
    assert worth(LifetimeAssumptions(0.0, 1)) == pytest.approx(20 + 60)
    assert worth(LifetimeAssumptions(0.0, 0)) == 20


def test_costs_can_be_others():
    assert worth(LifetimeAssumptions(0.0, 2, cost_share=0.5)) == pytest.approx(0.5 * 230)
    # 8 a year for a quarter of a year and two years
    assert worth(LifetimeAssumptions(0.0, 2, cost_per_year=8.0)) == pytest.approx(140 - 8 * 2.25)
    two = worth(LifetimeAssumptions(0.0, 2, cost_per_year=8.0), customers=2)
    assert two == pytest.approx(140 - 16 * 2.25)


@pytest.mark.parametrize(("horizon", "years"), [(90, 5.0), (45, 2.0), (365, 3.0), (30, 1.0)])
def test_the_lengths_of_the_terms_are_those_of_the_model(horizon, years):
    lifetime = Lifetime(horizon, years, 0.1)
    lengths = term_lengths(horizon, years)
    assert list(lengths) == [0, *(year.number for year in lifetime.years_ahead)]
    assert sum(lengths.values()) == pytest.approx(lifetime.periods * horizon / 365.25)


def test_at_the_terms_of_the_run_the_value_is_the_one_stated(shown, run):
    customer_id = run.scores["customer_id"].iloc[0]
    document = shown.get(f"/v1/customers/{customer_id}").json()
    answer = shown.get("/v1/lifetime", params={"customer_id": customer_id}).json()
    assert answer["clv_lifetime"] == answer["stated"] == document["clv_lifetime"]
    rate, years = answer["rate"], answer["years"]
    assert (rate, years) == (
        run.info.discount_rate_per_year,
        document["lifetime_terms"][-1]["year"],
    )
    # a rate so close to the run's that only the way of computing differs
    close = shown.get(
        "/v1/lifetime", params={"customer_id": customer_id, "rate": rate + 1e-12}
    ).json()
    assert close["clv_lifetime"] == pytest.approx(answer["stated"], abs=0.01 * (years + 1))
    slow = sum(
        (term["revenue"] - term["cost"]) * 1.25 ** -term["discount_years"]
        for term in document["lifetime_terms"]
        if term["year"] <= 1
    )
    other = shown.get(f"/v1/lifetime?customer_id={customer_id}&rate=0.25&years=1").json()
    assert other["clv_lifetime"] == pytest.approx(slow, abs=0.02)


def test_groups_are_the_sums_of_their_customers(shown, run, made):
    terms = made["lifetime_terms"]["data"]
    every = shown.get("/v1/lifetime").json()
    published = run.scores["clv_lifetime"].round(2)
    assert every["stated"] == pytest.approx(published.sum(), abs=0.01)
    by_group = published.groupby(run.scores["lifecycle"]).sum()
    for group in terms["systems"]["lifecycle"]:
        answer = shown.get("/v1/lifetime", params={"group": f"lifecycle:{group['value']}"}).json()
        assert answer["customers"] == group["customers"]
        assert answer["stated"] == pytest.approx(by_group[group["value"]], abs=0.01)
    assert shown.get("/v1/lifetime?group=lifecycle:nobody").status_code == 404
    assert shown.get("/v1/lifetime?customer_id=nobody").status_code == 404
    assert shown.get("/v1/lifetime?rate=-1").status_code == 422


def test_the_page_calculates_what_the_api_does(shown, run):
    customer_id = run.scores["customer_id"].iloc[0]
    answer = shown.get(f"/v1/lifetime?customer_id={customer_id}&rate=0.25&years=2").json()
    page = shown.get(f"/lifetime?customer_id={customer_id}&rate=25&years=2").text
    assert f"{answer['clv_lifetime']:,.2f}" in page
    assert "No lifetime is known" in shown.get("/lifetime?customer_id=nobody").text
    assert 'role="alert"' in shown.get("/lifetime?rate=much").text
    assert 'role="alert"' not in shown.get("/lifetime").text


def test_terms_that_the_run_does_not_tell_are_refused(shown):
    last = shown.get("/v1/lifetime").json()["years"]
    refused = shown.get(f"/v1/lifetime?years={last + 1}")
    assert refused.status_code == 422
    assert f"tells terms up to year {last}" in refused.text
    assert shown.get("/v1/lifetime?cost_per_year=-1").status_code == 422
    for query in (f"years={last + 1}", "years=1.5", "cost_per_year=-1"):
        assert f"whole years from 0 to {last}" in shown.get(f"/lifetime?{query}").text
    assert 'role="alert"' not in shown.get(f"/lifetime?years={last}").text


def test_what_was_bought_first_is_base_and_the_rest_cross_sell(run, trained):
    end = pd.Timestamp(trained.log.end)
    lines = trained.orders[trained.orders["time"] < end]
    day = lines["time"].dt.normalize()
    first_day = day.groupby(lines["customer"]).transform("min")
    bought = lines[(day == first_day) & (lines["amount"] > 0)]
    at_first = set(zip(bought["customer"], bought["category"], strict=True))
    year = lines[day >= end - pd.Timedelta(days=365)]
    is_base = [pair in at_first for pair in zip(year["customer"], year["category"], strict=True)]
    for column, part in (("base", year[is_base]), ("cross_sell", year[~np.array(is_base)])):
        expected = part.groupby("customer")["amount"].sum()
        found = run.scores.set_index("customer_id")[f"profit_{column}"]
        assert found.to_numpy() == pytest.approx(
            expected.reindex(found.index, fill_value=0.0).to_numpy(), abs=0.006
        )
        assert abs(found).sum() > 0
    # neither contacts nor referrals are known to this shop
    assert (
        run.scores[["profit_saved_cost", "profit_referrals", "contact_cost"]].isna().all(axis=None)
    )


def test_the_parts_of_groups_add_up(made, run):
    data = made["profit_parts"]["data"]
    assert data["all"]["base"] == pytest.approx(run.scores["profit_base"].sum(), abs=0.01)
    assert data["all"]["saved_cost"] is None
    for groups in data["systems"].values():
        for part in ("base", "cross_sell"):
            assert math.isclose(sum(g[part] for g in groups), data["all"][part], abs_tol=0.1)


def test_old_customers_save_what_new_ones_cost_more():
    """New customers cost 5 on average; the third is old and costs 1, the fourth 7."""
    saved = saved_cost(np.array([4.0, 6.0, 1.0, 7.0]), np.array([9.0, 365.0, 366.0, 900.0]))
    assert saved.tolist() == [0.0, 0.0, 5.0 - 1.0, 5.0 - 7.0]
    assert np.isnan(saved_cost(np.array([1.0]), np.array([900.0]))).all()
