"""The pages of campaigns without a browser: the form, what it makes, and who may send it."""

import re
from dataclasses import replace

import pytest
from starlette.datastructures import QueryParams

from features.errors import ConfigError
from serving.campaigns.form import CampaignForm
from serving.churn_list.form import ListForm
from serving.people.api_keys.keys import new_key
from serving.store.protocol import ChurnFilter
from tests.serving.conftest import NOW, client_of, no_audience, shown
from tests.support.economics import ECONOMICS
from tests.support.people import Shop
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_runs, stores_beside


def test_a_campaign_is_proposed_made_once_and_cancelled():
    client = shown()
    wish = {"name": "Spring", "kind": "contacts", "budget": "10", "hold_out": "30"}
    page = client.get("/campaigns/new", params=wish).text
    assert client.get("/campaigns").text.count("Spring") == 0
    sent = {**wish, **hidden(page)}
    made = client.post("/campaigns", data=sent)
    assert made.status_code == 303
    assert client.post("/campaigns", data=sent).headers["location"] == made.headers["location"]
    assert "Nothing has been measured yet" in client.get(made.headers["location"]).text
    cancelled = client.post(f"{made.headers['location']}/cancel")
    assert cancelled.status_code == 303
    assert "cancelled" in client.get("/campaigns").text


def hidden(page):
    """What tells the form of a proposal from others."""
    return dict(re.findall(r'name="(seed|once)" value="([\w-]+)"', page))


def test_a_proposal_draws_the_same_until_the_run_changes():
    store = fresh_runs()
    store.publish(run_info(economics=ECONOMICS), *score_tables(120))
    client = client_of(stores_beside(store))
    wish = {"name": "Spring", "kind": "contacts", "budget": "10", "hold_out": "30"}

    def drawn(**changed):
        return hidden(client.get("/campaigns/new", params={**wish, **changed}).text)

    first, again = drawn(), drawn()
    assert first["seed"] == again["seed"] == drawn(name="Summer")["seed"]
    assert first["seed"] != drawn(budget="11")["seed"]
    # the same draw, and yet a form of its own: a second campaign is no repetition of the first
    assert first["once"] != again["once"]
    made = client.post("/campaigns", data={**wish, **first}).headers["location"]
    assert client.post(f"{made}/cancel").status_code == 303
    remade = client.post("/campaigns", data={**wish, **again}).headers["location"]
    assert remade != made
    held = [
        client.get(f"/v1{path}/members", params={"arm": "hold_out"}).json()["members"]
        for path in (made, remade)
    ]
    assert held[0] == held[1] != []
    store.publish(run_info("run-2", economics=ECONOMICS), *score_tables(120))
    assert drawn()["seed"] != first["seed"]


def test_forms_of_other_sites_are_refused():
    client = shown()
    data = {"name": "Spring", "budget": "10"}
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        assert client.post("/campaigns", data=data, headers=headers).status_code == 403
    assert "There is no campaign yet" in client.get("/campaigns").text


def test_a_browser_with_a_key_may_send_our_own_forms():
    store = fresh_runs()
    store.publish(run_info(economics=ECONOMICS), *score_tables(60))
    stores = stores_beside(store)
    tokens = {}
    for scope in ("read", "write"):
        token, key = new_key(scope, name="", at=NOW, expires_days=None)
        stores.keys.add(key)
        tokens[scope] = token
    client = client_of(stores)
    data = {"name": "Spring", "kind": "contacts", "budget": "10"}
    own = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}

    def status(token, headers):
        return client.post(
            "/campaigns", data=data, headers=headers, auth=("", tokens[token])
        ).status_code

    assert status("write", {}) == 401
    assert status("write", {**own, "Origin": "https://evil.example"}) in {401, 403}
    assert status("read", own) == 403
    assert status("write", own) == 303


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("name", "", "name"),
        ("budget", "0", "budget"),
        ("budget", "nan", "budget"),
        ("hold_out", "51", "hold-out"),
        ("margin_share", "0", "margin"),
        ("save_rate", "much", "share saved"),
        ("horizon_days", "9999", "length"),
        ("starts_on", "soon", "first day"),
        ("cost_per_contact", "-1", "cost of a contact"),
    ],
)
def test_a_campaign_form_names_what_cannot_be(field, value, problem):
    form = CampaignForm(customers=ListForm(usual_sort="value_at_risk"), name="x", budget="5")
    with pytest.raises(ConfigError, match=problem):
        replace(form, **{field: value}).request()


def test_a_campaign_form_reads_back_what_it_links_to():
    form = CampaignForm(
        customers=ListForm(usual_sort="value_at_risk", risk="high", segments={"abc": "A"}),
        name="Spring & more",
        kind="amount",
        budget="1,000.50",
        hold_out="20%",
        starts_on="2026-04-01",
    )
    query = form.link().partition("?")[2]
    again = CampaignForm.read(QueryParams(query), no_audience)
    assert again == form
    request = again.request()
    assert (request.amount, request.contacts, request.hold_out) == (1000.5, None, 0.2)
    assert request.chosen_from == ChurnFilter(risk=("high",), segments=(("abc", "A"),))


def test_an_unknown_campaign_has_a_page_that_says_so(client):
    assert client.get("/campaigns/c-none").status_code == 404
    assert client.post("/campaigns/c-none/cancel").status_code == 404


def test_a_filter_that_a_campaign_form_cannot_read_is_named(client):
    page = client.get("/campaigns/new?risk=odd&name=x")
    assert "no such risk" in page.text
    assert client.post("/campaigns", data={"risk": "odd", "name": "x"}).status_code == 200


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("segment=x", "no such segment system"),
        ("will_buy=product:nosuch", "no list of likely buyers of the product"),
        ("kind=x", "no such kind of budget"),
        ("choose=x", "no such way to choose"),
        ("name=T&kind=contacts&budget=1.5", "must be a whole number above 0"),
        ("name=T&kind=contacts&budget=1,5", "must be a whole number above 0"),
        ("due_from=2026-05-02&due_until=2026-05-01", "the days are swapped"),
    ],
)
def test_what_the_page_of_a_new_campaign_cannot_read_is_named(client, query, sentence):
    page = client.get(f"/campaigns/new?{query}").text
    assert sentence in page.partition('role="alert"')[2]
    assert "Create campaign" not in page


def test_who_may_not_write_is_offered_neither_contact_files_nor_cancelling():
    runs = fresh_runs()
    runs.publish(run_info(economics=ECONOMICS), *score_tables(60))
    shop = Shop(stores_beside(runs))
    marketer = shop.browser_of(shop.add("Anna", "marketer"))
    made = marketer.post("/v1/campaigns", json={"name": "Back", "cost_per_contact": 0}).json()
    path = f"/campaigns/{made['campaign_id']}"
    offered = marketer.get(path).text
    assert f"/v1{path}/contacts?" in offered
    assert f'action="{path}/cancel"' in offered
    shown_to_viewer = shop.browser_of(shop.add("Vera", "viewer")).get(path).text
    assert f"/v1{path}/contacts?" not in shown_to_viewer
    assert "/cancel" not in shown_to_viewer
    assert "takes the role marketer or admin" in shown_to_viewer
