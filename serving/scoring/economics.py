"""What a contact costs and is expected to earn, and what to do with each customer.

Computed and published with a score run, for planning campaigns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from features.orders.customer_details import customer_details
from features.orders.log import OrderLog
from serving.scoring.answers import CONTACT_EFFECT
from serving.scoring.contact_hash import contact_hash
from serving.scoring.lessons import CampaignLessons, SaveRate
from serving.settings import Settings
from serving.store.economics import RunEconomics, value_share
from training.experiments.effect_line import EffectSpans

TOP_SHARE = 0.2
"""The share of customers, by usual spend, who are worth a personal contact."""

LEAST_BUYERS = 30
"""The least number of recent buyers from whom the spread of spend is measured."""


def economics_of(
    log: OrderLog[Settings], features: pd.DataFrame, scores: pd.DataFrame, rate: SaveRate
) -> RunEconomics:
    """The economics behind the expected profits of a run, ready for JSON.

    Parameters
    ----------
    features, scores : one row per customer, same order
    rate : measured or assumed

    Returns
    -------
    `cost_per_contact`, `hold_out` of the configuration; the save rate; `margin_share` and
    whether it comes from `costs` or the `setting`; `value_share`, the share of the value at
    risk that is profit: the margin share, or all where that value is margin already; `order_value`, the
    mean; `spend_cv`, how widely spend per horizon scatters around what is usual for a customer
    (standard deviation ÷ mean among those who bought); `high_value_from`, the usual spend of the
    top fifth; `consent_known`.
    """
    settings = log.settings
    customers = settings.data.customers
    share, source = _margin_share(features, settings.campaigns.margin_share)
    usual = usual_value(scores)
    orders = features["orders"].sum()
    economics: RunEconomics = {
        "cost_per_contact": settings.campaigns.cost_per_contact,
        "hold_out": settings.campaigns.hold_out,
        **rate.to_dict(),
        "margin_share": share,
        "margin_source": source,
        "value_share": 1.0 if "margin" in set(scores.get("clv_basis", ())) else share,
        "order_value": _finite(features["spend"].sum() / orders if orders else 0.0),
        "spend_cv": _spread(features),
        "high_value_from": _finite(np.nanquantile(usual, 1 - TOP_SHARE)) if len(usual) else 0.0,
        "consent_known": customers is not None and customers.consent is not None,
    }
    if settings.campaigns.channels:
        economics["channel_costs"] = dict(settings.campaigns.channels)
    if settings.campaigns.actions:
        economics["action_names"] = {
            str(code): dict(names) for code, names in settings.campaigns.actions.items()
        }
    return economics


def usual_value(
    scores: pd.DataFrame | Mapping[str, object],
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """What each customer usually spends in a horizon: value at risk ÷ churn probability."""
    churn = np.asarray(scores["churn_probability"], dtype=float)
    at_risk = np.asarray(scores["value_at_risk"], dtype=float)
    return np.where(churn > 0, at_risk / np.where(churn > 0, churn, 1.0), 0.0)


def contact_columns(
    scores: pd.DataFrame,
    economics: RunEconomics,
    details: pd.DataFrame | None = None,
    effects: EffectSpans | None = None,
) -> dict[str, Any]:
    """`CONTACT_EFFECT`, `expected_profit`, `suggested_action`, `name`, `consent`, `contact_hash`.

    expected profit = contact effect − cost per contact where the effect is known, otherwise
    save rate × value at risk × its share that is profit − cost per contact.

    Parameters
    ----------
    scores : one row per customer, with `customer_id`
    economics : as `economics_of` says; empty: profits and actions are unknown
    details : of `features.orders.customer_details.customer_details`; None: nothing is known
    effects : revenue that a contact adds, per customer; None: not known, NaN
    """
    contact_details = (
        pd.DataFrame(columns=["consent", "name", "contact"]) if details is None else details
    )
    rows = contact_details.reindex(scores["customer_id"])
    consent = rows["consent"].astype("boolean").array
    refused = consent.to_numpy(dtype=object, na_value=True) == False  # noqa: E712 - an array
    margin = None if effects is None else effects.times(economics["margin_share"])
    profit, action = profits(scores, economics, refused, None if margin is None else margin.value)
    return {
        **contact_effects(margin, len(scores)),
        "expected_profit": profit,
        "suggested_action": pd.array(action, dtype="str"),
        "name": rows["name"].astype("str").array,
        "consent": consent,
        "contact_hash": pd.array(
            [contact_hash(text) if isinstance(text, str) else None for text in rows["contact"]],
            dtype="str",
        ),
    }


def contact_effects(
    margin: EffectSpans | None, customers: int
) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """The columns `CONTACT_EFFECT`: the margin that a contact adds, before its cost, in money."""
    if margin is None:
        return {name: np.full(customers, np.nan) for name in CONTACT_EFFECT}
    return dict(zip(CONTACT_EFFECT, (margin.value, margin.low, margin.high), strict=True))


def with_contacts(
    log: OrderLog[Settings], scores: pd.DataFrame, features: pd.DataFrame, learned: CampaignLessons
) -> tuple[pd.DataFrame, RunEconomics]:
    """`scores` with `contact_columns`, and the economics that they rest on.

    Where the effect of a contact on each customer is known, it replaces save rate × value at
    risk, and `targeting` of the economics describes its evidence; `treatment` is what was measured to
    earn most.
    """
    economics = economics_of(log, features, scores, learned.rate)
    if learned.treatment is not None:
        economics["treatment"] = learned.treatment
    effects = None
    if learned.targeting is not None:
        economics["targeting"] = dict(learned.targeting.judged)
        effects = learned.targeting.effects(features)
    columns = contact_columns(scores, economics, customer_details(log), effects)
    return scores.assign(**columns), economics


def assumed(log: OrderLog[Settings]) -> SaveRate:
    """The save rate of the configuration: as uncertain as it is large."""
    value = log.settings.campaigns.save_rate
    return SaveRate(value=value, low=0.0, high=2 * value, campaigns=0)


def profits(
    scores: pd.DataFrame | Mapping[str, object],
    economics: RunEconomics,
    refused: np.ndarray[Any, np.dtype[np.bool_]],
    margin: np.ndarray[Any, np.dtype[np.float64]] | None = None,
) -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, Any]]:
    """`expected_profit` and `suggested_action` of each customer; see `contact_columns`.

    Parameters
    ----------
    refused : whether each customer is known not to consent
    margin : what a contact adds to each; None: save rate × value at risk
    """
    at_risk = np.asarray(scores["value_at_risk"], dtype=float)
    if not economics:
        return np.full(len(at_risk), np.nan), np.full(len(at_risk), None)
    earned = margin
    if earned is None:
        earned = economics["save_rate"] * at_risk * value_share(economics)
    profit = earned - economics["cost_per_contact"]
    return profit, _actions(scores, profit, refused, economics["high_value_from"])


def _actions(
    scores: pd.DataFrame | Mapping[str, object], profit: Any, refused: Any, high_value_from: float
) -> np.ndarray[Any, Any]:
    """The rule of `docs/campaigns.md`: the first line that fits."""
    risk = np.asarray(scores["retention_risk"], dtype=object)
    urgent, medium = np.isin(risk, ("critical", "high")), risk == "medium"
    valuable = usual_value(scores) >= max(high_value_from, 1e-9)
    rules = {
        "no_contact": refused,
        "leave": ~(profit > 0),
        "personal_call": urgent & valuable,
        "win_back_offer": urgent,
        "personal_message": medium & valuable,
        "reminder": medium,
        "thank_you": valuable,
    }
    return np.select(list(rules.values()), list(rules), "newsletter")


def _margin_share(features: pd.DataFrame, otherwise: float) -> tuple[float, str]:
    """The customers' margin ÷ spend over all their orders, where costs are known."""
    share, spend = features["margin_share"], features["spend"].clip(lower=0)
    measurable = share.notna() & (spend > 0)
    if not measurable.any():
        return otherwise, "setting"
    measured = float((share[measurable] * spend[measurable]).sum() / spend[measurable].sum())
    return (measured, "costs") if 0 < measured <= 1 else (otherwise, "setting")


def _spread(features: pd.DataFrame) -> float:
    """CV of the last 90 days' spend in usual spend, among those who bought; 0.5–3."""
    usual = features["spend_365d"] - features["spend_90d"]
    bought = (features["spend_90d"] > 0) & (usual > 0)
    ratio = features["spend_90d"][bought] / usual[bought]
    if len(ratio) < LEAST_BUYERS:
        return 1.0
    # the far tail are customers who had hardly bought before
    ratio = ratio.clip(upper=float(ratio.quantile(0.99)))
    return float(np.clip(ratio.std() / ratio.mean(), 0.5, 3.0))


def _finite(value: Any) -> float:
    return float(value) if np.isfinite(value) else 0.0
