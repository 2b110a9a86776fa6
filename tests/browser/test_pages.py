"""The pages in a real browser: they render, filter, sort, export, and run no stored script."""

import csv
import io
import json
import os
import shutil
from pathlib import Path

import pytest

from serving.store import SqlStore
from tests.support.scores import run_info, score_tables
from tests.support.servers import running_server

GOLDEN_OPENAPI = Path(__file__).parents[1] / "golden" / "openapi.json"

pytestmark = pytest.mark.browser

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SCRIPT_ID = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
NAMED_IDS = (SCRIPT_ID, "a/b", "עברית", "%2F")


@pytest.fixture(scope="module")
def chromium():
    path = shutil.which("chromium")
    if path is None:
        reason = "no chromium on the PATH; install it to test the pages in a browser"
        if os.environ.get("REGULARS_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('store')}/regulars.db"
    store = SqlStore(url)
    ids = [*NAMED_IDS, *(f"{n:05d}" for n in range(296))]
    scores, recommendations = score_tables(ids=ids)
    # The named ones first, so that the first page shows them.
    scores.loc[: len(NAMED_IDS) - 1, "value_at_risk"] = 1e6
    scores.loc[: len(NAMED_IDS) - 1, "retention_risk"] = "low"
    store.publish(run_info(), scores, recommendations)
    store.close()
    with running_server(url) as (found, _):
        yield found


@pytest.fixture(params=["laptop", "phone"])
def page(request, chromium, address):
    size = {"laptop": (1366, 850), "phone": (390, 844)}[request.param]
    context = chromium.new_context(
        viewport={"width": size[0], "height": size[1]}, base_url=address, accept_downloads=True
    )
    opened = context.new_page()
    troubles = []
    opened.on("console", lambda message: troubles.append(message.text))
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    yield opened
    assert troubles == []
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def rows(page):
    return page.locator("table.list tbody tr")


def test_the_list_filters_and_sorts(page):
    page.goto("/")
    assert page.locator("h1").inner_text() == "Who is about to stop buying"
    assert rows(page).count() == 50
    page.locator("select[name=risk]").select_option("critical")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/?*risk=critical*")
    badges = rows(page).locator(".badge").all_inner_texts()
    assert badges
    assert set(badges) == {"Critical"}
    page.goto(page.url + "&sort=churn_probability")
    shown = rows(page).locator(".percent").all_inner_texts()
    figures = [int(text.strip("<>%")) for text in shown]
    assert figures == sorted(figures, reverse=True)
    assert page.locator("th[aria-sort=descending]").count() == 1
    page.get_by_role("link", name="Clear").click()
    page.wait_for_url(lambda url: "risk" not in url)
    assert "1 to 50 of 300" in page.locator(".pager").inner_text()


def test_sorting_and_paging_are_links(chromium, address):
    page = chromium.new_page(viewport={"width": 1366, "height": 850})
    page.goto(address)
    page.get_by_role("link", name="Customer value").click()
    page.wait_for_url("**sort=clv*")
    page.get_by_role("link", name="Next page").click()
    page.wait_for_url("**cursor=*")
    assert "51 to 100 of 300" in page.locator(".pager").inner_text()
    page.get_by_role("link", name="First page").click()
    page.wait_for_url(lambda url: "cursor" not in url)
    assert "1 to 50 of 300" in page.locator(".pager").inner_text()
    assert "sort=clv" in page.url
    page.close()


@pytest.mark.parametrize("customer_id", NAMED_IDS)
def test_a_customer_opens_whatever_the_id_and_no_script_runs(page, customer_id):
    page.goto("/")
    page.get_by_role("link", name=customer_id, exact=True).click()
    page.wait_for_url("**/customers/**")
    assert page.locator("h1 bdi").inner_text() == customer_id
    assert page.locator("svg.interval, svg.share").count() >= 4
    assert page.locator("table.products tbody tr").count() == 5
    assert page.title() == f"Customer {customer_id} · Regulars"
    assert page.evaluate("document.scripts.length") == 0


def test_a_customer_is_found_by_id(page):
    page.goto("/")
    page.get_by_label("Customer id").fill("00007")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "00007" in url)
    assert page.locator("h1 bdi").inner_text() == "00007"
    page.goto("/")
    page.get_by_label("Customer id").fill("nobody")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "nobody" in url)
    assert "nobody" in page.get_by_role("alert").inner_text()


def test_the_export_is_the_filtered_list(page):
    page.goto("/?risk=high")
    matching = int(page.locator(".above strong").first.inner_text().replace(",", ""))
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as CSV").click()
    text = download.value.path().read_bytes().decode("utf-8-sig")
    exported = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(exported) == matching > 0
    assert {row["retention_risk"] for row in exported} == {"high"}


def test_the_keyboard_reaches_the_content_first(page):
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.wait_for_url("**/#main")


def test_the_documentation_shows_every_call(page):
    page.goto("/docs")
    document = json.loads(GOLDEN_OPENAPI.read_text())
    calls = sum(len(operations) for operations in document["paths"].values())
    assert page.locator("section.call h2").count() == calls
