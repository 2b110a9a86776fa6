"""Campaigns of several treatments: drawn in rounds that follow what works, and read back."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from features.errors import ConfigError
from serving.campaigns import schemas as models
from serving.campaigns.decisions.measured_treatment import measured_treatment
from serving.campaigns.decisions.next_rounds import make_next_rounds, request_of
from serving.campaigns.decisions.read_rounds import read_rounds
from serving.campaigns.measuring import measure_campaigns
from serving.campaigns.request import CampaignRequest
from serving.campaigns.service import CampaignService
from tests.serving.campaigns.test_measuring import END, LATE, START, campaign, members, name, shop
from tests.serving.conftest import client_of
from tests.support.economics import ECONOMICS
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_runs, fresh_stores, stores_beside

NOW = datetime(2026, 3, 4, tzinfo=UTC)
ASKED = {
    "name": "Spring",
    "treatments": [
        {"name": "mail", "cost_per_contact": 0.2},
        {"name": "letter", "cost_per_contact": 0.5},
    ],
    "rounds": 3,
    "horizon_days": 30,
    "seed": "spring",
}


@pytest.fixture
def runs():
    store = fresh_runs()
    store.publish(run_info(economics=ECONOMICS), *score_tables(900))
    return store


@pytest.fixture
def stores(runs):
    return stores_beside(runs)


def later_run(runs, days):
    info = run_info(f"later-{days}", economics=ECONOMICS)
    runs.publish(
        replace(info, as_of=info.as_of + timedelta(days=days)), *score_tables(900, seed=days)
    )


def create(stores, **changes):
    service = CampaignService(stores.campaigns, lambda: NOW)
    view = service.create(
        CampaignRequest.model_validate({**ASKED, **changes}), created_by="command"
    )
    return stores.campaigns.campaign(view["campaign_id"])


def end(store, kept, brought):
    """Write what the members of each arm brought, and read all rounds so far."""
    rng = np.random.default_rng(kept.plan["decision"]["round"])
    outcomes = [
        {
            "customer_id": member.customer_id,
            "orders": 1,
            "revenue": 50.0,
            "margin": float(brought[member.arm] + rng.normal(0, 1)),
            "visits": None,
        }
        for member in store.members(kept.campaign_id)
    ]
    until = kept.ends_on.isoformat()
    results = {"measured_until": until, "is_final": True, "margin_share": 0.3, "effects": []}
    store.record(kept.campaign_id, outcomes, results)
    table = pd.DataFrame([vars(member) for member in store.members(kept.campaign_id)])
    reading = read_rounds(store, kept, table, 0.3)
    more = {"save_rate": None, "segments": [], "cells": [], "arms": [], "uplift": None}
    store.record(kept.campaign_id, outcomes, {**results, **more, "decision": reading})
    return reading


def test_the_first_round_has_equal_shares_and_says_what_exploring_costs(stores):
    kept = create(stores)
    decision, sizes = kept.plan["decision"], {}
    for arm in kept.plan["arms"]:
        sizes[arm["arm"]] = arm["members"]
    assert list(sizes) == ["mail", "letter", "hold_out"]
    everybody = sum(sizes.values())
    # a stratum is off its share by less than one customer
    assert all(abs(size - everybody / 3) < 9 for size in sizes.values())
    assert decision["decision_id"] == kept.campaign_id
    assert decision["members"] == everybody
    assert decision["exploring"]["first_round"] == pytest.approx(everybody * 2 / 3)
    assert decision["treatments"] == {"mail": 0.2, "letter": 0.5}
    assert set(decision["shares"]) == set(sizes)


def test_a_next_round_moves_towards_what_works_once_and_on_new_scores(runs, stores):
    kept = create(stores, most_contacts=1)
    store = stores.campaigns
    assert make_next_rounds(store, lambda: NOW) == []
    # no better than what they cost: nothing is sure after one round
    reading = end(store, kept, {"hold_out": 0.0, "mail": 0.2, "letter": 0.5})
    assert reading["stop"] is None
    said = []
    assert make_next_rounds(store, lambda: NOW, said.append) == []
    assert "before its end" in said[0]
    later_run(runs, 30)
    (second,) = make_next_rounds(store, lambda: NOW)
    assert make_next_rounds(store, lambda: NOW) == []
    assert second.campaign_id == f"{kept.campaign_id}-2"
    assert second.plan["name"] == "Spring · 2"
    assert second.starts_on == kept.starts_on + timedelta(days=30)
    assert second.plan["decision"]["shares"] == reading["next"][0]["shares"]
    first_arms = {member.customer_id: member.arm for member in store.members(kept.campaign_id)}
    again = [member.customer_id for member in store.members(second.campaign_id)]
    assert {first_arms.get(customer, "hold_out") for customer in again} == {"hold_out"}


def test_a_stop_rule_or_a_cancelled_round_ends_the_decision(runs, stores):
    store = stores.campaigns
    kept = create(stores)
    reading = end(store, kept, {"hold_out": 0.0, "mail": 30.0, "letter": 1.0})
    assert (reading["stop"], reading["best"]) == ("exploring_costs_more_than_it_can_bring", "mail")
    later_run(runs, 30)
    assert make_next_rounds(store, lambda: NOW) == []
    other = create(stores, name="Summer")
    end(store, other, {"hold_out": 0.0, "mail": 0.2, "letter": 0.5})
    later_run(runs, 60)
    store.cancel(other.campaign_id, NOW)
    assert make_next_rounds(store, lambda: NOW) == []


def test_a_decision_is_shown_by_api_and_page(stores):
    client = client_of(stores)
    assert client.post("/v1/campaigns/proposals", json=ASKED).status_code == 200
    made = models.Campaign.model_validate_json(client.post("/v1/campaigns", json=ASKED).content)
    assert made.decision.round == 1
    assert "round 1 of at most 3" in client.get(f"/campaigns/{made.campaign_id}").text
    kept = stores.campaigns.campaign(made.campaign_id)
    end(stores.campaigns, kept, {"hold_out": 0.0, "mail": 30.0, "letter": 1.0})
    page = client.get(f"/campaigns/{made.campaign_id}").text
    assert "Stopped" in page
    assert "各轮的结果" in client.get(f"/campaigns/{made.campaign_id}?lang=zh").text
    members_of_mail = client.get(f"/v1/campaigns/{made.campaign_id}/members?arm=mail").json()
    assert {member["arm"] for member in members_of_mail["members"]} == {"mail"}


def test_what_was_measured_to_earn_most_is_suggested_and_the_rule_where_nothing_was(runs, stores):
    client = client_of(stores)
    assert measured_treatment(stores.campaigns) is None
    assert client.get("/v1/models").json()["suggestions"] == {"source": "rules", "treatment": None}
    assert "Suggestions are by rule" in client.get("/churn-list").text
    kept = create(stores)
    end(stores.campaigns, kept, {"hold_out": 0.0, "mail": 30.0, "letter": 1.0})
    best = measured_treatment(stores.campaigns)
    assert (best["treatment"], best["rounds"], best["campaign_id"]) == ("mail", 1, kept.campaign_id)
    assert best["low"] > 0
    info = run_info("measured", economics={**ECONOMICS, "treatment": best})
    runs.publish(replace(info, as_of=info.as_of + timedelta(days=30)), *score_tables(900))
    answer = client.get("/v1/models").json()["suggestions"]
    assert (answer["source"], answer["treatment"]) == ("measured", best)
    page = client.get("/churn-list").text
    assert "measured to earn most: mail" in page
    # whoever is not worth a contact is left alone, whatever was measured
    rows = client.get("/v1/churn-list?limit=50").json()["customers"]
    worth = sum(row["suggested_action"] not in {"leave", "no_contact"} for row in rows)
    assert worth > 0
    customer = client.get(f"/customers/{rows[0]['customer_id']}").text
    label = "by rule" if rows[0]["suggested_action"] in {"leave", "no_contact"} else "measured to"
    assert label in customer


def test_the_form_takes_treatments(stores):
    client = client_of(stores)
    wish = {
        "name": "Spring",
        "kind": "all",
        "treatments": "mail = 0.2; letter = 0.5",
        "rounds": "3",
    }
    assert "round 1 of at most 3" in client.get("/campaigns/new", params=wish).text
    assert client.post("/campaigns", data=wish).status_code == 303
    for changes, problem in (
        ({"treatments": "mail"}, "name = cost"),
        ({"rounds": ""}, "number of rounds"),
        ({"most_contacts": "0"}, "Contacts of one customer"),
    ):
        assert problem in client.get("/campaigns/new", params={**wish, **changes}).text


FIVE = [{"name": f"offer {number}", "cost_per_contact": 1.0} for number in range(5)]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"rounds": None}, "how many there are at most"),
        ({"treatments": []}, "rounds: only with treatments"),
        ({"choose": "every_nth", "contacts": 5}, "neither with a test"),
        ({"hold_out": 0.5, "explore": 0.1, "treatments": FIVE}, "below 1"),
        ({"cost_per_contact": 1.0}, "each treatment has its own"),
        ({"treatments": [{"name": "hold_out", "cost_per_contact": 1}]}, "names of their own"),
    ],
)
def test_treatments_that_cannot_be_are_named(stores, changes, problem):
    with pytest.raises(ConfigError, match=problem):
        create(stores, **changes)


def test_what_was_asked_for_is_read_back_for_a_later_round():
    request = CampaignRequest.model_validate(
        {
            **ASKED,
            "filter": {"risk": ["high"], "segment": ["abc:A"], "due_from": "2026-04-01"},
            "starts_on": "2026-03-10",
            "seed": "s",
        }
    )
    again = request_of(request.to_dict())
    assert again.chosen_from == request.chosen_from
    assert again.treatments == request.treatments
    assert (again.starts_on, again.seed) == (None, None)


def test_a_score_run_reads_the_rounds_from_the_orders(tmp_path):
    arms = ["hold_out", "mail", "letter"]
    decision = {
        "decision_id": "c-1",
        "round": 1,
        "rounds": 2,
        "treatments": {"mail": 0.2, "letter": 0.5},
        "shares": dict.fromkeys(arms, 1 / 3),
        "hold_out": 0.05,
        "explore": 0.02,
        "members": 400,
        "most_contacts": None,
    }
    plan_arms = [
        {"arm": arm, "contacted": arm != "hold_out", "members": 0} for arm in decision["shares"]
    ]
    kept = campaign(decision=decision, arms=plan_arms)
    store = fresh_stores().campaigns
    drawn = [replace(member, arm=arms[number % 3]) for number, member in enumerate(members())]
    store.add(kept, drawn)
    brought = {"hold_out": 20.0, "mail": 25.0, "letter": 40.0}
    orders = [
        (name(number), date(2026, 3, 5), brought[arms[number % 3]] + 2 * (-1) ** number)
        for number in range(400)
    ]
    with shop(tmp_path, orders) as log:
        measure_campaigns(store, log, START + timedelta(days=10))
        assert store.campaign("c-1").results["decision"] is None
        measure_campaigns(store, log, LATE)
    results = store.campaign("c-1").results
    assert results["measured_until"] == END.isoformat()
    mail, letter = results["decision"]["effects"]
    # 40 % margin of 5 and 20 pounds more, less the contact
    assert mail["effect"]["value"] == pytest.approx(0.4 * 5 - 0.2, abs=0.1)
    assert letter["effect"]["value"] == pytest.approx(0.4 * 20 - 0.5, abs=0.1)
