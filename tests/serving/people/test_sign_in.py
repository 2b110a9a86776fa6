"""Signing in and out, as people do it and as somebody does who wants to be one of them."""

from concurrent.futures import ThreadPoolExecutor

import argon2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from features.errors import ConfigError
from serving.errors import UnknownInvitation
from serving.people.attempts import PER_ADDRESS, PER_NAME, Attempts, TooManyAttempts
from serving.people.destinations import local_path
from serving.people.names import sign_in_name_of, usable_name
from serving.people.passwords import Passwords, check_password
from serving.people.sessions import COOKIE, digest_of
from serving.server.stores import open_stores
from tests.support.people import (
    HTML,
    OWN,
    PASSWORD,
    Shop,
    form_token_in,
    session_in,
    sign_in,
)
from tests.support.stores import fresh_stores


@pytest.fixture
def shop():
    return Shop(fresh_stores())


@pytest.fixture
def anna(shop):
    return shop.add("Anna", "marketer")


def accept(browser, token, password=PASSWORD, **fields):
    sent = {"password": password, "again": password, **fields}
    return browser.post(f"/invitation/{token}", data=sent, headers=OWN)


def test_an_invitation_lets_in_once(shop):
    token = shop.people.invite("viewer", by="command", name="Ben")
    browser = shop.browser()
    assert browser.get(f"/invitation/{token}").status_code == 200
    assert accept(browser, token, "short").status_code == 422
    assert accept(browser, token, again="another sentence").status_code == 422
    let_in = accept(browser, token)
    assert (let_in.status_code, let_in.headers["location"]) == (303, "/")
    assert "Ben" in browser.get("/me").text
    assert accept(shop.browser(), token).status_code == 404
    assert shop.browser().get(f"/invitation/{token}").status_code == 404
    assert [person.name for person in shop.people.active()] == ["Ben"]


def test_of_many_who_open_a_link_at_once_one_is_let_in(shop):
    token = shop.people.invite("admin", by="command")

    def try_it(number):
        try:
            shop.people.accept(token, name=f"Ben {number}", password=PASSWORD)
        except UnknownInvitation:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(try_it, range(4))) == [False, False, False, True]
    assert len(shop.people.active()) == 1


def test_a_link_ends_by_age_by_being_withdrawn_and_by_a_newer_one(shop, anna):
    token = shop.people.invite("viewer", by="command")
    older, newer = (shop.people.offer_password(anna.person_id, by="command") for _ in range(2))
    with pytest.raises(UnknownInvitation):
        shop.people.invitation(older)
    shop.people.withdraw(digest_of(newer), by="command")
    with pytest.raises(UnknownInvitation):
        shop.people.invitation(newer)
    shop.clock.pass_hours(24 * shop.settings.invitation_days)
    with pytest.raises(UnknownInvitation):
        shop.people.invitation(token)


def test_the_way_to_the_first_admin_ends_with_the_first_person(shop):
    older = shop.people.invite_first_admin(by="server")
    token = shop.people.invite_first_admin(by="server")
    with pytest.raises(UnknownInvitation):
        shop.people.accept(older, name="Eve", password=PASSWORD)
    assert shop.people.accept(token, name="Ada", password=PASSWORD).role == "admin"
    with pytest.raises(ConfigError):
        shop.people.invite_first_admin(by="server")


@pytest.mark.usefixtures("anna")
def test_signing_in_gives_a_new_session_and_ends_what_the_browser_had(shop):
    planted = shop.browser(headers={"Cookie": f"{COOKIE}=planted-by-somebody"})
    first = session_in(sign_in(planted, " ANNA "))
    assert first != "planted-by-somebody"
    assert planted.get("/me").status_code == 401
    holder = shop.browser(cookies={COOKIE: first})
    assert holder.get("/me").status_code == 200
    second = session_in(sign_in(holder, "Anna"))
    assert second != first
    assert shop.browser(cookies={COOKIE: first}).get("/me").status_code == 401
    assert shop.browser(cookies={COOKIE: second}).get("/me").status_code == 200


@pytest.mark.usefixtures("anna")
def test_a_cookie_is_for_our_pages_alone(shop):
    kept = sign_in(shop.browser(), "Anna").headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(kept.split("; "))
    assert "Secure" not in kept
    by_https = {"Origin": "https://testserver"}
    sent = {"name": "Anna", "password": PASSWORD}
    assert "Secure" in shop.browser().post("/sign-in", data=sent, headers=by_https).headers[
        "set-cookie"
    ].split("; ")


@pytest.mark.usefixtures("anna")
def test_where_shops_share_a_server_a_session_is_of_one_alone(shop):
    other = Shop(fresh_stores())
    other.add("Ben", "viewer")

    async def server(scope, receive, send):
        """As `serving.shops.host` hands a call to the shop of its path."""
        name, slash, rest = scope["raw_path"].removeprefix(b"/shops/").partition(b"/")
        app = {b"tea": shop.app, b"wine": other.app}[name]
        mounted_at = f"/shops/{name.decode()}"
        await app({**scope, "raw_path": slash + rest, "mounted_at": mounted_at}, receive, send)

    browser = TestClient(server, follow_redirects=False, headers={**HTML, **OWN})
    led = browser.get("/shops/tea/churn-list").headers["location"]
    assert led == "/shops/tea/sign-in?next=%2Fchurn-list"
    assert 'action="/shops/tea/sign-in"' in browser.get(led).text
    sent = {"name": "Anna", "password": PASSWORD, "next": "/churn-list"}
    let_in = browser.post("/shops/tea/sign-in", data=sent)
    assert let_in.headers["location"] == "/shops/tea/churn-list"
    assert "Path=/shops/tea;" in let_in.headers["set-cookie"]
    assert browser.get("/shops/tea/me").status_code == 200
    # also where somebody carries the token over
    carried = {"Cookie": f"{COOKIE}={session_in(let_in)}"}
    assert browser.get("/shops/wine/me", headers=carried).status_code == 303


@pytest.mark.usefixtures("anna")
def test_wrong_names_and_passwords_are_answered_alike(shop):
    answers = [
        sign_in(shop.browser(), name, password)
        for name, password in (("Anna", "a wrong sentence"), ("Nobody", PASSWORD), ("", ""))
    ]
    assert {answer.status_code for answer in answers} == {422}
    texts = {answer.text for answer in answers}
    assert len(texts) == 1
    assert not any("set-cookie" in answer.headers for answer in answers)


def test_a_name_that_nobody_has_takes_as_long(monkeypatch):
    verify, compared = argon2.PasswordHasher.verify, []

    def recorded(hasher, password_hash, password):
        compared.append(argon2.extract_parameters(password_hash))
        return verify(hasher, password_hash, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", recorded)
    passwords = Passwords(8)
    assert not passwords.fits(passwords.hash_of(PASSWORD), "a wrong sentence")
    assert not passwords.fits(None, "a wrong sentence")
    assert not passwords.fits(None, "nobody has this password")
    # the work is set by the parameters of the hash alone
    assert len(compared) == 3
    assert compared[0] == compared[1] == compared[2]


@pytest.mark.usefixtures("anna")
def test_attempts_for_a_name_are_bounded_from_wherever_they_come(shop):
    shop.add("Ben", "viewer")
    for _ in range(PER_NAME):
        assert sign_in(shop.browser(), "Anna", "a wrong sentence").status_code == 422
    refused = sign_in(shop.browser(), "anna")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "900")
    assert "Too many attempts" in refused.text
    assert sign_in(shop.browser(), "Ben").status_code == 303


def test_attempts_from_an_address_are_bounded_whatever_the_names():
    attempts = Attempts()
    for number in range(PER_ADDRESS):
        attempts.count(f"name {number}", "192.0.2.1")
    with pytest.raises(TooManyAttempts):
        attempts.count("another", "192.0.2.1")
    attempts.count("another", "192.0.2.2")


def test_whoever_knows_the_password_starts_anew():
    attempts = Attempts()
    for _ in range(3 * PER_NAME):
        attempts.count("anna", "192.0.2.1")
        attempts.succeeded("anna")


def test_a_session_ends_unused_and_ends_in_any_case(shop, anna):
    browser = shop.browser_of(anna)
    for _ in range(int(24 * shop.settings.session_days / 20)):
        shop.clock.pass_hours(20)
        last = browser.get("/me").status_code
    assert last == 200
    shop.clock.pass_hours(20)
    assert browser.get("/me").status_code == 401
    unused = shop.browser_of(anna)
    shop.clock.pass_hours(shop.settings.idle_hours)
    assert unused.get("/me").status_code == 401


def test_signing_out_ends_this_session_and_everywhere_all_of_this_person(shop, anna):
    here, there = shop.browser_of(anna), shop.browser_of(anna)
    ben = shop.browser_of(shop.add("Ben", "viewer"))
    assert here.post("/sign-out").headers["location"] == "/sign-in"
    assert [browser.get("/me").status_code for browser in (here, there, ben)] == [401, 200, 200]
    third = shop.browser_of(anna)
    assert there.post("/me/sign-out-everywhere").status_code == 303
    assert [browser.get("/me").status_code for browser in (there, third, ben)] == [401, 401, 200]


def test_a_new_password_takes_the_old_one_and_ends_the_other_sessions(shop, anna):
    here, there = shop.browser_of(anna), shop.browser_of(anna)
    wish = {"new_password": "a louder sentence", "again": "a louder sentence"}
    assert here.post("/me/password", data={**wish, "password": "wrong one"}).status_code == 422
    assert here.post("/me/password", data={**wish, "password": PASSWORD}).status_code == 303
    assert (here.get("/me").status_code, there.get("/me").status_code) == (200, 401)
    assert sign_in(shop.browser(), "Anna").status_code == 422
    assert sign_in(shop.browser(), "Anna", "a louder sentence").status_code == 303


def test_a_forgotten_password_is_set_by_a_link(shop, anna):
    signed_in = shop.browser_of(anna)
    token = shop.people.offer_password(anna.person_id, by="command")
    assert accept(shop.browser(), token, "a louder sentence").status_code == 303
    shop.clock.pass_hours(0.01)
    assert signed_in.get("/me").status_code == 401
    assert sign_in(shop.browser(), "Anna", "a louder sentence").status_code == 303


@pytest.mark.usefixtures("anna")
def test_a_browser_is_led_to_sign_in_and_back(shop):
    browser = shop.browser(headers=HTML)
    led = browser.get("/churn-list?risk=high&sort=clv")
    assert led.status_code == 303
    form = browser.get(led.headers["location"])
    assert form.status_code == 200
    assert 'name="next" value="/churn-list?risk=high&amp;sort=clv"' in form.text
    back = sign_in(browser, "Anna", next="/churn-list?risk=high&sort=clv")
    assert back.headers["location"] == "/churn-list?risk=high&sort=clv"
    assert browser.get(led.headers["location"]).headers["location"] == back.headers["location"]


@pytest.mark.usefixtures("anna")
def test_programs_are_told_in_json(shop):
    answer = shop.browser().get("/churn-list", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:regulars:problem:no-key")
    assert shop.browser().get("/v1/models", headers=HTML).status_code == 401


@pytest.mark.usefixtures("anna")
def test_a_form_of_an_ended_session_leads_to_sign_in(shop):
    browser = shop.browser(headers={**HTML, **OWN})
    led = browser.post("/campaigns", data={"name": "Spring"})
    assert led.headers["location"] == "/sign-in?next=%2Fcampaigns"
    assert browser.post("/sign-out").headers["location"] == "/sign-in?next=%2F"


@pytest.mark.usefixtures("anna")
def test_only_our_own_page_can_send_a_password(shop):
    sent = {"name": "Anna", "password": PASSWORD}
    for headers in (
        {},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {**OWN, "Sec-Fetch-Site": "same-site"},
    ):
        refused = shop.browser().post("/sign-in", data=sent, headers=headers)
        assert (refused.status_code, "set-cookie" in refused.headers) == (403, False)


def test_what_is_kept_opens_nothing(tmp_path):
    stores = open_stores(f"sqlite:///{tmp_path}/regulars.db")
    shop = Shop(stores)
    token = shop.people.invite("viewer", by="command")
    anna = shop.add("Anna", "admin")
    session = shop.sessions.begin(anna.person_id)
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert digest_of(token).encode() in kept
    assert not any(secret.encode() in kept for secret in (token, session, PASSWORD))


def test_everything_is_written_down_by_ids_alone(shop, anna):
    sign_in(shop.browser(), "Anna")
    shop.people.change_role(anna.person_id, "viewer", by="command")
    shop.people.remove(anna.person_id, by="command")
    entries = shop.stores.audit.entries(10)
    deeds = ["person-remove", "person-role", "sign-in", "person-add"]
    assert [entry.action for entry in entries] == deeds
    assert entries[2].who == anna.person_id
    assert not any("anna" in f"{entry.who}{entry.detail}".lower() for entry in entries)


@pytest.mark.usefixtures("anna")
def test_a_token_in_a_page_is_that_of_the_session(shop):
    browser = shop.browser()
    sign_in(browser, "Anna")
    token = form_token_in(browser.get("/me"))
    for sent in ({}, {"form_token": "0" * 64}, {"form_token": ""}):
        assert browser.post("/sign-out", data=sent, headers=OWN).status_code == 403
    other = shop.browser()
    sign_in(other, "Anna")
    assert other.post("/sign-out", data={"form_token": token}, headers=OWN).status_code == 403
    assert browser.post("/sign-out", data={"form_token": token}, headers=OWN).status_code == 303


LIKELY_SIGNS = st.text("/\\.:@?#%2e5Cabc \t\n\rhtpsjvri&=é", max_size=24)


@given(st.one_of(LIKELY_SIGNS, st.text(max_size=24)))
@example("//evil.example")
@example("/\\evil.example")
@example("/\t/evil.example")
@example("https://evil.example")
@example("javascript:alert(1)")
@example("/%2e%2e/other-shop")
@example("/sign-in?next=/sign-in")
def test_a_destination_is_a_page_of_this_server(text):
    path = local_path(text)
    assert path.startswith("/")
    # as browsers read it: without tabs and line ends, every backslash a slash
    read = "".join(sign for sign in path if sign not in "\t\r\n").replace("\\", "/")
    assert not read.startswith("//")
    assert ".." not in read.split("/")
    assert path in {"/", text}


def test_usual_destinations_are_kept():
    for path in ("/", "/churn-list?risk=high&risk=critical", "/customers/a%2Fb", "/segments/rfm"):
        assert local_path(path) == path


@given(st.text(max_size=110))
def test_a_name_is_what_is_typed_and_is_compared_without_case_and_blanks(text):
    try:
        shown = usable_name(text)
    except ConfigError:
        return
    assert shown.isprintable()
    assert sign_in_name_of(shown) == sign_in_name_of(f"  {shown.upper().lower()} ") or (
        shown.casefold() != shown.upper().lower().casefold()
    )
    assert usable_name(shown) == shown


@pytest.mark.parametrize(
    "password", ["nine sign", "a" * 40, "abababababab", "anna-anna-anna", "x" * 1_001]
)
def test_passwords_that_are_guessed_at_once_are_refused(password):
    with pytest.raises(ConfigError):
        check_password(password, "Anna")
    check_password("correct horse", "Anna")
