"""The page of the churn list, its form and its exports."""

import csv
import io
import json
import re
from datetime import timedelta
from html import unescape

import pandas as pd
import pytest
from starlette.datastructures import QueryParams

from features.errors import ConfigError
from serving.churn_list.form import ListForm
from serving.churn_list.page import outcomes, trend
from serving.churn_list.quick_views import due_window
from serving.store.protocol import ChurnFilter
from tests.serving.conftest import client_of, no_audience, shown
from tests.support.economics import ECONOMICS
from tests.support.exhibits import EXHIBITS
from tests.support.scores import AS_OF, run_info, score_tables
from tests.support.stores import fresh_runs, stores_beside
from tests.support.workbooks import sheets_of


def test_the_list_shows_the_run_and_its_customers(client):
    page = client.get("/churn-list").text
    assert "As of 1 Mar 2026, 3 days ago" in page
    assert page.count('<th scope="row">') == 50
    assert "Big spenders leaving (important win-back)" in page
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
        "risk=High",
        "where=odd+%3D+1",
        "customer=nobody+of+this+name",
    ],
)
def test_a_form_that_cannot_be_read_shows_nobody_and_why(client, query):
    page = client.get(f"/churn-list?{query}")
    assert page.status_code == 200
    assert 'role="alert"' in page.text
    assert '<th scope="row">' not in page.text
    assert "format=xlsx" not in page.text
    assert "/campaigns/new" not in page.text
    assert 'aria-current="true">All customers' not in page.text


def test_rules_given_again_must_all_hold(client):
    rules = "where=risk+%3D+high,+critical&where=abc+%3D+A+or+abc+%3D+B"
    as_one = "where=risk+%3D+high,+critical+and+(abc+%3D+A+or+abc+%3D+B)"
    expected = client.get(f"/v1/churn-list?{as_one}").json()["total"]
    assert 0 < expected < client.get("/v1/churn-list?where=abc+%3D+A+or+abc+%3D+B").json()["total"]
    assert client.get(f"/v1/churn-list?{rules}").json()["total"] == expected
    page = client.get(f"/churn-list?{rules}").text
    assert f"<strong>{expected} customers</strong> match" in page
    query = re.search(r"/v1/churn-list\?([^\"]*format=csv[^\"]*)", page)[1]
    assert query.count("where=") == 1


@pytest.mark.parametrize(("typed", "amount"), [("1,000", 1000), ("£1,000.50", 1000.5), ("30", 30)])
def test_amounts_are_read_as_they_are_typed(typed, amount):
    form = ListForm.read(QueryParams({"min_value_at_risk": typed}), rule_called=no_audience)
    assert form.filter() == ChurnFilter(min_value_at_risk=amount)


def test_ready_made_lists_hold_as_many_as_they_say(client):
    page = client.get("/churn-list").text.partition('class="quick"')[2].partition("</nav>")[0]
    views = re.findall(r'href="([^"]*)"[^>]*>([^<]+) <span>([\d,]+)', page)
    names = [name for _, name, _ in views]
    assert names[:2] == ["At high risk", "Best customers, fading"]
    assert names[-1] == "All customers"
    for address, _, customers in views:
        listed = client.get(unescape(address)).text
        assert re.search(r"<strong>([\d,]+) customers?</strong>", listed)[1] == customers
        assert 'aria-current="true"' in listed.partition('class="quick"')[2].partition("</nav>")[0]


def test_orders_are_looked_for_as_far_ahead_as_some_are_due():
    for days, expected in ((3, 7), (20, 30), (80, 90)):
        scores, products = score_tables(40)
        scores["retention_risk"] = "low"
        scores["next_order_date"] = AS_OF + timedelta(days=days)
        runs = fresh_runs()
        runs.publish(run_info(), scores, products)
        stores = stores_beside(runs)
        window = due_window(stores.facets.current("run-1"), stores.scores.latest_run())
        assert window.days == expected


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
    again = ListForm.read(QueryParams(link.partition("?")[2]), rule_called=no_audience)
    assert again.filter() == ChurnFilter(
        risk=("high",),
        status=("scored",),
        segments=(("abc", "A"), ("odd", "name:a&b=c")),
        min_value_at_risk=12.5,
    )
    assert (again.sort, again.cursor, again.seen) == ("clv", "abc", 50)
    query = chosen.link().partition("?")[2]
    assert ListForm.read(QueryParams(query), rule_called=no_audience).cursor == ""


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


def test_csv_is_for_programs_and_excel_speaks_the_language_of_the_page(client, tmp_path):
    page = client.get("/churn-list?lang=zh").text
    csv_link, excel_link = (
        re.search(rf'href="(/v1/churn-list\?[^"]*format={form}[^"]*)"', page)[1].replace(
            "&amp;", "&"
        )
        for form in ("csv", "xlsx")
    )
    text = client.get(csv_link).content.decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(text))
    assert header[:3] == ["customer_id", "status", "retention_risk"]
    assert {row[2] for row in rows} <= {"critical", "high", "medium", "low"}
    reasons = {row[header.index("reasons")] for row in rows}
    assert reasons
    assert all("天前" in text or text == "无单一原因" for text in reasons)
    assert "Last ordered" in client.get("/v1/churn-list?format=csv").text
    (tmp_path / "list.xlsx").write_bytes(client.get(excel_link).content)
    sheet, _ = sheets_of(tmp_path / "list.xlsx")
    assert sheet[0][:4] == ["客户", "名称", "流失风险", "流失概率"]
    assert {row[2] for row in sheet[1:]} <= {"极高", "高", "中", "低"}
    assert client.get("/v1/churn-list?format=csv&lang=xx").status_code == 422


@pytest.mark.parametrize("is_kept", [True, False])
def test_files_leave_out_who_may_not_be_contacted_and_say_how_many(is_kept, tmp_path):
    scores, products = score_tables(60)
    answers = [True, False, None]
    scores["consent"] = pd.array([answers[n % 3] for n in range(60)], dtype="boolean")
    store = fresh_runs()
    store.publish(run_info(economics={**ECONOMICS, "consent_known": is_kept}), scores, products)
    client = client_of(store)
    for risk in (("low",), ("low", "medium", "high", "critical")):
        rows = scores[scores["retention_risk"].isin(risk)]
        allowed = rows[rows["consent"].fillna(not is_kept).astype(bool)]
        refused = int((rows["consent"] == False).fillna(False).sum())  # noqa: E712
        unknown = int(rows["consent"].isna().sum()) if is_kept else 0
        assert min(len(allowed), refused) > 0
        query = "&".join(f"risk={name}" for name in risk)
        expected = f"refused={refused}, without-consent={unknown}, erased=0"
        for form in ("csv", "ndjson", "xlsx"):
            answer = client.get(f"/v1/churn-list?{query}&format={form}")
            assert answer.headers["Regulars-Left-Out"] == expected
            if form == "ndjson":
                found = {json.loads(line)["customer_id"] for line in answer.text.splitlines()}
            elif form == "csv":
                text = answer.content.decode("utf-8-sig")
                found = {row["customer_id"] for row in csv.DictReader(io.StringIO(text))}
            else:
                (tmp_path / "list.xlsx").write_bytes(answer.content)
                sheet, notes = sheets_of(tmp_path / "list.xlsx")
                found = {row[0] for row in sheet[1:]}
                assert ["On the list in all", len(rows)] in notes
                assert ["Customers in this file", len(allowed)] in notes
            assert found == set(allowed["customer_id"])
            assert len(found) + refused + unknown == len(rows)
    refused_alone = client.get("/v1/churn-list?format=csv&consent=no")
    assert len(refused_alone.text.splitlines()) == 1
    assert refused_alone.headers["Regulars-Left-Out"].startswith("refused=20,")


def test_a_form_refuses_what_it_does_not_offer():
    with pytest.raises(ConfigError, match="no such risk"):
        ListForm.read(QueryParams("risk=<script>"), rule_called=no_audience)


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
        without_consent = 1 if known else 0
        assert answer.headers["Regulars-Left-Out"] == (
            f"refused=1, without-consent={without_consent}, erased=0"
        )


def test_an_address_that_somebody_refused_is_in_no_audience_whoever_else_has_it():
    scores, recommendations = score_tables(4)
    shared, own = "a" * 64, "b" * 64
    scores["contact_hash"] = pd.Series([shared, shared, own, None], dtype="str")
    scores["consent"] = pd.array([True, None, True, True], dtype="boolean")
    store = fresh_runs()
    store.publish(run_info(economics=ECONOMICS), scores, recommendations)
    client = client_of(stores_beside(store))
    wish = {"name": "All", "cost_per_contact": 0, "hold_out": 0.01, "seed": "ann is in it"}
    made = client.post("/v1/campaigns", json=wish).json()
    scores["consent"] = pd.array([True, False, True, True], dtype="boolean")
    store.publish(run_info("second", economics=ECONOMICS), scores, recommendations)
    assert client.get("/v1/churn-list?format=audience").text.split() == ["email_sha256", own]
    of_campaign = client.get(f"/v1/campaigns/{made['campaign_id']}/members?format=audience").text
    assert len(of_campaign.splitlines()) > 1
    assert shared not in of_campaign


def test_the_list_names_its_outcomes_and_says_where_they_come_from():
    page = shown().get("/churn-list").text
    assert "In the past 53% of customers in this band did not come back (55 of 103)" in page
    assert re.search(r"Too few in this band in the past to tell \(\d\d? customers\)", page)
    assert "the first of 1 Nov 2025" in page


def test_swapped_days_and_decimal_commas(client):
    swapped = {"due_from": "2026-05-02", "due_until": "2026-05-01"}
    assert "the days are swapped" in client.get("/churn-list", params=swapped).text
    refused = client.get("/v1/churn-list", params=swapped)
    assert (refused.status_code, "swapped" in refused.text) == (422, True)
    page = client.get("/churn-list?min_value_at_risk=12,5").text
    assert 'name="min_value_at_risk"' in page
    assert 'value="12.5"' in page


def test_suggestions_have_the_names_that_the_shop_gives_them(tmp_path):
    names = {"reminder": {"en": "Call from Mary", "zh": "玛丽来电"}}
    store = fresh_runs()
    store.publish(run_info(economics={**ECONOMICS, "action_names": names}), *score_tables(60))
    client = client_of(store)
    assert "Call from Mary" in client.get("/churn-list?sort=expected_profit").text
    assert "玛丽来电" in client.get("/churn-list?sort=expected_profit&lang=zh").text
    (tmp_path / "list.xlsx").write_bytes(client.get("/v1/churn-list?format=xlsx").content)
    sheet, _ = sheets_of(tmp_path / "list.xlsx")
    suggestions = {row[sheet[0].index("Suggestion")] for row in sheet[1:]}
    assert suggestions == {"Call from Mary", "Leave alone: a contact costs more than it brings"}
    assert "reminder" in client.get("/v1/churn-list?format=csv").text
