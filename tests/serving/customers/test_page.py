"""The page of a customer."""

import json
import re
from datetime import date

import pytest

from serving.customers.picture import interval
from serving.customers.timeline import alive_course, course, timeline
from serving.live.lines import Handover, PastOrder
from tests.serving.conftest import client_of
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_runs


def test_an_unknown_customer_has_a_page_that_says_so(client):
    page = client.get("/customers/nobody")
    assert page.status_code == 404
    assert "No such customer" in page.text


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


@pytest.mark.parametrize("basis", ["revenue", "margin"])
def test_a_lifetime_is_shown_year_by_year_and_adds_up(basis):
    scores, recommendations = score_tables(1)
    store = fresh_runs()
    store.publish(run_info(clv_basis=basis), scores, recommendations)
    client = client_of(store)
    table = client.get("/customers/012000").text.partition('<table class="plain terms">')[2]
    table = table.partition("</table>")[0]
    rows = [
        [
            float(figure.replace(",", ""))
            for figure in re.findall(r">[-−]?£?([-−]?[\d,.]+)</td>", row)
        ]
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


def page_of(scorer, looked_at=(), *, address="/customers/012000?outlook=1", **changes):
    """The page of a customer who bought once."""
    store = fresh_runs()
    scores, products = score_tables(1)
    day = (date(2026, 1, 20) - date(1970, 1, 1)).days * 86_400_000_000
    history = {"fields": ["order_id", "ordered_at", "amount"], "lines": [["1", day, 950]]}
    history["looked_at"] = list(looked_at)
    store.publish(
        run_info(**changes),
        scores,
        products,
        handover=Handover(histories=[("012000", json.dumps(history))], seen_no=0, absorbed=[]),
    )
    return client_of(store, scorer=scorer).get(address).text


ALIVE = [["2026-01-21", 0.9], ["2026-02-10", 0.42], ["2026-03-01", 0.7]]


AFTER = {"retention_risk": "low", "churn_probability": 0.123}


def test_the_page_of_a_customer_draws_every_day_and_what_an_order_changes():
    another = {"amount": 9.5, "now": AFTER, "by": "2026-04-12", "ends": "2026-05-29"}
    page = page_of(Tells(alive=ALIVE, order=another))
    assert "Lowest 42% on 10 Feb 2026" in page
    assert "by <strong>12 Apr 2026</strong> brings this customer back to low risk" in page
    assert "to 12%, if it came now" in page
    always = page_of(Tells(order={**another, "by": another["ends"]}))
    assert "within 90 days brings this customer back" in always
    never = page_of(Tells(order={**another, "by": None}))
    assert "(£9.50) is not enough" in never


def test_the_page_of_a_customer_shows_what_was_looked_at_and_searched_for():
    signs = [
        {"on": "2026-02-03", "kind": "cart", "item": "Lamp <1>", "words": None},
        {"on": "2026-02-01", "kind": "search", "item": None, "words": "blue lamp"},
    ]
    shown = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page_of(None, looked_at=signs)))
    assert "3 Feb 2026 Put into the cart Lamp &lt;1&gt;" in shown
    assert "1 Feb 2026 Searched for “ blue lamp ”" in shown
    assert "Looked at lately" not in page_of(None)


@pytest.mark.parametrize("scorer", [None, Tells(run_id="run-2", alive=ALIVE), Tells()])
def test_without_a_course_the_page_is_there(scorer):
    page = page_of(scorer)
    assert "Orders and forecast" in page
    assert "over time" not in page


def test_the_page_stands_before_the_scorer_has_told_anything():
    first = page_of(None, address="/customers/012000")
    assert page_of(Tells(alive=ALIVE), address="/customers/012000") == first
    assert 'data-late="/customer-outlook/012000"' in first
    late = page_of(Tells(alive=ALIVE), address="/customer-outlook/012000")
    assert "Lowest 42% on 10 Feb 2026" in late
    assert "<html" not in late
    assert late.strip() in page_of(Tells(alive=ALIVE))


def test_few_groups_stand_open_and_all_are_there():
    page = page_of(None)
    openly, _, folded = page.partition("<h2>Segments</h2>")[2].partition("<details>")
    assert openly.count("<dt>") == 3
    assert "RFM cell" in folded
    assert "still a customer" not in page.lower()


def test_a_busy_scorer_is_not_asked_for_a_course():
    busy = Tells(alive=ALIVE)
    busy.pending = 99
    assert "over time" not in page_of(busy)


def test_contracts_are_cancelled_and_not_silent():
    page = page_of(None, churn_label="cancellation", clv_basis="margin")
    assert "Cancels within 90 days" in page
    assert "No order in" not in page
    assert "usual margin × churn probability" in page


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
