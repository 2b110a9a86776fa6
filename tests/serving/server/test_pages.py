"""The pages without a browser: words, empty states, and what the form refuses."""

import csv
import io
import json
import re
from datetime import date

import pandas as pd
import pytest
from starlette.datastructures import QueryParams

from features.errors import ConfigError
from serving.churn_list.form import ListForm
from serving.churn_list.page import outcomes, trend
from serving.customers.picture import interval
from serving.customers.timeline import alive_course, course, timeline
from serving.errors import StoreError
from serving.live.lines import Handover, PastOrder
from serving.overview.page import rounded_together
from serving.runs.store import RunStore
from serving.store.protocol import ChurnFilter
from serving.store.run import MoneyFormat
from serving.web.drawing import ticks
from serving.web.words import Words
from tests.serving.conftest import client_of, shown
from tests.support.economics import ECONOMICS
from tests.support.exhibits import EXHIBITS
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_database, fresh_runs, stores_beside
from training.recommend.reasons import CODES

EN, ZH = Words("en"), Words("zh")


@pytest.mark.parametrize("path", ["/", "/churn-list", "/customers/1", "/churn-list?customer=1"])
def test_before_the_first_run_the_pages_say_what_to_do(empty_client, path):
    page = empty_client.get(path)
    assert page.status_code == 200
    assert "regulars score" in page.text


def test_the_list_shows_the_run_and_its_customers(client):
    page = client.get("/churn-list").text
    assert "As of 1 Mar 2026, 3 days ago" in page
    assert page.count('<th scope="row">') == 50
    assert "Important win-back" in page
    assert "1 to 50 of 120" in page


def test_pages_lead_to_the_end_of_the_list(client):
    seen, path = 0, "/churn-list"
    while path:
        page = client.get(path).text
        seen += page.count('<th scope="row">')
        _, found, rest = page.partition('rel="next"')
        path = page.rpartition('" rel="next"')[0].rpartition('href="')[2].replace("&amp;", "&")
        path = path if found and rest else None
    assert seen == 120
    assert "101 to 120 of 120" in page


def test_a_customer_is_found_by_id_or_named_as_unknown(client):
    found = client.get("/churn-list?customer=%20012007%20")
    assert (found.status_code, found.headers["location"]) == (303, "/customers/012007")
    page = client.get("/churn-list?customer=<b>nobody</b>")
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
    page = client.get(f"/churn-list?{query}")
    assert page.status_code == 200
    assert 'role="alert"' in page.text
    assert "1 to 50 of 120" in page.text


def test_a_list_without_matches_says_so(client):
    assert "No customer matches" in client.get("/churn-list?min_value_at_risk=1e9").text


def test_the_form_reads_back_what_it_links_to():
    chosen = ListForm(
        usual_sort="value_at_risk",
        risk="high",
        status="scored",
        segments={"abc": "A", "odd:name": "a&b=c"},
        min_value_at_risk="12.5",
        asked_sort="clv",
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
    form = ListForm(
        usual_sort="value_at_risk",
        risk="high",
        segments={"abc": "A"},
        asked_sort="clv",
        cursor="abc",
        seen=50,
    )
    text = client.get(form.export_link("csv")).content.decode("utf-8-sig")
    assert {line.split(",")[2] for line in text.splitlines()[1:]} == {"high"}


def test_the_export_speaks_the_language_of_the_page(client):
    page = client.get("/churn-list?lang=zh").text
    (link,) = re.findall(r'href="(/v1/churn-list\?[^"]*format=csv[^"]*)"', page)
    text = client.get(link.replace("&amp;", "&")).content.decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(text))
    assert header[:4] == ["客户", "状态", "流失风险", "流失概率"]
    assert not [name for name in header if name.isascii()]
    assert {row[2] for row in rows} <= {"极高", "高", "中", "低"}
    reasons = {row[header.index("原因")] for row in rows}
    assert reasons
    assert all("天前" in text or text == "无单一原因" for text in reasons)
    # the same without a language: names of the API, English reasons
    plain = client.get("/v1/churn-list?format=csv").content.decode("utf-8-sig")
    assert plain.startswith("customer_id,status,retention_risk,")
    assert "Last ordered" in plain
    refused = client.get("/v1/churn-list?format=csv&lang=xx")
    assert refused.status_code == 422


def test_a_form_refuses_what_it_does_not_offer():
    with pytest.raises(ConfigError, match="no such risk"):
        ListForm.read(QueryParams("risk=<script>"))


def test_customers_of_whom_nothing_is_known_have_a_page():
    scores, recommendations = score_tables(1)
    for name in scores.columns.drop(["customer_id", "status", "reasons"]):
        scores[name] = None
    scores["status"] = "too_new"
    store = fresh_runs()
    store.publish(run_info(), scores, recommendations.iloc[:0])
    client = client_of(store)
    page = client.get("/customers/012000").text
    assert "Too new to tell" in page
    assert "Nothing to recommend yet" in page
    assert "None" not in page
    assert "None" not in client.get("/churn-list").text


def test_groups_have_the_interval_of_their_value():
    scores, recommendations = score_tables(60)
    rows = [{"group": "A", "customers": 1, "expected": 50.0, "low": 1_234.6, "high": 2_345.2}]
    data = {"basis": "revenue", "level": 0.8, "systems": {"abc": rows}}
    body = {"title": {}, "method": {}, "data": data, "why_not": None}
    store = fresh_runs()
    store.publish(run_info(), scores, recommendations, {"expected_by_group": body})
    client = client_of(store)
    page = client.get("/segments/abc").text
    assert page.count("<small>£1,234 to £2,346</small>") == 1
    assert "8 of 10 cases" in page
    assert "8 of 10 cases" not in client.get("/segments/lifecycle").text


def test_nothing_at_risk_after_a_silent_year_is_explained():
    scores, recommendations = score_tables(3)
    scores["value_at_risk"] = [0.0, 0.0, 5.0]
    scores["days_since_last_order"] = [366.0, 365.0, 900.0]
    store = fresh_runs()
    store.publish(run_info(), scores, recommendations)
    client = client_of(store)
    ids = scores["customer_id"]
    shown = ["no usual spend is left" in client.get(f"/customers/{name}").text for name in ids]
    assert shown == [True, False, False]
    assert client.get("/churn-list").text.count("no order for a year") == 1


def test_whole_amounts_add_up_to_the_whole_total():
    amounts = [10.4, 10.4, 10.4, 0.0, -3.5]
    assert rounded_together(amounts) == [10, 11, 10, 0, -3]
    assert rounded_together([]) == []


def test_the_bands_on_the_overview_add_up_to_the_card(client):
    page = client.get("/").text
    card = re.search(r'Value at risk</span><span class="big">£([\d,]+)', page)
    table = page.partition("Who is at risk")[2].partition("</table>")[0]
    bands = re.findall(r'<td class="number">£([\d,]+)</td>', table)
    assert len(bands) == 4
    assert sum(int(band.replace(",", "")) for band in bands) == int(card[1].replace(",", ""))


@pytest.mark.parametrize("basis", ["revenue", "margin"])
def test_a_lifetime_is_shown_year_by_year_and_adds_up(basis):
    scores, recommendations = score_tables(1)
    store = fresh_runs()
    store.publish(run_info(clv_basis=basis), scores, recommendations)
    client = client_of(store)
    table = client.get("/customers/012000").text.partition('<table class="plain terms">')[2]
    table = table.partition("</table>")[0]
    rows = [
        [float(figure.replace(",", "")) for figure in re.findall(r">-?£?(-?[\d,.]+)</td>", row)]
        for row in re.findall(r"<tr>.*?</tr>", table.partition("<tbody>")[2], re.DOTALL)
    ]
    *terms, (total,) = rows
    assert len(terms) == 3
    assert round(sum(term[-1] for term in terms), 2) == total
    assert {len(term) for term in terms} == {4 if basis == "margin" else 3}
    assert "Discounted at 10% a year" in client.get("/customers/012000").text
    assert "逐年明细" in client.get("/customers/012000?lang=zh").text


def test_customers_of_an_earlier_release_have_no_years_to_show():
    scores, recommendations = score_tables(1)
    store = fresh_runs()
    store.publish(run_info(lifetime_years=0.0), scores, recommendations)
    assert "Year by year" not in client_of(store).get("/customers/012000").text


@pytest.mark.parametrize(
    ("probability", "written"),
    [(None, "–"), (0.0, "0%"), (0.004, "<1%"), (0.5, "50%"), (0.996, ">99%"), (1.0, "100%")],
)
def test_percentages_claim_no_certainty(probability, written):
    assert EN.percent(probability) == written


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
    assert EN.why(why) == written


@pytest.mark.parametrize("code", CODES)
def test_every_reason_for_a_product_is_said_in_both_languages(code):
    why = {"code": code, "days": 21, "times": 2, "last_days_ago": 25, "lift": 2.0, "share": 0.1}
    why |= {"product_id": "P", "product_name": "P", "segment": "A", "category": None}
    english, chinese = EN.why(why), ZH.why(why)
    # a readable form of the code stands in for a missing text
    assert english != code.replace("_", " ").capitalize()
    assert english != chinese
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)


def test_codes_without_a_name_stay_readable():
    assert EN.value("important_value") == "Important value"
    assert EN.value("555") == "555"
    assert EN.value("brand_new") == "Brand new"
    assert EN.value(None) == "–"
    assert EN.system("my_system") == "My system"


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
    reasons = [
        {"feature": "a", "value": 1.0, "effect": "raises_risk", "text": {**text, "en": "Silent."}},
        {"feature": "b", "value": 2.0, "effect": "lowers_value", "text": {**text, "en": "Small."}},
    ]
    scores["reasons"] = [reasons]
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
    store = fresh_runs()
    store.publish(run_info(), scores, products)
    page = client_of(store).get(f"/customers/{scores['customer_id'].iloc[0]}").text
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


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "path", ["/", "/churn-list", "/customers/012007", "/campaigns", "/campaigns/new", "/docs"]
)
def test_every_page_speaks_both_languages(path, language):
    page = shown(earlier=True).get(path, headers={"Accept-Language": language})
    assert page.status_code == 200
    assert f'<html lang="{"zh-Hans" if language == "zh" else "en"}"' in page.text
    assert any("\u4e00" <= sign <= "\u9fff" for sign in page.text.replace("中文", "")) == (
        language == "zh"
    )


def test_a_choice_of_language_and_colours_is_kept_in_cookies(client):
    chosen = client.get("/?lang=zh&theme=dark")
    cookies = chosen.headers.get_list("set-cookie")
    assert [cookie.partition(";")[0] for cookie in cookies] == ["lang=zh", "theme=dark"]
    assert all("HttpOnly" in cookie and "SameSite=lax" in cookie for cookie in cookies)
    again = client.get("/", headers={"Cookie": "lang=zh; theme=dark", "Accept-Language": "en"})
    assert 'lang="zh-Hans" data-theme="dark"' in again.text
    assert "set-cookie" not in again.headers
    assert 'lang="en"' in client.get("/?lang=odd", headers={"Cookie": "lang=odder"}).text


def test_the_overview_tells_what_is_coming_and_what_changed():
    page = shown(earlier=True).get("/").text
    for part in ("£26,500", "£21,000 to £32,000", "£14,000", "Moved since 1 Feb 2026", "no change"):
        assert part in page


def test_the_overview_of_a_run_without_exhibits_says_so(client):
    page = client.get("/").text
    assert "published without totals" in page
    assert "The next run will show who moved up" in page


def test_a_store_that_is_away_has_a_page():
    class Away(RunStore):
        def latest_run(self):
            raise StoreError("gone")

    page = client_of(Away(fresh_database())).get("/")
    assert page.status_code == 503
    assert "cannot be read at the moment" in page.text


@pytest.mark.parametrize(
    ("now", "before", "course"),
    [(0.5, 0.4, "up"), (0.4, 0.5, "down"), (0.5, 0.49, "same"), (None, 0.5, ""), (0.5, None, "")],
)
def test_the_trend_needs_two_percent_points(now, before, course):
    said = {"churn_probability": now, "since_last_run": {"churn_probability": before}}
    assert trend(said) == course


def test_outcomes_come_from_runs_or_else_from_the_backtest():
    bands = {"medium": 0.25, "high": 0.5, "critical": 0.75}
    assert outcomes(None, bands) is None
    assert outcomes(EXHIBITS["promise"], bands)["bands"]["high"]["happened"] == 55
    levels = [
        {"from": start, "customers": 10, "said": 5.0, "happened": 4}
        for start in (0.0, 0.2, 0.25, 0.7, 0.75, 0.95)
    ]
    data = {"source": "backtest", "runs": [], "bands": [], "churn": {"levels": levels}}
    found = outcomes({"data": data}, bands)["bands"]
    assert {band: one["customers"] for band, one in found.items()} == {
        "low": 20,
        "medium": 10,
        "high": 10,
        "critical": 20,
    }


def order(day, amount, *, is_live=False):
    return PastOrder(order_id="o", day=day, amount=amount, lines=(), is_live=is_live)


def test_the_timeline_has_orders_returns_and_the_forecast_in_their_places():
    answer = {
        "as_of": "2026-03-01",
        "horizon_days": 90,
        "at_risk_on": "2026-04-01",
        "next_order": {"low": "2026-03-05", "date": "2026-03-20", "high": "2026-04-20"},
    }
    orders = [
        order(date(2026, 2, 20), -10.0),
        order(date(2026, 1, 1), 50.0),
        order(date(2022, 1, 1), 9.0),
    ]
    drawn = timeline(answer, orders)
    assert [stem.is_return for stem in drawn.stems] == [False, True]
    assert drawn.earlier == 1
    places = [drawn.stems[0].x, drawn.stems[1].x, drawn.today, drawn.low, drawn.expected]
    assert places == sorted(places)
    assert drawn.at_risk < drawn.high <= drawn.field.width
    assert timeline(answer, []) is None


class Tells:
    """A scorer that tells one course, whoever is asked about."""

    bundle_id, pending = "b-1", 0

    def __init__(self, **told):
        self.told = {"run_id": "run-1", "alive": None, "order": None, **told}

    def ask(self, body):
        assert body["wish"] == "course"
        return self.told


def page_of(scorer, **changes):
    """The page of a customer who bought once."""
    store = fresh_runs()
    scores, products = score_tables(1)
    day = (date(2026, 1, 20) - date(1970, 1, 1)).days * 86_400_000_000
    history = {"fields": ["order_id", "ordered_at", "amount"], "lines": [["1", day, 950]]}
    store.publish(
        run_info(**changes),
        scores,
        products,
        handover=Handover(histories=[("012000", json.dumps(history))], seen_no=0, absorbed=[]),
    )
    return client_of(store, scorer=scorer).get("/customers/012000").text


ALIVE = [["2026-01-21", 0.9], ["2026-02-10", 0.42], ["2026-03-01", 0.7]]
AFTER = {"retention_risk": "low", "churn_probability": 0.123}


def test_the_page_of_a_customer_draws_every_day_and_what_an_order_changes():
    another = {"amount": 9.5, "now": AFTER, "by": "2026-04-12", "ends": "2026-05-29"}
    page = page_of(Tells(alive=ALIVE, order=another))
    assert "lowest 42% on 10 Feb 2026" in page
    assert "by <strong>12 Apr 2026</strong> returns this customer to low risk" in page
    assert "to 12% (low)" in page
    always = page_of(Tells(order={**another, "by": another["ends"]}))
    assert "at any time in the next 90 days" in always
    never = page_of(Tells(order={**another, "by": None}))
    assert "(£9.50) is not enough" in never


@pytest.mark.parametrize("scorer", [None, Tells(run_id="run-2", alive=ALIVE), Tells()])
def test_without_a_course_the_page_is_there(scorer):
    page = page_of(scorer)
    assert "Orders and forecast" in page
    assert "day by day" not in page


def test_a_busy_scorer_is_not_asked_for_a_course():
    busy = Tells(alive=ALIVE)
    busy.pending = 99
    assert "day by day" not in page_of(busy)


def test_contracts_are_cancelled_and_not_silent():
    page = page_of(None, churn_label="cancellation", clv_basis="margin")
    assert "Cancels within 90 days" in page
    assert "No order in" not in page
    assert "usual margin × churn probability" in page


def segments_page(**changes) -> str:
    store = fresh_runs()
    steps = [
        {"age_days": 0, "at_risk": 90, "cancelled": 0, "survival": 1.0, "low": 1.0, "high": 1.0},
        {
            "age_days": 400,
            "at_risk": 40,
            "cancelled": 30,
            "survival": 0.62,
            "low": 0.5,
            "high": 0.7,
        },
    ]
    data = {"contracts": 90, "cancelled": 30, "median_age_days": None, "points": steps}
    shown = {**EXHIBITS["promise"], "data": data}
    store.publish(run_info(**changes), *score_tables(30), exhibits={"contract_survival": shown})
    return client_of(store).get("/segments").text


def test_how_long_contracts_last_is_drawn_for_contracts_alone():
    page = segments_page(churn_label="cancellation")
    assert "30 of 90 contracts were cancelled" in page
    assert "62% still run after 400 days" in page
    # 0.62 of the height lies below the curve's end, at the right end of 200
    assert "200.0,38.0" in page
    assert "50.0% – 70.0%" in page
    assert "How long contracts last" not in segments_page()


def test_a_list_is_filtered_and_sorted_by_the_silence():
    store = fresh_runs()
    scores, products = score_tables(40)
    store.publish(run_info(), scores, products)
    client = client_of(store)
    overdue = int((scores["rhythm"] == "overdue").sum())
    assert 0 < overdue < 40
    page = client.get("/churn-list?rhythm=overdue&sort=rhythm").text
    assert f'<option value="overdue" selected>Overdue ({overdue})</option>' in page
    assert f"<strong>{overdue} customers</strong> match" in page
    listed = client.get("/v1/churn-list?rhythm=overdue").json()
    assert listed["total"] == overdue
    assert {row["rhythm"] for row in listed["customers"]} == {"overdue"}
    assert client.get("/v1/churn-list?rhythm=sleepy").status_code == 422


def test_what_a_value_is_made_of_stands_beside_it():
    page = page_of(None)
    for part in ("Orders if they buy", "× value of an order", "Typical (median) customer"):
        assert part in page
    assert "Likely in it: Home (25%)" in page
    assert "By referrals" not in page


def test_the_same_chance_is_written_the_same():
    page = page_of(None)
    chances = re.search(
        r'within 90 days</th>.*?class="number">(?:&lt;|&gt;)?(\d+)%', page, re.DOTALL
    )
    made_of = re.search(r"× chance of an order</dt><dd>(?:&lt;|&gt;)?(\d+)%", page)
    assert chances is not None
    assert made_of is not None
    assert chances[1] == made_of[1]


def test_each_product_of_the_value_stands_below_its_factors():
    page = page_of(None)
    labels = (
        "Orders if they buy",
        "× value of an order",
        "= if they order",
        "× chance of an order",
        "= in 90 days",
    )
    places = [page.index(f"<dt>{label}</dt>") for label in labels]
    assert places == sorted(places)


def test_the_days_of_the_course_lie_below_the_orders():
    answer = {
        "as_of": "2026-03-01",
        "horizon_days": 90,
        "at_risk_on": None,
        "next_order": {"low": None, "date": None, "high": None},
    }
    orders = [order(date(2026, 1, 20), 9.5)]
    drawn, days = timeline(answer, orders), alive_course(answer, orders, ALIVE)
    assert days.today == drawn.today
    assert days.line.split()[-1] == f"{drawn.today},{days.field.y(0.7)}"
    assert days.lowest == (date(2026, 2, 10), 0.42)
    assert alive_course(answer, [], ALIVE) is None
    assert alive_course(answer, orders, None) is None


def test_the_course_needs_two_dates():
    said = [
        {"as_of": day, "churn_probability": churn, "p_alive": 0.9}
        for day, churn in (("2026-03-01", 0.2), ("2026-02-01", 0.8))
    ]
    assert course(said[:1]) is None
    (first, second) = course(said).dots
    assert first[0] < second[0]
    assert first[1] < second[1]


@pytest.mark.parametrize(
    ("highest", "found"),
    [(0, [0.0]), (9, [0, 2.5, 5, 7.5, 10]), (100, [0, 25, 50, 75, 100]), (7, [0, 2, 4, 6, 8])],
)
def test_scales_have_round_numbers(highest, found):
    assert ticks(highest) == found


@pytest.mark.parametrize(
    ("amount", "english", "chinese"),
    [
        (None, "–", "–"),
        (950.0, "£950", "£950"),
        (15_000.0, "£15k", "£1.5万"),
        (1.25e6, "£1.2M", "£125万"),
        (-2e8, "-£200M", "-£2亿"),
    ],
)
def test_large_amounts_are_short_on_scales(amount, english, chinese):
    form = MoneyFormat(prefix="£", digits=2)
    assert EN.short_money(run_info(), form)(amount) == english
    assert ZH.short_money(run_info(), form)(amount) == chinese


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ({"ordered": True, "orders": 2, "spend": 30.0}, "2 orders, £30.00"),
        ({"ordered": True, "orders": None, "spend": None}, "ordered"),
        ({"ordered": False}, "no order"),
        (
            {"ordered": None, "reason": "horizon_not_over", "known_on": "2026-05-30"},
            "outcome known on",
        ),
        ({"ordered": None, "reason": "orders_corrected"}, "not known"),
    ],
)
def test_what_happened_is_said_in_words(outcome, said):
    money = EN.money(run_info(), MoneyFormat(prefix="£", digits=2))
    assert said in EN.outcome(outcome, money)


def test_the_audience_holds_the_addresses_of_those_who_may_be_contacted():
    scores, recommendations = score_tables(6)
    hashes = [str(number) * 64 for number in range(5)]
    scores["contact_hash"] = pd.Series([*hashes, None], dtype="str")
    scores["consent"] = pd.array([True, False, None, True, True, True], dtype="boolean")
    for known, expected in ((True, [0, 3, 4]), (False, [0, 2, 3, 4])):
        store = fresh_runs()
        store.publish(
            run_info(economics={**ECONOMICS, "consent_known": known}), scores, recommendations
        )
        stores = stores_beside(store)
        answer = client_of(stores).get(ListForm(usual_sort="value_at_risk").export_link("audience"))
        assert answer.text.split() == ["email_sha256", *(hashes[one] for one in expected)]
        (entry,) = stores.audit.entries(10)
        assert (entry.action, entry.count) == ("export", len(expected))


def test_the_list_names_its_outcomes_and_says_where_they_come_from():
    page = shown().get("/churn-list").text
    assert "In the past 53% of customers in this band did not come back (55 of 103)" in page
    assert "the first of 1 Nov 2025" in page


def test_a_system_is_called_and_ordered_as_its_rule_says():
    """A system of which the pages know nothing, such as one that was added yesterday."""
    rule = {
        "title": {"en": "Time of day", "zh": "时段"},
        "rule": {"en": "by the hour", "zh": "按小时"},
        "cut_points": [],
        "groups": {
            "morning": {"en": "before noon", "zh": "上午"},
            "afternoon": {"en": "after noon", "zh": "下午"},
        },
    }
    info = run_info(segment_columns=("time_of_day",), segment_rules={"time_of_day": rule})
    scores, recommendations = score_tables(30)
    halves = ["afternoon" if number % 2 else "morning" for number in range(30)]
    store = fresh_runs()
    store.publish(info, scores.assign(time_of_day=halves), recommendations)
    client = client_of(store)
    for language, title, first, second in (
        ("en", "Time of day", "Before noon", "After noon"),
        ("zh", "时段", "上午", "下午"),
    ):
        page = client.get(f"/segments/time_of_day?lang={language}").text
        assert f"<h1>{title}</h1>" in page
        assert 0 < page.index(first) < page.index(second)
        assert title in client.get(f"/segments?lang={language}").text
