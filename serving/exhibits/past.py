"""Earlier runs whose horizon has passed, beside their customers' outcomes."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd

from features.orders.log import OrderLog
from features.orders.value_basis import REVENUE, value_basis
from serving.exhibits.exhibit import PastMonths, PastRun
from serving.store.moves import STAGE_SYSTEM
from serving.store.protocol import ScoreReader
from serving.store.rules import LEDGER_RUNS, known_on, one_per_date
from serving.store.run import RunInfo
from training.measures.total import WindowTotal
from training.past.tables import churned, labels_at
from training.value.lasting import RunMiss

THIRDS = 3
"""Runs of one third of a horizon saw nearly the same days."""

MOST_MISSES = 6

COLUMNS = ("customer_id", "churn_probability", "clv", "retention_risk")


def run_misses(log: OrderLog, store: ScoreReader, as_of: date) -> tuple[RunMiss, ...]:
    """What runs of the same horizon were off by, judged from the orders on the basis of each.

    Runs whose horizon has passed by `as_of` and which know their total without what earlier runs
    had added to it; one in each third of a horizon.
    """
    predict = log.settings.predict
    thirds = {
        info.as_of.toordinal() * THIRDS // info.horizon_days: info
        for info in _ended(log, store, as_of)
        if info.level and info.horizon_days == predict.horizon_days
    }
    misses = []
    for info in list(thirds.values())[-MOST_MISSES:]:
        scored = _past(log, store, info).customers.dropna(subset=["clv", "value"])
        miss = WindowTotal.of(scored["clv"].to_numpy(), scored["value"].to_numpy()).miss
        if miss is not None:
            misses.append(RunMiss(info.as_of, miss + info.level["lasting"]))
    return tuple(misses)


def past_runs(log: OrderLog, store: ScoreReader, as_of: date) -> tuple[PastRun, ...]:
    """The `LEDGER_RUNS` latest runs whose horizon has passed by `as_of`, oldest first.

    One per date and horizon, of the currency of the log, with customers whom the log knows.
    """
    latest = sorted(_ended(log, store, as_of), key=known_on)[-LEDGER_RUNS:]
    past = (_past(log, store, info) for info in latest)
    return tuple(past_run for past_run in past if len(past_run.customers))


def _ended(log: OrderLog, store: ScoreReader, as_of: date) -> list[RunInfo]:
    """One run per date and horizon whose horizon has passed, in order of the dates."""
    return [
        run.info
        for run in one_per_date(store.runs())
        if known_on(run.info) <= as_of
        and run.info.as_of > log.first_day
        and run.info.currency == log.settings.data.currency
    ]


def said_before(
    store: ScoreReader, body_of: Callable[[str, str], bytes | None], info: RunInfo
) -> tuple[PastMonths, ...]:
    """What earlier runs said of the months ahead, one run per date, oldest first.

    Parameters
    ----------
    body_of : the JSON of an exhibit, by run and name
    info : the run whose currency and basis they must share
    """
    past = []
    for stored in one_per_date(store.runs()):
        run = stored.info
        if run.as_of >= info.as_of or (run.currency, run.clv_basis) != (
            info.currency,
            info.clv_basis,
        ):
            continue
        expected = _data(body_of(run.run_id, "expected_revenue"))
        ahead = _data(body_of(run.run_id, "revenue_ahead"))
        together = {
            month["month"]: month["together"]
            for month in ahead.get("months", ())
            if month["together"] is not None
        }
        past.append(PastMonths(run=run, months=expected.get("months", ()), together=together))
    return tuple(past)


def _data(body: bytes | None) -> dict[str, Any]:
    return (body and json.loads(body)["data"]) or {}


def run_before(store: ScoreReader, info: RunInfo) -> tuple[RunInfo, pd.DataFrame] | None:
    """The latest run before the date of `info`, of its horizon and currency, and its figures.

    With a column `STAGE_SYSTEM` where that run knows it.
    """
    comparable = [
        stored.info
        for stored in store.runs()
        if stored.info.as_of < info.as_of
        and (stored.info.horizon_days, stored.info.currency) == (info.horizon_days, info.currency)
    ]
    if not comparable:
        return None
    latest = max(reversed(comparable), key=lambda info_before: info_before.as_of)
    published = _said(store, latest)
    if STAGE_SYSTEM in latest.segment_columns:
        published[STAGE_SYSTEM] = pd.Series(
            dict(store.segment(latest.run_id, STAGE_SYSTEM)), dtype="str"
        )
    return latest, published


def _said(store: ScoreReader, info: RunInfo) -> pd.DataFrame:
    return pd.DataFrame(store.figures(info.run_id), columns=list(COLUMNS)).set_index("customer_id")


def _past(log: OrderLog, store: ScoreReader, info: RunInfo) -> PastRun:
    published = _said(store, info)
    end = known_on(info)
    predict = log.settings.predict
    basis = value_basis(log, info.as_of, predict) if info.clv_basis == "margin" else REVENUE
    labels = labels_at(log, info.as_of, info.horizon_days, end, basis)
    happened = pd.DataFrame({"churned": churned(labels), "value": labels["value"]}, labels.index)
    if info.churn_label == "cancellation":
        if "cancelled" not in labels:
            return PastRun(run=info, customers=published.iloc[:0])
        happened["churned"] = labels["cancelled"]
        # contracts that had ended by then had no prediction
        published = published[published["churn_probability"] < 1]
    return PastRun(run=info, customers=published.join(happened, how="inner"))
