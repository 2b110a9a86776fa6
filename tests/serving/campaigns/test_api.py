"""Campaigns over HTTP: asked for once, kept, read back, exported, cancelled."""

import csv
import io
from hashlib import sha256

import pytest

from serving.campaigns import schemas as models
from serving.campaigns.audience import id_hash
from serving.scoring.contact_hash import contact_hash
from tests.serving.conftest import client_of
from tests.serving.server.test_api import problem
from tests.support.economics import ECONOMICS
from tests.support.scores import run_info, score_tables
from tests.support.stores import copied, fresh_runs
from tests.support.workbooks import sheets_of

WISH = {"name": "Win back", "contacts": 40, "hold_out": 0.2}


@pytest.fixture(scope="module")
def published():
    runs = fresh_runs()
    scores, recommendations = score_tables(200)
    scores.loc[0, "contact_hash"] = contact_hash("ann@example.org")
    runs.publish(run_info(economics=ECONOMICS), scores, recommendations)
    return runs


@pytest.fixture
def stores(published):
    return copied(published)


@pytest.fixture
def client(stores):
    return client_of(stores)


@pytest.fixture
def made(client):
    answer = client.post("/v1/campaigns", json=WISH)
    assert answer.status_code == 201, answer.text
    return models.Campaign.model_validate_json(answer.content)


def test_a_proposal_keeps_nothing_and_its_seed_keeps_the_hold_out(client):
    answer = client.post("/v1/campaigns/proposals", json=WISH)
    assert answer.status_code == 200, answer.text
    proposal = models.Proposal.model_validate_json(answer.content)
    assert len(proposal.preview) == 20
    assert client.get("/v1/campaigns").json() == {"campaigns": [], "pooled": []}
    seeded = {**WISH, "seed": proposal.seed}
    again = client.post("/v1/campaigns/proposals", json=seeded).json()
    assert again == answer.json()


def test_a_campaign_is_made_once_per_key(client):
    first, again = (
        client.post("/v1/campaigns", json=WISH, headers={"Idempotency-Key": "k-1"})
        for _ in range(2)
    )
    assert first.json() == again.json()
    other = {**WISH, "name": "Other"}
    answer = client.post("/v1/campaigns", json=other, headers={"Idempotency-Key": "k-1"})
    assert problem(answer, 409, "campaign-conflict")
    assert len(client.get("/v1/campaigns").json()["campaigns"]) == 1


def test_a_campaign_is_read_back_and_its_members_never_change(client, made):
    assert client.get(f"/v1/campaigns/{made.campaign_id}").json()["seed"] == made.seed
    pages, cursor = [], None
    while cursor is not None or not pages:
        query = {"limit": 7, **({"cursor": cursor} if cursor else {})}
        answer = client.get(f"/v1/campaigns/{made.campaign_id}/members", params=query)
        page = models.Members.model_validate_json(answer.content)
        pages += page.members
        cursor = page.next_cursor
    arms = [member.arm for member in pages]
    assert (arms.count("treated"), arms.count("hold_out")) == (40, 10)
    assert len({member.customer_id for member in pages}) == 50


def test_the_next_campaign_chooses_others(client, made):
    second = client.post("/v1/campaigns", json=WISH).json()
    assert second["counts"]["in_another_campaign"] == made.counts.chosen
    lists = [
        {one["customer_id"] for one in members(client, campaign_id)}
        for campaign_id in (made.campaign_id, second["campaign_id"])
    ]
    assert not lists[0] & lists[1]


def members(client, campaign_id, query=""):
    return client.get(f"/v1/campaigns/{campaign_id}/members?{query}").json()["members"]


def test_the_contact_file_holds_the_treated_alone(client, made, stores):
    answer = client.get(f"/v1/campaigns/{made.campaign_id}/members?arm=treated&format=csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert {row["customer_id"] for row in rows} == {
        one["customer_id"] for one in members(client, made.campaign_id, "arm=treated")
    }
    assert len(rows) == 40
    entry = stores.audit.entries(1)[0]
    assert (entry.action, entry.count) == ("export", 40)
    assert made.campaign_id in entry.detail


def test_the_workbook_holds_every_arm(client, made, tmp_path):
    answer = client.get(f"/v1/campaigns/{made.campaign_id}/members?format=xlsx")
    (tmp_path / "members.xlsx").write_bytes(answer.content)
    (rows,) = sheets_of(tmp_path / "members.xlsx")
    assert len(rows) == 51


def test_an_audience_names_nobody(client):
    wish = {"name": "Everybody", "cost_per_contact": 0, "hold_out": 0.01, "seed": "ann is in it"}
    made = client.post("/v1/campaigns", json=wish).json()
    answer = client.get(f"/v1/campaigns/{made['campaign_id']}/members?format=audience")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    treated = members(client, made["campaign_id"], "arm=treated&limit=1000")
    assert len(rows) == len(treated)
    # whole cells: within a hash any few signs may stand
    told = {cell for row in rows for cell in row.values()}
    assert not told & {one["customer_id"] for one in treated}
    mail = sha256(b"ann@example.org").hexdigest()
    assert sum(row["email_sha256"] == mail for row in rows) == 1
    by_id = {row["customer_id_hmac_sha256"] for row in rows}
    assert id_hash(treated[-1]["customer_id"], made["seed"]) in by_id


def test_hashes_are_keyed_with_what_nobody_can_guess(client):
    made = client.post("/v1/campaigns", json=WISH).json()
    assert made["seed"].startswith("derived-")
    path = f"/v1/campaigns/{made['campaign_id']}/members"
    customer = members(client, made["campaign_id"], "arm=treated&limit=1000")[-1]["customer_id"]
    answer = client.get(f"{path}?format=audience").text
    assert id_hash(customer, made["campaign_id"]) in answer
    assert id_hash(customer, made["seed"]) not in answer


def test_results_wait_for_the_next_score_run(client, made):
    answer = client.get(f"/v1/campaigns/{made.campaign_id}/results")
    found = models.Results.model_validate_json(answer.content)
    assert (found.status, found.measured) == ("running", None)


def test_a_cancelled_campaign_sets_its_members_free(client, made):
    answer = client.post(f"/v1/campaigns/{made.campaign_id}/cancel")
    assert answer.json()["status"] == "cancelled"
    again = client.post("/v1/campaigns", json={**WISH, "seed": made.seed}).json()
    assert again["counts"]["in_another_campaign"] == 0


def test_a_roll_out_needs_a_measured_test(client, made):
    wish = {**WISH, "roll_out_of": made.campaign_id}
    answer = client.post("/v1/campaigns", json=wish)
    assert "measured" in problem(answer, 422, "invalid-request").detail
    wish["roll_out_of"] = "c-0"
    problem(client.post("/v1/campaigns/proposals", json=wish), 404, "unknown-campaign")


@pytest.mark.parametrize(
    "change",
    [
        {"hold_out": 0.6},
        {"contacts": 0},
        {"name": " "},
        {"starts_on": "tomorrow"},
        {"budget": 5},
        {"amount": 5.0},
        {"filter": {"segment": ["planets:mars"]}},
        {"filter": {"min_value_at_risk": "1"}},
    ],
)
def test_what_does_not_fit_is_refused(client, change):
    problem(client.post("/v1/campaigns", json={**WISH, **change}), 422, "invalid-request")


@pytest.mark.parametrize("path", ["", "/members", "/results"])
def test_an_unknown_campaign_is_said_to_be(client, path):
    problem(client.get(f"/v1/campaigns/c-0{path}"), 404, "unknown-campaign")


@pytest.mark.parametrize("query", ["cursor=%00", "cursor=é", "format=pdf", "limit=0", "arm=%00"])
def test_members_refuse_what_they_cannot_answer(client, made, query):
    problem(client.get(f"/v1/campaigns/{made.campaign_id}/members?{query}"), 422, "invalid-request")


@pytest.mark.parametrize("path", ["/v1/campaigns/proposals", "/v1/campaigns"])
def test_days_that_no_order_can_be_of_are_refused(client, path):
    for day in ("9999-12-31", "2100-01-01", "1979-12-31"):
        answer = client.post(path, json={**WISH, "starts_on": day})
        assert "from 1980 to 2099" in answer.text
        assert problem(answer, 422, "invalid-request")
        page = client.get("/campaigns/new", params={"name": "T", "budget": "2", "starts_on": day})
        assert "The first day must be a date from 1980 to 2099." in page.text
    answer = client.get("/v1/churn-list", params={"due_from": "9999-12-31"})
    assert problem(answer, 422, "invalid-request")


def test_only_campaigns_of_the_same_days_keep_customers_from_another(client):
    later = {**WISH, "starts_on": "2026-08-01", "horizon_days": 30}
    planned = client.post("/v1/campaigns", json=later).json()
    assert planned["status"] == "planned"
    assert client.get(f"/v1/campaigns/{planned['campaign_id']}").json()["status"] == "planned"
    before = {**WISH, "starts_on": "2026-07-02", "horizon_days": 30}
    free = client.post("/v1/campaigns/proposals", json=before).json()
    assert (free["ends_on"], free["counts"]["in_another_campaign"]) == ("2026-08-01", 0)
    touching = client.post("/v1/campaigns/proposals", json={**before, "horizon_days": 31}).json()
    assert touching["counts"]["in_another_campaign"] == planned["counts"]["chosen"]
    running = client.post("/v1/campaigns", json={**WISH, "horizon_days": 30}).json()
    assert running["status"] == "running"
    assert client.get("/campaigns").text.count("planned</span>") == 1
    overview = client.get("/").text
    assert "Campaigns running and planned" in overview
    assert "from 1 Aug 2026" in overview


def test_the_cost_of_a_channel_is_asked_once_and_remembered():
    runs = fresh_runs()
    costs = {"channel_costs": {"letter": 0.9, "email": 0.02}}
    runs.publish(run_info(economics={**ECONOMICS, **costs}), *score_tables(200))
    client = client_of(runs)

    def cost_of(**wish):
        answer = client.post("/v1/campaigns/proposals", json={**WISH, "contacts": 5, **wish})
        assert answer.status_code == 200, answer.text
        return answer.json()["assumptions"]["cost_per_contact"]

    assert cost_of(channel="letter") == 0.9
    assert cost_of(channel="pigeon") == cost_of() == ECONOMICS["cost_per_contact"]
    page = client.get("/campaigns/new").text
    assert '<option value="email">£0.02</option>' in page
    wish = {**WISH, "contacts": 5, "channel": "pigeon", "cost_per_contact": 0.4}
    made = client.post("/v1/campaigns", json=wish)
    assert made.status_code == 201, made.text
    assert made.json()["power"]["ordered"]["detectable"] > 0
    assert cost_of(channel="pigeon") == 0.4
    assert cost_of(channel="pigeon", cost_per_contact=0.3) == 0.3
    assert '<option value="pigeon">£0.40</option>' in client.get("/campaigns/new").text
