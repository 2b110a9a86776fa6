"""Likely buyers as answers: for the API, the page and the command alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from serving.store.likely_buyers import BuyerStore, ItemForecast, ItemKind
from training.backtest.grade import letter


def item_row(item: ItemForecast) -> dict[str, Any]:
    """An item as it is answered."""
    return {
        "kind": item.kind,
        "item_id": item.item_id,
        "name": item.name,
        "category": item.category,
        "will_buy": item.key,
        "past_buyers": item.past_buyers,
        "expected_buyers": item.expected,
        "expected_buyers_low": item.low,
        "expected_buyers_high": item.high,
    }


def item_with_buyers(
    store: BuyerStore, kind: ItemKind, item_id: str, *, limit: int
) -> dict[str, Any] | None:
    """An item and the first of its list; None where it has none."""
    item = store.item(kind, item_id)
    if item is None:
        return None
    listed, count = store.buyers(kind, item_id, limit=limit)
    return {
        **item_row(item),
        "listed": count,
        "customers": [
            {
                "rank": rank,
                "customer_id": buyer.customer_id,
                "chance": buyer.chance,
                "times_bought": buyer.times,
                "last_bought_days_ago": buyer.last_days_ago,
            }
            for rank, buyer in enumerate(listed, start=1)
        ],
    }


def items_like(items: Sequence[ItemForecast], search: str) -> list[ItemForecast]:
    """Those with all words of `search` in id, name and category; all where it is empty."""
    words = search.casefold().split()
    return [item for item in items if _has(item, words)]


def _has(item: ItemForecast, words: Sequence[str]) -> bool:
    text = " ".join(filter(None, (item.item_id, item.name, item.category))).casefold()
    return all(word in text for word in words)


@dataclass(frozen=True)
class BuyerGrade:
    """How the lists did in the backtest beside popularity among past buyers.

    `better` is how much smaller the log loss was, with its 95 % interval; `first` and
    `first_of_past_buyers` the share of the 50 customers named first who bought; each the mean of
    the folds.
    """

    letter: str
    better: float
    low: float
    high: float
    first: float
    first_of_past_buyers: float

    @classmethod
    def of(cls, backtests: Mapping[str, Any] | None) -> "BuyerGrade | None":
        """From the exhibit of the backtests; None where they say nothing of buyers."""
        entry = ((backtests or {}).get("models") or {}).get("recommendation") or {}
        folds = ((entry.get("backtest") or {}).get("folds")) or []
        pairs = [(f["metrics"].get("model", {}), f["metrics"].get(BASELINE, {})) for f in folds]
        complete = [pair for pair in pairs if pair[0].get("buyers_better") is not None and pair[1]]
        if not complete:
            return None
        better, low, high, first = (
            fmean(ours[f"buyers_{name}"] for ours, _ in complete)
            for name in ("better", "better_low", "better_high", "first_50")
        )
        theirs = fmean(theirs["buyers_first_50"] for _, theirs in complete)
        return cls(letter(low, high), better, low, high, first, theirs)


BASELINE = "past buyers"
"""The contender that the lists are graded against, as the backtest calls it."""
