"""A campaign read back: what each arm did, and what the contact changed, in all and per group."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from features.segments.break_even import read_back
from training.experiments.campaign_reading import (
    ArmEffect,
    ArmOutcome,
    CampaignReading,
    EffectFigures,
    EffectInterval,
    GroupEffect,
    MeasuredSaveRate,
    ReadCell,
    verdict_of,
)
from training.experiments.effect import Effect, effect_of
from training.experiments.effect_shrinkage import NORMAL_90, shrink

KNOWN_BEFORE = ("clv", "usual_value")
"""Columns known before the start, which explain a part of the outcome."""

GROUPED_BY = ("retention_risk", "rfm_group")
LEAST_GROUPS = 2


@dataclass(frozen=True, kw_only=True)
class Economics:
    """Money of a campaign.

    Attributes
    ----------
    costs : arm → cost per member; of arms that were not contacted 0
    margin_share : net profit ÷ revenue, where the margin of an order is not known
    net_profit_per_sale : for the break-even response of cells; None: cells are not evaluated
    value_basis : what the value at risk of the members is counted in
    """

    costs: Mapping[str, float]
    margin_share: float
    net_profit_per_sale: float | None = None
    value_basis: Literal["revenue", "margin"] = "revenue"


def read_campaign(members: pd.DataFrame, economics: Economics, *, seed: int) -> CampaignReading:
    """The result of a campaign, ready for JSON.

    Parameters
    ----------
    members : one row per member as drawn: `arm`, `contacted`, `orders`, `revenue`, `margin`
        (NaN: revenue × margin share), `visits` (NaN: not known), `KNOWN_BEFORE`,
        `value_at_risk`, `GROUPED_BY`, `rfm_cell`
    seed : of the intervals

    Returns
    -------
    `arms`: the outcome of each. `effects`: per contacted arm and measure (`visited`, `ordered`,
    `orders`, `revenue`, `profit`) the effect per contact and in total with its 90 % interval
    and a verdict. `segments`: the profit per contact of each group, alone and shrunken
    toward their mean. `cells`: the break-even of each RFM cell. `save_rate`: revenue, or margin where that
    is the basis of values, saved ÷ value at risk. What cannot be measured is left out, or null.
    """
    table = members.assign(profit=_profit(members, economics))
    effects = [
        _effect(table, arm, measure, values, economics, seed)
        for arm in _contacted(table)
        for measure, values in _measures(table).items()
    ]
    return {
        "arms": [_arm(table, arm, economics) for arm in sorted(set(table["arm"]))],
        "effects": [effect for effect in effects if effect is not None],
        "segments": _segments(table, economics, seed),
        "cells": _cells(table, economics),
        "save_rate": _save_rate(table, economics.value_basis, seed),
    }


def _profit(members: pd.DataFrame, economics: Economics) -> "pd.Series[float]":
    return members["margin"].fillna(members["revenue"] * economics.margin_share)


def _contacted(table: pd.DataFrame) -> list[str]:
    return sorted(set(table["arm"][table["contacted"]]))


def _measures(table: pd.DataFrame) -> dict[str, "pd.Series[float]"]:
    measures = {
        "ordered": (table["orders"] > 0).astype(float),
        "orders": table["orders"].astype(float),
        "revenue": table["revenue"].astype(float),
        "profit": table["profit"].astype(float),
    }
    if table["visits"].notna().all() and len(table):
        return {"visited": (table["visits"] > 0).astype(float), **measures}
    return measures


def _arm(table: pd.DataFrame, arm: str, economics: Economics) -> ArmOutcome:
    of_arm = table[table["arm"] == arm]
    count = len(of_arm)
    buyers = int((of_arm["orders"] > 0).sum())
    interval = binomtest(buyers, count).proportion_ci(0.9, method="wilson")
    visited = int((of_arm["visits"] > 0).sum()) if of_arm["visits"].notna().all() else None
    return {
        "arm": arm,
        "contacted": bool(of_arm["contacted"].all()),
        "members": count,
        "buyers": buyers,
        "response_rate": buyers / count,
        "response_low": interval.low,
        "response_high": interval.high,
        "visit_rate": None if visited is None else visited / count,
        "orders": int(of_arm["orders"].sum()),
        "revenue": float(of_arm["revenue"].sum()),
        "revenue_per_member": float(of_arm["revenue"].mean()),
        "cost": economics.costs.get(arm, 0.0) * count,
    }


def _effect(
    table: pd.DataFrame,
    arm: str,
    measure: str,
    values: "pd.Series[float]",
    economics: Economics,
    seed: int,
) -> ArmEffect | None:
    of_two = (table["arm"] == arm) | ~table["contacted"]
    estimate = _of(table[of_two], values[of_two], seed)
    if estimate is None:
        return None
    count = int((table["arm"] == arm).sum())
    # the contact's cost is known and the same for all: it moves the interval, not its width
    cost = economics.costs.get(arm, 0.0) if measure == "profit" else 0.0
    treated, values = table[of_two]["contacted"], values[of_two]
    plain = float(values[treated].mean() - values[~treated].mean())
    return {
        "arm": arm,
        "measure": measure,
        "contacts": count,
        "plain": plain - cost,
        **_shown(estimate, cost, count),
    }


def _shown(estimate: Effect, cost: float, count: int) -> EffectFigures:
    low, value, high = (number - cost for number in (estimate.low, estimate.value, estimate.high))
    return {
        "per_contact": {"value": value, "low": low, "high": high},
        "total": {"value": value * count, "low": low * count, "high": high * count},
        "verdict": verdict_of(low, high),
        "standard_error": estimate.standard_error,
        "variance_left": estimate.variance_left,
    }


def _of(table: pd.DataFrame, values: "pd.Series[float]", seed: int) -> Effect | None:
    covariates = table[list(KNOWN_BEFORE)].astype(float)
    covariates = covariates.loc[:, covariates.notna().any() & (covariates.max() > covariates.min())]
    return effect_of(
        np.asarray(values, dtype=float),
        table["contacted"].to_numpy(dtype=bool),
        covariates if covariates.shape[1] else None,
        seed=seed,
    )


def _segments(table: pd.DataFrame, economics: Economics, seed: int) -> list[GroupEffect]:
    """Each group's profit per contact; all contacted arms together."""
    costs = table["arm"].map(dict(economics.costs)).fillna(0.0).astype(float)
    cost = float(costs[table["contacted"]].mean()) if table["contacted"].any() else 0.0
    rows: list[GroupEffect] = []
    for system in GROUPED_BY:
        groups: list[GroupEffect] = []
        for value, group in table.groupby(system, dropna=True):
            effect = _of(group, group["profit"], seed)
            if effect is not None and effect.standard_error > 0:
                count = int(group["contacted"].sum())
                groups.append(
                    {
                        "system": system,
                        "value": str(value),
                        "hold_out": len(group) - count,
                        "contacts": count,
                        **_shown(effect, cost, count),
                        "shrunken": None,
                    }
                )
        rows += _drawn_together(groups)
    return rows


def _drawn_together(groups: list[GroupEffect]) -> list[GroupEffect]:
    """Adds `shrunken` to the effect of each group alone; the verdict follows `shrunken`."""
    if len(groups) < LEAST_GROUPS:
        return groups
    drawn = shrink(
        [row["per_contact"]["value"] for row in groups], [row["standard_error"] for row in groups]
    )
    rows: list[GroupEffect] = []
    for row, value, error in zip(groups, drawn.values, drawn.errors, strict=True):
        low, high = value - NORMAL_90 * error, value + NORMAL_90 * error
        shrunken: EffectInterval = {"value": float(value), "low": float(low), "high": float(high)}
        rows.append({**row, "shrunken": shrunken, "verdict": verdict_of(low, high)})
    return rows


def _cells(table: pd.DataFrame, economics: Economics) -> list[ReadCell]:
    """Hughes' read-back of those contacted; see `features.segments.break_even`."""
    contacted = table[table["contacted"] & table["rfm_cell"].notna()]
    sale = economics.net_profit_per_sale
    costs = [economics.costs.get(arm, 0.0) for arm in _contacted(table)]
    if sale is None or sale <= 0 or len(costs) != 1 or contacted.empty:
        return []
    read = read_back(
        contacted["rfm_cell"].astype(str),
        contacted["orders"] > 0,
        cost_per_contact=costs[0],
        net_profit_per_sale=sale,
    )
    # JSON knows no infinity: without a cost every response is above break-even
    read["break_even_index"] = read["break_even_index"].replace(np.inf, np.nan)
    rows = read.reset_index().astype(object)
    return [
        cast("ReadCell", {str(name): value for name, value in row.items()})
        for row in rows.where(rows.notna(), None).to_dict("records")
    ]


def _save_rate(table: pd.DataFrame, basis: str, seed: int) -> MeasuredSaveRate | None:
    """Value saved by contacts ÷ value at risk, on one basis, with standard error."""
    saved = table["profit"] if basis == "margin" else table["revenue"]
    at_risk = table["value_at_risk"][table["contacted"]].astype(float)
    if not at_risk.notna().all() or not at_risk.mean() > 0:
        return None
    estimate = _of(table, saved, seed)
    if estimate is None or not estimate.standard_error > 0:
        return None
    mean = float(at_risk.mean())
    return MeasuredSaveRate(
        value=estimate.value / mean,
        low=estimate.low / mean,
        high=estimate.high / mean,
        standard_error=estimate.standard_error / mean,
    )
