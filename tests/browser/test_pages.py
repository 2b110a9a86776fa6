"""The pages in a real browser: they render, filter, sort, export, and run no stored script."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.browser.conftest import LANGUAGES, NAMED_IDS, opened

GOLDEN_OPENAPI = Path(__file__).parents[1] / "golden" / "openapi.json"
pytestmark = pytest.mark.browser


def rows(page):
    return page.locator("table.list tbody tr")


@pytest.mark.parametrize("path", ["/assets", "/goods"])
def test_tables_of_money_fit_a_phone(chromium, address, path):
    page = opened(chromium, address, size="phone", language="zh", scheme="dark")
    assert page.goto(path).status == 200
    widths = "[...document.querySelectorAll('.scroll')].map(e => e.scrollWidth - e.clientWidth)"
    assert max(page.evaluate(widths)) <= 0
    assert page.troubles == []
    page.context.close()


def test_language_and_colours_are_kept(chromium, address):
    page = opened(chromium, address)
    page.goto("/churn-list?risk=high")
    page.get_by_role("link", name="中文").click()
    page.wait_for_url("**lang=zh*")
    assert page.locator("h1").inner_text() == "哪些客户即将流失"
    assert "risk=high" in page.url
    page.get_by_role("link", name="深色").click()
    page.wait_for_url("**theme=dark*")
    page.goto("/")
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    page.context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_shows_words_of_the_other_language(chromium, address, language):
    page = opened(chromium, address, language=language)
    page.goto("/churn-list")
    chinese = any("\u4e00" <= sign <= "\u9fff" for sign in page.locator("main").inner_text())
    assert chinese == (language == "zh")
    page.context.close()


def test_the_list_filters_and_sorts(page):
    page.goto("/churn-list")
    assert page.locator("h1").inner_text() == "Who is about to stop buying"
    assert rows(page).count() == 50
    page.locator("select[name=risk]").select_option("critical")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/churn-list?*risk=critical*")
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


def test_choices_say_how_many_they_leave(page):
    page.goto("/churn-list?segment=lifecycle:decline")
    option = page.locator("select[name=risk] option[value=high]").inner_text()
    promised = int(option.partition("(")[2].rstrip(")"))
    page.goto("/churn-list?segment=lifecycle:decline&risk=high")
    assert page.locator(".above strong").first.inner_text() == f"{promised} customers"


def test_sorting_and_paging_are_links(chromium, address):
    page = opened(chromium, address)
    page.goto("/churn-list")
    page.get_by_role("link", name="Customer value").click()
    page.wait_for_url("**sort=clv*")
    page.get_by_role("link", name="Next page").click()
    page.wait_for_url("**cursor=*")
    assert "51 to 100 of 300" in page.locator(".pager").inner_text()
    page.get_by_role("link", name="First page").click()
    page.wait_for_url(lambda url: "cursor" not in url)
    assert "1 to 50 of 300" in page.locator(".pager").inner_text()
    assert "sort=clv" in page.url
    page.context.close()


def test_a_view_is_saved_under_a_name_and_removed(chromium, address):
    page = opened(chromium, address)
    page.goto("/churn-list?risk=high&sort=clv")
    page.get_by_label("Name of this view").fill("<b>Slipping</b>")
    page.get_by_role("button", name="Save").click()
    page.goto("/churn-list")
    page.get_by_role("link", name="<b>Slipping</b>").click()
    page.wait_for_url("**/churn-list?risk=high&sort=clv")
    page.get_by_role("button", name="Remove: <b>Slipping</b>").click()
    assert page.locator(".views").inner_text().count("No view is saved yet.") == 1
    assert page.troubles == []
    page.context.close()


@pytest.mark.parametrize("customer_id", NAMED_IDS)
def test_a_customer_opens_whatever_the_id_and_no_script_runs(page, customer_id):
    page.goto("/churn-list")
    page.get_by_role("link", name=customer_id, exact=True).click()
    page.wait_for_url("**/customers/**")
    assert page.locator("h1 bdi").inner_text() == customer_id
    assert page.locator("svg.timeline .stem").count() == 2
    assert page.locator("svg.timeline .return").count() == 1
    assert page.locator("table.products tbody tr").count() == 5
    assert page.title() == f"Customer {customer_id} · Regulars"
    (script,) = page.locator("script").all()
    assert script.get_attribute("src").startswith("/static/late.js?")
    page.wait_for_selector("[data-late]:not([aria-busy])", state="attached")


def test_stored_names_are_text(page):
    page.goto("/churn-list")
    assert "Ann <script>" in rows(page).nth(5).inner_text()
    assert page.title() == "Churn list · Regulars"
    scripts = [script.get_attribute("src") for script in page.locator("script").all()]
    assert [source.partition("?")[0] for source in scripts] == ["/static/views.js"]


def test_a_customer_is_found_by_id_from_every_page(page):
    page.goto("/")
    page.get_by_label("Name, e-mail or id").fill("00007")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "customers/00007" in url)
    page.goto("/")
    page.get_by_label("Name, e-mail or id").fill("nobody")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "nobody" in url)
    assert "nobody" in page.get_by_role("alert").inner_text()


def test_the_export_is_the_filtered_list(page):
    page.goto("/churn-list?risk=high&consent=unknown")
    matching = int(page.locator(".above strong").first.inner_text().partition(" ")[0])
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    text = download.value.path().read_bytes().decode("utf-8-sig")
    exported = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(exported) == matching > 0
    assert {row["retention_risk"] for row in exported} == {"high"}
    with page.expect_download() as download:
        page.get_by_role("link", name="Excel").click()
    assert download.value.suggested_filename.endswith(".xlsx")


def test_the_overview_leads_to_the_list(page):
    page.goto("/")
    main = page.locator("main").inner_text()
    assert "£26,500" in main
    assert "£21,000 to £32,001" in main
    assert "+0 since" not in main
    page.get_by_role("link", name="Critical").click()
    page.wait_for_url("**/churn-list?risk=critical")


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


@pytest.mark.parametrize("width", [390, 768, 1024, 1440])
def test_no_column_of_the_list_is_cut(chromium, address, width):
    page = opened(chromium, address)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/")
    page.get_by_role("link", name="Churn list", exact=True).click()
    page.wait_for_url("**/churn-list?risk=critical&risk=high")
    shown = "[...document.querySelectorAll('.people td, .people th')].map(e => e.getBoundingClientRect())"
    cells = page.evaluate(f"{shown}.map(box => [box.left, box.right])")
    assert min(left for left, _ in cells) >= 0
    assert max(right for _, right in cells) <= width
    if width == 1440:
        assert rows(page).first.bounding_box()["y"] < 900 - 60
        page.evaluate("scrollTo(0, 1500)")
        assert page.locator(".people thead th").first.bounding_box()["y"] == 0
    page.context.close()


def test_paper_has_all_rows_that_were_asked_for(chromium, address):
    page = opened(chromium, address)
    page.goto("/churn-list")
    page.get_by_role("link", name="All rows, to print").click()
    page.wait_for_url("**rows=all*")
    assert rows(page).count() == 300
    page.context.close()


def test_pages_print_without_what_cannot_be_pressed(chromium, address):
    page = opened(chromium, address, scheme="dark")
    page.emulate_media(media="print")
    page.goto("/churn-list")
    assert not page.locator("header.bar").is_visible()
    assert not page.locator("form.filters").is_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    page.context.close()
