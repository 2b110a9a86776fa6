"""A whole campaign in a real browser: from the list to the contact file."""

import csv
import io
import re

import pytest

from tests.browser.conftest import opened

pytestmark = pytest.mark.browser


def test_a_campaign_from_the_list_to_the_file(chromium, address):
    page = opened(chromium, address)
    page.goto("/churn-list?risk=high")
    page.get_by_role("link", name="Plan a campaign for these").click()
    page.wait_for_url("**/campaigns/new?risk=high")
    page.get_by_label("Name", exact=True).fill("Spring <b>win-back</b>")
    page.get_by_label("How many or how much").fill("20")
    page.get_by_label("Hold-out, percent").fill("20")
    page.get_by_role("button", name="Propose").click()
    page.wait_for_url("**budget=20*")
    proposal = page.locator("main").inner_text()
    assert "Break-even response" in proposal
    assert "Too small to tell" in proposal
    button = page.get_by_role("button", name="Create campaign")
    contacts, held_out = map(int, re.findall(r"\d+", button.inner_text()))
    assert contacts > held_out > 0
    button.click()
    page.wait_for_url("**/campaigns/c-*")
    assert page.locator("h1").inner_text() == "Spring <b>win-back</b>"
    assert "Nothing has been measured yet." in page.locator("main").inner_text()
    with page.expect_download() as download:
        page.get_by_role("row", name="Contacted").get_by_role("link", name="CSV").first.click()
    text = download.value.path().read_bytes().decode("utf-8-sig")
    members = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(members) == contacts
    assert {member["arm"] for member in members} == {"treated"}
    page.goto("/campaigns")
    assert "running" in page.get_by_role("row", name="Spring").inner_text()
    page.get_by_role("link", name="Spring").click()
    page.get_by_text("Cancel this campaign").click()
    page.get_by_role("button", name="Cancel it").click()
    page.wait_for_url("**/campaigns/c-*")
    assert "cancelled" in page.locator(".title").inner_text()
    assert page.troubles == []
    page.context.close()


def test_what_cannot_be_is_said_before_anything_is_kept(chromium, address):
    page = opened(chromium, address)
    page.goto("/campaigns/new?name=&budget=many&hold_out=90")
    problems = page.get_by_role("alert").inner_text()
    assert "Give the campaign a name." in problems
    assert "The budget must be a number above 0." in problems
    assert "at most 50 percent" in problems
    assert page.locator("form.confirm").count() == 0
    page.context.close()
