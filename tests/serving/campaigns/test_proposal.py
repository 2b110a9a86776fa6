"""Who is chosen for a budget, and what that is expected to earn."""

from dataclasses import replace
from datetime import date

import pytest

from features.errors import ConfigError
from serving.campaigns.proposal import HELD_OUT, propose
from serving.campaigns.request import CampaignRequest
from serving.campaigns.store import CandidateFigures, ListedCandidates
from serving.store.run import MoneyFormat, PublishedRun, Summary, Totals
from tests.support.economics import ECONOMICS
from tests.support.scores import run_info

SUMMARY = Summary(
    total=Totals(customers=0, value_at_risk=0.0),
    by_risk={},
    by_status={},
    segments={},
    money=MoneyFormat(prefix="£", digits=2),
)


def run_with(**economics):
    info = run_info(economics={**ECONOMICS, **economics})
    return PublishedRun(info=info, summary=SUMMARY)


def candidate(customer_id, value_at_risk=1_000.0, **changes):
    values = {
        "customer_id": customer_id,
        "value_at_risk": value_at_risk,
        "expected_profit": None,
        "consent": None,
        "rfm_cell": "455",
    }
    return tuple({**values, **changes}.values())


def figures_of(customer_ids):
    figures = CandidateFigures(
        retention_risk="high",
        churn_probability=0.5,
        clv=100.0,
        contact_hash=None,
        rfm_group="important_keep",
        rfm_cell="455",
    )
    return dict.fromkeys(customer_ids, figures)


def many(count=100):
    return [candidate(f"c{number:04d}", 10.0 * number) for number in range(count)]


def proposed(listed=None, *, busy=(), run=None, cells=None, **asked_for):
    request = CampaignRequest(**{"name": "Win back", "seed": "s", **asked_for})
    listed = ListedCandidates.of(listed or many())
    return propose(request, run or run_with(), listed, set(busy), figures_of, cells=cells)


def test_the_highest_expected_profits_are_chosen_and_a_share_left_alone():
    found = proposed(contacts=18, hold_out=0.1)
    assert [one.customer_id for one in found.members] == [f"c{n:04d}" for n in range(80, 100)]
    assert len(found.contacted) == 18
    assert found.counts["hold_out"] == 2
    assert sum(one.arm == HELD_OUT for one in found.members) == 2


def test_expected_profit_is_what_is_saved_less_the_contact():
    found = proposed([candidate("a"), candidate("b")], hold_out=0.5)
    # 0.05 × 1,000 × 0.3 − 0.62
    assert found.contacted[0].expected_profit == 14.38
    expected = found.to_dict()["expected"]
    assert (expected["profit"], expected["cost"], expected["saved_revenue"]) == (14.38, 0.62, 50.0)
    assert (expected["profit_low"], expected["profit_high"]) == (-0.62, 29.38)


def test_a_margin_at_risk_is_profit_already():
    found = proposed([candidate("a"), candidate("b")], run=run_with(value_share=1.0), hold_out=0.5)
    # 0.05 × 1,000 − 0.62
    assert found.contacted[0].expected_profit == 49.38
    assert found.to_dict()["break_even"]["save_rate"] == pytest.approx(0.62 / 1_000)
    # who expects half the margin expects half of it
    less = proposed(
        [candidate("a"), candidate("b")],
        run=run_with(value_share=1.0),
        hold_out=0.5,
        margin_share=0.15,
    )
    assert less.contacted[0].expected_profit == 24.38


def test_who_does_not_earn_the_contact_is_not_chosen():
    # 0.05 × v × 0.3 > 0.62 from 41.34 on
    found = proposed()
    assert found.counts == {
        "listed": 100,
        "without_consent": 0,
        "in_another_campaign": 0,
        "not_worth_it": 5,
        "beyond_budget": 0,
        "chosen": 95,
        "contacts": found.counts["contacts"],
        "hold_out": found.counts["hold_out"],
    }
    assert found.counts["contacts"] + found.counts["hold_out"] == 95


def test_an_amount_is_divided_by_what_a_contact_costs():
    # 6.20 ÷ 0.62: exactly ten, whatever binary fractions say
    assert len(proposed(amount=6.20).contacted) == 10
    assert len(proposed(amount=10.0, cost_per_contact=1.0).contacted) == 10


def test_people_without_consent_or_in_another_campaign_are_left_out():
    listed = [
        candidate("yes", consent=True),
        candidate("no", consent=False),
        candidate("silent"),
        candidate("busy", consent=True),
    ]
    found = proposed(listed, busy=["busy", "no"], hold_out=0.5)
    assert [one.customer_id for one in found.members] == ["silent", "yes"]
    assert (found.counts["without_consent"], found.counts["in_another_campaign"]) == (1, 1)
    with pytest.raises(ConfigError, match="2 have not consented"):
        proposed(listed, busy=["busy", "yes"], run=run_with(consent_known=True))


def test_hughes_break_even():
    found = proposed(net_profit_per_sale=35.0).to_dict()["break_even"]
    assert round(found["response"], 4) == 0.0177


def test_the_break_even_save_rate_earns_nothing():
    rate = proposed(contacts=10).to_dict()["break_even"]["save_rate"]
    found = proposed(contacts=10, choose="every_nth", save_rate=rate)
    picked = proposed(contacts=10, choose="every_nth").to_dict()["break_even"]["save_rate"]
    again = proposed(contacts=10, choose="every_nth", save_rate=picked)
    assert abs(again.to_dict()["expected"]["profit"]) < 0.1
    assert found.counts["contacts"] == 10


def test_a_test_takes_every_nth_of_all_cells_whatever_they_promise():
    listed = [
        candidate(f"{cell}-{number:03d}", 0.0, rfm_cell=cell)
        for cell, size in (("111", 300), ("555", 100))
        for number in range(size)
    ]
    found = proposed(listed, choose="every_nth", contacts=36, hold_out=0.1)
    assert [dict(cell) for cell in found.cells] == [
        {"cell": "111", "customers": 300, "chosen": 30},
        {"cell": "555", "customers": 100, "chosen": 10},
    ]


def test_a_roll_out_goes_to_good_cells_alone():
    listed = [candidate("a", rfm_cell="555"), candidate("b", rfm_cell="111"), candidate("c")]
    found = proposed(listed, cells={"555", "455"}, roll_out_of="c-1")
    assert [one.customer_id for one in found.members] == ["a", "c"]


def test_days_count_from_the_scores_and_money_with_the_days():
    found = proposed(horizon_days=45, starts_on="2026-03-10", contacts=1)
    assert (found.starts_on, found.ends_on) == (date(2026, 3, 10), date(2026, 4, 24))
    # the run's horizon is 90 days
    assert found.members[-1].value_at_risk == 990.0 / 2


def test_figures_say_where_they_come_from():
    found = proposed(run=run_with(save_rate_campaigns=3), margin_share=0.4).assumptions
    assert found.sources["save_rate"] == "measured"
    assert found.sources["margin_share"] == "request"
    assert found.sources["cost_per_contact"] == "setting"
    assert found.net_profit_per_sale == 16.0


def test_an_uplift_model_ranks_by_who_can_be_persuaded():
    run = run_with(targeting={"basis": "uplift_model"})
    listed = [
        candidate("sure", 9_000.0, expected_profit=0.38),
        candidate("wavers", 10.0, expected_profit=5.38),
    ]
    found = proposed(listed, run=run, contacts=1, hold_out=0.5)
    assert found.assumptions.sources["save_rate"] == "uplift_model"
    assert {one.customer_id: one.expected_profit for one in found.members} == {
        "sure": 0.38,
        "wavers": 5.38,
    }


@pytest.mark.parametrize(
    ("asked_for", "said"),
    [
        ({"contacts": 5, "amount": 5.0}, "one of the two"),
        ({"amount": 5.0, "cost_per_contact": 0.0}, "cost_per_contact"),
        ({"amount": 0.5}, "less than one contact"),
        ({"choose": "every_nth"}, "size"),
        ({"starts_on": "2026-01-01"}, "before the date of the scores"),
        ({"choose": "every_nth", "contacts": 3, "roll_out_of": "c-1"}, "not tested again"),
        ({"save_rate": 0.0001}, "nobody to choose"),
    ],
)
def test_what_cannot_be_is_refused_in_words(asked_for, said):
    with pytest.raises(ConfigError, match=said):
        proposed(**asked_for)


def test_a_run_of_an_earlier_release_proposes_nothing():
    run = run_with()
    bare = replace(run, info=replace(run.info, economics={}))
    with pytest.raises(ConfigError, match="regulars score"):
        proposed(run=bare)
