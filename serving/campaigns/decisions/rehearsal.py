"""A simulated year of a decision: a shop's own customers and orders, and made-up effects of offers.

Who looks at the page of a decision before having held one sees what it will tell: rounds, shares
that move, effects with intervals, what exploring cost, and when it stops. Members, draws, reading
and stop rule are those of every decision; only what the offers add to the orders is drawn here.
Its origin is `SIMULATED`: nothing
is learned from it for the shop.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from features.orders.log import OrderLog, day_number
from serving.campaigns.decisions.read_rounds import read_rounds
from serving.campaigns.decisions.treatments import next_round, sized, with_treatments
from serving.campaigns.plan import SIMULATED, CampaignArm, CampaignPlan, DecisionPlan
from serving.campaigns.request import HOLD_OUT_ARM
from serving.campaigns.store import CampaignMember, CampaignRecord, CampaignStore, MeasuredCampaign
from serving.settings import Settings
from training.experiments.decisions.decision_design import EXPLORE, HOLD_OUT
from training.experiments.reading import Economics, read_campaign

ROUNDS, DAYS = 6, 52
"""With the span before the first round, in which nothing is sent, a year."""
SEED = 20_260_101
DECISION_ID = "simulated-year"
RESPONSES = 0.1
"""The share of those contacted who order once more because of it."""
LEAST_CUSTOMERS = 1_000
SHARE_IN_ROUND = 0.25
"""Of the customers who are in a round, drawn anew for each."""


@dataclass(frozen=True)
class Offer:
    """An offer of the simulation: what a contact costs, and the margin that it truly adds per
    contact, in standard deviations of the members' margin in a round.
    """

    name: str
    cost: float
    effect: float


OFFERS = (Offer("reminder", 0.05, 0.0), Offer("voucher", 0.5, 0.05), Offer("gift", 1.0, 0.1))


def revenue_of_rounds(log: OrderLog[Settings]) -> pd.DataFrame:
    """What each customer spent in each span of `DAYS` before the log's end, one before the rounds.

    Returns
    -------
    One row per customer, columns 0 to `ROUNDS`: money, returns taken off, 0 without an order.
    """
    first, minor = day_number(log.end) - (ROUNDS + 1) * DAYS, log.settings.data.minor_units
    frame = log.frame(f"""
        SELECT customer_id, (day - {first}) // {DAYS} AS round, SUM(amount) / {minor} AS revenue
        FROM {log.visible(log.end)["orders"]} AS known_orders
        JOIN customers USING (customer) WHERE day >= {first} GROUP BY ALL""")
    table = frame.pivot_table(index="customer_id", columns="round", values="revenue", fill_value=0)
    return table.reindex(columns=range(ROUNDS + 1), fill_value=0.0).astype(float)


def rehearse(store: CampaignStore, log: OrderLog[Settings]) -> list[CampaignRecord]:
    """Hold the rounds of the log's last year one after the other, until the rule stops them.

    They take the place of those of an earlier rehearsal. Shops of fewer than `LEAST_CUSTOMERS`
    customers have none.
    """
    revenue, settings = revenue_of_rounds(log), log.settings
    if len(revenue) < LEAST_CUSTOMERS:
        return []
    for campaign in store.campaigns():
        if campaign.plan["origin"] == SIMULATED:
            store.remove(campaign.campaign_id)
    rng, held = np.random.default_rng(SEED), []
    plan: DecisionPlan | None = _first_round(round(len(revenue) * SHARE_IN_ROUND))
    while plan is not None:
        drawn = revenue.iloc[np.sort(rng.permutation(len(revenue))[: plan["members"]])]
        campaign, members = _drawn(plan, drawn, log.end, settings)
        members = _with_outcomes(members, plan["round"], drawn, rng, settings)
        store.put(campaign, members)
        campaign = replace(campaign, results=_read(store, campaign, members, settings))
        store.put(campaign, members)
        held.append(campaign)
        plan = _next_round(plan, campaign)
    return held


def _first_round(customers: int) -> DecisionPlan:
    arms = [HOLD_OUT_ARM, *(offer.name for offer in OFFERS)]
    plan: DecisionPlan = {
        "decision_id": DECISION_ID,
        "round": 1,
        "rounds": ROUNDS,
        "treatments": {offer.name: offer.cost for offer in OFFERS},
        "shares": dict.fromkeys(arms, 1 / len(arms)),
        "hold_out": HOLD_OUT,
        "explore": EXPLORE,
        "members": customers,
        "most_contacts": None,
        "exploring": {"first_round": 0.0, "later_rounds": 0.0, "equal_shares": 0.0},
    }
    return sized(plan, customers)


def _next_round(plan: DecisionPlan, campaign: CampaignRecord) -> DecisionPlan | None:
    reading = campaign.results and campaign.results["decision"]
    if not reading or reading["stop"] is not None:
        return None
    return next_round(plan, reading["next"][0]["shares"])


def _drawn(
    plan: DecisionPlan, revenue: pd.DataFrame, as_of: date, settings: Settings
) -> tuple[CampaignRecord, list[CampaignMember]]:
    """A round and its members: the customers of `revenue`, with the arms drawn for them."""
    number = plan["round"]
    starts_on = as_of - timedelta(days=DAYS * (ROUNDS - number + 1))
    members = [
        CampaignMember(customer_id=str(customer), arm=HOLD_OUT_ARM, stratum="", usual_value=value)
        for customer, value in zip(revenue.index, revenue[number - 1].tolist(), strict=True)
    ]
    members = with_treatments(members, [""] * len(members), plan, f"{SEED} {number}")
    record = CampaignRecord(
        campaign_id=DECISION_ID if number == 1 else f"{DECISION_ID}-{number}",
        starts_on=starts_on,
        ends_on=starts_on + timedelta(days=DAYS),
        plan=_plan(plan, members, starts_on, settings),
    )
    return record, members


def _plan(
    plan: DecisionPlan, members: Sequence[CampaignMember], starts_on: date, settings: Settings
) -> CampaignPlan:
    sizes = Counter(member.arm for member in members)
    name = "Simulated year" if plan["round"] == 1 else f"Simulated year · {plan['round']}"
    return {
        "name": name,
        "origin": SIMULATED,
        "choose": None,
        "run_id": None,
        "currency": settings.data.currency,
        "clv_basis": None,
        "starts_on": starts_on.isoformat(),
        "ends_on": (starts_on + timedelta(days=DAYS)).isoformat(),
        "seed": f"{SEED} {plan['round']}",
        "assumptions": None,
        "counts": None,
        "arms": [
            CampaignArm(arm=arm, contacted=arm != HOLD_OUT_ARM, members=sizes[arm])
            for arm in plan["shares"]
        ],
        "strata": [],
        "expected": None,
        "break_even": None,
        "power": None,
        "cells": [],
        "decision": plan,
        "created_at": f"{starts_on.isoformat()}T00:00:00+00:00",
        "created_by": SIMULATED,
    }


def _with_outcomes(
    members: Sequence[CampaignMember],
    number: int,
    revenue: pd.DataFrame,
    rng: np.random.Generator,
    settings: Settings,
) -> list[CampaignMember]:
    """What members spent, and of some of those contacted one order more because of it."""
    spent = revenue[number].to_numpy()
    effects = {HOLD_OUT_ARM: 0.0, **{offer.name: offer.effect for offer in OFFERS}}
    mean = np.array([effects[member.arm] for member in members]) * spent.std() / RESPONSES
    more = np.where(rng.random(len(members)) < RESPONSES, mean * rng.gamma(2, 0.5, len(members)), 0)
    unit = settings.data.minor_units
    return [
        replace(
            member,
            orders=int(usual != 0) + int(added > 0),
            revenue=round(float(usual + added) * unit) / unit,
        )
        for member, usual, added in zip(members, spent, more, strict=True)
    ]


def _read(
    store: CampaignStore,
    campaign: CampaignRecord,
    members: Sequence[CampaignMember],
    settings: Settings,
) -> MeasuredCampaign:
    table = pd.DataFrame([vars(member) for member in members])
    table = table.assign(margin=np.nan, visits=np.nan, contacted=table["arm"] != HOLD_OUT_ARM)
    share = settings.campaigns.margin_share
    costs = {offer.name: offer.cost for offer in OFFERS}
    reading = read_campaign(table, Economics(costs=costs, margin_share=share), seed=SEED)
    return {
        "measured_until": campaign.ends_on.isoformat(),
        "is_final": True,
        "margin_share": share,
        "erased": {},
        **reading,
        "save_rate": None,
        "uplift": None,
        "decision": read_rounds(store, campaign, table, share),
    }
