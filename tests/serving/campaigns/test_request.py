"""One request for the API, the page and the store."""

import json

import pytest

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


def test_an_address_that_somebody_changed_is_refused_in_words():
    form = CampaignForm(
        customers=ListForm(usual_sort="value_at_risk", segments={"abc": ""}), name="x", budget="5"
    )
    with pytest.raises(ConfigError):
        form.request()
