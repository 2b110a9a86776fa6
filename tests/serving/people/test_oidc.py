"""Signing in at a provider of OpenID Connect, and what a false one or a thief could try."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from features.errors import ConfigError
from serving.people.oidc import OidcProvider
from serving.server.server import check_host
from serving.settings import Oidc, OidcRoles, PeopleSettings
from tests.support.people import HTML, OWN, Shop
from tests.support.provider import (
    CLIENT_SECRET,
    running_provider,
    secret_key,
    signing_key,
)
from tests.support.stores import fresh_stores

ANNA = {"sub": "a-1", "email": "anna@example.com", "groups": ["staff", "crm"]}


@pytest.fixture(scope="module")
def at_work():
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(at_work):
    fresh = type(at_work)(address=at_work.address, user=dict(ANNA))
    at_work.__dict__.update(fresh.__dict__)
    return at_work


@pytest.fixture
def shop(provider, monkeypatch):
    monkeypatch.setenv("REGULARS_OIDC_SECRET", CLIENT_SECRET)
    return Shop(fresh_stores(), settings=settings_of(provider))


def settings_of(provider, **changes):
    roles = OidcRoles(admin=("crm-admins",), marketer=("crm", "sales"), viewer=("guests",))
    oidc = Oidc(issuer=provider.address, client_id="regulars", roles=roles)
    return PeopleSettings(
        password_megabytes=8, address="http://testserver", oidc=oidc.model_copy(update=changes)
    )


def left(browser, **query):
    """What the provider is asked, by a browser that has gone there."""
    away = browser.get("/sign-in/organisation", params=query)
    assert away.status_code == 303
    return dict(parse_qsl(urlsplit(away.headers["location"]).query))


def back(browser, provider, asked):
    return browser.get(provider.authorize(asked).removeprefix("http://testserver"))


def test_somebody_signs_in_at_the_organisation_and_is_who_it_says(shop, provider):
    browser = shop.browser(headers=HTML)
    page = browser.get(browser.get("/churn-list?risk=high").headers["location"])
    assert "Sign in at your organisation" in page.text
    returned = back(browser, provider, left(browser, next="/churn-list?risk=high"))
    assert (returned.status_code, returned.headers["location"]) == (303, "/churn-list?risk=high")
    (anna,) = shop.people.active()
    assert (anna.name, anna.role, anna.password_hash) == ("anna@example.com", "marketer", None)
    assert "anna@example.com" in browser.get("/me").text
    # the next time with another role and address, and still the same person
    provider.user |= {"groups": ["guests"], "email": "anna@new.example.com"}
    back(browser, provider, left(browser))
    (changed,) = shop.people.active()
    assert (changed.person_id, changed.name, changed.role) == (
        anna.person_id,
        "anna@new.example.com",
        "viewer",
    )


def test_a_server_with_a_provider_is_not_open_before_somebody_is_there(shop, provider):
    assert shop.browser().get("/v1/models").status_code == 401
    check_host("0.0.0.0", fresh_stores(), settings_of(provider))  # noqa: S104 - is only checked
    with pytest.raises(ConfigError):
        check_host("0.0.0.0", fresh_stores(), PeopleSettings())  # noqa: S104


@pytest.mark.parametrize(
    "changes",
    [
        {"claims": {"nonce": "another"}},
        {"claims": {"nonce": None}},
        {"claims": {"aud": "another-program"}},
        {"claims": {"aud": ["regulars", "another"], "azp": "another"}},
        {"claims": {"aud": ["regulars", "another"]}},
        {"claims": {"iss": "https://evil.example"}},
        {"claims": {"exp": 1}},
        {"claims": {"exp": None}},
        {"claims": {"sub": None}},
        {"algorithm": "none"},
        {"signed_by": "another key"},
        {"signed_by": "the secret", "algorithm": "HS256"},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_is_not_believed(shop, provider, changes):
    match changes.get("signed_by"):
        case "another key":
            changes = {**changes, "signed_by": signing_key("of somebody else")}
        case "the secret":
            changes = {**changes, "signed_by": secret_key()}
    provider.__dict__.update(changes)
    browser = shop.browser(headers=HTML)
    answer = back(browser, provider, left(browser))
    assert (answer.status_code, "did not work" in answer.text) == (502, True)
    assert shop.people.active() == []
    assert browser.get("/me").status_code == 303


def test_keys_that_the_provider_has_changed_are_read_anew(shop, provider):
    browser = shop.browser()
    assert back(browser, provider, left(browser)).status_code == 303
    provider.key = "second"
    other = shop.browser()
    assert back(other, provider, left(other)).status_code == 303


def test_only_the_browser_that_began_can_end_and_only_once(shop, provider):
    browser = shop.browser(headers=HTML)
    address = provider.authorize(left(browser)).removeprefix("http://testserver")
    # a link with somebody else's code, which a victim is led to
    victim = shop.browser(headers=HTML)
    assert victim.get(address).status_code == 422
    left(victim)
    assert victim.get(address).status_code == 422
    assert browser.get(address).status_code == 303
    assert browser.get(address).status_code == 422, "the browser has forgotten the journey"
    for cookie in ("x", "e30=", "bnVsbA==", "é"):
        planted = shop.browser(headers={"Cookie": f"regulars_journey={cookie}".encode()})
        assert planted.get("/sign-in/return?code=1&state=1").status_code == 422


def test_who_has_no_role_is_not_let_in(shop, provider):
    for groups in ([], ["staff"], None, "crm-admins-of-another", [["crm"]]):
        provider.user["groups"] = groups
        browser = shop.browser(headers=HTML)
        answer = back(browser, provider, left(browser))
        assert (answer.status_code, "has given you no role here" in answer.text) == (403, True)
    assert shop.people.active() == []


def test_an_address_that_is_not_verified_gives_no_role(provider, monkeypatch):
    monkeypatch.setenv("REGULARS_OIDC_SECRET", CLIENT_SECRET)
    by_address = {"role_claim": "email", "roles": OidcRoles(admin=("anna@example.com",))}
    shop = Shop(fresh_stores(), settings=settings_of(provider, **by_address))
    for verified, status in ((None, 403), (False, 403), ("true", 403), (True, 303)):
        provider.user["email_verified"] = verified
        browser = shop.browser()
        assert back(browser, provider, left(browser)).status_code == status


def test_who_was_removed_stays_out(shop, provider):
    browser = shop.browser(headers=HTML)
    provider.user["groups"] = ["crm-admins"]
    back(browser, provider, left(browser))
    (anna,) = shop.people.active()
    ben = shop.add("Ben", "admin")
    shop.people.remove(anna.person_id, by=ben.person_id)
    answer = back(browser, provider, left(browser))
    assert (answer.status_code, "You were removed here" in answer.text) == (403, True)


def test_who_signs_in_there_has_neither_password_nor_link_here(shop, provider):
    browser = shop.browser()
    back(browser, provider, left(browser))
    (anna,) = shop.people.active()
    with pytest.raises(ConfigError):
        shop.people.offer_password(anna.person_id, by="command")
    for name in (anna.name, ""):
        sent = {"name": name, "password": ""}
        assert browser.post("/sign-in", data=sent, headers=OWN).status_code == 422


def test_another_issuer_than_the_settings_say_is_refused(shop, provider):
    provider.issuer_told = "https://evil.example"
    assert shop.browser(headers=HTML).get("/sign-in/organisation").status_code == 502


def test_settings_that_lack_something_are_refused(provider):
    with pytest.raises(ConfigError, match="REGULARS_OIDC_SECRET"):
        OidcProvider(settings_of(provider).oidc, lambda: None, environment={})
    with pytest.raises(ValueError, match="address"):
        PeopleSettings(oidc=Oidc(issuer="https://id.example.com", client_id="x"))
    for issuer in ("http://id.example.com", "http://127.0.0.1.evil.example", "ftp://x"):
        with pytest.raises(ValueError, match="issuer"):
            Oidc(issuer=issuer, client_id="x")
