"""Who is chosen for a budget, what that should earn, and what it can prove."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256
from typing import cast

from features.errors import ConfigError
from serving.campaigns.assumptions import Assumptions, assumptions
from serving.campaigns.choosing import ContactProfit
from serving.campaigns.decisions.treatments import first_round, priced, sized, with_treatments
from serving.campaigns.holdout import every_nth, hold_out, strata
from serving.campaigns.plan import (
    DERIVED_SEED,
    BreakEvenPoint,
    CampaignArm,
    ChosenCounts,
    DecisionPlan,
    ExpectedMoney,
    ProposedPlan,
    SampledCell,
    StratumSize,
)
from serving.campaigns.power import Power, ordered_power, power_of, spend_variance
from serving.campaigns.request import HOLD_OUT_ARM, TREATED_ARM, CampaignRequest
from serving.campaigns.store import CampaignMember, CandidateFigures, ListedCandidates
from serving.contacts.left_out import is_consent_kept, may_be_contacted
from serving.store.economics import value_share
from serving.store.protocol import CONSENTS
from serving.store.run import PublishedRun

TREATED, HELD_OUT = TREATED_ARM, HOLD_OUT_ARM
SEED_SIGNS = 32

FiguresOf = Callable[[Sequence[str]], Mapping[str, CandidateFigures]]
"""Ids of candidates → what is kept of them; who was erased meanwhile is not in the answer."""


@dataclass(frozen=True, kw_only=True)
class CampaignProposal:
    """A campaign before it is made.

    Attributes
    ----------
    starts_on, ends_on : orders of [starts_on, ends_on) count
    counts : `not_worth_it`: the contact would cost more than it saves
    cells : where RFM cells are tested: customers listed and chosen per cell
    members : the chosen, in the order of their ids
    """

    run: PublishedRun
    request: CampaignRequest
    seed: str
    starts_on: date
    ends_on: date
    assumptions: Assumptions
    counts: ChosenCounts
    cells: Sequence[SampledCell]
    members: Sequence[CampaignMember]
    power: Power | None
    decision: DecisionPlan | None = None

    @property
    def contacted(self) -> list[CampaignMember]:
        return [member for member in self.members if member.arm != HELD_OUT]

    def to_dict(self) -> ProposedPlan:
        """Everything but the members, ready for JSON."""
        planned: ProposedPlan = {
            "name": self.request.name,
            "origin": "regulars",
            "choose": self.request.choose,
            "run_id": self.run.info.run_id,
            "currency": self.run.info.currency,
            "clv_basis": self.run.info.clv_basis,
            "starts_on": self.starts_on.isoformat(),
            "ends_on": self.ends_on.isoformat(),
            "seed": self.seed,
            "assumptions": self.assumptions.to_dict(),
            "counts": self.counts,
            "arms": self._arms(),
            "strata": self._strata(),
            "expected": self._expected(),
            "break_even": self._break_even(),
            "power": None if self.power is None else self.power.to_dict(),
            "cells": list(self.cells),
        }
        return planned if self.decision is None else {**planned, "decision": self.decision}

    def _arms(self) -> list[CampaignArm]:
        """Those who are contacted first."""
        sizes = Counter(member.arm for member in self.members)
        names = [TREATED] if self.decision is None else list(self.decision["treatments"])
        return [
            CampaignArm(arm=name, contacted=name != HELD_OUT, members=sizes[name])
            for name in (*names, HELD_OUT)
        ]

    def _strata(self) -> list[StratumSize]:
        everybody = Counter(member.stratum for member in self.members)
        held_out = Counter(member.stratum for member in self.members if member.arm == HELD_OUT)
        return [
            {"stratum": name, "customers": everybody[name], "hold_out": held_out[name]}
            for name in sorted(everybody)
        ]

    def _expected(self) -> ExpectedMoney:
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
        rounded = {name: round(value, digits) for name, value in figures.items()}
        return cast("ExpectedMoney", rounded)

    def _break_even(self) -> BreakEvenPoint:
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
    request: CampaignRequest,
    run: PublishedRun,
    listed: ListedCandidates,
    busy: set[str],
    figures_of: FiguresOf,
    *,
    cells: set[str] | None = None,
    later_round: DecisionPlan | None = None,
) -> CampaignProposal:
    """Choose from the customers that the filter lists.

    Parameters
    ----------
    listed : customers of `run`
    busy : ids of people in another campaign of these days
    figures_of : asked for those who are chosen
    cells : RFM cells to choose from, None for all
    later_round : of several treatments; None: the first one

    Raises
    ------
    ConfigError
        Naming everything in the request that cannot be, or when nobody is left to choose.
    """
    asked, decision = request, later_round or first_round(request)
    request = priced(request, decision)
    assumed = assumptions(request, run.info.economics)
    starts_on, ends_on = _days(request, run)
    if problems := asked.problems() + _budget_problems(request, run, assumed, starts_on):
        raise ConfigError(problems)
    is_kept = is_consent_kept(run.info)
    consents = [value for value in CONSENTS if may_be_contacted(value, is_kept=is_kept)]
    allowed = [row for row, consent in enumerate(listed.consent) if consent in consents]
    free = [row for row in allowed if listed.customer_id[row] not in busy]
    without_consent, elsewhere = len(listed) - len(allowed), len(allowed) - len(free)
    scale = (ends_on - starts_on).days / run.info.horizon_days
    profit = _profit(run, request, assumed, scale)
    earned = profit.unrounded(listed)
    worth = free if cells is None else [row for row in free if listed.rfm_cell[row] in cells]
    if not _is_test(request, cells):
        worth = profit.above_zero(earned, worth)
    if not worth:
        raise ConfigError(
            f"nobody to choose: of {len(listed):,} listed customers {without_consent:,} have not"
            f" consented, {elsewhere:,} are in another campaign, and no contact of the others"
            " would earn its cost."
        )
    size = _size(request, assumed, len(worth))
    chosen, tested = (
        _tested(listed, worth, size)
        if request.choose == "every_nth"
        else (profit.highest(earned, worth, listed.customer_id, size), [])
    )
    seed = request.seed or _seed_of(run, asked)
    figures = figures_of([listed.customer_id[row] for row in chosen])
    drawn_from = [
        _member(name, profit.rounded(earned[row]), listed.value_at_risk[row], figures[name], scale)
        for row in chosen
        if (name := listed.customer_id[row]) in figures
    ]
    members = _with_arms(drawn_from, assumed.hold_out, seed, decision)
    held_out = sum(member.arm == HELD_OUT for member in members)
    return CampaignProposal(
        run=run,
        request=request,
        seed=seed,
        starts_on=starts_on,
        ends_on=ends_on,
        assumptions=assumed,
        counts={
            "listed": len(listed),
            "without_consent": without_consent,
            "in_another_campaign": elsewhere,
            "not_worth_it": len(free) - len(worth),
            "beyond_budget": len(worth) - len(members),
            "chosen": len(members),
            "contacts": len(members) - held_out,
            "hold_out": held_out,
        },
        cells=tested,
        members=members,
        decision=None if decision is None else sized(decision, len(members)),
        power=_power(members, figures, assumed, held_out),
    )


def _seed_of(run: PublishedRun, request: CampaignRequest) -> str:
    """The same for the same wish to the same run, whatever the campaign is called."""
    wish = {
        name: value for name, value in request.to_dict().items() if name not in {"name", "seed"}
    }
    text = json.dumps([run.info.run_id, wish], sort_keys=True, default=str)
    return DERIVED_SEED + sha256(text.encode()).hexdigest()[:SEED_SIGNS]


def _is_test(request: CampaignRequest, cells: set[str] | None) -> bool:
    """What a test shall find out, or has found out, is not judged by the forecast."""
    return request.choose == "every_nth" or cells is not None


def _days(request: CampaignRequest, run: PublishedRun) -> tuple[date, date]:
    starts_on = request.first_day or run.info.as_of
    return starts_on, starts_on + timedelta(days=request.horizon_days or run.info.horizon_days)


def _budget_problems(
    request: CampaignRequest, run: PublishedRun, assumed: Assumptions, starts_on: date
) -> list[str]:
    problems = []
    if request.amount is not None and assumed.cost_per_contact <= 0:
        problems.append("amount: needs cost_per_contact, by which it is divided.")
    if request.amount is not None and 0 < request.amount < assumed.cost_per_contact:
        problems.append("amount: less than one contact costs.")
    if request.choose == "every_nth" and request.contacts is None and request.amount is None:
        problems.append("contacts: a test needs its size.")
    if starts_on < run.info.as_of:
        problems.append(f"starts_on: before the date of the scores, {run.info.as_of}.")
    if request.choose == "every_nth" and "rfm_cell" not in run.info.segment_columns:
        problems.append("choose: the run carries no RFM cells.")
    return problems


def _profit(
    run: PublishedRun, request: CampaignRequest, assumed: Assumptions, scale: float
) -> ContactProfit:
    """What a contact is expected to earn in the campaign's days."""
    economics = run.info.economics
    return ContactProfit(
        saved_share=assumed.save_rate * value_share(economics, assumed.margin_share) * scale,
        cost=assumed.cost_per_contact,
        digits=run.summary.money.digits,
        modelled=request.save_rate is None and bool(economics.get("targeting")),
        modelled_cost=economics["cost_per_contact"],
        modelled_margin=economics["margin_share"],
        scale=scale,
        margin_share=assumed.margin_share,
    )


def _member(
    customer_id: str,
    profit: float,
    value_at_risk: float | None,
    figures: CandidateFigures,
    scale: float,
) -> CampaignMember:
    """The candidate with the money of the campaign's days; the arm is drawn later."""
    at_risk = (value_at_risk or 0.0) * scale
    churn = figures.churn_probability or 0.0
    return CampaignMember(
        customer_id=customer_id,
        arm=TREATED,
        stratum="",
        retention_risk=figures.retention_risk,
        rfm_group=figures.rfm_group,
        rfm_cell=figures.rfm_cell,
        clv=(figures.clv or 0.0) * scale,
        value_at_risk=at_risk,
        usual_value=at_risk / churn if churn > 0 else 0.0,
        expected_profit=profit,
        contact_hash=figures.contact_hash,
    )


def _size(request: CampaignRequest, assumed: Assumptions, available: int) -> int:
    """How many are chosen, so that the budget is what those contacted cost."""
    contacts = request.contacts
    if request.amount is not None:
        contacts = int(request.amount / assumed.cost_per_contact + 1e-9)
    if contacts is None:
        return available
    return min(available, max(contacts + 1, round(contacts / (1 - assumed.hold_out))))


def _tested(
    listed: ListedCandidates, worth: Sequence[int], size: int
) -> tuple[list[int], list[SampledCell]]:
    """Every nth of each RFM cell."""
    cells = {listed.customer_id[row]: listed.rfm_cell[row] or "" for row in worth}
    names = set(every_nth(cells, size))
    sizes = Counter(cells.values())
    picked = Counter(cells[name] for name in names)
    tested = [
        SampledCell(cell=cell, customers=sizes[cell], chosen=picked[cell]) for cell in sorted(sizes)
    ]
    return [row for row in worth if listed.customer_id[row] in names], tested


def _with_arms(
    chosen: Sequence[CampaignMember], share: float, seed: str, decision: DecisionPlan | None
) -> list[CampaignMember]:
    names = strata(
        [member.retention_risk for member in chosen],
        [member.usual_value or 0.0 for member in chosen],
    )
    if decision is not None:
        drawn = with_treatments(chosen, names, decision, seed)
        return sorted(drawn, key=lambda member: member.customer_id)
    stratum_of = {member.customer_id: name for member, name in zip(chosen, names, strict=True)}
    held_out = hold_out(stratum_of, share, seed)
    return [
        replace(
            member,
            stratum=stratum_of[member.customer_id],
            arm=HELD_OUT if member.customer_id in held_out else TREATED,
        )
        for member in sorted(chosen, key=lambda member: member.customer_id)
    ]


def _power(
    members: Sequence[CampaignMember],
    figures: Mapping[str, CandidateFigures],
    assumed: Assumptions,
    held_out: int,
) -> Power | None:
    variance = at_risk = expected = 0.0
    chances: list[float] = []
    for member in members:
        p_churn = figures[member.customer_id].churn_probability
        churn = 0.5 if p_churn is None else p_churn
        chances.append(churn)
        variance += spend_variance(member.clv or 0.0, churn, assumed.spend_cv)
        at_risk += member.value_at_risk or 0.0
        expected += (member.expected_profit or 0.0) + assumed.cost_per_contact
    count = len(members)
    power = power_of(
        count - held_out,
        held_out,
        variance=variance / count,
        expected=expected / count / assumed.margin_share,
        value_at_risk=at_risk / count,
    )
    if power is None:
        return None
    ordered = ordered_power(count - held_out, held_out, churn=chances, save_rate=assumed.save_rate)
    return replace(power, ordered=ordered)
