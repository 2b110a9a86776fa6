"""How well the buyers of each item were foretold, beside popularity among its past buyers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from features.orders.log import day_number
from training.buyers.interval import buyers_between
from training.buyers.item_past import ItemPurchases, distinct
from training.buyers.likely_buyers import BuyerChances, LikelyBuyers
from training.measures.metrics import log_loss_per_row
from training.past.purchase_history import Floats, Ints

PAST_BUYERS = "past buyers"
"""Of the customers who have bought an item the share that bought it again in the window before, of
the others the share that bought it then; who bought it oftener stands first."""
FIRST = 50
"""Customers of each item at whom a marketer would look."""
BINS = 2_000
TENTHS = 10
DRAWS = 200


def judged_buyers(
    model: LikelyBuyers | None,
    purchases: pd.DataFrame,
    p_order: "pd.Series[float]",
    *,
    cutoff: date,
    seed: int,
) -> dict[str, dict[str, float]]:
    """Judge on what the customers of `p_order` bought in the model's horizon after `cutoff`.

    `buyers_log_loss` is per customer and item, `buyers_first_50` the share of the 50 likeliest
    customers of each item who bought it, `buyers_decile_error` Σ |said − came| ÷ Σ came over ten
    groups of pairs by chance, each of a tenth of the buyers said, `buyers_total` said ÷ came,
    `buyers_coverage_80` the share of items whose number of buyers lay within its interval,
    `buyers_better` how much smaller the log loss is than that of `PAST_BUYERS`, with the ends
    `buyers_better_low` and `buyers_better_high` of its 95 % interval over customers.

    Returns
    -------
    "model" and `PAST_BUYERS` → measures; none where nothing was bought, or nothing is told.
    """
    contest = None if model is None else contest_of(model, purchases, p_order, cutoff=cutoff)
    if contest is None:
        return {"model": {}, PAST_BUYERS: {}}
    return {
        "model": {**contest.model.measures(), **contest.interval_and_grade(seed)},
        PAST_BUYERS: contest.past_buyers.measures(),
    }


@dataclass
class BuyerScore:
    """One contender's chances beside what happened, added up block by block."""

    loss: list[Floats] = field(default_factory=list)
    """Log loss per customer, summed over the items."""
    said: Floats | float = 0.0
    came: Floats | float = 0.0
    noise: Floats | float = 0.0
    """Per item Σ chance · (1 − chance)."""
    binned: Floats = field(default_factory=lambda: np.zeros((3, BINS)))
    first: Floats = field(default_factory=lambda: np.empty((2, 0, 0)))
    """Chance and outcome of the `FIRST` customers of each item so far."""
    pairs: int = 0

    def add(self, chance: Floats, happened: Floats) -> None:
        """Count customers × items."""
        loss = log_loss_per_row(happened.ravel(), chance.ravel()).reshape(chance.shape)
        self.loss.append(loss.sum(axis=1))
        self.said = self.said + chance.sum(axis=0)
        self.came = self.came + happened.sum(axis=0)
        self.noise = self.noise + (chance * (1 - chance)).sum(axis=0)
        self.pairs += chance.size
        logs = (np.log10(np.maximum(chance.ravel(), 1e-8)) + 8) / 8
        place = np.clip(logs * BINS, 0, BINS - 1).astype(np.int64)
        for row, values in enumerate((np.ones(chance.size), chance.ravel(), happened.ravel())):
            self.binned[row] += np.bincount(place, values, minlength=BINS)
        both = np.stack([chance, happened])
        if self.first.size:
            both = np.concatenate([self.first, both], axis=1)
        by = np.argsort(-both[0], axis=0, kind="stable")[:FIRST]
        self.first = np.take_along_axis(both, by[None], axis=1)

    def measures(self) -> dict[str, float]:
        """See `judged_buyers`."""
        came = float(np.sum(self.came))
        tenths = self.tenths()
        return {
            "buyers_log_loss": float(np.concatenate(self.loss).sum()) / self.pairs,
            f"buyers_first_{FIRST}": float(self.first[1].mean()),
            "buyers_decile_error": float((tenths["said"] - tenths["came"]).abs().sum()) / came,
            "buyers_total": float(np.sum(self.said)) / came,
        }

    def tenths(self) -> pd.DataFrame:
        """Ten groups of pairs, the least likely first, each of a tenth of the buyers said.

        Returns
        -------
        DataFrame `pairs`, `said`, `came`, each summed.
        """
        reached = np.cumsum(self.binned[1]) - self.binned[1] / 2
        group = np.minimum((reached / max(reached[-1], 1e-12) * TENTHS).astype(int), TENTHS - 1)
        return pd.DataFrame(self.binned.T, columns=["pairs", "said", "came"]).groupby(group).sum()


@dataclass(frozen=True)
class BuyerContest:
    """The model and counting on the same pairs."""

    customers: pd.Index
    chances: BuyerChances
    model: BuyerScore
    past_buyers: BuyerScore

    def interval_and_grade(self, seed: int) -> dict[str, float]:
        """See `judged_buyers`."""
        ours, theirs = (np.concatenate(score.loss) for score in (self.model, self.past_buyers))
        low_share, high_share = _drawn_again(ours, theirs, seed)
        low, high = buyers_between(self.model.said, self.model.noise, self.chances.spread)
        within = (self.model.came >= low) & (self.model.came <= high)
        return {
            "buyers_coverage_80": float(np.mean(within)),
            "buyers_better": 1 - float(ours.sum() / theirs.sum()),
            "buyers_better_low": low_share,
            "buyers_better_high": high_share,
        }


def _drawn_again(ours: Floats, theirs: Floats, seed: int) -> tuple[float, float]:
    """The 95 % interval of how much smaller a sum of losses is, by drawing customers again."""
    draw = np.random.default_rng(seed)
    shares = []
    for _ in range(DRAWS):
        rows = draw.integers(0, len(ours), len(ours))
        shares.append(1 - float(ours[rows].sum() / theirs[rows].sum()))
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(low), float(high)


def contest_of(
    model: LikelyBuyers, purchases: pd.DataFrame, p_order: "pd.Series[float]", *, cutoff: date
) -> BuyerContest | None:
    """Both contenders on every pair of a customer of `p_order` and an item; None: nobody bought."""
    chances = model.chances(purchases, p_order, as_of=cutoff)
    is_judged = chances.customers.isin(p_order.index)
    contest = BuyerContest(chances.customers[is_judged], chances, BuyerScore(), BuyerScore())
    for rows, chance, counted, happened in _blocks(model, chances, purchases, cutoff):
        judged = is_judged[rows]
        contest.model.add(chance[judged], happened[judged])
        contest.past_buyers.add(counted[judged], happened[judged])
    return contest if np.sum(contest.model.came) > 0 else None


def _blocks(
    model: LikelyBuyers, chances: BuyerChances, purchases: pd.DataFrame, cutoff: date
) -> Iterator[tuple[slice, Floats, Floats, Floats]]:
    """Rows, chances, what counting says of them, and what happened."""
    start = day_number(cutoff)
    bought = [
        _bought(ItemPurchases.of(purchases, kind, learned.items), start, model.horizon_days)
        for kind, learned in model.kinds_.items()
    ]
    pasts = list(chances.pasts.values())
    shares = [past.past_buyer_shares() for past in pasts]
    for rows, chance in chances.blocks():
        counted, happened = np.empty_like(chance), np.zeros_like(chance)
        first_column = 0
        for past, keys, (again, new) in zip(pasts, bought, shares, strict=True):
            columns = slice(first_column, first_column + past.items)
            first_column += past.items
            counted[:, columns] = new
            pairs = slice(*np.searchsorted(past.customer, (rows.start, rows.stop)))
            owner, item = past.customer[pairs] - rows.start, past.item[pairs]
            # who bought oftener stands first; too little to move a probability
            counted[owner, columns.start + item] = again[item] + 1e-6 * np.log(past.times[pairs])
            customer, product = np.divmod(keys, past.items)
            is_here = (customer >= rows.start) & (customer < rows.stop)
            happened[customer[is_here] - rows.start, columns.start + product[is_here]] = 1
        yield rows, chance, np.minimum(counted, 1.0), happened


def _bought(purchases: ItemPurchases, start: int, days: int) -> Ints:
    """Keys `customer · items + item` of what was bought in a window."""
    within = (purchases.order_day >= start) & (purchases.order_day < start + days)
    row = within[purchases.order]
    customer = purchases.order_customer[purchases.order[row]]
    return distinct(customer * len(purchases.items) + purchases.item[row])
