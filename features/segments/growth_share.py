"""Growth and share: star, cash cow, question mark, dog.

The Boston Consulting Group's matrix (B. D. Henderson, "The Product Portfolio", 1970) drawn for
the products of one shop and for its customers. A shop does not know its rivals' sales, so share
is relative to the mean of the items compared, and growth, by default, to the growth of their
total: a season that lifts everything makes nothing a star.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.language.message import Phrase, message
from features.orders.log import OrderLog, day_number
from features.segments.ranks import TOLERANCE, Floats
from features.segments.system import CutPoints, SystemDescription, SystemRule, figure, percent
from features.segments.trend import trend_columns, two_periods
from features.settings.segments import GrowthShare, Segments

Assortment = Literal["category", "product"]

QUADRANTS = {
    # (high growth, high share)
    (True, True): "star",
    (False, True): "cash_cow",
    (True, False): "question_mark",
    (False, False): "dog",
}


_LABELS = {
    "star": message("star: high growth, high share"),
    "cash_cow": message("cash cow: low growth, high share"),
    "question_mark": message("question mark: high growth, low share"),
    "dog": message("dog: low growth, low share"),
}


@dataclass(frozen=True)
class CustomerGrowthShare(SystemRule):
    """The quadrant of each customer: sales × growth of the last period."""

    name: ClassVar = "growth_share"
    columns: ClassVar = ("growth_share",)
    title: ClassVar = message("Growth and share of customers")
    labels: ClassVar = _LABELS

    @property
    def needs(self) -> tuple[str, ...]:
        return trend_columns(self.settings.period_days)

    def cut_points(self, customers: pd.DataFrame) -> CutPoints:
        """`sales` and `growth` from which they are high."""
        return matrix_cut_points(
            *two_periods(customers, self.settings.period_days), self.settings.growth_share
        )

    def _groups(self, customers: pd.DataFrame, cuts: CutPoints) -> Sequence[Any]:
        recent, before = two_periods(customers, self.settings.period_days)
        return (_quadrants(recent, before, cuts),)

    def _rule(self) -> Phrase:
        days, rules = self.settings.period_days, self.settings.growth_share
        share, growth = figure(rules.relative_share), _growth_words(rules)
        return message(
            "Net spend of the last %(days)s days against the same length before. High sales: at least "
            "%(share)s × the mean of those who bought in either; high growth: %(growth)s.",
            days=days,
            share=share,
            growth=growth,
        )

    def _in_this_run(self, cuts: CutPoints) -> tuple[Phrase, ...]:
        sales, growth = figure(cuts["sales"][0]), percent(cuts["growth"][0])
        return (
            message(
                "High sales from %(sales)s, high growth from %(growth)s.",
                sales=sales,
                growth=growth,
            ),
        )


def assortment_growth_share(
    log: OrderLog, as_of: date, *, by: Assortment = "category"
) -> pd.DataFrame:
    """The matrix of the shop's products or categories, anonymous orders included.

    Parameters
    ----------
    log : the orders; `settings.segments` has the length of the periods and the cut points
    as_of : the last period ends before this date
    by : one row per category or per product

    Returns
    -------
    One row per item sold in one of the periods, index the item's name or id, best seller
    first: `sales` and `sales_before` (net, in money), `share` of all sales, `relative_share`
    (in mean sales), `growth` (NaN where nothing was sold before), `group`.
    """
    days, rules = log.settings.segments.period_days, log.settings.segments.growth_share
    frame = log.frame(_assortment_query(log, as_of, days, by)).set_index(by)
    recent = frame["sales"].to_numpy(dtype=float)
    before = frame["sales_before"].to_numpy(dtype=float)
    cuts = matrix_cut_points(recent, before, rules)
    total = recent.sum()
    grown = np.where(before > 0, recent / np.where(before > 0, before, 1.0) - 1, np.nan)
    return frame.assign(
        share=recent / total if total > 0 else 0.0,
        relative_share=recent / recent.mean() if total > 0 else 0.0,
        growth=grown,
        group=_quadrants(recent, before, cuts),
    )


def describe_assortment(settings: Segments) -> SystemDescription:
    """The rule of `assortment_growth_share`."""
    days, rules = settings.period_days, settings.growth_share
    share, growth = figure(rules.relative_share), _growth_words(rules)
    return SystemDescription(
        name="assortment_growth_share",
        title=message("Growth and share of products"),
        rule=message(
            "Net sales of the last %(days)s days against the %(days)s days before, per category or "
            "product. High share: at least %(share)s × the mean; high growth: %(growth)s.",
            days=days,
            share=share,
            growth=growth,
        ),
        groups=_LABELS,
    )


def matrix_cut_points(recent: Floats, before: Floats, rules: GrowthShare) -> CutPoints:
    """`sales` and `growth` from which an item's are high, from those sold in either period."""
    active = (recent > 0) | (before > 0)
    mean = float(recent[active].mean()) if active.any() else 0.0
    past = float(before.sum())
    whole = float(recent.sum()) / past - 1 if past > 0 else 0.0
    growth = whole if rules.growth is None else rules.growth
    return {"sales": [mean * rules.relative_share], "growth": [growth]}


def _quadrants(recent: Floats, before: Floats, cuts: CutPoints) -> npt.NDArray[np.object_]:
    (sales,), (growth,) = cuts["sales"], cuts["growth"]
    # equal items are exactly average: rounding must not separate them
    enough = 1 - TOLERANCE
    share = (recent > 0) & (recent >= sales * enough)
    grown = (recent > 0) & (recent >= (1 + growth) * before * enough)
    pairs = zip(grown.tolist(), share.tolist(), strict=True)
    return np.array([QUADRANTS[pair] for pair in pairs], dtype=object)


def _assortment_query(log: OrderLog, as_of: date, days: int, by: Assortment) -> str:
    until = day_number(as_of)
    item, source = {
        "category": ("categories.name", "JOIN categories USING (category)"),
        "product": ("products.product_id", "JOIN products USING (product)"),
    }[by]
    recent, before = (
        f"SUM(CASE WHEN {period} THEN amount ELSE 0 END) / {log.settings.data.minor_units}e0"
        for period in (f"day >= {until - days}", f"day < {until - days}")
    )
    return f"""
        SELECT {item} AS {by}, {recent} AS sales, {before} AS sales_before
        FROM {log.visible(as_of)["lines"]} AS known_lines {source}
        WHERE day >= {until - 2 * days}
        GROUP BY {item} ORDER BY sales DESC, {item}"""


def _growth_words(rules: GrowthShare) -> Phrase:
    if rules.growth is None:
        return message("at least that of all together")
    return message("at least %(growth)s", growth=percent(rules.growth))
