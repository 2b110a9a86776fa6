"""What came of campaigns, counted in the same orders that a score run reads."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from typing import cast

import numpy as np
import pandas as pd

from features.orders.log import OrderLog, day_number
from serving.campaigns.contacted import ELSEWHERE, made_elsewhere
from serving.campaigns.decisions.read_rounds import read_rounds
from serving.campaigns.plan import SIMULATED, CampaignPlan
from serving.campaigns.service import status_of
from serving.campaigns.store import (
    OUTCOMES,
    CampaignRecord,
    CampaignStore,
    MeasuredCampaign,
    MemberOutcome,
)
from serving.campaigns.targeting import judged
from serving.scoring.economics import assumed
from serving.scoring.lessons import SaveRate
from serving.settings import Settings
from training.experiments.effect_shrinkage import after
from training.experiments.reading import Economics, read_campaign

LATE_DAYS = 30
"""For so long after its end a campaign is measured again: orders and returns come in late."""

SEED = 20_260_101


def measure_campaigns(
    store: CampaignStore,
    log: OrderLog[Settings],
    as_of: date,
    progress: Callable[[str], None] = lambda _: None,
    erased: Callable[[Iterable[str]], set[str]] = lambda _: set(),
) -> None:
    """Write into every campaign what its members ordered before `as_of`, and its results.

    Campaigns that the table of contacts tells of are read in first. Only running ones, and
    those that ended less than `LATE_DAYS` ago, are measured. `erased` tells who of some
    customers was erased: the table of contacts does not bring them back.
    """
    read_elsewhere(store, log, as_of, erased)
    for campaign in store.campaigns():
        if _is_due(campaign, as_of):
            outcomes, results = _measured(store, log, campaign, as_of)
            store.record(campaign.campaign_id, outcomes, results)
            progress(f"measured campaign {campaign.campaign_id}")


def read_elsewhere(
    store: CampaignStore,
    log: OrderLog[Settings],
    as_of: date,
    erased: Callable[[Iterable[str]], set[str]] = lambda _: set(),
) -> None:
    """Keep the campaigns of the table of contacts, where they have a control arm."""
    campaigns = {campaign.campaign_id: campaign for campaign in store.campaigns()}
    own = {
        name
        for campaign in campaigns.values()
        if campaign.plan["origin"] != ELSEWHERE
        for name in (campaign.campaign_id, campaign.plan["name"])
    }
    for campaign, members in made_elsewhere(log, as_of, skip=own, erased=erased):
        before = campaigns.get(campaign.campaign_id)
        if before is None or _is_due(before, as_of):
            store.put(campaign, members)


def measured_save_rate(store: CampaignStore, log: OrderLog[Settings]) -> SaveRate:
    """The assumed save rate, drawn toward what ended campaigns have measured.

    The assumption m is a normal prior with standard deviation m; each campaign that is measured
    to its end counts with its standard error (`training.experiments.effect_shrinkage.after`). The
    rate is never below 0.
    """
    prior = assumed(log)
    measured = [
        save_rate
        for campaign in store.campaigns()
        if status_of(campaign) == "ended"
        and campaign.results
        and (save_rate := campaign.results.get("save_rate"))
    ]
    if not measured:
        return prior
    rate = after(
        prior.value,
        prior.value,
        [save_rate["value"] for save_rate in measured],
        [save_rate["standard_error"] for save_rate in measured],
    )
    return SaveRate(
        value=max(rate.value, 0.0), low=rate.low, high=rate.high, campaigns=rate.measured
    )


def outcomes_of(log: OrderLog[Settings], starts_on: date, until: date) -> pd.DataFrame:
    """What each customer did in [starts_on, until), as it is known on `until`.

    Returns
    -------
    One row per customer who did something, index `customer_id`: `orders`, `revenue` (returns
    taken off), `margin` (of orders whose cost is known) and `revenue_without_cost`, in money;
    `visits`, NaN where no table of interactions is configured.
    """
    first, minor = day_number(starts_on), log.settings.data.minor_units
    bought = log.frame(f"""
        SELECT customer_id,
               COUNT(DISTINCT CASE WHEN is_purchase THEN order_key END) AS orders,
               SUM(amount) / {minor} AS revenue,
               COALESCE(SUM(CASE WHEN cost IS NOT NULL THEN amount - cost END), 0) / {minor}
                   AS margin,
               COALESCE(SUM(CASE WHEN cost IS NULL THEN amount END), 0) / {minor}
                   AS revenue_without_cost,
               COUNT(cost) AS with_cost
        FROM {log.visible(until)["orders"]} AS known_orders
        JOIN customers USING (customer)
        WHERE day >= {first} GROUP BY customer_id""").set_index("customer_id")
    if log.settings.data.interactions is None:
        return bought.assign(visits=np.nan)
    visits = log.frame(f"""
        SELECT customer_id, COUNT(*) AS visits
        FROM interactions JOIN customers USING (customer)
        WHERE kind = 'visit' AND day >= {first} AND day < {day_number(until)}
        GROUP BY customer_id""").set_index("customer_id")
    return bought.join(visits, how="outer").fillna(0.0)


def _is_due(campaign: CampaignRecord, as_of: date) -> bool:
    """Has begun, and is not yet measured to its end or may still get late orders."""
    if campaign.plan["origin"] == SIMULATED:
        return False
    if campaign.cancelled_at is not None or campaign.starts_on >= as_of:
        return False
    if campaign.results and date.fromisoformat(campaign.results["measured_until"]) > as_of:
        # a run of an earlier date says nothing new
        return False
    may_change = as_of < campaign.ends_on + timedelta(days=LATE_DAYS)
    return may_change or status_of(campaign) == "running"


def _measured(
    store: CampaignStore, log: OrderLog[Settings], campaign: CampaignRecord, as_of: date
) -> tuple[list[MemberOutcome], MeasuredCampaign]:
    until = min(as_of, campaign.ends_on)
    is_final = until >= campaign.ends_on
    table = members_with_outcomes(store, log, campaign, until)
    plan = campaign.plan
    money = Economics(
        costs=_costs(plan),
        margin_share=_margin_share(campaign, log),
        net_profit_per_sale=_net_profit_per_sale(plan),
        value_basis=plan["clv_basis"] or "revenue",
    )
    results: MeasuredCampaign = {
        "measured_until": until.isoformat(),
        "is_final": is_final,
        "margin_share": money.margin_share,
        "erased": {
            arm["arm"]: arm["members"] - int((table["arm"] == arm["arm"]).sum())
            for arm in plan["arms"]
        },
        **read_campaign(table, money, seed=SEED),
        # a customer of few weeks' outcome is no lesson yet
        "uplift": judged(log, campaign, table) if is_final else None,
        "decision": read_rounds(store, campaign, table, money.margin_share) if is_final else None,
    }
    return list(_rows(table)), results


def members_with_outcomes(
    store: CampaignStore, log: OrderLog[Settings], campaign: CampaignRecord, until: date
) -> pd.DataFrame:
    """The members as `read_campaign` takes them, with what they did before `until`."""
    members = pd.DataFrame([vars(member) for member in store.members(campaign.campaign_id)])
    members = members.drop(columns=list(OUTCOMES))
    done = outcomes_of(log, campaign.starts_on, until)
    table = members.join(done, on="customer_id")
    for name in ("orders", "revenue", "margin", "revenue_without_cost"):
        table[name] = table[name].fillna(0.0)
    if log.settings.data.interactions is not None:
        table["visits"] = table["visits"].fillna(0.0)
    if done["with_cost"].sum() == 0:
        table["margin"] = np.nan
    else:
        share = _margin_share(campaign, log)
        table["margin"] += table["revenue_without_cost"] * share
    contacted = {arm["arm"] for arm in campaign.plan["arms"] if arm["contacted"]}
    return table.assign(contacted=table["arm"].isin(contacted))


def _costs(plan: CampaignPlan) -> dict[str, float]:
    if (decision := plan.get("decision")) is not None:
        return dict(decision["treatments"])
    costs = plan.get("costs")
    if costs is not None:
        return dict(costs)
    assert plan["assumptions"] is not None  # noqa: S101 - only plans made elsewhere have none
    cost = plan["assumptions"]["cost_per_contact"]
    return {arm["arm"]: cost for arm in plan["arms"] if arm["contacted"]}


def _margin_share(campaign: CampaignRecord, log: OrderLog[Settings]) -> float:
    assumptions = campaign.plan["assumptions"]
    share = assumptions["margin_share"] if assumptions else None
    return float(share or log.settings.campaigns.margin_share)


def _net_profit_per_sale(plan: CampaignPlan) -> float | None:
    if plan["choose"] != "every_nth" or plan["assumptions"] is None:
        return None
    return plan["assumptions"]["net_profit_per_sale"]


def _rows(table: pd.DataFrame) -> Iterator[MemberOutcome]:
    outcomes = table[["customer_id", *OUTCOMES]].astype(object)
    for row in outcomes.where(outcomes.notna(), None).to_dict("records"):
        whole = {name: int(row[name]) for name in ("orders", "visits") if row[name] is not None}
        yield cast("MemberOutcome", {**row, **whole})
