"""Accounts: sums over persons, at every level."""

import re

import pytest

from serving.privacy.store import Tombstone
from serving.store.account_members import AccountMember
from tests.serving.conftest import NOW, client_of
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_stores

MEMBERS = [
    AccountMember("card 1", "card", "ann", "person", None, 3, 75.0, "2026-02-01", 0.25),
    AccountMember("ann", "person", "smith", "household", None),
    AccountMember("bob", "person", "smith", "household", "ann"),
    AccountMember("cat", "person", "acme", "company", None),
    AccountMember("smith", "household", "acme", "company", None),
    AccountMember("stranger", "person", "acme", "company", None),
]
FIGURES = {"ann": (100.0, 0.5), "bob": (40.0, 0.2), "cat": (10.0, 0.9)}


@pytest.fixture(scope="module")
def stores():
    opened = fresh_stores()
    scores, recommendations = score_tables(ids=[*FIGURES, "alone"])
    for name, (clv, churn) in FIGURES.items():
        row = scores["customer_id"] == name
        scores.loc[row, ["clv", "churn_probability"]] = clv, churn
        scores.loc[row, "p_order"] = 1 - churn
    opened.scores.publish(run_info(), scores, recommendations, members=MEMBERS)
    return opened


@pytest.fixture(scope="module")
def client(stores):
    return client_of(stores)


def account(client, name):
    answer = client.get(f"/v1/accounts/{name}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_household_is_the_sum_of_its_persons(client):
    smith = account(client, "smith")
    assert (smith["level"], smith["belongs_to"]) == (
        "household",
        {"account_id": "acme", "level": "company"},
    )
    assert smith["figures"]["customers"] == 2
    assert smith["figures"]["clv"] == 140.0
    # each decides alone: one half of one fifth
    assert smith["figures"]["churn_probability"] == pytest.approx(0.5 * 0.2)
    assert smith["figures"]["retention_risk"] == "low"
    assert [member["customer_id"] for member in smith["members"]] == ["ann", "bob"]
    assert smith["members"][1]["payer_id"] == "ann"


def test_a_company_holds_households_and_persons_once_each(client):
    acme = account(client, "acme")
    assert acme["figures"]["clv"] == 150.0
    assert acme["figures"]["customers"] == 3
    assert acme["figures"]["churn_probability"] == pytest.approx(0.5 * 0.2 * 0.9)
    members = {member["customer_id"]: member for member in acme["members"]}
    assert members["smith"]["figures"]["clv"] == 140.0
    assert members["stranger"]["figures"]["clv"] is None
    assert acme["member_count"] == 3


def test_a_person_has_cards_and_pays_for_others(client):
    ann = account(client, "ann")
    assert (ann["level"], ann["cards"], ann["pays_for"]) == ("person", ["card 1"], ["bob"])
    assert (ann["figures"]["clv"], ann["figures_paid"]["clv"]) == (100.0, 40.0)
    (brought,) = ann["card_figures"]
    assert brought == {
        "card_id": "card 1",
        "orders": 3,
        "revenue": 75.0,
        "last_order_on": "2026-02-01",
        "share": 0.25,
        # divided, not predicted: a quarter of the person's 100
        "clv_part": 25.0,
    }
    card = account(client, "card%201")
    assert (card["cards"], card["card_figures"]) == ([], [brought])
    assert (card["level"], card["belongs_to"]["account_id"]) == ("card", "ann")
    assert card["figures"]["clv"] == 100.0


def test_who_belongs_to_nobody_is_a_person(client):
    alone = account(client, "alone")
    assert (alone["level"], alone["belongs_to"], alone["members"]) == ("person", None, [])
    assert client.get("/v1/accounts/nobody").status_code == 404


def test_pages_show_the_same_figures(client):
    listed = re.sub(r"<[^>]*>", " ", client.get("/accounts").text)
    # two of the company's three persons belong to it by their household alone
    assert re.search(r"acme\s+Company\s+3\s+£150.00\s+smith\s+Household\s+2\s+£140.00", listed)
    page = re.sub(r"<[^>]*>", " ", client.get("/accounts/acme").text)
    assert "£150.00" in page
    assert re.search(r"smith\s+Household\s+£140.00", page)
    ann = re.sub(r"<[^>]*>", " ", client.get("/accounts/ann").text)
    assert re.search(r"card 1\s+3\s+£75.00\s+1 Feb 2026\s+25%\s+£25.00", ann)
    assert "Paid for by:" in client.get("/accounts/bob").text
    customer = client.get("/customers/bob").text
    assert 'href="/accounts/smith"' in customer
    assert 'href="/accounts/ann"' in customer


def test_an_erased_person_leaves_every_account():
    stores = fresh_stores()
    stores.scores.publish(run_info(), *score_tables(ids=list(FIGURES)), members=MEMBERS)
    erased = {"ann": Tombstone(digest="d", key_id="k", erased_at=NOW)}
    assert "ann" in stores.erasures.known(["ann"])
    # two rows of the person and the card, and the payer of another
    assert stores.erasures.erase(erased)["account_members"] == 3
    left = stores.accounts.members_of(["smith", "ann", "acme"])
    assert {member.customer_id for member in left} == {"bob", "cat", "smith", "stranger"}
    assert all(member.payer_id is None for member in left)
