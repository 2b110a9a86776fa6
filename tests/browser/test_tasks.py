"""What marketers come for, each within three clicks of the first page, from the pages alone."""

import re

import pytest

from tests.browser.conftest import opened

MOST_CLICKS = 3

pytestmark = pytest.mark.browser


class Marketer:
    """Somebody at the first page, whose clicks are counted."""

    def __init__(self, page):
        self.page = page

    def __enter__(self):
        self.page.goto("/")
        self.clicks = 0
        return self

    def __exit__(self, *failure):
        assert self.clicks <= MOST_CLICKS

    def click(self, link, within=None):
        """Follow a link or press a button by its name."""
        place = within or self.page
        named = place.get_by_role("link", name=link).or_(place.get_by_role("button", name=link))
        named.first.click()
        self.page.wait_for_load_state()
        self.clicks += 1

    def downloads(self, link, within=None):
        """The name of the file behind a link."""
        with self.page.expect_download() as download:
            self.click(link, within)
        return download.value.suggested_filename

    def reads(self):
        return self.page.locator("main").inner_text()


def test_seven_tasks_take_three_clicks_each(chromium, address):
    page = opened(chromium, address)
    marketer = Marketer(page)
    with marketer:  # the weekly list of high-value customers, in Excel
        marketer.click("Churn list")
        marketer.click("Best customers, fading")
        assert "customers match" in marketer.reads()
        assert marketer.downloads("Excel").endswith(".xlsx")
    with marketer:  # 500 e-mails with a hold-out
        marketer.click("Plan a campaign for these")
        assert page.get_by_label("How many or how much").input_value() == "500"
        marketer.click(re.compile("^Create campaign: .* held out$"))
        campaign = page.locator("h1").inner_text()
        row = page.get_by_role("row", name="Contacted")
        assert marketer.downloads("CSV", row.first).endswith(".csv")
    with marketer:  # why is this customer here?
        marketer.page.get_by_role("row", name="High").first.get_by_role("link").click()
        marketer.clicks += 1
        assert "Why this risk" in marketer.reads()
    with marketer:  # did it pay?
        marketer.click("Campaigns")
        marketer.click(campaign)
        assert "What it earned" in marketer.reads()
    with marketer:  # what changed since last week?
        assert "Moved since 1 Feb 2026" in marketer.reads()
    with marketer:  # the best customers who fade, by category
        marketer.click("Churn list")
        marketer.click("Best customers, fading")
        marketer.click(re.compile("^(Home|Kitchen|Party)$"), page.locator(".by-category"))
        assert "likely_category" in page.url
        assert page.locator("table.list tbody tr").count() > 0
    with marketer:  # find somebody by name
        page.get_by_label("Name, e-mail or id").fill("ann")
        page.keyboard.press("Enter")
        page.wait_for_url("**/churn-list?*")
        marketer.click(re.compile("Ann"), page.locator("table.list"))
        assert page.locator("h1 bdi").first.inner_text().startswith("Ann")
    assert page.troubles == []
    # other tests of this server choose from the same customers
    page.goto("/campaigns")
    page.get_by_role("link", name=campaign).click()
    page.get_by_text("Cancel this campaign").click()
    page.get_by_role("button", name="Cancel it").click()
    page.context.close()
