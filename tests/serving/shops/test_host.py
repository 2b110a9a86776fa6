"""Several shops behind one server: nothing of one is another's, and a broken one stops nobody."""

import re

import pytest

from tests.support.shop import shop_settings, write_config
from tests.support.trained import SECTIONS
from tests.support.workers import wait_until
from training.bundle.manifest import CURRENT

PAGES = ("/", "/churn-list", "/segments", "/campaigns", "/campaigns/new", "/models", "/docs")
LINE = {
    "customer_id": "who is new",
    "order_id": "1",
    "line": 0,
    "ordered_at": "2026-03-01T10:00:00Z",
    "amount": 4.5,
}


def customers(shops, name, **options):
    return shops.client.get(f"/shops/{name}/v1/models", **options)


def test_each_shop_answers_from_its_own_run_under_its_path(start):
    shops = start("alpha", "beta")
    for name in ("alpha", "beta"):
        assert customers(shops, name).json()["run_id"] == f"run-of-{name}"
        shop_lines = [line for shop, line in shops.log if shop == name]
        assert [line["route"] for line in shop_lines] == ["/v1/models"]
    assert shops.client.get("/shops/alpha").headers["location"] == "/shops/alpha/"
    unknown = shops.client.get("/shops/none/v1/models")
    assert (unknown.status_code, unknown.json()["type"]) == (
        404,
        "urn:regulars:problem:unknown-shop",
    )


def test_every_link_of_a_shops_pages_stays_in_the_shop(start):
    shops = start("alpha")
    for page in (*PAGES, "/customers/none", "/segments/none", "/campaigns/none"):
        text = shops.client.get(f"/shops/alpha{page}").text
        links = re.findall(r'(?:href|action|src)="(/[^"]*)"', text)
        assert len(links) > 5
        assert [link for link in links if not link.startswith("/shops/alpha/")] == []
    found = shops.client.get("/shops/alpha/churn-list?customer=012000")
    assert found.headers["location"] == "/shops/alpha/customers/012000"
    assert shops.client.get(found.headers["location"]).status_code == 200
    document = shops.client.get("/shops/alpha/openapi.json").json()
    assert document["servers"] == [{"url": "/shops/alpha"}]
    assert shops.client.get("/shops/alpha/static/style.css").status_code == 200


def test_a_key_opens_its_own_shop_and_nothing_else(start):
    shops = start("alpha", "beta", is_local=False)
    alpha, beta = shops.key("alpha", "admin"), shops.key("beta")
    server = shops.key(None, "admin")
    opens = {
        "/shops/alpha/v1/models": alpha,
        "/shops/beta/v1/models": beta,
        "/metrics": server,
        "/": server,
    }
    for path, own in opens.items():
        for headers in ({}, alpha, beta, server):
            status = shops.client.get(path, headers=headers).status_code
            assert status == (200 if headers is own else 401), path
    # a browser keeps what it was told under the name that the answer gives
    challenge = shops.client.get("/shops/beta/").headers["www-authenticate"]
    assert challenge == 'Basic realm="Regulars/shops/beta", charset="UTF-8"'


def test_the_probes_tell_strangers_nothing_of_the_shops(start):
    shops = start("alpha", is_local=False)
    headers = shops.key(None)
    assert shops.client.get("/healthz").json() == {"status": "ok"}
    assert shops.client.get("/readyz").json() == {"status": "ready"}
    told = shops.client.get("/readyz", headers=headers).json()
    assert [shop["shop"] for shop in told["shops"]] == ["alpha"]


def test_one_shops_rate_and_orders_are_not_anothers(start):
    shops = start("alpha", "beta", alpha={"serve": {"requests_per_second": 1}})
    statuses = [customers(shops, "alpha").status_code for _ in range(3)]
    assert 429 in statuses
    assert [customers(shops, "beta").status_code for _ in range(3)] == [200, 200, 200]
    sent = shops.client.post("/shops/beta/v1/transactions", json={"lines": [LINE]})
    assert sent.json()["lines"][0]["outcome"] == "accepted"
    assert shops.client.get("/shops/beta/readyz").json()["scores_pending"] == 1
    wait_until(lambda: shops.client.get("/shops/alpha/readyz").status_code == 200)
    assert shops.client.get("/shops/alpha/readyz").json()["scores_pending"] == 0


def test_figures_have_the_shop_as_a_label_and_each_name_once(start):
    shops = start("alpha", "beta")
    customers(shops, "alpha")
    shops.process.connections.open.set(3)
    text = shops.client.get("/metrics").text
    assert 'regulars_customers{shop="alpha"} 12.0' in text
    assert 'regulars_customers{shop="beta"} 13.0' in text
    assert 'regulars_shop_up{shop="alpha"} 1.0' in text
    counted = (
        'regulars_requests_total{method="GET",route="/v1/models",shop="alpha",status="200"} 1.0'
    )
    assert counted in text
    names = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    assert len(names) == len(set(names))
    assert "process_resident_memory_bytes" in names
    of_alpha = shops.client.get("/shops/alpha/metrics").text
    assert "shop=" not in of_alpha
    # the connections are those of the process, whoever asks
    assert all("\nregulars_connections 3.0" in figures for figures in (text, of_alpha))


def test_broken_shops_stop_nobody_and_say_why(start):
    shops = start("good")
    shops.add("no-models")
    (shops.folder / "no-models" / "data" / "bundles" / CURRENT).unlink()
    shops.add("no-store")
    (shops.folder / "no-store" / "data" / "regulars.db").write_bytes(b"no database" * 1000)
    shops.add("bad settings")
    shops.add("no-settings")
    (shops.folder / "no-settings" / "regulars.toml").write_text("[data]\n")
    (shops.folder / "nothing").mkdir()
    shops.look()
    told = {shop["shop"]: shop for shop in shops.client.get("/readyz").json()["shops"]}
    ready = {name for name, shop in told.items() if shop["ready"]}
    assert ready == {"good"}
    assert set(told) == {"good", "no-models", "no-store", "bad settings", "no-settings"}
    for name, why in (
        ("no-models", "train"),
        ("no-store", "store"),
        ("bad settings", "folder's name"),
        ("no-settings", "'data.transactions' is missing"),
    ):
        assert why in told[name]["why"]
    assert customers(shops, "good").status_code == 200
    # what is open of a shop without models answers what its store tells
    assert customers(shops, "no-models").status_code == 200
    assert shops.client.get("/shops/no-models/readyz").status_code == 503
    closed = shops.client.get("/shops/no-store/v1/models")
    assert (closed.status_code, str(shops.folder) in closed.text) == (503, False)
    page = shops.client.get("/").text
    assert 'href="/churn-list"' not in page
    assert "cannot answer" in page
    assert 'href="/shops/good/"' in page
    assert 'href="/shops/no-store/"' not in page


def test_shops_come_and_go_without_a_restart(start):
    shops = start("alpha")
    shops.add("beta", 20)
    assert customers(shops, "beta").status_code == 404
    shops.look()
    assert customers(shops, "beta").json()["run_id"] == "run-of-beta"
    (shops.folder / "alpha").rename(shops.folder.parent / "elsewhere")
    shops.look()
    assert customers(shops, "alpha").status_code == 404
    assert customers(shops, "beta").status_code == 200


def test_changed_settings_are_read_and_bad_ones_leave_the_old_at_work(start):
    shops = start("alpha")
    settings = shop_settings(
        shops.folder / "alpha", **{**SECTIONS, "serve": {"hosts": ["alpha.example"]}}
    )
    config = write_config(settings)
    shops.look()
    by_host = shops.client.get("/v1/models", headers={"Host": "alpha.example"})
    assert by_host.json()["run_id"] == "run-of-alpha"
    good = config.read_text()
    config.write_text("[data]\n")
    shops.look()
    assert customers(shops, "alpha").status_code == 200
    (told,) = shops.client.get("/readyz").json()["shops"]
    assert told["ready"]
    assert "'data.transactions' is missing" in told["why"]
    config.write_text(good)
    shops.look()
    assert shops.client.get("/readyz").json()["shops"][0]["why"] in {
        None,
        "new orders are not scored: no scorers in these tests",
    }


def test_host_names_lead_to_their_shop_alone(start):
    shops = start(
        "alpha",
        "beta",
        alpha={"serve": {"hosts": ["alpha.example"]}},
        beta={"serve": {"hosts": ["Beta.example"]}},
    )
    for name in ("alpha", "beta"):
        answer = shops.client.get("/v1/models", headers={"Host": f"{name}.example:8000"})
        assert answer.json()["run_id"] == f"run-of-{name}"
        page = shops.client.get("/churn-list", headers={"Host": f"{name}.example"})
        assert 'href="/static/style.css?v=' in page.text
    assert shops.client.get("/", headers={"Host": "else.example"}).status_code == 421
    crossed = shops.client.get("/shops/beta/v1/models", headers={"Host": "alpha.example"})
    assert crossed.status_code == 421


def test_two_shops_cannot_keep_their_scores_in_one_place(start):
    shops = start("alpha")
    place = f"sqlite:///{shops.folder / 'alpha' / 'data' / 'regulars.db'}"
    settings = shop_settings(shops.folder / "alpha", **{**SECTIONS, "store": {"url": place}})
    (shops.folder / "beta").mkdir()
    write_config(settings.model_copy(update={"root": shops.folder / "beta"}))
    shops.look()
    told = shops.client.get("/readyz").json()["shops"]
    assert "keeps store.url where the shop alpha does" in told[1]["why"]
    assert shops.client.get("/shops/beta/v1/models").status_code == 503


@pytest.mark.parametrize("path", ["/shops/", "/shops//v1/models", "/shops/%2e%2e/v1/models"])
def test_odd_names_lead_nowhere(start, path):
    shops = start("alpha")
    assert shops.client.get(path).status_code == 404
