"""One request for the API, the page and the store."""

import json

import pytest
from pydantic import ValidationError

from features.errors import ConfigError
from serving.campaigns.form import CampaignForm
from serving.campaigns.request import CampaignRequest
from serving.churn_list.form import ListForm

KEPT = (
    '{"name": "Spring", "wanted": {"risk": ["high"], "status": [], "segments": [["abc", "A"]], '
    '"min_value_at_risk": 5.0, "consent": []}, "choose": "best", "contacts": 7, "amount": null, '
    '"hold_out": 0.2, "cost_per_contact": null, "margin_share": null, "save_rate": null, '
    '"net_profit_per_sale": null, "starts_on": "2026-04-01", "horizon_days": null, '
    '"roll_out_of": null, "seed": "s"}'
)


def test_a_request_is_kept_as_the_first_release_kept_it():
    body = {
        "name": "Spring",
        "filter": {"risk": ["high"], "segment": ["abc:A"], "min_value_at_risk": 5},
        "contacts": 7,
        "hold_out": 0.2,
        "starts_on": "20260401",
        "seed": "s",
    }
    request = CampaignRequest.model_validate(body, strict=True)
    assert json.dumps(request.to_dict()) == KEPT


def test_the_page_asks_for_the_same_as_the_api():
    filters = {"risk": "high", "segments": {"abc": "A"}, "min_value_at_risk": "5"}
    form = CampaignForm(
        customers=ListForm(usual_sort="value_at_risk", **filters),
        name="Spring",
        budget="7",
        hold_out="20",
        starts_on="2026-04-01",
        seed="s",
    )
    assert json.dumps(form.request().to_dict()) == KEPT


def test_the_page_filters_by_consent_too():
    form = CampaignForm(
        customers=ListForm(usual_sort="value_at_risk", consent="yes"), name="x", budget="5"
    )
    assert form.request().to_dict()["wanted"]["consent"] == ["yes"]
    assert form.request().chosen_from.consent == ("yes",)


def test_the_page_filters_by_the_silence_too():
    form = CampaignForm(
        customers=ListForm(usual_sort="value_at_risk", rhythm="overdue"), name="x", budget="5"
    )
    assert form.request().to_dict()["wanted"]["rhythm"] == ["overdue"]
    assert form.request().chosen_from.rhythm == ("overdue",)


def test_a_campaign_of_those_who_are_due_keeps_the_days():
    listing = ListForm(usual_sort="value_at_risk", due_from="2026-03-01", due_until="2026-03-07")
    request = CampaignForm(customers=listing, name="x", budget="5").request()
    wanted = request.to_dict()["wanted"]
    assert (wanted["due_from"], wanted["due_until"]) == ("2026-03-01", "2026-03-07")
    again = CampaignRequest.model_validate(
        {"name": "x", "filter": {"due_from": "2026-03-01", "due_until": "2026-03-07"}}, strict=True
    )
    assert again.chosen_from == request.chosen_from
    assert (
        "due_from"
        not in CampaignForm(customers=ListForm(usual_sort="clv"), name="x", budget="5")
        .request()
        .to_dict()["wanted"]
    )


@pytest.mark.parametrize("day", ["2026-3-1", "20260301", 20260301, "tomorrow", "2026-02-30"])
def test_a_day_is_written_in_one_way(day):
    with pytest.raises(ValidationError):
        CampaignRequest.model_validate({"name": "x", "filter": {"due_from": day}}, strict=True)


def test_an_address_that_somebody_changed_is_refused_in_words():
    form = CampaignForm(
        customers=ListForm(usual_sort="value_at_risk", segments={"abc": ""}), name="x", budget="5"
    )
    with pytest.raises(ConfigError):
        form.request()
