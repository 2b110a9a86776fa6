"""The first page."""

import re
from html import unescape

from serving.store.run import RISKS
from tests.serving.conftest import client_of, shown, with_moves
from tests.support.economics import ECONOMICS
from tests.support.exhibits import EXHIBITS
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_runs, stores_beside

MOVE = re.compile(r'href="([^"]*risk_move[^"]*)"')


def listed(client, address):
    """How many customers the list of an address holds, by the page and by the API."""
    page = client.get(address).text
    (number,) = re.findall(r"<strong>([\d,]+) customers?</strong> match", page)
    answer = client.get(address.replace("/churn-list", "/v1/churn-list")).json()
    return int(number.replace(",", "")), answer["total"]


def test_who_slipped_and_who_came_back_are_named_and_lead_to_their_lists():
    client = shown(earlier=True)
    page = client.get("/").text
    scores = with_moves(score_tables(60)[0]).dropna(subset="risk_move")
    before = scores["risk_move"].str.partition("_to_")[0].map(RISKS.index)
    now = scores["retention_risk"].map(RISKS.index)
    for title, moved in (
        ("Slipped since the last run", scores[now < before]),
        ("Risk has fallen since the last run", scores[now > before]),
    ):
        group = page.partition(title)[2].partition("</div>")[0]
        address = unescape(MOVE.search(group)[1])
        assert listed(client, address) == (len(moved), len(moved))
        assert f"{len(moved)} customers" in group
        named = re.findall(r"<bdi>(\w+)</bdi>", group)
        sort = "clv" if "fallen" in title else "value_at_risk"
        assert named == moved.nlargest(5, sort)["customer_id"].tolist()


def test_each_move_between_bands_opens_its_people():
    client = shown(earlier=True)
    page = client.get("/").text
    table = page.partition("Moves between bands of risk")[2].partition("</table>")[0]
    addresses = [unescape(address) for address in MOVE.findall(table)]
    assert len(addresses) == len(RISKS) ** 2
    moves = with_moves(score_tables(60)[0])["risk_move"]
    for address in addresses[1:4]:
        by_page, by_api = listed(client, address)
        assert by_page == by_api == (moves == address.partition("%3A")[2]).sum()


def test_before_a_second_run_those_at_risk_come_first(client):
    page = client.get("/").text
    group = page.partition("Likely not to come back")[2].partition("</div>")[0]
    address = unescape(re.search(r'href="([^"]*churn-list[^"]*)"', group)[1])
    assert "risk=critical&risk=high" in address
    risks = score_tables(120)[0]["retention_risk"]
    expected = risks.isin(["critical", "high"]).sum()
    assert listed(client, address) == (expected, expected)
    # the form keeps both, and one click takes them away
    assert client.get(address).text.count('<input type="hidden" name="risk"') == 2


def test_old_scores_are_called_old_only_while_somebody_could_score_again(client):
    assert "days old" not in client.get("/").text


def test_the_bands_on_the_overview_add_up_to_the_card(client):
    page = client.get("/").text
    card = re.search(r'Value at risk</span><span class="big">£([\d,]+)', page)
    table = page.partition("Who is at risk")[2].partition("</table>")[0]
    bands = re.findall(r'<td class="number">£([\d,]+)</td>', table)
    assert len(bands) == 4
    assert sum(int(band.replace(",", "")) for band in bands) == int(card[1].replace(",", ""))


def test_the_overview_tells_what_is_coming_and_what_changed():
    page = shown(earlier=True).get("/").text
    for part in ("£26,500", "£28,000", "Moved since 1 Feb 2026", "no change"):
        assert part in page
    # the card and the table say the same, rounded outwards
    assert page.count("£21,000 to £32,001") == 2


def test_the_overview_of_a_run_without_exhibits_says_so(client):
    page = client.get("/").text
    assert "published without totals" in page
    assert "The next run will show who moved up" in page


def test_what_changed_stays_when_the_run_before_is_no_longer_kept():
    store = fresh_runs()
    store.publish(run_info(economics=ECONOMICS), *score_tables(30), EXHIBITS)
    page = client_of(stores_beside(store)).get("/")
    assert page.status_code == 200
    assert "Since the run of 1 Feb 2026." in page.text
