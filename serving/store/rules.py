"""What publishing keeps of earlier runs, and which changes it tells."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from serving.store.run import PublishedRun, RunInfo

if TYPE_CHECKING:
    # It brings the locale data of currencies, which those who only read do without.
    from serving.settings import Settings

LEDGER_RUNS = 6
"""How many runs whose horizon has passed the ledger looks at."""

EXACT = 1e-9
"""Published figures have few digits: a difference of exactly a threshold must reach it."""


@dataclass(frozen=True, kw_only=True)
class PublishRules:
    """Rules of `[store]` and `[changes]`; `docs/settings.md` says them in words.

    `keep_runs` ≥ 2; `churn_points` and `band_margin` are differences of probabilities;
    `clv_share` is a share of the value told last, `least_clv` an amount.
    """

    keep_runs: int = 30
    churn_points: float = 0.10
    clv_share: float = 0.25
    least_clv: float = 1.0
    band_margin: float = 0.05

    @classmethod
    def of(cls, settings: "Settings") -> "PublishRules":
        """The rules that the configuration sets."""
        return cls(keep_runs=settings.store.keep_runs, **settings.changes.model_dump())


def outdated(runs: Sequence[RunInfo], *, keep_runs: int) -> list[RunInfo]:
    """Which runs nobody needs any more.

    Kept are the newest `keep_runs`, and for the ledger the last run of each week (ISO 8601,
    of `as_of`) and horizon: all whose horizon has not passed on the date of the newest run,
    and the `LEDGER_RUNS` latest whose horizon has; of those, the last one of each third of a
    horizon, as many again, by which a lasting error shows.

    Parameters
    ----------
    runs : in the order of publication; the last is the one that readers see
    """
    if len(runs) <= keep_runs:
        return []
    by_date = sorted(runs, key=lambda run: run.as_of)
    weekly = {(run.as_of.isocalendar()[:2], run.horizon_days): run for run in by_date}
    today = runs[-1].as_of
    open_ones = [run for run in weekly.values() if known_on(run) > today]
    ended = [run for run in weekly.values() if known_on(run) <= today]
    thirds = {
        (run.as_of.toordinal() * 3 // run.horizon_days, run.horizon_days): run for run in ended
    }
    latest = (*ended[-LEDGER_RUNS:], *list(thirds.values())[-LEDGER_RUNS:])
    kept_ids = {run.run_id for run in (*runs[-keep_runs:], *open_ones, *latest)}
    return [run for run in runs if run.run_id not in kept_ids]


def one_per_date(runs: Sequence[PublishedRun]) -> list[PublishedRun]:
    """The last run of each date and horizon, in order of the dates."""
    latest = {(run.info.as_of, run.info.horizon_days): run for run in runs}
    return [latest[key] for key in sorted(latest)]


def earlier_run(run: PublishedRun, runs: Iterable[PublishedRun]) -> PublishedRun | None:
    """The latest run of an earlier date, the last one published of that date."""
    before = [earlier for earlier in runs if earlier.info.as_of < run.info.as_of]
    return max(reversed(before), key=lambda earlier: earlier.info.as_of) if before else None


def run_named(text: str, runs: Sequence[PublishedRun]) -> PublishedRun | None:
    """The run of this id, or the latest one of this date (ISO 8601) or before it."""
    for run in runs:
        if run.info.run_id == text:
            return run
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    until_then = [run for run in runs if run.info.as_of <= day]
    return max(reversed(until_then), key=lambda run: run.info.as_of) if until_then else None


def known_on(run: RunInfo) -> date:
    """The first day on which everything that the run spoke of has happened."""
    return run.as_of + timedelta(days=run.horizon_days)


def edges(run: RunInfo) -> Mapping[str, float]:
    """Lower edges of the bands above the lowest, worst first."""
    return dict(sorted(run.risk_bands.items(), key=lambda band: -band[1]))


def band_of(churn: float, run: RunInfo) -> str:
    """The band of a probability: the worst whose lower edge it reaches."""
    return next((band for band, edge in edges(run).items() if churn >= edge), "low")
