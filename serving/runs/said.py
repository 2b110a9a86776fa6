"""What kept runs said, read back from the store, and beside what came once their time is over."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from features.orders.log import read_orders
from serving.live.handover import lines_sent
from serving.settings import Settings
from serving.store.protocol import After, ChurnFilter, ScoreReader
from serving.store.rules import known_on, one_per_date
from serving.store.run import PublishedRun
from training.backtest.ledger import LedgerEntry, ScoredRun, judge_runs
from training.past.reach import first_purchase

ROWS_PER_READ = 5_000
DATES = {
    "next_order_days": "date",
    "next_order_low": "low",
    "next_order_high": "high",
}


@dataclass(frozen=True)
class KeptRuns:
    """The runs of a store, one per date, in order of time.

    Attributes
    ----------
    entries : of the latest runs whose horizon has passed, beside what came
    waiting : runs whose horizon has not passed
    orders_until : the day after the last order
    """

    entries: Sequence[LedgerEntry]
    waiting: Sequence[PublishedRun]
    orders_until: date


def judge_kept_runs(settings: Settings, store: ScoreReader, *, most: int) -> KeptRuns:
    """Read the orders, and hold up to `most` finished runs beside what happened.

    Raises
    ------
    DataError, NotEnoughData
        When the orders cannot be used.
    """
    runs = one_per_date(store.runs())
    with read_orders(settings, sent=lines_sent(settings)) as log:
        ended = [run for run in runs if known_on(run.info) <= log.end][-most:]
        entries = judge_runs(log, [said_in(store, run) for run in ended], first_purchase(log))
        waiting = [run for run in runs if known_on(run.info) > log.end]
        return KeptRuns(entries, waiting, log.end)


def documents_of(store: ScoreReader, run: PublishedRun) -> Iterator[dict[str, Any]]:
    """What a run said of each customer, the highest value first."""
    after: After | None = After(run.info.run_id, math.inf, "")
    while after is not None:
        page = store.churn_list(ChurnFilter(), sort="clv", limit=ROWS_PER_READ, after=after)
        yield from map(json.loads, page.documents)
        after = page.after


def said_in(store: ScoreReader, run: PublishedRun) -> ScoredRun:
    """What a run said of every customer, as it is judged."""
    info = run.info
    documents = list(documents_of(store, run))
    index = pd.Index(
        [document["customer_id"] for document in documents], name="customer_id", dtype="str"
    )
    plain = ("churn_probability", "clv", "clv_low", "clv_high")
    columns: dict[str, list[Any]] = {
        name: [document[name] for document in documents] for name in plain
    }
    for name, key in DATES.items():
        columns[name] = [_days(document["next_order"][key], info.as_of) for document in documents]
    return ScoredRun(
        run_id=info.run_id,
        as_of=info.as_of,
        horizon_days=info.horizon_days,
        versions={name: model["version"] for name, model in info.models.items()},
        scores=pd.DataFrame(columns, index=index, dtype="float64"),
        segments=pd.DataFrame([document["segments"] for document in documents], index=index),
        clv_basis=info.clv_basis,
        churn_label=info.churn_label,
        total_shares=_total_shares(info.level),
    )


def _total_shares(level: Mapping[str, float]) -> dict[str, float]:
    """See `ScoredRun.total_shares`; `level` as `RunInfo` has it."""
    total = level.get("total")
    names = {"unmoved": "unmoved_total", "low": "low", "high": "high"}
    return {
        name: level[column] / total for name, column in names.items() if total and column in level
    }


def _days(day: str | None, as_of: date) -> float:
    return math.nan if day is None else float((date.fromisoformat(day) - as_of).days)
