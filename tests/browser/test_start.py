"""From an empty folder to the churn list, without a terminal after `regulars serve`."""

import re
import sys
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import opened
from tests.support.servers import ServerProcess, free_port
from tests.support.workers import wait_until

SHOPIFY = Path(__file__).parents[1] / "cases" / "systems" / "shopify" / "orders_export_1.csv"
MOST_CLICKS = 12
LINK = re.compile(r"http://\S+/start\?token=\S+")
# The application replaces the start page's server on the same port. The browser names a request
# that was under way by how far it had come; the page asks again, and answers are never lost so.
LOST_CONNECTION = re.compile(r"net::ERR_(CONNECTION|SOCKET|EMPTY_RESPONSE|INCOMPLETE|NETWORK)")
COUNT_CLICKS = """
sessionStorage.clicks ??= "0";
addEventListener("click", () => { sessionStorage.clicks = +sessionStorage.clicks + 1; }, true);
"""

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def link_of(server):
    found = []

    def is_told():
        found[:] = LINK.findall(server.so_far())
        return bool(found)

    wait_until(is_told)
    return found[0]


def looks_right(page):
    violations = Axe().run(page).response["violations"]
    assert {one["id"]: [node["html"] for node in one["nodes"]] for one in violations} == {}
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.timeout(600)
def test_from_an_empty_folder_to_the_churn_list_of_a_shopify_export(chromium, tmp_path):
    port = free_port()
    config = str(tmp_path / "regulars.toml")
    words = ("-m", "serving.commands.main", "serve", "--port", str(port), "--config", config)
    server = ServerProcess([sys.executable, *words])
    page = opened(chromium, f"http://127.0.0.1:{port}")
    page.add_init_script(COUNT_CLICKS)
    try:
        page.goto(link_of(server))
        looks_right(page)
        with page.expect_file_chooser() as chooser:
            page.locator("input[type=file]").click()
        chooser.value.set_files(SHOPIFY)
        page.get_by_role("button", name="Read this file").click()
        page.get_by_role("heading", name="Is this right?").wait_for(timeout=120_000)
        assert "add up to “Total” in 100%" in page.locator("main").inner_text()
        looks_right(page)
        page.get_by_role("button", name="Yes: train and score").click()
        page.wait_for_url("**/jobs/job_*")
        to_list = page.get_by_role("link", name="To the churn list")
        to_list.wait_for(timeout=400_000)
        looks_right(page)
        to_list.click()
        page.wait_for_url("**/churn-list*")
        assert page.locator("table.list tbody tr").count() > 0
        clicks = int(page.evaluate("sessionStorage.clicks"))
        assert 0 < clicks <= MOST_CLICKS
        assert [trouble for trouble in page.troubles if not LOST_CONNECTION.search(trouble)] == []
    finally:
        page.context.close()
        server.close()
