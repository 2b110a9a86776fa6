"""The pages without a browser: words, empty states, and what the form refuses."""

import pytest
from starlette.datastructures import QueryParams

from features.errors import ConfigError
from serving.pages import words
from serving.pages.form import ListForm
from serving.pages.picture import interval
from serving.store import ChurnFilter, MemoryStore
from tests.serving.conftest import client_of
from tests.support.scores import run_info, score_tables


@pytest.mark.parametrize("path", ["/", "/customers/1", "/?customer=1"])
def test_before_the_first_run_the_pages_say_what_to_do(empty_client, path):
    page = empty_client.get(path)
    assert page.status_code == 200
    assert "regulars score" in page.text


def test_the_list_shows_the_run_and_its_customers(client):
    page = client.get("/").text
    assert "As of 1 Mar 2026, 3 days ago" in page
    assert page.count('<th scope="row">') == 50
    assert "Important win-back" in page
    assert "1 to 50 of 120" in page


def test_pages_lead_to_the_end_of_the_list(client):
    seen, path = 0, "/"
    while path:
        page = client.get(path).text
        seen += page.count('<th scope="row">')
        _, found, rest = page.partition('rel="next"')
        path = page.rpartition('" rel="next"')[0].rpartition('href="')[2].replace("&amp;", "&")
        path = path if found and rest else None
    assert seen == 120
    assert "101 to 120 of 120" in page


def test_a_customer_is_found_by_id_or_named_as_unknown(client):
    found = client.get("/?customer=%20012007%20")
    assert (found.status_code, found.headers["location"]) == (303, "/customers/012007")
    page = client.get("/?customer=<b>nobody</b>")
    assert page.status_code == 200
    assert "knows no customer" in page.text
    assert "<b>nobody" not in page.text


def test_an_unknown_customer_has_a_page_that_says_so(client):
    page = client.get("/customers/nobody")
    assert page.status_code == 404
    assert "No such customer" in page.text


@pytest.mark.parametrize(
    "query",
    [
        "risk=odd",
        "status=odd",
        "sort=odd",
        "min_value_at_risk=much",
        "min_value_at_risk=nan",
        "segment=odd:1",
        "cursor=odd",
    ],
)
def test_a_form_that_cannot_be_read_shows_the_whole_list_and_why(client, query):
    page = client.get(f"/?{query}")
    assert page.status_code == 200
    assert 'role="alert"' in page.text
    assert "1 to 50 of 120" in page.text


def test_a_list_without_matches_says_so(client):
    assert "No customer matches" in client.get("/?min_value_at_risk=1e9").text


def test_the_form_reads_back_what_it_links_to():
    chosen = ListForm(
        risk="high",
        status="scored",
        segments={"abc": "A", "odd:name": "a&b=c"},
        min_value_at_risk="12.5",
        sort="clv",
    )
    link = chosen.link(cursor="abc", seen=50)
    again = ListForm.read(QueryParams(link.partition("?")[2]))
    assert again.filter() == ChurnFilter(
        risk=("high",),
        status=("scored",),
        segments=(("abc", "A"), ("odd", "name:a&b=c")),
        min_value_at_risk=12.5,
    )
    assert (again.sort, again.cursor, again.seen) == ("clv", "abc", 50)
    assert ListForm.read(QueryParams(chosen.link().partition("?")[2])).cursor == ""


def test_the_export_carries_the_filters(client):
    form = ListForm(risk="high", segments={"abc": "A"}, sort="clv", cursor="abc", seen=50)
    text = client.get(form.export_link()).content.decode("utf-8-sig")
    assert {line.split(",")[2] for line in text.splitlines()[1:]} == {"high"}


def test_a_form_refuses_what_it_does_not_offer():
    with pytest.raises(ConfigError, match="no such risk"):
        ListForm.read(QueryParams("risk=<script>"))


def test_customers_of_whom_nothing_is_known_have_a_page():
    scores, recommendations = score_tables(1)
    for name in scores.columns.drop(["customer_id", "status", "reasons"]):
        scores[name] = None
    scores["status"] = "too_new"
    store = MemoryStore()
    store.publish(run_info(), scores, recommendations.iloc[:0])
    client = client_of(store)
    page = client.get("/customers/012000").text
    assert "Too new to tell" in page
    assert "Nothing to recommend yet" in page
    assert "None" not in page
    assert "None" not in client.get("/").text


@pytest.mark.parametrize(
    ("probability", "written"),
    [(None, "–"), (0.0, "0%"), (0.004, "<1%"), (0.5, "50%"), (0.996, ">99%"), (1.0, "100%")],
)
def test_percentages_claim_no_certainty(probability, written):
    assert words.percent(probability) == written


@pytest.mark.parametrize(
    ("why", "written"),
    [
        (
            {"code": "every_n_days", "days": 21, "last_days_ago": 25},
            "Bought every 21 days, last 25 days ago",
        ),
        (
            {"code": "bought_with", "product_id": "P", "product_name": "Jam"},
            "Often bought with Jam",
        ),
        (
            {"code": "bought_with", "product_id": "P", "product_name": None},
            "Often bought with P",
        ),
        ({"code": "popular"}, "Popular in this shop"),
        ({"code": "brand_new_reason"}, "Brand new reason"),
        ({}, "–"),
    ],
)
def test_why_a_product_is_recommended_is_said_in_words(why, written):
    assert words.why(why) == written


def test_codes_without_a_name_stay_readable():
    assert words.value("important_value") == "Important value"
    assert words.value("555") == "555"
    assert words.value("brand_new") == "Brand new"
    assert words.value(None) == "–"
    assert words.system("my_system") == "My system"


def test_the_interval_stays_on_its_line():
    answer = {
        "as_of": "2026-03-01",
        "horizon_days": 90,
        "at_risk_on": "2025-01-01",
        "next_order": {"low": "2026-03-01", "date": "2026-04-15", "high": "2026-05-30"},
    }
    drawn = interval(answer)
    assert (drawn.low, drawn.expected, drawn.high, drawn.at_risk) == (0, 50, 100, None)
    answer["next_order"]["date"] = None
    assert interval(answer) is None


def test_a_customer_page_tells_risk_value_and_change_apart():
    scores, products = score_tables(1)
    text = {"zh": "…"}
    scores.at[0, "reasons"] = [
        {"feature": "a", "value": 1.0, "effect": "raises_risk", "text": {**text, "en": "Silent."}},
        {"feature": "b", "value": 2.0, "effect": "lowers_value", "text": {**text, "en": "Small."}},
    ]
    change = {"feature": "c", "value": 3.0, "before": 2.0, "effect": "raises_value"}
    scores["since_last_run"] = [
        {
            "run_id": "before",
            "as_of": "2026-02-01",
            "churn_probability": 0.25,
            "clv": 80.0,
            "reasons": [{**change, "text": {**text, "en": "One order more."}}],
        }
    ]
    store = MemoryStore()
    store.publish(run_info(), scores, products)
    page = client_of(store).get(f"/customers/{scores.at[0, 'customer_id']}").text
    titles = (
        "Why this risk",
        "Silent.",
        "Why this value",
        "Small.",
        "Since 1 Feb 2026",
        "One order",
    )
    places = [page.index(part) for part in titles]
    assert places == sorted(places)
    assert '<li class="raises_value">One order more.</li>' in page
    assert "25 % without an order" in page or "25% without an order" in page
