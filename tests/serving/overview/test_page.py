"""The first page."""

import re

from tests.serving.conftest import shown


def test_the_bands_on_the_overview_add_up_to_the_card(client):
    page = client.get("/").text
    card = re.search(r'Value at risk</span><span class="big">£([\d,]+)', page)
    table = page.partition("Who is at risk")[2].partition("</table>")[0]
    bands = re.findall(r'<td class="number">£([\d,]+)</td>', table)
    assert len(bands) == 4
    assert sum(int(band.replace(",", "")) for band in bands) == int(card[1].replace(",", ""))


def test_the_overview_tells_what_is_coming_and_what_changed():
    page = shown(earlier=True).get("/").text
    for part in ("£26,500", "£14,000", "Moved since 1 Feb 2026", "no change"):
        assert part in page
    # the card and the table say the same, rounded outwards
    assert page.count("£21,000 to £32,001") == 2


def test_the_overview_of_a_run_without_exhibits_says_so(client):
    page = client.get("/").text
    assert "published without totals" in page
    assert "The next run will show who moved up" in page
