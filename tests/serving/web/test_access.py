"""Who may call what: every route, method and scope, and nothing by default."""

import base64
import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Mount

from serving.people.api_keys.keys import new_key
from serving.server.stores import open_stores
from serving.web.access import ACCESS, NO_ROUTE, RouteCatalogue
from serving.web.rights import KEY_SCOPES
from tests.serving.conftest import BUNDLE, NOW, client_of
from tests.support.people import OWN
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_runs, fresh_stores, stores_beside

CALLERS = ("nobody", "wrong", "expired", "revoked", *KEY_SCOPES)

EXPECTED = {
    "public": dict.fromkeys(CALLERS, True),
    "read": {caller: caller in {"read", "write", "admin"} for caller in CALLERS},
    "write": {caller: caller in {"write", "admin"} for caller in CALLERS},
    "admin": {caller: caller == "admin" for caller in CALLERS},
}


@pytest.fixture(scope="module")
def keyed():
    """A client of stores with a key of each kind, and what each caller sends."""
    store = fresh_runs()
    store.publish(run_info(), *score_tables(12))
    stores = stores_beside(store)
    tokens = {"nobody": None, "wrong": "rgl_000000000000_" + "A" * 43}
    for scope in KEY_SCOPES:
        tokens[scope], key = new_key(scope, name=scope, at=NOW, expires_days=None)
        stores.keys.add(key)
    tokens["expired"], key = new_key("admin", name="", at=NOW, expires_days=1)
    stores.keys.add(replace(key, expires_at=NOW))
    tokens["revoked"], key = new_key("admin", name="", at=NOW, expires_days=1)
    stores.keys.add(replace(key, revoked_at=NOW))
    return client_of(stores), tokens


def bearer(token):
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def a_path(template):
    return re.sub(r"\{[^}]*\}", "012000", template) + (
        "/style.css" if template == "/static" else ""
    )


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(("method", "template"), ACCESS)
def test_each_call_takes_exactly_its_scope(keyed, method, template, caller):
    client, tokens = keyed
    answer = client.request(method, a_path(template), headers={**OWN, **bearer(tokens[caller])})
    allowed = EXPECTED[ACCESS[method, template]][caller]
    assert (answer.status_code not in {401, 403}) == allowed, answer.text
    if not allowed:
        strange = caller not in KEY_SCOPES
        assert answer.status_code == (401 if strange else 403)
        assert ("www-authenticate" in answer.headers) == strange


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
@pytest.mark.parametrize(
    "path", ["/nowhere", "/v1/nowhere", "/v1/models", "/docs/", "/v1/customers/x"]
)
def test_what_no_line_allows_is_refused_to_strangers(keyed, method, path):
    assert keyed[0].request(method, path).status_code == 401


def test_scopes_of_the_matrix_are_the_expected_ones():
    assert set(ACCESS.values()) <= set(EXPECTED)
    reading = {template for (_, template), scope in ACCESS.items() if scope == "public"}
    ways_in = {template for _, template in ACCESS if template.startswith(("/sign-in", "/inv"))}
    assert reading == {"/healthz", "/readyz", "/static"} | ways_in


def test_a_route_without_an_entry_or_an_entry_without_a_route_ends_the_start():
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route("/v1/secret", lambda: None, methods=["DELETE"])
    with pytest.raises(RuntimeError, match="/v1/secret"):
        RouteCatalogue(app.routes, {})
    with pytest.raises(RuntimeError, match="/v1/gone"):
        RouteCatalogue(app.routes, {("DELETE", "/v1/secret"): "admin", ("GET", "/v1/gone"): "read"})


PARTS = st.sampled_from(
    [
        "v1",
        "customers",
        "scores",
        "recommendations",
        "models",
        "docs",
        "static",
        "a",
        "%2F",
        "",
        "..",
    ]
)


@pytest.fixture(scope="module")
def routes():
    app = client_of(fresh_stores(), BUNDLE).app
    while not isinstance(app, FastAPI):
        app = app._app
    return app.routes


@given(st.sampled_from(["GET", "POST", "PUT"]), st.lists(PARTS, max_size=6))
def test_the_gate_judges_the_route_that_then_answers(routes, method, parts):
    catalogue = RouteCatalogue(routes)
    path = "/" + "/".join(parts)
    expected = NO_ROUTE.template
    for route in routes:
        if isinstance(route, Mount):
            fits = path.startswith(route.path + "/") and method == "GET"
        else:
            fits = bool(route.path_regex.match(path)) and method in route.methods
        if fits:
            expected = route.path
            break
    assert catalogue.find(method, path).template == expected


def test_without_keys_everybody_on_this_machine_may_ask(store):
    assert client_of(store).get("/v1/models").status_code == 200
    assert client_of(store, must_sign_in=True).get("/v1/models").status_code == 401
    assert client_of(store, must_sign_in=True).get("/healthz").status_code == 200


def test_a_server_whose_only_key_is_revoked_is_not_open(store):
    stores = stores_beside(store)
    _, key = new_key("read", name="", at=NOW, expires_days=None)
    stores.keys.add(replace(key, revoked_at=NOW))
    assert client_of(stores).get("/v1/models").status_code == 401


def test_readiness_tells_strangers_less(keyed):
    client, tokens = keyed
    strangers = {"run_id": None, "bundle_id": None, "scores_pending": None}
    ready = {"status": "ready", "scorer": "none"}
    assert client.get("/readyz").json() == ready | strangers
    told = client.get("/readyz", headers=bearer(tokens["read"])).json()
    assert told == ready | {"run_id": "run-1", "bundle_id": "b-1", "scores_pending": 0}


def test_a_revoked_key_is_refused_within_five_seconds(store):
    stores = stores_beside(store)
    now = [NOW]
    client = client_of(stores, clock=lambda: now[0])
    token, key = new_key("read", name="", at=NOW, expires_days=1)
    stores.keys.add(key)
    assert client.get("/v1/models", headers=bearer(token)).status_code == 200
    stores.keys.revoke(key.key_id, NOW)
    now[0] += timedelta(seconds=4.9)
    assert client.get("/v1/models", headers=bearer(token)).status_code == 401


def test_a_key_ends_at_its_moment(store):
    stores = stores_beside(store)
    now = [NOW]
    client = client_of(stores, clock=lambda: now[0])
    token, key = new_key("read", name="", at=NOW, expires_days=1)
    stores.keys.add(key)
    now[0] += timedelta(days=1) - timedelta(seconds=0.5)
    assert client.get("/v1/models", headers=bearer(token)).status_code == 200
    now[0] += timedelta(seconds=0.5)
    assert client.get("/v1/models", headers=bearer(token)).status_code == 401


def test_no_key_is_kept_as_it_is(tmp_path):
    stores = open_stores(f"sqlite:///{tmp_path}/regulars.db")
    tokens = []
    for _ in range(20):
        token, key = new_key("admin", name="", at=NOW, expires_days=None)
        stores.keys.add(key)
        tokens.append(token)
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    secrets = [token.split("_", 2)[2] for token in tokens]
    assert len(set(secrets)) == 20
    assert all(len(base64.urlsafe_b64decode(secret + "=")) == 32 for secret in secrets)
    assert not any(secret.encode() in kept for secret in secrets)


@pytest.mark.parametrize(
    "damage",
    [
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token.replace("rgl_", "RGL_", 1),
        lambda token: token.split("_", 2)[2],
        lambda token: "rgl__" + token.split("_", 2)[2],
        lambda _: "rgl__",
        lambda _: "",
        lambda _: "_" * 10_000,
        lambda _: "rgl_é_ü",
    ],
)
def test_a_token_that_is_not_quite_one_opens_nothing(keyed, damage):
    client, tokens = keyed
    sent = b"Bearer " + damage(tokens["admin"]).encode()
    answer = client.get("/v1/models", headers={"Authorization": sent})
    assert answer.status_code == 401
    assert json.loads(answer.content)["type"] == "urn:regulars:problem:no-key"


def basic(token, user="anyone"):
    pair = base64.b64encode(f"{user}:{token}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def test_a_browser_signs_in_with_the_key_as_password(keyed):
    client, tokens = keyed
    asked = client.get("/")
    assert (asked.status_code, asked.headers["www-authenticate"][:5]) == (401, "Basic")
    assert client.get("/v1/models").headers["www-authenticate"][:6] == "Bearer"
    assert client.get("/", headers=basic(tokens["read"])).status_code == 200
    for broken in ("Basic", "Basic !", "Basic Og==", "Basic /w==", "Digest x", "Bearer"):
        assert client.get("/", headers={"Authorization": broken}).status_code == 401


def test_what_a_browser_remembers_cannot_change_anything_nor_be_used_by_foreign_pages(keyed):
    client, tokens = keyed
    signed_in = basic(tokens["admin"])
    body = {"customer_ids": ["012000"]}
    assert client.post("/v1/customers/scores", json=body, headers=signed_in).status_code == 401
    loaded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert client.get("/v1/models", headers={**signed_in, **loaded}).status_code == 401
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/", headers={**signed_in, **followed}).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_pages_of_other_sites_cannot_post(client, sent):
    body = {"customer_ids": ["012000"]}
    answer = client.post("/v1/customers/scores", json=body, headers=sent)
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:regulars:problem:cross-origin"
    own = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/v1/customers/scores", json=body, headers=own).status_code == 200
