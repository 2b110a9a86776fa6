"""An audience in a real browser: built with live counts, saved, listed; without scripts, too."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import opened

pytestmark = pytest.mark.browser


def number(page):
    return int(re.sub(r"\D", "", page.locator("#size .big").inner_text()))


def changed_from(page, before):
    """Wait for another count."""
    expect(page.locator("#size .big")).not_to_have_text(f"{before} customers")


def listed(page):
    return int(re.search(r"([\d,]+) customers match", page.locator("main").inner_text())[1])


def test_an_audience_is_built_with_live_counts_saved_and_listed(chromium, address):
    page = opened(chromium, address)
    page.goto("/audiences")
    page.get_by_role("link", name="New audience").click()
    everybody = number(page)
    page.get_by_label("Add a condition on").select_option("Risk")
    page.wait_for_selector(".condition")
    page.get_by_role("checkbox", name="High").check()
    changed_from(page, everybody)
    high = number(page)
    assert page.locator(".alone").inner_text() == f"{high} customers"
    page.get_by_role("checkbox", name="Critical").check()
    changed_from(page, high)
    both = number(page)
    assert high < both < everybody
    page.get_by_label("Add a condition on").select_option("Spent so far")
    page.get_by_label("Spent so far, from").fill("1,000")
    changed_from(page, both)
    members = number(page)
    assert 0 < members < both
    assert "Spent so far: £1,000.00 or more" in page.locator("#size").inner_text()
    page.get_by_label("Name", exact=True).fill("Big and fading")
    page.get_by_role("button", name="Save audience").click()
    page.wait_for_url("**/audiences?saved=*")
    page.get_by_role("row", name="Big and fading").get_by_role("link", name="List").click()
    page.wait_for_url("**/churn-list?audience=Big*")
    assert listed(page) == members
    assert page.troubles == []
    page.context.close()


def test_the_builder_works_without_scripts(chromium, address):
    context = chromium.new_context(base_url=address, java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto("/audiences/new")
    everybody = number(page)
    page.get_by_label("Add a condition on").select_option("Risk")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("checkbox", name="High").check()
    page.get_by_role("button", name="Update the count").last.click()
    high = number(page)
    assert 0 < high < everybody
    page.get_by_role("button", name="Remove the condition on Risk").click()
    assert number(page) == everybody
    context.close()
