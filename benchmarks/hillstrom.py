"""Hillstrom's randomised e-mail test (MineThatData, 2008), read in as a campaign made elsewhere.

64,000 customers in thirds: an e-mail about men's goods, one about women's, none; visits and
spend of the two weeks after. Each customer becomes one past order (its age and sum are in the
data), a row of contacts and, where they came, a visit and an order.
"""

import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from features.orders.log import read_orders
from features.settings.loading import settings_from
from serving.campaigns.measuring import measure_campaigns
from serving.server.stores import open_stores
from serving.settings import Settings
from training.experiments.effect import Bools, Floats
from training.experiments.learners import choose_learner
from training.experiments.qini import gains, qini_area

SENT = pd.Timestamp("2008-03-20 08:00")
READ = date(2008, 4, 4)
PUBLISHED = {"Mens E-Mail": 0.1828, "Womens E-Mail": 0.1514, "No E-Mail": 0.1062}
"""Visit rates as published with the data."""

SHARES = (0.1, 0.2, 0.3, 0.5, 1.0)


def run(folder: Path) -> None:
    file = folder / "hillstrom.parquet"
    if not file.exists():
        print(f"skipped: no {file.name} in the folder of real logs")
        return
    log = pd.read_parquet(file)
    with tempfile.TemporaryDirectory() as name:
        _campaign(log, Path(name))
    _targeting(log)


def _campaign(log: pd.DataFrame, folder: Path) -> None:
    started = time.process_time()
    _write(log, folder)
    settings = settings_from(SETTINGS, Settings, root=folder)
    store = open_stores(f"sqlite:///{folder}/regulars.db").campaigns
    with read_orders(settings) as orders:
        measure_campaigns(store, orders, READ)
    (campaign,) = store.campaigns()
    assert campaign.results is not None
    print(f"read in and measured: {time.process_time() - started:.0f} CPU-seconds\n")
    print("| arm | members | visit rate | published | buyers |")
    print("|---|---|---|---|---|")
    for arm in campaign.results["arms"]:
        print(
            f"| {arm['arm']} | {arm['members']:,} | {arm['visit_rate']:.2%} "
            f"| {PUBLISHED[arm['arm']]:.2%} | {arm['response_rate']:.2%} |"
        )
    print("\n| arm | measure | more per contact | 90 % interval | plain difference | verdict |")
    print("|---|---|---|---|---|---|")
    for one in campaign.results["effects"]:
        if one["measure"] in PLAIN:
            effect = one["per_contact"]
            column = log[PLAIN[one["measure"]]]
            means = column.groupby(log["segment"]).mean()
            plain = means[one["arm"]] - means["No E-Mail"]
            print(
                f"| {one['arm']} | {one['measure']} | {effect['value']:.4f} "
                f"| {effect['low']:.4f} to {effect['high']:.4f} | {plain:.4f} | {one['verdict']} |"
            )


PLAIN = {"visited": "visit", "ordered": "conversion", "revenue": "spend"}

SETTINGS = {
    "data": {
        "transactions": "orders.parquet",
        "timezone": "America/New_York",
        "currency": "USD",
        "columns": {
            "customer_id": "customer",
            "order_id": "order",
            "ordered_at": "at",
            "amount": "amount",
        },
        "contacts": {
            "path": "contacts.parquet",
            "customer_id": "customer",
            "contacted_at": "at",
            "campaign": "campaign",
            "arm": "arm",
            "control_arms": ["No E-Mail"],
        },
        "interactions": {
            "path": "visits.parquet",
            "customer_id": "customer",
            "occurred_at": "at",
            "kind": "kind",
        },
    },
    "predict": {"horizon_days": 14},
}


def _write(log: pd.DataFrame, folder: Path) -> None:
    customers = np.array([f"{number:05d}" for number in range(len(log))])
    bought, came = log["spend"].to_numpy() > 0, log["visit"].to_numpy() > 0
    before = SENT - pd.to_timedelta(log["recency"] * 30, unit="D")
    later = SENT + pd.Timedelta(days=3)
    orders = pd.DataFrame(
        {
            "customer": np.concatenate([customers, customers[bought]]),
            "at": [*before, *[later] * int(bought.sum())],
            "amount": [*log["history"], *log["spend"][bought]],
        }
    )
    orders["order"] = [f"o{number}" for number in range(len(orders))]
    orders.to_parquet(folder / "orders.parquet")
    contacts = {"customer": customers, "at": SENT, "campaign": "e-mail", "arm": log["segment"]}
    pd.DataFrame(contacts).to_parquet(folder / "contacts.parquet")
    visits = pd.DataFrame({"customer": customers[came], "at": later, "kind": "visit"})
    visits.to_parquet(folder / "visits.parquet")


def _targeting(log: pd.DataFrame) -> None:
    numbers = log[["recency", "history", "mens", "womens", "newbie"]].astype(float)
    known = pd.get_dummies(log[["zip_code", "channel"]]).astype(float)
    features = pd.concat([numbers, known], axis=1)
    print(f"\n{LEARNER_COLUMNS}\n|---|---|---|---|---|---|---|---|---|")
    for arm in ("Womens E-Mail", "Mens E-Mail"):
        of_two = (log["segment"].isin([arm, "No E-Mail"])).to_numpy()
        treated = (log["segment"] == arm).to_numpy()[of_two]
        for outcome in ("visit", "spend"):
            happened = log[outcome].to_numpy(dtype=float)[of_two]
            _learners(f"{arm}, {outcome}", features[of_two], treated, happened)
    for strength in (0.1, 0.3, 1.0):
        _learners(f"made up, effects × {strength}", *_made_up(strength))


LEARNER_COLUMNS = (
    "| experiment | Qini of R | of X | of T | chosen | Qini of the choice | 90 % interval "
    f"| choice less the better of R and X | effect of the best {', '.join(map('{:.0%}'.format, SHARES))} |"
)


def _learners(name: str, features: pd.DataFrame, treated: Bools, outcome: Floats) -> None:
    choice = choose_learner(features.reset_index(drop=True), treated, outcome, seed=1)
    better = max(("r", "x"), key=lambda learner: choice.areas[learner])
    low, high = _difference(choice.ranking, choice.rankings[better], treated, outcome)
    best = ", ".join(f"{gain:.4f}" for gain in gains(choice.ranking, treated, outcome, SHARES))
    areas = " | ".join(f"{choice.areas[learner]:.5f}" for learner in ("r", "x", "t"))
    curve = choice.curve
    print(
        f"| {name} | {areas} | {choice.learner} | {curve.value:.5f} "
        f"| {curve.low:.5f} to {curve.high:.5f} "
        f"| {curve.value - choice.areas[better]:+.5f} ({low:+.5f} to {high:+.5f}) | {best} |",
        flush=True,
    )


def _difference(
    chosen: Floats, better: Floats, treated: Bools, outcome: Floats
) -> tuple[float, float]:
    """90 % interval of a difference of two Qini, both of the same customers drawn again."""
    rng = np.random.default_rng(1)
    differences = []
    for _ in range(200):
        drawn = rng.integers(0, len(outcome), len(outcome))
        first, second = (
            qini_area(ranking[drawn], treated[drawn], outcome[drawn])
            for ranking in (chosen, better)
        )
        differences.append(first - second)
    low, high = np.quantile(differences, [0.05, 0.95])
    return float(low), float(high)


def _made_up(strength: float) -> tuple[pd.DataFrame, Bools, Floats]:
    """20,000 customers whose effects depend on three of eight columns."""
    rng = np.random.default_rng(0)
    known = pd.DataFrame(rng.normal(size=(20_000, 8)), columns=list("abcdefgh"))
    treated = rng.random(20_000) < 0.5
    effect = strength * (np.sin(2 * known["a"]) + (known["b"] > 0) * known["c"])
    noise = rng.normal(size=20_000) * 2
    outcome = known["d"] + known["e"] ** 2 / 2 + effect * treated + noise
    return known, treated, outcome.to_numpy()


if __name__ == "__main__":
    import sys

    run(Path(sys.argv[1]))
