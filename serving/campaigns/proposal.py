"""Who is chosen for a budget, what that should earn, and what it can prove."""

import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from features.errors import ConfigError
from serving.campaigns.holdout import every_nth, hold_out, strata
from serving.campaigns.power import Power, power_of, spend_variance
from serving.campaigns.store import CampaignCandidate, CampaignMember
from serving.campaigns.wish import Assumptions, Wish, assumptions
from serving.store.economics import value_share
from serving.store.run import PublishedRun

TREATED, HELD_OUT = "treated", "hold_out"
SEED_BYTES = 16


@dataclass(frozen=True, kw_only=True)
class CampaignProposal:
    """A campaign before it is made.

    Attributes
    ----------
    starts_on, ends_on : orders of [starts_on, ends_on) count
    counts : `listed` by the filter; of them `without_consent`, `in_another_campaign`,
        `not_worth_it` (the contact would cost more than it saves) or `beyond_budget` are not
        chosen; `chosen` = `contacts` + `hold_out`
    cells : where RFM cells are tested: customers listed and chosen per cell
    members : the chosen, in the order of their ids
    """

    run: PublishedRun
    wish: Wish
    seed: str
    starts_on: date
    ends_on: date
    assumptions: Assumptions
    counts: Mapping[str, int]
    cells: Sequence[Mapping[str, Any]]
    members: Sequence[CampaignMember]
    power: Power | None

    @property
    def contacted(self) -> list[CampaignMember]:
        return [member for member in self.members if member.arm == TREATED]

    def to_dict(self) -> dict[str, Any]:
        """Everything but the members, ready for JSON."""
        return {
            "name": self.wish.name,
            "origin": "regulars",
            "choose": self.wish.choose,
            "run_id": self.run.info.run_id,
            "currency": self.run.info.currency,
            "clv_basis": self.run.info.clv_basis,
            "starts_on": self.starts_on.isoformat(),
            "ends_on": self.ends_on.isoformat(),
            "seed": self.seed,
            "assumptions": self.assumptions.to_dict(),
            "counts": dict(self.counts),
            "arms": [
                {"arm": arm, "contacted": arm == TREATED, "members": self.counts[name]}
                for arm, name in ((TREATED, "contacts"), (HELD_OUT, "hold_out"))
            ],
            "strata": self._strata(),
            "expected": self._expected(),
            "break_even": self._break_even(),
            "power": self.power and self.power.to_dict(),
            "cells": [dict(cell) for cell in self.cells],
        }

    def _strata(self) -> list[dict[str, Any]]:
        everybody = Counter(member.stratum for member in self.members)
        alone = Counter(member.stratum for member in self.members if member.arm == HELD_OUT)
        return [
            {"stratum": name, "customers": everybody[name], "hold_out": alone[name]}
            for name in sorted(everybody)
        ]

    def _expected(self) -> dict[str, float]:
        """Of those who are contacted, in money; the interval is that of the save rate."""
        digits = self.run.summary.money.digits
        cost = len(self.contacted) * self.assumptions.cost_per_contact
        profit = sum(member.expected_profit or 0.0 for member in self.contacted)
        figures = {
            "cost": cost,
            "value_at_risk": sum(member.value_at_risk or 0.0 for member in self.contacted),
            "saved_revenue": (profit + cost) / self.assumptions.margin_share,
            "profit": profit,
        }
        assumed = self.assumptions
        for end, rate in (("low", assumed.save_rate_low), ("high", assumed.save_rate_high)):
            share = rate / assumed.save_rate if assumed.save_rate > 0 else 0.0
            figures[f"profit_{end}"] = (profit + cost) * share - cost
        return {name: round(value, digits) for name, value in figures.items()}

    def _break_even(self) -> dict[str, float | None]:
        """The response, and the save rate, from which contacts pay for themselves."""
        cost = self.assumptions.cost_per_contact
        share = value_share(self.run.info.economics, self.assumptions.margin_share)
        at_risk = sum(member.value_at_risk or 0.0 for member in self.contacted)
        sale = self.assumptions.net_profit_per_sale
        return {
            "cost_per_contact": cost,
            "net_profit_per_sale": sale,
            "response": cost / sale if sale > 0 else None,
            "save_rate": cost * len(self.contacted) / (at_risk * share) if at_risk > 0 else None,
        }


def propose(
    wish: Wish,
    run: PublishedRun,
    listed: Sequence[CampaignCandidate],
    busy: set[str],
    *,
    cells: set[str] | None = None,
) -> CampaignProposal:
    """Choose from the customers that the filter lists.

    Parameters
    ----------
    listed : customers of `run`
    busy : ids of people in another campaign of these days
    cells : RFM cells to choose from, None for all

    Raises
    ------
    ConfigError
        Naming everything in the wish that cannot be, or when nobody is left to choose.
    """
    assumed = assumptions(wish, run.info.economics)
    starts_on, ends_on = _days(wish, run)
    if problems := wish.problems() + _budget_problems(wish, run, assumed, starts_on):
        raise ConfigError(problems)
    known = run.info.economics["consent_known"]
    refused = [one for one in listed if one.consent is False or (known and not one.consent)]
    taken = {one.customer_id for one in refused}
    others = [one for one in listed if one.customer_id in busy and one.customer_id not in taken]
    taken |= {one.customer_id for one in others}
    scale = (ends_on - starts_on).days / run.info.horizon_days
    profit = _profits(run, wish, assumed, scale)
    free = [
        (profit(one), one)
        for one in listed
        if one.customer_id not in taken and (cells is None or one.rfm_cell in cells)
    ]
    worth = free if _is_test(wish, cells) else [pair for pair in free if pair[0] > 0]
    if not worth:
        raise ConfigError(
            f"nobody to choose: of {len(listed):,} listed customers {len(refused):,} have not"
            f" consented, {len(others):,} are in another campaign, and no contact of the others"
            " would earn its cost."
        )
    size = _size(wish, assumed, len(worth))
    chosen, tested = _chosen(wish, worth, size)
    seed = wish.seed or secrets.token_hex(SEED_BYTES)
    members = _with_arms(
        [_member(earned, one, scale) for earned, one in chosen], assumed.hold_out, seed
    )
    alone = sum(member.arm == HELD_OUT for member in members)
    return CampaignProposal(
        run=run,
        wish=wish,
        seed=seed,
        starts_on=starts_on,
        ends_on=ends_on,
        assumptions=assumed,
        counts={
            "listed": len(listed),
            "without_consent": len(refused),
            "in_another_campaign": len(others),
            "not_worth_it": len(listed) - len(taken) - len(worth),
            "beyond_budget": len(worth) - len(members),
            "chosen": len(members),
            "contacts": len(members) - alone,
            "hold_out": alone,
        },
        cells=tested,
        members=members,
        power=_power(members, [one for _, one in chosen], assumed, alone),
    )


def _is_test(wish: Wish, cells: set[str] | None) -> bool:
    """What a test shall find out, or has found out, is not judged by the forecast."""
    return wish.choose == "every_nth" or cells is not None


def _days(wish: Wish, run: PublishedRun) -> tuple[date, date]:
    starts_on = wish.starts_on or run.info.as_of
    return starts_on, starts_on + timedelta(days=wish.horizon_days or run.info.horizon_days)


def _budget_problems(
    wish: Wish, run: PublishedRun, assumed: Assumptions, starts_on: date
) -> list[str]:
    found = []
    if wish.amount is not None and assumed.cost_per_contact <= 0:
        found.append("amount: needs cost_per_contact, by which it is divided.")
    if wish.amount is not None and 0 < wish.amount < assumed.cost_per_contact:
        found.append("amount: less than one contact costs.")
    if wish.choose == "every_nth" and wish.contacts is None and wish.amount is None:
        found.append("contacts: a test needs its size.")
    if starts_on < run.info.as_of:
        found.append(f"starts_on: before the date of the scores, {run.info.as_of}.")
    if wish.choose == "every_nth" and "rfm_cell" not in run.info.segment_columns:
        found.append("choose: the run carries no RFM cells.")
    return found


def _profits(
    run: PublishedRun, wish: Wish, assumed: Assumptions, scale: float
) -> Callable[[CampaignCandidate], float]:
    """What a contact of a candidate is expected to earn in the campaign's days, in money."""
    economics, digits = run.info.economics, run.summary.money.digits
    of_model = wish.save_rate is None and bool(economics.get("targeting"))
    each = assumed.save_rate * value_share(economics, assumed.margin_share) * scale

    def profit(one: CampaignCandidate) -> float:
        earned = each * (one.value_at_risk or 0.0)
        if of_model and one.expected_profit is not None:
            revenue = one.expected_profit + economics["cost_per_contact"]
            earned = revenue / economics["margin_share"] * scale * assumed.margin_share
        return round(earned - assumed.cost_per_contact, digits)

    return profit


def _member(profit: float, one: CampaignCandidate, scale: float) -> CampaignMember:
    """The candidate with the money of the campaign's days; the arm is drawn later."""
    at_risk = (one.value_at_risk or 0.0) * scale
    churn = one.churn_probability or 0.0
    return CampaignMember(
        customer_id=one.customer_id,
        arm=TREATED,
        stratum="",
        retention_risk=one.retention_risk,
        rfm_group=one.rfm_group,
        rfm_cell=one.rfm_cell,
        clv=(one.clv or 0.0) * scale,
        value_at_risk=at_risk,
        usual_value=at_risk / churn if churn > 0 else 0.0,
        expected_profit=profit,
        contact_hash=one.contact_hash,
    )


def _size(wish: Wish, assumed: Assumptions, available: int) -> int:
    """How many are chosen, so that the budget is what those contacted cost."""
    contacts = wish.contacts
    if wish.amount is not None:
        contacts = int(wish.amount / assumed.cost_per_contact + 1e-9)
    if contacts is None:
        return available
    return min(available, max(contacts + 1, round(contacts / (1 - assumed.hold_out))))


def _chosen(
    wish: Wish, worth: Sequence[tuple[float, CampaignCandidate]], size: int
) -> tuple[Sequence[tuple[float, CampaignCandidate]], list[dict[str, Any]]]:
    if wish.choose == "best":
        best = sorted(worth, key=lambda pair: (-pair[0], pair[1].customer_id))
        return best[:size], []
    cells = {one.customer_id: one.rfm_cell or "" for _, one in worth}
    names = set(every_nth(cells, size))
    sizes = Counter(cells.values())
    picked = Counter(cells[name] for name in names)
    tested = [
        {"cell": cell, "customers": sizes[cell], "chosen": picked[cell]} for cell in sorted(sizes)
    ]
    return [pair for pair in worth if pair[1].customer_id in names], tested


def _with_arms(chosen: Sequence[CampaignMember], share: float, seed: str) -> list[CampaignMember]:
    names = strata(
        [one.retention_risk for one in chosen], [one.usual_value or 0.0 for one in chosen]
    )
    of = {one.customer_id: name for one, name in zip(chosen, names, strict=True)}
    alone = hold_out(of, share, seed)
    return [
        replace(
            one,
            stratum=of[one.customer_id],
            arm=HELD_OUT if one.customer_id in alone else TREATED,
        )
        for one in sorted(chosen, key=lambda one: one.customer_id)
    ]


def _power(
    members: Sequence[CampaignMember],
    chosen: Sequence[CampaignCandidate],
    assumed: Assumptions,
    alone: int,
) -> Power | None:
    known = {one.customer_id: one for one in chosen}
    variance = at_risk = expected = 0.0
    for member in members:
        one = known[member.customer_id]
        churn = 0.5 if one.churn_probability is None else one.churn_probability
        variance += spend_variance(member.clv or 0.0, churn, assumed.spend_cv)
        at_risk += member.value_at_risk or 0.0
        expected += (member.expected_profit or 0.0) + assumed.cost_per_contact
    count = len(members)
    return power_of(
        count - alone,
        alone,
        variance=variance / count,
        expected=expected / count / assumed.margin_share,
        value_at_risk=at_risk / count,
    )
