"""No page shows somebody a link or a form that is then refused."""

from html.parser import HTMLParser
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from starlette.routing import Route

from serving.jobs.desk import JobDesk
from serving.jobs.order_files import OrderFiles
from serving.web.access import ACCESS, RouteCatalogue
from serving.web.frame import NAVIGATION
from serving.web.rights import KEY_SCOPES, SCOPE_OF_ROLE
from tests.support.economics import ECONOMICS
from tests.support.exhibits import EXHIBITS
from tests.support.people import HTML, Shop
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_runs, stores_beside

PAGES = (
    *(entry.path + entry.query for entry in NAVIGATION),
    "/accounts",
    "/accounts/nobody",
    "/audiences/new",
    "/campaigns/new?name=Spring&kind=contacts&budget=10",
    "/churn-list?risk=high",
    "/customer-outlook/012000",
    "/customers/012000",
    "/experiments",
    "/experiments/none",
    "/goods/buyers",
    "/jobs",
    "/keys",
    "/lifetime",
    "/me",
    "/models/compare",
    "/nowhere",
    "/people",
    "/segments/rfm_group",
)
NO_PAGES = {"/metrics", "/openapi.json", "/assets.xlsx"}


class Controls(HTMLParser):
    """Method and address of every link, form and button of a page."""

    def __init__(self, page):
        super().__init__()
        self.found = set()
        self._form = ("GET", "")
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "a" and values.get("href"):
            self.found.add(("GET", values["href"]))
        elif tag == "form":
            self._form = (values.get("method", "get").upper(), values.get("action", ""))
            self.found.add(self._form)
        elif values.get("formaction"):
            method = values.get("formmethod", self._form[0]).upper()
            self.found.add((method, values["formaction"]))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    store = fresh_runs()
    store.publish(run_info(economics=ECONOMICS), *score_tables(60), EXHIBITS)
    stores = stores_beside(store)
    folder = tmp_path_factory.mktemp("shop")
    (folder / "orders").mkdir()
    desk = JobDesk(
        store=stores.jobs,
        wake=lambda: None,
        zone=ZoneInfo("Europe/London"),
        order_files=OrderFiles(folder, "orders/*.csv"),
        data=folder / "data",
        upload_bytes=1_000_000,
    )
    return Shop(stores, jobs=desk)


@pytest.fixture(scope="module")
def made(shop):
    """Pages of what people have made."""
    browser = shop.browser_of(shop.add("Max", "marketer"))
    campaign = browser.post(
        "/campaigns", data={"name": "Spring", "kind": "contacts", "budget": "9"}
    )
    audience = browser.post("/v1/audiences", json={"name": "At risk", "where": "risk = high"})
    assert (campaign.status_code, audience.status_code) == (303, 201)
    job = shop.browser_of(shop.add("Ada", "admin")).post("/jobs")
    return [
        campaign.headers["location"],
        f"/audiences/{audience.json()['audience_id']}",
        job.headers["location"],
    ]


@pytest.mark.parametrize("role", ["viewer", "marketer"])
def test_what_a_page_offers_is_allowed(shop, made, role):
    browser = shop.browser_of(shop.add(f"The {role}", role))
    routes = [Route(path, lambda: None, methods=[method]) for method, path in ACCESS]
    catalogue = RouteCatalogue(routes)
    refused, offered = [], 0
    paths = {*PAGES, *made}
    visited = {catalogue.find("GET", urlsplit(path).path).template for path in paths}
    pages = {
        path
        for (method, path), scope in ACCESS.items()
        if method == "GET" and scope != "public" and not path.startswith("/v1/")
    }
    assert pages - visited == NO_PAGES
    for path in paths:
        page = browser.get(path, headers=HTML)
        assert page.status_code < 500, path
        here = urlsplit(path).path
        for method, address in Controls(page.text).found:
            parts = urlsplit(address)
            target = parts.path or here
            # elsewhere, or this page again in another language
            if parts.scheme or parts.netloc or (method, target) == ("GET", here):
                continue
            scope = catalogue.find(method, target).scope
            offered += 1
            least = 0 if scope == "public" else KEY_SCOPES.index(scope)
            if KEY_SCOPES.index(SCOPE_OF_ROLE[role]) < least:
                refused.append((path, method, address))
    assert offered > 100
    assert refused == []
