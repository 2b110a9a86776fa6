"""A plain LightGBM, as somebody would build it in an afternoon, beside ours on the six splits.

Twenty features over windows, three past cutoffs, LightGBM's default settings, 150 rounds; one model
of no order (binary), one of spend (squared error). Nothing else is done to what they say.

    python -m benchmarks plain-lightgbm --data FOLDER
"""

import resource
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import lightgbm
import numpy as np
import pandas as pd

from benchmarks.accuracy.judge import differences, measures
from benchmarks.accuracy.ours import answer
from benchmarks.accuracy.splits import SEED, SPLITS, Split
from features.orders.log import day_number

WINDOWS_DAYS = (30, 60, 90, 180, 365)
CUTOFFS = 3
ROUNDS = 150

Floats = np.ndarray


def window_features(days: pd.DataFrame, as_of: int) -> pd.DataFrame:
    """Twenty features of every customer who bought before a day.

    Parameters
    ----------
    days : a row per customer and purchase day: `customer_id`, `day` (days since 1970-01-01) and
        `amount`
    as_of : days since 1970-01-01; rows of this day and later are not seen
    """
    known = days[days["day"] < as_of].sort_values(["customer_id", "day"])
    known = known.assign(gap=known.groupby("customer_id")["day"].diff())
    groups = known.groupby("customer_id")
    features = pd.DataFrame(
        {
            "days_since_last": as_of - groups["day"].max(),
            "days_since_first": as_of - groups["day"].min(),
            "orders": groups.size(),
            "spend": groups["amount"].sum(),
            "mean_value": groups["amount"].mean(),
            "largest_value": groups["amount"].max(),
            "last_value": groups["amount"].last(),
            "mean_gap": groups["gap"].mean(),
            "std_gap": groups["gap"].std(),
            "longest_gap": groups["gap"].max(),
        }
    )
    for length in WINDOWS_DAYS:
        recent = known[known["day"] >= as_of - length].groupby("customer_id")["amount"]
        features[f"orders_{length}d"] = recent.size().reindex(features.index, fill_value=0)
        features[f"spend_{length}d"] = recent.sum().reindex(features.index, fill_value=0.0)
    return features.astype(np.float64)


def grown(features: pd.DataFrame, target: Floats, objective: str) -> lightgbm.Booster:
    """LightGBM with its default settings."""
    settings = {"objective": objective, "seed": SEED, "num_threads": 1, "verbosity": -1}
    data = lightgbm.Dataset(features.to_numpy(), label=target)
    return lightgbm.train(settings, data, num_boost_round=ROUNDS)


@dataclass(frozen=True)
class Windows:
    """Three past windows for a horizon.

    They end at the date, a third of a window and two thirds before it. Where the orders before the
    date are fewer days than two horizons, a window is half of them, and what was learned from it
    is carried to the horizon: spend in proportion, P(no order) to the power of it.
    """

    as_of: int
    horizon_days: int
    days: int

    @classmethod
    def of(cls, first_day: int, as_of: int, horizon_days: int) -> "Windows":
        return cls(as_of, horizon_days, min(horizon_days, (as_of - first_day) // 2))

    @property
    def cutoffs(self) -> list[int]:
        """The last first."""
        return [self.as_of - self.days - back * self.days // CUTOFFS for back in range(CUTOFFS)]

    @property
    def longer(self) -> float:
        """The horizon in windows."""
        return self.horizon_days / self.days


def foretold(days: pd.DataFrame, windows: Windows) -> pd.DataFrame:
    """`churn_probability` and `clv` of the customers of the windows' date."""
    tables = [window_features(days, cutoff) for cutoff in windows.cutoffs]
    happened = [
        _happened(days, table.index, cutoff, windows.days)
        for table, cutoff in zip(tables, windows.cutoffs, strict=True)
    ]
    features, labels = pd.concat(tables), pd.concat(happened)
    silent = grown(features, (labels["orders"] == 0).to_numpy(float), "binary")
    spend = grown(features, labels["spend"].to_numpy(), "regression")
    today = window_features(days, windows.as_of)
    return pd.DataFrame(
        {
            "churn_probability": silent.predict(today.to_numpy()) ** windows.longer,
            "clv": spend.predict(today.to_numpy()) * windows.longer,
        },
        index=today.index,
    )


def _happened(days: pd.DataFrame, customers: pd.Index, cutoff: int, length: int) -> pd.DataFrame:
    within = days[(days["day"] >= cutoff) & (days["day"] < cutoff + length)]
    groups = within.groupby("customer_id")["amount"]
    found = pd.DataFrame({"orders": groups.size(), "spend": groups.sum()})
    return found.reindex(customers, fill_value=0.0)


def run(data: Path) -> None:
    """Every split: ours, the plain LightGBM, and the difference with its interval."""
    print(f"seed {SEED}; intervals: paired bootstrap over customers, 200 resamples")
    for split in SPLITS:
        with TemporaryDirectory() as root:
            _print_split(split, data, Path(root))


def _print_split(split: Split, data: Path, root: Path) -> None:
    with split.log(data, root) as log:
        visible = log.visible(split.as_of)["days"]
        days = log.frame(f"""
            SELECT customer_id, day, amount / {log.settings.data.minor_units}e0 AS amount
            FROM {visible} AS known_days JOIN customers USING (customer)""")
        first_day = day_number(log.first_day)
    before = _cpu_seconds()
    windows = Windows.of(first_day, day_number(split.as_of), split.horizon_days)
    plain = foretold(days, windows)
    spent = _cpu_seconds() - before
    ours = answer(split, data, root)
    labels = ours.truth.labels
    plain = plain.reindex(labels.index)
    print(f"\n## {split.title}: {len(labels):,} customers, windows of {windows.days} days")
    print(f"fitted in {ours.cpu_seconds:.0f} and {spent:.0f} CPU-seconds")
    rows = {
        "Regulars": measures(labels, ours.said, split.horizon_days),
        "plain LightGBM": measures(
            labels, plain.assign(expected_orders=np.nan), split.horizon_days
        ),
    }
    for name, row in rows.items():
        shown = ("gini", "mae", "rmse", "bias", "auc", "log_loss", "calibration_error")
        print(name, {measure: round(row[measure], 4) for measure in shown if measure in row})
    for measure, (whole, low, high) in differences(labels, ours.said, plain).items():
        print(f"Regulars − plain LightGBM, {measure}: {whole:+.4g} [{low:+.4g}, {high:+.4g}]")
    total = labels["spend"].sum()
    print(
        f"total ÷ actual: {ours.said['clv'].sum() / total:.2f} and {plain['clv'].sum() / total:.2f}",
        flush=True,
    )


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
