"""Gates before a publication: a run is held against the one before, and stopped where it is odd.

Figures of the orders are looked at before anything learns from them, those of the scores before
readers see them. Each gate names its figure; `--accept CODE=REASON` and `data.accept` open the one
they name, and the reason is kept with the run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.doctor.report import Report
from features.errors import OddRun
from serving.exhibits.drift import group_drifts
from serving.store.figures import BAND, DRIFT
from serving.store.run import RISKS, RunInfo
from training.backtest.evidence import BacktestEvidence

Figures = Mapping[str, float]

MOST_DROPPED = 0.10
"""The share of orders, and of customers, that may be gone since the run before."""

MOST_TIMES_MONEY = 3.0
"""Between an order's mean money then and now lies this factor at most."""

MOST_NULL = 0.001
"""The share of customers who may have a figure that is no number."""

MOST_TIMES_TOTAL = 2.0
"""Between what a customer was expected to bring then and now lies this factor at most."""

MOST_MOVED = 0.30
"""The share of customers that may have changed their band of risk net."""

MOST_DRIFTED = 0.50
"""How much farther a group of features may have drifted since the run before."""

FEW_CUSTOMERS = 50
"""With fewer, shares and means of scores say little and are not held against each other."""

REQUIRED = (
    *("p_order", "churn_probability", "p_alive", "p_order_7d", "p_order_30d", "p_order_90d"),
    *("expected_orders", "expected_order_value", "clv", "clv_low", "clv_median", "clv_high"),
    *("value_if_order", "clv_lifetime", "value_at_risk"),
)
"""Figures that every customer has."""


@dataclass(frozen=True)
class ClosedGate:
    """A gate that a run does not pass: its code, and why in a sentence."""

    code: str
    why: str


def figures_of_orders(report: Report) -> dict[str, float]:
    """What the orders are, in figures."""
    return {
        "orders": float(report.orders),
        "order_customers": float(report.customers),
        "revenue": float(report.revenue),
        "quarantined_share": report.rows_quarantined / max(report.rows_read, 1),
    }


def figures_of_scores(
    scores: pd.DataFrame, features: pd.DataFrame, evidence: BacktestEvidence | None
) -> dict[str, float]:
    """What the scores are, in figures; `features` has the same rows."""
    numbers = scores[list(REQUIRED)].to_numpy(dtype=float)
    is_null = ~np.isfinite(numbers).all(axis=1)
    risk = scores["retention_risk"]
    shares = {f"{BAND}{band}": float((risk == band).fillna(value=False).mean()) for band in RISKS}
    drifts = group_drifts(evidence, features)
    return {
        "customers": float(len(scores)),
        "null_share": float(is_null.mean()) if len(scores) else 0.0,
        "expected_total": float(np.nansum(scores["clv"].to_numpy(dtype=float))),
        **(shares if len(scores) else {}),
        **{f"{DRIFT}{name}": index for name, index in drifts.items()},
    }


def pass_gates(closed: Iterator[ClosedGate], accept: Mapping[str, str]) -> dict[str, str]:
    """Go through gates; returns those that were opened: code → why they were shut, and the reason.

    Raises
    ------
    OddRun
        Naming every gate that is shut and that nobody accepts.
    """
    shut, opened = [], {}
    for gate in closed:
        if gate.code in accept:
            opened[gate.code] = f"{gate.why} Accepted: {accept[gate.code]}"
        else:
            shut.append(f"{gate.code}: {gate.why}")
    if shut:
        raise OddRun(shut)
    return opened


def odd_orders(current: Figures, before: RunInfo | None) -> Iterator[ClosedGate]:
    """Gates of the orders; `before` is the run to hold them against."""
    earlier = {} if before is None else before.figures
    if before is None or "orders" not in earlier:
        return
    for name, unit in (("orders", "orders"), ("order_customers", "customers")):
        share_lost = 1 - current[name] / max(earlier[name], 1.0)
        if share_lost > MOST_DROPPED:
            yield ClosedGate(
                "orders_dropped",
                f"{share_lost:.0%} of the {unit} are gone since the run of {before.as_of}: "
                f"{earlier[name]:,.0f} then, {current[name]:,.0f} now (at most {MOST_DROPPED:.0%}).",
            )
            break
    mean_then, mean_now = (
        figures["revenue"] / max(figures["orders"], 1.0) for figures in (earlier, current)
    )
    if (times := _times(mean_then, mean_now)) > MOST_TIMES_MONEY:
        yield ClosedGate(
            "money_jumped",
            f"an order brings {mean_now:,.2f} {before.currency} on average and brought "
            f"{mean_then:,.2f} in the run of {before.as_of}: {times:,.1f} times (at most "
            f"{MOST_TIMES_MONEY:g}).",
        )


def odd_scores(current: Figures, run: RunInfo, before: RunInfo | None) -> Iterator[ClosedGate]:
    """Gates of the scores of `run`; `before` is the run to hold them against."""
    if (share := current["null_share"]) > MOST_NULL:
        yield ClosedGate(
            "null_scores",
            f"{share:.1%} of the customers have a figure that is no number (at most "
            f"{MOST_NULL:.1%}).",
        )
    earlier = {} if before is None else before.figures
    if before is None or "customers" not in earlier or before.as_of > run.as_of:
        return
    if min(earlier["customers"], current["customers"]) < FEW_CUSTOMERS:
        return
    yield from _total_moved(current, earlier, before)
    moved = (
        sum(abs(current.get(f"{BAND}{b}", 0.0) - earlier.get(f"{BAND}{b}", 0.0)) for b in RISKS) / 2
    )
    if moved > MOST_MOVED:
        yield ClosedGate(
            "bands_moved",
            f"{moved:.0%} of the customers are in another band of risk, net, than in the run of "
            f"{before.as_of} (at most {MOST_MOVED:.0%}).",
        )
    drifts = {
        name: current[name] - earlier[name]
        for name in current
        if name in earlier and name.startswith(DRIFT)
    }
    name, index = max(drifts.items(), key=lambda drift: drift[1], default=("", 0.0))
    if index > MOST_DRIFTED:
        yield ClosedGate(
            "inputs_drifted",
            f"the features of {name.removeprefix(DRIFT)} have drifted by {index:.2f} more than in "
            f"the run of {before.as_of} (at most {MOST_DRIFTED:g}).",
        )


def _total_moved(current: Figures, earlier: Figures, before: RunInfo) -> Iterator[ClosedGate]:
    mean_then, mean_now = (
        figures["expected_total"] / figures["customers"] for figures in (earlier, current)
    )
    if (times := _times(mean_then, mean_now)) > MOST_TIMES_TOTAL:
        yield ClosedGate(
            "total_moved",
            f"a customer is expected to bring {mean_now:,.2f} {before.currency} and was "
            f"{mean_then:,.2f} in the run of {before.as_of}: {times:,.1f} times (at most "
            f"{MOST_TIMES_TOTAL:g}).",
        )


def _times(earlier: float, current: float) -> float:
    """By which factor two figures differ, whichever is larger; 1 where either is not above 0."""
    return max(current / earlier, earlier / current) if earlier > 0 and current > 0 else 1.0
