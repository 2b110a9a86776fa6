"""The pages of audiences: the builder's form, there and back, and what it keeps."""

import re
from html import unescape

import pytest
from starlette.datastructures import QueryParams

from features.errors import ConfigError
from serving.audiences.form import BuilderForm
from serving.store.rule.text import rule_of_text, text_of_rule
from tests.serving.conftest import client_of
from tests.support.people import Shop
from tests.support.scores import run_info, score_tables
from tests.support.stores import copied

INFO = run_info()
RULES = (
    "risk = high, critical",
    "risk = high and spend between 100 and 500 and search ~ smith",
    "abc = A or lifecycle != stable",
    "risk = high and (abc = A or clv >= 100.5)",
    "(risk = high and abc = A) or (risk = low and next_order_date in next 7 days)",
    "last_order_date over 30 days ago and not (abc = C and churn_probability >= 0.4)",
    "usual_gap_days is unknown and at_risk_on between 2026-03-01 and 2026-04-01",
    "will_buy = product:p1 and orders <= 3",
)


def sent(form):
    """What a browser would send of a form as it stands."""
    pairs = [("match", form.binding)]
    for g, group in enumerate(form.groups):
        pairs += [(f"g{g}.match", group.binding), (f"g{g}.not", "1" if group.is_negated else "")]
        for r, row in enumerate(group.rows):
            name = f"g{g}.r{r}"
            pairs += [(f"{name}.field", row.field.name), (f"{name}.op", row.operator_used)]
            pairs += [(f"{name}.v", value) for value in row.chosen]
            pairs += [
                (f"{name}.from", row.low),
                (f"{name}.to", row.high),
                (f"{name}.days", row.days),
            ]
    return pairs


@pytest.mark.parametrize("text", RULES)
def test_the_form_says_the_rule_that_it_was_filled_with(text):
    rule = rule_of_text(text)
    form = BuilderForm.of(rule, INFO)
    assert form.rule() == rule
    assert BuilderForm.read(QueryParams(sent(form)), INFO) == form


@pytest.mark.parametrize(
    ("text", "simple"), [("not abc = A", "abc != A"), ("not not abc = A", "abc = A")]
)
def test_what_is_negated_alone_is_turned_around(text, simple):
    assert text_of_rule(BuilderForm.of(rule_of_text(text), INFO).rule()) == simple


def test_deeper_groups_are_for_text_alone(client):
    text = "abc = A and (abc = B or (abc = C and risk = high))"
    assert BuilderForm.of(rule_of_text(text), INFO) is None
    page = client.get("/audiences/new", params={"where": text}).text
    assert "nested more deeply" in page
    assert text in page


def test_numbers_are_read_as_they_are_typed():
    pairs = [
        ("g0.r0.field", "spend"),
        ("g0.r0.from", "1,000"),
        ("g0.r1.field", "churn_probability"),
    ]
    form = BuilderForm.read(QueryParams([*pairs, ("g0.r1.to", "40 %")]), INFO)
    assert text_of_rule(form.rule()) == "spend >= 1000 and churn_probability <= 0.4"
    wrong = QueryParams([*pairs[:1], ("g0.r0.from", "much")])
    with pytest.raises(ConfigError, match="must be a number"):
        BuilderForm.read(wrong, INFO).rule()


def test_buttons_add_and_remove(client):
    def shown(params):
        page = client.get("/audiences/new", params=params).text
        return re.findall(r'name="(g\d+\.r\d+)\.field" value="(\w+)"', page), page

    assert shown({"g0.match": "all", "g0.add": "spend"})[0] == [("g0.r0", "spend")]
    two = {"g0.r0.field": "spend", "g0.r1.field": "abc", "g0.r1.v": "A"}
    rows, page = shown({**two, "do": "group"})
    assert rows == [("g0.r0", "spend"), ("g0.r1", "abc")]
    assert 'name="g1.match"' in page
    assert "not filled in yet" in page
    total = int((score_tables(120)[0]["abc"] == "A").sum())
    assert f'<p class="big">{total} customers</p>' in page
    assert shown({**two, "remove": "g0.r0"})[0] == [("g0.r0", "abc")]
    assert shown({**two, "g1.r0.field": "orders", "remove": "g0"})[0] == [("g0.r0", "orders")]
    assert 'role="alert"' in shown({"g0.r0.field": "tier"})[1]


def test_an_audience_is_saved_changed_and_deleted_on_pages(client):
    form = {"name": "Best", "note": "for spring", "g0.r0.field": "abc", "g0.r0.v": "A"}
    done = client.post("/audiences", data=form)
    assert done.status_code == 303
    page = client.get(done.headers["location"]).text
    total = int((score_tables(120)[0]["abc"] == "A").sum())
    assert f">{total}</a>" in page
    assert "for spring" in page
    (path,) = re.findall(r'href="(/audiences/a-[0-9a-f]+)"', page)
    assert 'value="A" checked' in client.get(path).text
    assert "Another audience has this name" in client.post("/audiences", data=form).text
    changed = client.post(
        path, data={**form, "name": "Best, high", "g0.r1.field": "risk", "g0.r1.v": "high"}
    )
    assert changed.status_code == 303
    kept = client.get("/v1/audiences").json()["audiences"]
    assert [(one["name"], one["where"]) for one in kept] == [
        ("Best, high", "abc = A and risk = high")
    ]
    assert client.post(f"{path}/delete").status_code == 303
    assert client.get(path).status_code == 404
    assert client.get("/v1/audiences").json()["audiences"] == []


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"name": "", "where": "abc = A"}, "Give the audience a name"),
        ({"name": "x"}, "Add a condition first"),
        ({"name": "x", "where": "abc ="}, "a value is missing"),
        ({"name": "x", "where": "tier = 1"}, "no such field"),
    ],
)
def test_what_cannot_be_saved_is_said_and_stays_typed(client, form, problem):
    page = client.post("/audiences", data=form)
    assert page.status_code == 200
    assert problem in unescape(page.text)
    assert form.get("where", "") in unescape(page.text)
    assert client.get("/v1/audiences").json()["audiences"] == []


def test_a_changed_text_wins_over_the_fields_beside_it(client):
    sent_form = {"g0.r0.field": "abc", "g0.r0.v": "A", "was": "abc = A", "where": "abc = B"}
    assert 'value="B" checked' in client.get("/audiences/new", params=sent_form).text
    same = {**sent_form, "where": "abc = A", "g0.r0.v": "C"}
    assert 'value="C" checked' in client.get("/audiences/new", params=same).text


def test_the_list_leads_to_the_builder_with_its_filter(client):
    page = client.get("/churn-list?risk=high&segment=abc:A|B").text
    (link,) = re.findall(r'href="(/audiences/new\?[^"]*)"', page)
    built = client.get(unescape(link)).text
    total = client.get("/v1/churn-list?risk=high&segment=abc:A|B").json()["total"]
    assert f'<p class="big">{total} customers</p>' in built


def test_the_list_says_its_rule_in_words(client):
    where = "risk = high and (spend >= 100 or not abc = C)"
    page = unescape(client.get("/churn-list", params={"where": where}).text)
    assert "Risk: High and (Spent so far: £100.00 or more or not (ABC class: " in page
    assert f'name="where" value="{where}"' in page
    in_chinese = client.get("/churn-list", params={"where": where, "lang": "zh"}).text
    assert "流失风险：高，且（" not in in_chinese
    assert "累计消费：不低于" in in_chinese


def test_pages_of_nobody_and_of_a_store_without_runs(client, empty_client):
    assert "No audience is saved yet" in client.get("/audiences").text
    assert client.get("/audiences/a-0").status_code == 404
    assert empty_client.get("/audiences").status_code == 200


def test_pages_need_the_run_to_be_shown_with_gone_fields(store):
    client = client_of(store)
    client.post("/v1/audiences", json={"name": "Stable", "where": "lifecycle = stable"})
    scores, products = score_tables(30)
    store.publish(run_info("run-2", segment_columns=("abc",)), scores, products)
    page = client.get("/audiences").text
    assert "no such field" in page
    (path,) = re.findall(r'href="(/audiences/a-[0-9a-f]+)"', page)
    opened = client.get(path)
    assert opened.status_code == 200
    assert "lifecycle = stable" in opened.text


def test_who_may_write_saves_with_the_token_of_the_page_and_others_see_no_button(published):
    shop = Shop(copied(published))
    viewer = shop.browser_of(shop.add("Vera", "viewer"))
    assert "Save audience" not in viewer.get("/audiences/new?where=abc+%3D+A").text
    browser = shop.browser_of(shop.add("Anna", "marketer"))
    del browser.headers["X-Form-Token"]
    page = browser.get("/audiences/new?where=abc+%3D+A").text
    (action,) = re.findall(r'formaction="([^"]*)"', page)
    form = {"name": "Best", "where": "abc = A"}
    assert browser.post("/audiences", data=form).status_code == 403
    assert browser.post(action, data=form).status_code == 303
    # the token is in no address that is shared
    assert "form_token" not in re.search(r'<form id="builder".*?</form>', page, re.DOTALL)[
        0
    ].replace(action, "")
    (path,) = re.findall(r'href="(/audiences/a-[0-9a-f]+)"', browser.get("/audiences").text)
    kept = browser.get(path).text
    assert (
        browser.post(f"{path}/delete", data={"form_token": form_token_in_text(kept)}).status_code
        == 303
    )


def form_token_in_text(page):
    return re.search(r'/delete".*?name="form_token" value="(\w+)"', page, re.DOTALL)[1]


def filled_in(field, operator, **typed):
    pairs = [("g0.match", "all"), ("g0.r0.field", field), ("g0.r0.op", operator)]
    pairs += [(f"g0.r0.{name}", value) for name, value in typed.items()]
    return QueryParams(pairs)


def test_days_are_read_as_they_are_typed():
    for typed in ("14", "１４", "14.0"):
        form = BuilderForm.read(filled_in("last_order_date", "last_days", days=typed), INFO)
        assert text_of_rule(form.rule()) == "last_order_date in last 14 days"


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        (filled_in("spend", "span", to="much"), "条件中的数值须为数字"),
        (filled_in("spend", "span", **{"from": "500", "to": "100"}), "条件中的范围须从小到大填写"),
        (filled_in("last_order_date", "span", to="1.12.2026"), "条件中的日期写作"),
        (filled_in("last_order_date", "last_days", days="1.5"), "条件中的天数须为"),
    ],
)
def test_what_cannot_be_read_is_told_in_the_readers_language(client, params, sentence):
    page = client.get(f"/audiences/new?{params}&lang=zh").text
    assert sentence in page
