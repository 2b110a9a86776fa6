"""What may be told of a result: no large figure while a campaign is open or too small to tell."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner

from serving.campaigns import schemas as models
from serving.campaigns.measuring import measure_campaigns
from serving.campaigns.telling import headline_of, pooled, save_rate_told
from serving.commands.marketing import campaigns as command
from tests.serving.campaigns.test_measuring import (
    END,
    LATE,
    START,
    bought,
    campaign,
    members,
    shop,
)
from tests.serving.conftest import client_of
from tests.support.economics import ECONOMICS
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_runs, stores_beside


def effect(measure, value, half, *, arm="treated"):
    interval = {"value": value, "low": value - half, "high": value + half}
    verdict = "positive" if value > half else "negative" if value < -half else "too_small_to_tell"
    return {
        "arm": arm,
        "measure": measure,
        "contacts": 10,
        "plain": value + 1,
        "per_contact": interval,
        "total": {name: 10 * amount for name, amount in interval.items()},
        "verdict": verdict,
        "standard_error": half / 1.645,
        "variance_left": 1.0,
    }


def measured(*effects, is_final=True, save_rate=None):
    return {
        "measured_until": END.isoformat(),
        "is_final": is_final,
        "effects": list(effects),
        "save_rate": save_rate,
    }


@pytest.mark.parametrize(
    ("results", "state", "figure"),
    [
        (None, "not_measured", None),
        (measured(), "not_measured", None),
        (measured(effect("profit", 5, 1), effect("profit", 5, 1, arm="b")), "not_measured", None),
        (measured(effect("profit", 5, 1), is_final=False), "open", None),
        (measured(effect("profit", 5, 9)), "too_small_to_tell", None),
        (measured(effect("profit", 5, 1)), "positive", 50),
        (measured(effect("profit", -5, 1)), "negative", -50),
    ],
)
def test_a_figure_is_told_only_of_a_campaign_that_is_over_and_says_something(
    results, state, figure
):
    headline = headline_of(results)
    assert headline["state"] == state
    assert (headline["profit"] and headline["profit"]["value"]) == figure


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (0.05, 0.4, "share"),
        (0.2, 4.12, "at_least"),
        (1.2, 4.0, "all"),
        (-2.28, 4.12, "cannot_tell"),
        (-2.0, -0.5, "lost"),
    ],
)
def test_the_share_saved_is_told_as_far_as_it_is_known(low, high, told):
    rate = {"value": (low + high) / 2, "low": low, "high": high, "standard_error": 1.0}
    assert save_rate_told(measured(save_rate=rate)) == told
    assert save_rate_told(measured()) is None


def test_campaigns_of_one_arm_are_pooled_per_measure():
    first = campaign()
    ended = [
        replace(first, results=measured(effect("profit", 2, 1), effect("revenue", 4, 2))),
        replace(first, results=measured(effect("profit", 4, 1), effect("revenue", 6, 2))),
        replace(first, results=measured(effect("profit", 9, 1), effect("profit", 9, 1, arm="b"))),
    ]
    revenue, profit = pooled(ended)
    assert (revenue["measure"], profit["measure"]) == ("revenue", "profit")
    assert profit["campaigns"] == 2
    assert profit["per_contact"]["value"] == pytest.approx(3)
    assert pooled(ended[:1]) == []


DAYS = {
    "created_at": "2026-01-01T09:00:00+00:00",
    "created_by": "command",
    "starts_on": START.isoformat(),
    "ends_on": END.isoformat(),
    **dict.fromkeys(("counts", "expected", "power", "break_even")),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A campaign measured to its end, and one that is open, over API, page and command."""
    store = fresh_runs()
    store.publish(run_info(economics=ECONOMICS), *score_tables(60))
    stores = stores_beside(store)
    until = date(2026, 5, 1)
    stores.campaigns.add(campaign(**DAYS), members())
    still_open = campaign(**{**DAYS, "ends_on": until.isoformat()})
    stores.campaigns.put(replace(still_open, campaign_id="c-2", ends_on=until), members())
    with shop(tmp_path_factory.mktemp("told"), bought(treated=30.0, held_out=20.0)) as log:
        measure_campaigns(stores.campaigns, log, LATE)
    return stores, client_of(stores)


def test_a_page_tells_the_arms_then_the_adjustment_then_the_effect(told):
    _, client = told
    page = client.get("/campaigns/c-1").text
    places = [
        page.index(text)
        for text in ("What each arm did", "Plain difference", "Adjusted, per contact")
    ]
    assert places == sorted(places)
    assert 'class="big"' in page
    still_open = client.get("/campaigns/c-2").text
    assert 'class="big"' not in still_open
    assert "the figures below still move" in still_open
    assert "从差异到效果" in client.get("/campaigns/c-1?lang=zh").text


def test_the_answer_says_how_loudly_it_may_be_told(told):
    _, client = told
    answer = models.Results.model_validate_json(client.get("/v1/campaigns/c-1/results").content)
    assert answer.headline.state == "positive"
    profit = next(e for e in answer.measured["effects"] if e["measure"] == "profit")
    assert answer.headline.profit.value == pytest.approx(profit["total"]["value"])
    arms = {arm["arm"]: arm for arm in answer.measured["arms"]}
    revenue = next(e for e in answer.measured["effects"] if e["measure"] == "revenue")
    assert revenue["plain"] == pytest.approx(
        arms["treated"]["revenue_per_member"] - arms["hold_out"]["revenue_per_member"]
    )
    open_one = models.Results.model_validate_json(client.get("/v1/campaigns/c-2/results").content)
    assert (open_one.headline.state, open_one.headline.profit) == ("open", None)


def test_the_command_tells_the_same_in_the_same_order(told, monkeypatch):
    stores, _ = told
    service = command.CampaignService(stores.campaigns, lambda: datetime(2026, 4, 1, tzinfo=UTC))
    monkeypatch.setattr(command, "_service", lambda _config: service)
    answer = CliRunner().invoke(command.campaigns, ["results", "c-1"])
    assert answer.exit_code == 0, answer.output
    places = [answer.output.index(text) for text in ("What each arm did", "plain difference")]
    assert places == sorted(places)
    assert "It earned more than it cost" in answer.output
    assert "still move" in CliRunner().invoke(command.campaigns, ["results", "c-2"]).output


def test_a_campaign_before_its_start_has_no_headline(told):
    stores, client = told
    later = replace(campaign(), campaign_id="c-3", starts_on=LATE, ends_on=date(2026, 6, 1))
    stores.campaigns.put(later, [])
    assert later.starts_on > START
    results = client.get("/v1/campaigns/c-3/results").json()
    assert results["headline"] == {"state": "not_measured", "profit": None}
