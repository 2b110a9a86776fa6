"""What a score of one customer needs to know of the shop: names, prices, stock, all the others.

A score run writes it beside the bundles, without a customer's id in it, so that nothing of
anybody has to be erased from it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from sys import intern
from typing import Any, Self

import numpy as np
import pandas as pd

from features.orders.log import OrderLog
from serving.live import CONTEXT
from serving.scoring.recommendation_rules import rules_of
from serving.settings import Settings
from serving.store.run import RunInfo
from training.errors import BundleError

LEVELS = 1_001
"""Of the distribution of churn probabilities: a step of 0.1 %."""

Texts = tuple[str | None, str | None]


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """A score run as those who score one customer see it.

    Attributes
    ----------
    run : its lineage
    products : id → name and category, as the log wrote them last
    catalogue : id → name, category and cost of one piece, of the products table; empty without
    in_stock : products that may be recommended, None for all
    gone : products that nobody has bought for long, where no stock is known
    prices : id → price, where the configuration asks for a range
    churn_levels : quantiles of the churn probability over all customers, ascending
    """

    run: RunInfo
    products: Mapping[str, Texts]
    catalogue: Mapping[str, tuple[str | None, str | None, float | None]]
    in_stock: frozenset[str] | None
    gone: frozenset[str]
    prices: Mapping[str, float]
    churn_levels: tuple[float, ...]

    @classmethod
    def of(cls, log: OrderLog[Settings], run: RunInfo, scores: pd.DataFrame) -> Self:
        """The context of a run over `log`; `scores` has its churn probabilities."""
        rules = rules_of(log, run.as_of)
        levels = np.quantile(scores["churn_probability"], np.linspace(0, 1, LEVELS))
        return cls(
            run=run,
            products={row[0]: (row[1], row[2]) for row in _rows(log.products())},
            catalogue=_catalogue(log),
            in_stock=None if rules.in_stock is None else frozenset(rules.in_stock),
            gone=frozenset(rules.gone),
            prices=dict(rules.prices),
            churn_levels=tuple(levels.tolist()),
        )

    def percentile(self, churn_probability: float) -> float:
        """The share of the run's customers with a lower churn probability, to 0.1 %."""
        shares = np.linspace(0, 1, len(self.churn_levels))
        return float(np.interp(churn_probability, self.churn_levels, shares))

    def to_json(self) -> str:
        # thousands of products share a name and a category: they are written and read once, ahead
        texts = {pair: number for number, pair in enumerate(dict.fromkeys(self.products.values()))}
        values = {
            "run": self.run.to_json(),
            "texts": [*texts],
            "products": {product: texts[pair] for product, pair in self.products.items()},
            "catalogue": self.catalogue,
            "in_stock": None if self.in_stock is None else sorted(self.in_stock),
            "gone": sorted(self.gone),
            "prices": self.prices,
            "churn_levels": self.churn_levels,
        }
        return json.dumps(values, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        values = json.loads(text)
        stock = values["in_stock"]
        texts = [(name, category) for name, category in values.get("texts", ())]
        # a context of an earlier release has the texts in the place of their number; the models
        # know the ids as well, each of which is kept once
        products = {
            intern(product): texts[entry] if isinstance(entry, int) else (entry[0], entry[1])
            for product, entry in values["products"].items()
        }
        return cls(
            run=RunInfo.from_json(values["run"]),
            products=products,
            catalogue={name: tuple(entry) for name, entry in values["catalogue"].items()},
            in_stock=None if stock is None else frozenset(stock),
            gone=frozenset(map(intern, values.get("gone", ()))),
            prices=values["prices"],
            churn_levels=tuple(values["churn_levels"]),
        )


def context_file(settings: Settings) -> Path:
    """Where the context of the last run lies."""
    folder: Path = settings.path(settings.store.bundles)
    return folder / CONTEXT


def write_context(context: RunContext, file: Path) -> None:
    """Replace the context as a whole: readers see the one before or this one."""
    unfinished = file.with_name(f".{file.name}.unfinished")
    unfinished.write_text(context.to_json(), encoding="utf-8")
    os.replace(unfinished, file)  # noqa: PTH105 - the atomic step, named as such


def read_context(file: Path) -> RunContext | None:
    """The context of the last run; None before the first.

    Raises
    ------
    BundleError
        When the file is damaged.
    """
    try:
        return RunContext.from_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (LookupError, TypeError, ValueError):
        raise BundleError(f"{file}: damaged. Run `regulars score`.") from None


def newest_day(context: RunContext | None, known_until: date) -> date:
    """The earliest date that scores of today's orders may be of."""
    return known_until if context is None else max(known_until, context.run.as_of)


def _catalogue(log: OrderLog[Settings]) -> dict[str, tuple[str | None, str | None, float | None]]:
    if log.settings.data.products is None:
        return {}
    frame = log.frame("SELECT product_id, product_name, category, unit_cost FROM catalogue")
    return {row[0]: (row[1], row[2], row[3]) for row in _rows(frame)}


def _rows(frame: pd.DataFrame) -> list[list[Any]]:
    """Rows of Python values, None for what is missing."""
    values_or_none = frame.astype(object).where(frame.notna(), None)
    return [list(row) for row in values_or_none.itertuples(index=False)]
