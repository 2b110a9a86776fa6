"""Who may do what: every route with every role, made of the table of routes."""

import re
from pathlib import Path

import pytest
from jinja2 import Environment

import serving.web
from serving.web.access import ACCESS
from serving.web.forms import FormTokens
from serving.web.rights import KEY_SCOPES, ROLES, SCOPE_OF_ROLE
from tests.support.economics import ECONOMICS
from tests.support.people import HTML, Shop
from tests.support.scores import run_info, score_tables
from tests.support.stores import copied, fresh_runs, stores_beside

TEMPLATES = Path(serving.web.__file__).parent / "templates"
WRITING = [
    (method, template)
    for (method, template), scope in ACCESS.items()
    if method != "GET" and scope != "public"
]


def a_path(template):
    path = template.replace("{digest}", "0" * 64)
    return re.sub(r"\{[^}]*\}", "012000", path) + ("/style.css" if template == "/static" else "")


@pytest.fixture(scope="module")
def shop(published):
    return Shop(copied(published))


@pytest.fixture(scope="module")
def people(shop):
    return {role: shop.add(f"The {role}", role) for role in ROLES}


@pytest.fixture
def browsers(shop, people):
    return {role: shop.browser_of(person) for role, person in people.items()}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_a_key_of_its_scope_may(shop, people, role):
    browser = shop.browser_of(people[role])
    for (method, template), scope in ACCESS.items():
        answer = browser.request(method, a_path(template))
        if template.startswith(("/sign-out", "/me/sign-out")):
            assert answer.status_code == 303
            browser = shop.browser_of(people[role])
            continue
        refused = answer.status_code == 403 and "problem:role" in answer.text
        least = 0 if scope == "public" else KEY_SCOPES.index(scope)
        assert refused == (KEY_SCOPES.index(SCOPE_OF_ROLE[role]) < least), (method, template)


def test_nothing_is_written_without_the_token_of_the_session(browsers):
    browser, other = browsers["admin"], browsers["marketer"]
    del browser.headers["X-Form-Token"]
    # without, empty, made up, of another session; from a page of another site; with the cookie alone
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    tries = [
        *(({"X-Form-Token": token}, "not-our-form") for token in ("", "0" * 64)),
        ({"X-Form-Token": other.headers["X-Form-Token"]}, "not-our-form"),
        ({}, "not-our-form"),
        (foreign, "no-key"),
        ({"Origin": ""}, "no-key"),
    ]
    for method, template in WRITING:
        for headers, problem in tries:
            answer = browser.request(method, a_path(template), headers=headers)
            assert answer.status_code in {401, 403}, (method, template)
            assert f"problem:{problem}" in answer.text, (method, template)


def test_a_token_may_come_in_the_address_where_the_body_is_a_file(browsers):
    browser = browsers["marketer"]
    token = browser.headers.pop("X-Form-Token")
    sent = {"name": "", "kind": "contacts"}
    assert browser.post(f"/campaigns?form_token={token}", data=sent).status_code != 403
    assert browser.post("/campaigns?form_token=", data=sent).status_code == 403


def test_a_page_says_which_role_has_the_right(browsers):
    page = browsers["viewer"].get("/people", headers=HTML)
    assert page.status_code == 403
    assert "This takes the role admin." in page.text
    assert "You are signed in as The viewer, with the role Viewer." in page.text
    page = browsers["viewer"].post("/campaigns", headers=HTML)
    assert "This takes the role marketer or admin." in page.text


def test_a_session_reads_the_api_but_not_for_foreign_pages(browsers):
    assert browsers["viewer"].get("/v1/models").status_code == 200
    loaded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert browsers["viewer"].get("/v1/models", headers=loaded).status_code == 401


def test_a_wrong_key_is_not_made_good_by_a_session(browsers):
    wrong = {"Authorization": "Bearer rgl_0_0"}
    assert browsers["admin"].get("/v1/models", headers=wrong).status_code == 401


def test_every_form_that_writes_holds_the_token():
    tokens, writing = FormTokens(Environment(autoescape=True)), 0
    for template in TEMPLATES.glob("*.html"):
        source = template.read_text(encoding="utf-8")
        writing += source.count('method="post"')
        source = tokens.preprocess(source, template.name)
        # every mention of the method is a form or a button that has it, however it is written
        fields = len(re.findall(r'method="post"[^>]*>\{\{ form_token\(\) \}\}', source))
        addresses = source.count("{{ form_token_in_address() }}")
        assert fields + addresses == len(re.findall(r'(?i)method="?post', source)), template.name
    assert writing > 10


def test_the_forms_of_a_page_are_taken():
    store = fresh_runs()
    store.publish(run_info(economics=ECONOMICS), *score_tables(60))
    shop = Shop(stores_beside(store))
    browser = shop.browser_of(shop.add("Anna", "marketer"))
    del browser.headers["X-Form-Token"]
    page = browser.get("/campaigns/new?name=Spring&kind=contacts&budget=10").text
    form = page.partition('class="confirm"')[2].partition("</form>")[0]
    fields = dict(re.findall(r'name="([^"]*)" value="([^"]*)"', form))
    assert browser.post("/campaigns", data=fields | {"form_token": ""}).status_code == 403
    assert browser.post("/campaigns", data=fields).status_code == 303
