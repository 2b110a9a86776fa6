"""Intervals of campaigns whose truth is known: do they cover it, and is nothing called something?

Each simulated shop has customers with an expected spend; some buy in the campaign's days, at a
skewed amount. A contact raises the chance of buying by a share of itself (0: a null campaign).
The hold-out is drawn as in a real campaign, by risk and value; the truth is the mean rise of
what is expected of those contacted, × the margin share, less the cost of the contact.
"""

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from serving.campaigns.holdout import hold_out, strata
from training.experiments.effect import effect_of

CAMPAIGNS = 500
COST, MARGIN = 0.50, 0.30


@dataclass(frozen=True)
class Shop:
    """`tail` is the standard deviation of the log of an amount, `buys` the mean chance."""

    name: str
    customers: int
    hold_out: float
    tail: float
    buys: float


SHOPS = (
    Shop("light tail", 1_000, 0.10, 0.6, 0.33),
    Shop("heavy tail", 1_000, 0.10, 1.5, 0.33),
    Shop("few buyers", 2_000, 0.10, 1.0, 0.05),
    Shop("small hold-out", 3_000, 0.02, 1.2, 0.33),
    Shop("small shop", 300, 0.20, 1.0, 0.33),
)
LIFTS = (0.0, 0.3)


def run() -> None:
    print("| shop | lift | covered | called positive | called negative | mean width | left of the"
          " variance | ms |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    for shop in SHOPS:
        for lift in LIFTS:
            started = time.process_time()
            rows = np.array([_campaign(shop, lift, seed) for seed in range(CAMPAIGNS)])
            spent = (time.process_time() - started) / CAMPAIGNS * 1e3
            covered, positive, negative, width, left = rows.mean(axis=0)
            print(
                f"| {shop.name} ({shop.customers:,}, {shop.hold_out:.0%}) | {lift:.0%} "
                f"| {covered:.1%} | {positive:.1%} | {negative:.1%} | {width:.2f} | {left:.2f} "
                f"| {spent:.0f} |",
                flush=True,
            )


def _campaign(shop: Shop, lift: float, seed: int) -> tuple[float, ...]:
    """Whether the interval of the profit holds the truth, what the revenue is called, …"""
    rng = np.random.default_rng(seed)
    usual = rng.lognormal(3.5, 1.0, shop.customers)
    buys = np.clip(rng.beta(1.5, 1.5 / shop.buys - 1.5, shop.customers), 0.005, 0.95)
    known = rng.lognormal(0, 0.3, (2, shop.customers))
    members = pd.DataFrame({"clv": buys * usual * known[0], "usual_value": usual * known[1]})
    treated = _drawn(members, buys, shop.hold_out, seed)
    more = np.minimum(buys * (1 + lift), 1)
    comes = rng.random(shop.customers) < np.where(treated, more, buys)
    amount = usual * rng.lognormal(-(shop.tail**2) / 2, shop.tail, shop.customers)
    truth = float(((more - buys) * usual)[treated].mean())
    found = effect_of(comes * amount, treated, members, seed=seed)
    assert found is not None
    # as a campaign's profit is made of its revenue where no costs of orders are known
    low, high = (end * MARGIN - COST for end in (found.low, found.high))
    return (
        low <= truth * MARGIN - COST <= high,
        found.verdict == "positive",
        found.verdict == "negative",
        high - low,
        found.variance_left,
    )


def _drawn(
    members: pd.DataFrame,
    buys: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    share: float,
    seed: int,
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    bands = np.array(["critical", "high", "medium", "low"])[np.digitize(buys, [0.1, 0.25, 0.5])]
    names = strata(bands.tolist(), members["usual_value"].tolist())
    alone = hold_out({str(place): name for place, name in enumerate(names)}, share, str(seed))
    return ~np.isin(np.arange(len(members)).astype(str), list(alone))


if __name__ == "__main__":
    run()
