"""The page of people: who is invited, changed, signed out and removed there."""

import re

import pytest

from tests.serving.conftest import NOW
from tests.support.people import HTML, OWN, PASSWORD, Shop
from tests.support.stores import fresh_stores


@pytest.fixture
def shop():
    return Shop(fresh_stores())


def link_in(page):
    return re.search(r'value="http://testserver(/invitation/[^"]+)"', page.text)[1]


def test_where_nobody_signs_in_this_machine_is_open_and_says_so(shop):
    browser = shop.browser(headers={**HTML, **OWN})
    assert "Nobody signs in: everybody on this machine may do everything." in (
        browser.get("/churn-list").text
    )
    refused = browser.post("/people/invitations", data={"role": "viewer"})
    assert (refused.status_code, "the first person invited has to be one" in refused.text) == (
        422,
        True,
    )
    link = link_in(browser.post("/people/invitations", data={"role": "admin"}))
    sent = {"name": "Ada", "password": PASSWORD, "again": PASSWORD}
    assert browser.post(link, data=sent).status_code == 303
    shop.clock.pass_hours(0.01)
    assert "everybody on this machine" not in browser.get("/churn-list").text
    assert shop.browser(headers=HTML).get("/churn-list").status_code == 303


def test_an_admin_invites_changes_signs_out_and_removes(shop):
    ada, ben = shop.add("Ada", "admin"), shop.add("Ben", "viewer")
    admin, viewer = shop.browser_of(ada), shop.browser_of(ben)
    page = admin.post("/people/invitations", data={"role": "marketer", "name": "Cem"})
    assert shop.browser().get(link_in(page)).status_code == 200
    assert "Cem" in admin.get("/people").text
    (invitation,) = shop.stores.people.invitations.open(NOW.timestamp())
    admin.post(f"/people/invitations/{invitation.digest}/withdraw")
    assert shop.browser().get(link_in(page)).status_code == 404

    admin.post(f"/people/{ben.person_id}/role", data={"role": "marketer"})
    assert viewer.post("/campaigns", data={"name": "x"}).status_code != 403
    admin.post(f"/people/{ben.person_id}/sign-out")
    assert viewer.get("/me").status_code == 401
    again = shop.browser_of(ben)
    assert again.get("/me").status_code == 200
    admin.post(f"/people/{ben.person_id}/remove")
    assert again.get("/me").status_code == 401
    assert "Ben" not in admin.get("/people").text
    assert shop.add("Ben", "viewer").person_id != ben.person_id


def test_the_last_admin_stays_one(shop):
    ada = shop.add("Ada", "admin")
    admin = shop.browser_of(ada)
    for path, sent in (("role", {"role": "viewer"}), ("remove", {})):
        answer = admin.post(f"/people/{ada.person_id}/{path}", data=sent)
        assert (answer.status_code, "This is the only admin." in answer.text) == (422, True)
    bob = shop.add("Bob", "admin")
    assert admin.post(f"/people/{bob.person_id}/role", data={"role": "viewer"}).status_code == 303


def test_what_is_no_longer_there_is_said(shop):
    admin = shop.browser_of(shop.add("Ada", "admin"))
    for path in (f"invitations/{'0' * 64}/withdraw", "person-0/remove", "person-0/password"):
        answer = admin.post(f"/people/{path}")
        assert (answer.status_code, "no longer there" in answer.text) == (422, True)


def test_names_are_written_as_text(shop):
    admin = shop.browser_of(shop.add('<b>"Ada"</b>', "admin"))
    assert "<b>" not in admin.get("/people").text + admin.get("/me").text


def test_a_key_is_made_shown_once_and_revoked(shop):
    admin = shop.browser_of(shop.add("Ada", "admin"))
    page = admin.post("/keys", data={"name": "CRM", "scope": "write", "days": "30"})
    token = re.search(r'value="(rgl_[0-9a-f]{12}_[A-Za-z0-9_-]{43})"', page.text)[1]
    assert token not in admin.get("/keys").text
    shop.clock.pass_hours(0.01)
    program = shop.browser(headers={"Authorization": f"Bearer {token}"})
    assert program.get("/v1/audiences").status_code != 401
    (key,) = shop.stores.keys.all()
    assert (key.name, key.scope, (key.expires_at - key.created_at).days) == ("CRM", "write", 30)
    assert admin.post(f"/keys/{key.key_id}/revoke").status_code == 303
    shop.clock.pass_hours(0.01)
    assert program.get("/v1/audiences").status_code == 401
    assert admin.post("/keys/nobody/revoke").status_code == 422
    deeds = [entry.action for entry in shop.stores.audit.entries(2)]
    assert deeds == ["key-revoke", "key-create"]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"name": ""}, "Say who or what"),
        ({"name": "x" * 201}, "Say who or what"),
        ({"scope": "root"}, "Choose what the key may do"),
        ({"days": "0"}, "whole number of days"),
        ({"days": "1.5"}, "whole number of days"),
    ],
)
def test_what_no_key_can_be_is_said(shop, wrong, problem):
    admin = shop.browser_of(shop.add("Ada", "admin"))
    sent = {"name": "CRM", "scope": "read", "days": "", **wrong}
    answer = admin.post("/keys", data=sent)
    assert (answer.status_code, problem in answer.text) == (422, True)
    assert list(shop.stores.keys.all()) == []


def test_nobody_is_locked_out_by_the_first_key(shop):
    sent = {"name": "CRM", "scope": "read"}
    answer = shop.browser(headers=OWN).post("/keys", data=sent)
    assert (answer.status_code, "Let an admin in first" in answer.text) == (422, True)
