"""What customers were worth at an earlier run, to open the ledger with."""

from dataclasses import dataclass, field
from datetime import timedelta

import pandas as pd

from serving.store.protocol import ScoreReader
from serving.store.rules import one_per_date
from serving.store.run import RunInfo

SHORTEST_DAYS = 25
"""A ledger covers about a month: what a few days change is chance."""


@dataclass(frozen=True, kw_only=True)
class PastValues:
    """An earlier run and the lifetime value of each of its customers, in money, index `customer_id`.

    NaN where the run could not tell it.
    """

    run: RunInfo
    lifetime: "pd.Series[float]" = field(repr=False)


def values_before(store: ScoreReader, info: RunInfo) -> PastValues | None:
    """Those of the latest run about a month or longer before `info` that counts as it does.

    The same horizon, currency, basis, years and rate of discount; None where there is none.
    """
    latest_day = info.as_of - timedelta(days=SHORTEST_DAYS)
    comparable = [
        stored.info
        for stored in one_per_date(store.runs())
        if stored.info.as_of <= latest_day and _terms(stored.info) == _terms(info)
    ]
    if not comparable:
        return None
    opening = comparable[-1]
    pairs = pd.DataFrame(store.lifetimes(opening.run_id), columns=["customer_id", "lifetime"])
    return PastValues(
        run=opening, lifetime=pairs.set_index("customer_id")["lifetime"].astype(float)
    )


def _terms(info: RunInfo) -> tuple[object, ...]:
    """What two lifetime values must have in common to be compared."""
    return (
        info.horizon_days,
        info.currency,
        info.clv_basis,
        info.lifetime_years,
        info.discount_rate_per_year,
    )
