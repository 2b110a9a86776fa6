"""The pages of segments."""

import pytest

from tests.serving.conftest import client_of
from tests.support.exhibits import EXHIBITS
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_runs


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


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/segments?by=x", "by"),
        ("/segments/lifecycle?from=x", "from"),
        ("/assets?by=x", "by"),
        ("/goods/buyers?kind=x", "kind"),
    ],
)
def test_values_that_a_page_does_not_know_are_named(client, path, name):
    sentence = f"This page has no “x” to choose as {name};"
    assert sentence in client.get(path).text
    assert "This page has no" not in client.get(path.partition("?")[0]).text
