"""Campaigns made elsewhere, as the table of contacts tells of them."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date, timedelta
from hashlib import sha256

import pandas as pd

from features.engines.build import build_features
from features.orders.log import OrderLog, day_date, day_number
from serving.campaigns.plan import CampaignArm, CampaignPlan
from serving.campaigns.store import CampaignMember, CampaignRecord

ELSEWHERE = "contacts"
"""Where such a campaign comes from, as its plan says."""

LEAST_MEMBERS = 20
"""Of each arm; smaller ones tell nothing."""

DAYS_PER_YEAR = 365
ID_SIGNS = 12


def made_elsewhere(
    log: OrderLog,
    as_of: date,
    *,
    skip: Collection[str] = (),
    erased: Callable[[Iterable[str]], set[str]] = lambda _: set(),
) -> Iterator[tuple[CampaignRecord, list[CampaignMember]]]:
    """Campaigns with a control arm that began before `as_of`, and their members.

    The arm of a customer is that of the first row; the cost of an arm is that of its rows ÷
    its members. Orders count from the first contact of the campaign on, for the horizon of
    the configuration. What was known before is what the log says of that morning.

    Parameters
    ----------
    skip : names of campaigns that Regulars itself has made
    erased : tells who of some customers was erased: they are left out
    """
    table = log.settings.data.contacts
    if table is None or table.campaign is None or table.arm is None:
        return
    rows = _contacts(log, as_of)
    rows = rows[~rows["customer_id"].isin(erased(rows["customer_id"]))]
    for name, group in rows.groupby("campaign"):
        sizes = group.groupby("is_control").size()
        if str(name) in skip or len(sizes) < 2 or sizes.min() < LEAST_MEMBERS:
            continue
        yield _campaign(log, str(name), group)


def _contacts(log: OrderLog, as_of: date) -> pd.DataFrame:
    """One row per campaign and customer."""
    minor = log.settings.data.minor_units
    return log.frame(f"""
        SELECT campaign, customer_id, arg_min(arm, (day, minute)) AS arm,
               bool_or(is_control) AS is_control, min(day) AS day,
               coalesce(sum(cost), 0) / {minor} AS cost
        FROM contacts JOIN customers USING (customer)
        WHERE campaign IS NOT NULL AND arm IS NOT NULL AND seen_day < {day_number(as_of)}
        GROUP BY campaign, customer_id ORDER BY campaign, customer_id""")


def _campaign(
    log: OrderLog, name: str, group: pd.DataFrame
) -> tuple[CampaignRecord, list[CampaignMember]]:
    settings = log.settings
    starts_on = day_date(int(group["day"].min()))
    arms = [
        CampaignArm(arm=str(arm), contacted=not bool(part["is_control"].all()), members=len(part))
        for arm, part in group.groupby("arm")
    ]
    plan: CampaignPlan = {
        "name": name,
        "origin": ELSEWHERE,
        "choose": None,
        "run_id": None,
        "currency": settings.data.currency,
        "clv_basis": None,
        "starts_on": starts_on.isoformat(),
        "ends_on": (starts_on + timedelta(days=settings.predict.horizon_days)).isoformat(),
        "seed": None,
        "assumptions": None,
        "counts": None,
        "arms": arms,
        "costs": {str(arm): float(part["cost"].mean()) for arm, part in group.groupby("arm")},
        "strata": [],
        "expected": None,
        "break_even": None,
        "power": None,
        "cells": [],
        # of when it was made nothing more is known
        "created_at": f"{starts_on.isoformat()}T00:00:00+00:00",
        "created_by": ELSEWHERE,
    }
    campaign = CampaignRecord(
        campaign_id=f"x-{sha256(name.encode()).hexdigest()[:ID_SIGNS]}",
        starts_on=starts_on,
        ends_on=date.fromisoformat(plan["ends_on"]),
        plan=plan,
    )
    return campaign, _members(log, group, starts_on)


def _members(log: OrderLog, group: pd.DataFrame, starts_on: date) -> list[CampaignMember]:
    usual: dict[str, float] = {}
    if starts_on > log.first_day:
        features = build_features(log, starts_on)
        share = log.settings.predict.horizon_days / DAYS_PER_YEAR
        expected = features["spend_365d"].clip(lower=0) * share
        usual = {str(customer): value for customer, value in expected.items()}
    return [
        CampaignMember(
            customer_id=str(row.customer_id),
            arm=str(row.arm),
            stratum="",
            usual_value=usual.get(str(row.customer_id), 0.0),
        )
        for row in group.itertuples()
    ]
