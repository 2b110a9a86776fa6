"""Earlier runs whose horizon has passed, beside what their customers did."""

from datetime import date

import pandas as pd

from features.orders.log import OrderLog
from features.orders.value_basis import REVENUE, value_basis
from serving.exhibits.exhibit import PastRun
from serving.store.protocol import ScoreReader
from serving.store.rules import LEDGER_RUNS, known_on, one_per_date
from serving.store.run import RunInfo
from training.past.tables import churned, labels_at

STAGE_SYSTEM = "lifecycle"
COLUMNS = ("customer_id", "churn_probability", "clv", "retention_risk")


def past_runs(log: OrderLog, store: ScoreReader, as_of: date) -> tuple[PastRun, ...]:
    """The `LEDGER_RUNS` latest runs whose horizon has passed by `as_of`, oldest first.

    One per date and horizon, of the currency of the log, with customers whom the log knows.
    """
    ended = [
        run.info
        for run in one_per_date(store.runs())
        if known_on(run.info) <= as_of
        and run.info.as_of > log.first_day
        and run.info.currency == log.settings.data.currency
    ]
    latest = sorted(ended, key=known_on)[-LEDGER_RUNS:]
    found = (_past(log, store, info) for info in latest)
    return tuple(one for one in found if len(one.customers))


def run_before(store: ScoreReader, info: RunInfo) -> tuple[RunInfo, pd.DataFrame] | None:
    """The latest run before the date of `info`, of its horizon and currency, and what it said.

    With a column `STAGE_SYSTEM` where that run knows it.
    """
    alike = [
        one.info
        for one in store.runs()
        if one.info.as_of < info.as_of
        and (one.info.horizon_days, one.info.currency) == (info.horizon_days, info.currency)
    ]
    if not alike:
        return None
    found = max(reversed(alike), key=lambda one: one.as_of)
    said = _said(store, found)
    if STAGE_SYSTEM in found.segment_columns:
        said[STAGE_SYSTEM] = pd.Series(dict(store.segment(found.run_id, STAGE_SYSTEM)), dtype="str")
    return found, said


def _said(store: ScoreReader, info: RunInfo) -> pd.DataFrame:
    return pd.DataFrame(store.figures(info.run_id), columns=list(COLUMNS)).set_index("customer_id")


def _past(log: OrderLog, store: ScoreReader, info: RunInfo) -> PastRun:
    said = _said(store, info)
    end = known_on(info)
    wanted = log.settings.predict
    basis = value_basis(log, info.as_of, wanted) if info.clv_basis == "margin" else REVENUE
    labels = labels_at(log, info.as_of, info.horizon_days, end, basis)
    happened = pd.DataFrame({"churned": churned(labels), "value": labels["value"]}, labels.index)
    if info.churn_label == "cancellation":
        if "cancelled" not in labels:
            return PastRun(run=info, customers=said.iloc[:0])
        happened["churned"] = labels["cancelled"]
        # of whose contract was over by then nothing was foretold
        said = said[said["churn_probability"] < 1]
    return PastRun(run=info, customers=said.join(happened, how="inner"))
