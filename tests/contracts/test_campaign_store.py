"""Campaigns are kept whole, made once, and give back whom they hold."""

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from features.errors import ConfigError
from serving.campaigns.store import CampaignMember, CampaignRecord
from serving.errors import CampaignConflict, NoRun, UnknownCampaign
from serving.privacy.store import Tombstone
from serving.store.protocol import ChurnFilter
from tests.support.scores import run_info, score_tables

NOW = datetime(2026, 3, 4, tzinfo=UTC)


def campaign(campaign_id="c-1", **changes):
    values = {
        "campaign_id": campaign_id,
        "starts_on": date(2026, 3, 1),
        "ends_on": date(2026, 5, 30),
        "plan": {"name": "Win back", "request": {"name": "Win back"}},
    }
    return CampaignRecord(**{**values, **changes})


def members(*ids, arm="treated"):
    return [CampaignMember(customer_id=one, arm=arm, stratum="high/low", clv=12.5) for one in ids]


@pytest.fixture
def kept(stores):
    stores.campaigns.add(campaign(), [*members("a", "c"), *members("b", arm="hold_out")])
    return stores.campaigns


def test_a_campaign_is_read_back_as_it_was_kept(kept):
    assert kept.campaign("c-1") == campaign()
    assert [one.customer_id for one in kept.members("c-1")] == ["a", "b", "c"]
    assert kept.members("c-1")[0] == members("a")[0]


def test_members_come_in_pages_and_by_arm(kept):
    assert [one.customer_id for one in kept.members("c-1", limit=2)] == ["a", "b"]
    assert [one.customer_id for one in kept.members("c-1", after="b")] == ["c"]
    assert [one.customer_id for one in kept.members("c-1", arm="hold_out")] == ["b"]


def test_campaigns_stand_with_the_latest_first(kept):
    kept.add(campaign("c-2"), members("d"))
    assert [one.campaign_id for one in kept.campaigns()] == ["c-2", "c-1"]


@pytest.mark.parametrize("campaign_id", ["c-9", "", "\0"])
def test_an_unknown_campaign_is_said_to_be(kept, campaign_id):
    for read in (kept.campaign, kept.members):
        with pytest.raises(UnknownCampaign):
            read(campaign_id)
    with pytest.raises(UnknownCampaign):
        kept.cancel(campaign_id, NOW)
    with pytest.raises(UnknownCampaign):
        kept.record(campaign_id, [], {})


def test_nobody_is_in_two_campaigns_of_the_same_days(kept):
    with pytest.raises(CampaignConflict, match="1 of the chosen"):
        kept.add(campaign("c-2"), members("x", "b"))
    assert [one.campaign_id for one in kept.campaigns()] == ["c-1"]
    later = campaign("c-3", starts_on=date(2026, 5, 30), ends_on=date(2026, 6, 30))
    kept.add(later, members("b"))


def test_who_was_in_a_cancelled_campaign_is_free(kept):
    assert kept.cancel("c-1", NOW).cancelled_at == NOW
    assert kept.cancel("c-1", NOW.replace(hour=5)).cancelled_at == NOW
    kept.add(campaign("c-2"), members("a"))


def test_the_same_request_makes_one_campaign(stores):
    first = campaign(request_key="k")
    stores.campaigns.add(first, members("a"))
    again = stores.campaigns.add(replace(first, campaign_id="c-2"), members("a"))
    assert again.campaign_id == "c-1"
    other = replace(first, plan={"request": {"name": "Other"}})
    with pytest.raises(CampaignConflict, match="key"):
        stores.campaigns.add(other, members("b"))


def test_outcomes_and_results_are_written_together(kept):
    outcome = {"customer_id": "a", "orders": 2, "revenue": 30.5, "margin": None, "visits": None}
    stranger = {**outcome, "customer_id": "z"}
    kept.record("c-1", [outcome, stranger], {"measured_until": "2026-04-01"})
    first, second, _ = kept.members("c-1")
    assert (first.orders, first.revenue, first.margin) == (2, 30.5, None)
    assert second.orders is None
    assert kept.campaign("c-1").results == {"measured_until": "2026-04-01"}


def test_a_campaign_made_elsewhere_is_put_in_place_of_what_was_kept(kept):
    kept.put(campaign(plan={"name": "New"}), members("q"))
    assert kept.campaign("c-1").plan == {"name": "New"}
    assert [one.customer_id for one in kept.members("c-1")] == ["q"]


def test_candidates_are_those_of_the_latest_run_that_the_filter_lets_through(stores):
    scores, recommendations = score_tables(ids=["a", "b", "c"])
    scores["retention_risk"] = ["high", "low", "high"]
    scores["value_at_risk"] = [10.0, 20.0, np.nan]
    scores["consent"] = [True, False, None]
    scores["contact_hash"] = ["f00", None, None]
    stores.scores.publish(run_info(), scores, recommendations)
    stores.campaigns.add(campaign(), members("c", "z"))
    run, found, busy = stores.campaigns.candidates(ChurnFilter(risk=("high",)))
    assert run.info.run_id == "run-1"
    assert sorted(found.customer_id) == ["a", "c"]
    first, third = found.customer_id.index("a"), found.customer_id.index("c")
    assert (found.value_at_risk[first], found.consent[first]) == (10.0, True)
    assert found.rfm_cell[first] is None
    assert found.expected_profit[first] == round(scores["expected_profit"][0], 2)
    assert (found.value_at_risk[third], found.consent[third]) == (None, None)
    assert busy == {"c", "z"}
    assert stores.campaigns.candidates(ChurnFilter(), date(2026, 5, 30))[2] == set()
    by_cell = stores.campaigns.candidates(ChurnFilter(), with_cells=True)[1]
    cells = dict(zip(scores["customer_id"], scores["rfm_cell"], strict=True))
    assert dict(zip(by_cell.customer_id, by_cell.rfm_cell, strict=True)) == cells


def test_figures_are_those_of_a_run_and_of_nobody_who_is_not_in_it(stores):
    scores, recommendations = score_tables(600)
    scores["contact_hash"] = "f00"
    scores.loc[1, "churn_probability"] = np.nan
    stores.scores.publish(run_info(), scores, recommendations)
    stores.scores.publish(run_info("later"), *score_tables(ids=["a"]))
    rows = scores.set_index("customer_id")
    figures = stores.campaigns.figures_of(run_info(), [*rows.index, "a"])
    assert set(figures) == set(rows.index)
    for customer_id, own in figures.items():
        row = rows.loc[customer_id]
        assert (own.retention_risk, own.contact_hash) == (row["retention_risk"], "f00")
        assert (own.rfm_group, own.rfm_cell) == (row["rfm_group"], row["rfm_cell"])
    assert figures[scores["customer_id"][1]].churn_probability is None


def test_contacts_are_of_those_whom_the_filter_lets_through(stores):
    scores, recommendations = score_tables(ids=["a", "b", "c"])
    scores["consent"] = [True, False, None]
    scores["contact_hash"] = ["f00", None, "f01"]
    stores.scores.publish(run_info(), scores, recommendations)
    run, contacts = stores.campaigns.contacts(ChurnFilter(consent=("no", "unknown")))
    assert run.info.run_id == "run-1"
    assert sorted(contacts) == [("b", False, None), ("c", None, "f01")]


def test_candidates_need_a_run_and_segments_that_are_there(stores):
    with pytest.raises(NoRun):
        stores.campaigns.candidates(ChurnFilter())
    stores.scores.publish(run_info(segment_columns=("abc",)), *score_tables(3))
    with pytest.raises(ConfigError, match="segment"):
        stores.campaigns.candidates(ChurnFilter(segments=(("planets", "mars"),)))
    assert stores.campaigns.candidates(ChurnFilter())[1].rfm_cell[0] is None


def test_erasing_a_customer_reaches_the_members(stores):
    stores.scores.publish(run_info(), *score_tables(ids=["a", "b"]))
    stores.campaigns.add(campaign(), members("a", "b"))
    stone = Tombstone(digest="d", key_id="k", erased_at=NOW)
    assert stores.erasures.erase({"a": stone})["campaign_members"] == 1
    assert [one.customer_id for one in stores.campaigns.members("c-1")] == ["b"]
