"""The money is proved: which sums of a file come out, line by line and order by order."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product as combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Numbers = "pd.Series[float]"
Mask = npt.NDArray[np.bool_]

_CENT = 0.0051
_LEAST_ROWS = 5
_STEADY = 0.005
ADDS_UP = 0.9
"""Share of lines or orders from which a sum is taken to come out."""


@dataclass(frozen=True)
class MoneyParts:
    """The money columns of the sample, all in one row order; None where a file has no such column.

    Attributes
    ----------
    quantity, price, amount : of the line
    discount : of the line, all columns together, at least 0
    rate : share of the line taken off, 0 to 1
    tax, shipping, order_discount, subtotal, total : of the line or the order, see `of_order`
    order, product : number of the order and the product of each row, below 0 where unknown
    of_order : those of the above whose value is of the whole order
    """

    order: npt.NDArray[np.int64] | None
    product: npt.NDArray[np.int64] | None = None
    quantity: "pd.Series[float] | None" = None
    price: "pd.Series[float] | None" = None
    amount: "pd.Series[float] | None" = None
    discount: "pd.Series[float] | None" = None
    rate: "pd.Series[float] | None" = None
    tax: "pd.Series[float] | None" = None
    shipping: "pd.Series[float] | None" = None
    order_discount: "pd.Series[float] | None" = None
    subtotal: "pd.Series[float] | None" = None
    total: "pd.Series[float] | None" = None
    of_order: frozenset[str] = frozenset()

    @property
    def goods(self) -> "pd.Series[float] | None":
        """What each line says it is worth."""
        if self.amount is not None:
            return self.amount
        if self.price is None or self.quantity is None:
            return None
        return self.price * self.quantity


@dataclass(frozen=True)
class Equation:
    """A sum, and how often it comes out.

    Attributes
    ----------
    terms : names of the parts that are added to the goods, with their sign: ``-discount``, ``+tax``
    target : the part that the sum should give
    share : of the rows or orders that have all of it
    count : how many those are
    """

    terms: tuple[str, ...]
    target: str
    share: float
    count: int

    def has(self, part: str) -> bool:
        return any(term[1:] == part for term in self.terms)


def line_equation(parts: MoneyParts) -> Equation | None:
    """How the line's total follows from quantity × price; None where nothing can be compared.

    Only rows on which the tried terms matter are counted, if there are enough of them.
    """
    if parts.amount is None or parts.price is None or parts.quantity is None:
        return None
    full = parts.price * parts.quantity
    terms: dict[tuple[str, ...], Any] = {(): full}
    if parts.discount is not None:
        terms["-discount",] = full - _signed(parts.discount, full)
    if parts.rate is not None:
        terms["-rate",] = full * (1 - parts.rate)
    if parts.tax is not None and "tax" not in parts.of_order:
        for names, value in list(terms.items()):
            terms[*names, "+tax"] = value + parts.tax
    rows = (full.notna() & parts.amount.notna() & (full != 0)).to_numpy()
    telling = rows & _any_nonzero(parts, ("discount", "rate", "tax"))
    if telling.sum() >= _LEAST_ROWS:
        rows = telling
    if rows.sum() < _LEAST_ROWS:
        return None
    slack = _CENT + _CENT * parts.quantity.abs()
    equations = [
        Equation(
            names, "amount", _share((value - parts.amount).abs() <= slack, rows), int(rows.sum())
        )
        for names, value in terms.items()
    ]
    return max(equations, key=lambda equation: (round(equation.share, 2), -len(equation.terms)))


def _signed(discount: "pd.Series[float]", full: "pd.Series[float]") -> "pd.Series[float]":
    """Discounts have the sign of what they are taken off: of returns they are given back."""
    return discount.abs() * np.sign(full)


def _any_nonzero(parts: MoneyParts, names: tuple[str, ...]) -> Mask:
    nonzero = [
        (values.fillna(0) != 0).to_numpy()
        for name in names
        if (values := getattr(parts, name)) is not None and name not in parts.of_order
    ]
    return np.logical_or.reduce(nonzero) if nonzero else np.zeros(1, dtype=bool)


def _share(agrees: "pd.Series[bool]", rows: Mask) -> float:
    return float(agrees.to_numpy()[rows].mean())


def price_is_before_discount(parts: MoneyParts) -> bool | None:
    """Whether prices of discounted lines are those of other lines of the same product.

    True: the discount must still be taken off. False: price + discount is the usual price, so it is
    off already. None: too few lines, or prices that vary anyway.
    """
    goods, quantity = parts.goods, parts.quantity
    off = parts.discount
    if off is None and parts.rate is not None and goods is not None:
        off = goods.abs() * parts.rate
    if goods is None or off is None or parts.product is None:
        return None
    pieces = (quantity if quantity is not None else pd.Series(1.0, goods.index)).abs()
    frame = pd.DataFrame({
        "product": parts.product, "piece": goods.abs() / pieces, "off": off.abs().fillna(0) / pieces,
    })  # fmt: skip
    frame = frame[(frame["product"] >= 0) & (frame["piece"] > 0) & np.isfinite(frame["piece"])]
    usual = frame[frame["off"] == 0].groupby("product")["piece"].median()
    given = frame[frame["off"] > 0]
    expected = given["product"].map(usual)
    given, expected = given[expected.notna()], expected.dropna()
    if len(given) < _LEAST_ROWS:
        return None
    slack = _STEADY * expected + 2 * _CENT
    before = float(((given["piece"] - expected).abs() <= slack).mean())
    after = float(((given["piece"] + given["off"] - expected).abs() <= slack).mean())
    if max(before, after) < 0.6 or abs(before - after) < 0.3:
        return None
    return before > after


def order_equations(parts: MoneyParts) -> dict[str, Equation]:
    """How an order's subtotal and total follow from its lines; target → the sum that comes out best.

    Orders count on which the tried parts are not zero, if there are enough of them: of the others
    every sum comes out.
    """
    goods = parts.goods
    if goods is None or parts.order is None:
        return {}
    sums = _sums(parts, goods)
    equations: dict[str, Equation] = {}
    for target in ("subtotal", "total"):
        if target in sums:
            best = _best(sums, target)
            if best is not None:
                equations[target] = best
    return equations


def _sums(parts: MoneyParts, goods: "pd.Series[float]") -> pd.DataFrame:
    """One row per order: its lines, and each part summed, or read once where it is of the order."""
    assert parts.order is not None  # noqa: S101 - the caller looked
    frame = pd.DataFrame({"goods": goods, "lines": 1.0})
    frame["pieces"] = parts.quantity.abs() if parts.quantity is not None else 1.0
    for name in ("discount", "order_discount", "tax", "shipping", "subtotal", "total"):
        values = getattr(parts, name)
        if values is not None:
            frame[name] = values.abs() if name.endswith("discount") else values
    if parts.rate is not None:
        frame["rate"] = goods * parts.rate
    frame = frame[parts.order >= 0]
    grouped = frame.groupby(parts.order[parts.order >= 0])
    once = [name for name in frame if name in parts.of_order or name in ("subtotal", "total")]
    added = [name for name in frame if name not in once]
    sums = grouped[added].sum()
    for name in once:
        # on the first line, or the same on each: the first that is not zero
        filled = grouped[name].count() > 0
        first = frame[name].where(frame[name] != 0).groupby(parts.order[parts.order >= 0]).first()
        sums[name] = first.fillna(0.0).where(filled)
    return sums


_TERMS = (("rate", -1), ("discount", -1), ("order_discount", -1), ("tax", 1), ("shipping", 1))


def _best(sums: pd.DataFrame, target: str) -> Equation | None:
    given = sums[sums[target].notna() & sums["goods"].notna()].fillna(0.0)
    given = given[given["goods"] != 0]
    live = [(name, sign) for name, sign in _TERMS if name in given and (given[name] != 0).any()]
    tried = list(_combined(live, target))
    if not tried or len(given) < _LEAST_ROWS:
        return None
    slack = _CENT * (2 + given["lines"] + given["pieces"]) + 1e-9 * given[target].abs()
    agreement = {
        terms: ((_value(given, terms) - given[target]).abs() <= slack).to_numpy() for terms in tried
    }
    # what distinguishes two sums is decided on the orders on which they differ
    telling = np.ones(len(given), dtype=bool)
    for name, _ in live:
        nonzero = (given[name] != 0).to_numpy()
        if (telling & nonzero).sum() >= _LEAST_ROWS:
            telling &= nonzero
    scored = [
        (float(agrees[telling].mean()) + float(agrees.mean()), -len(terms), terms)
        for terms, agrees in agreement.items()
    ]
    terms = max(scored, key=lambda scored_terms: (round(scored_terms[0], 2), scored_terms[1]))[2]
    share = float(agreement[terms].mean())
    return Equation(
        tuple(f"{_SIGNS[sign]}{name}" for name, sign in terms), target, share, len(given)
    )


_SIGNS = {1: "+", -1: "-"}


def _combined(live: list[tuple[str, int]], target: str) -> Iterator[tuple[tuple[str, int], ...]]:
    """Every choice of terms; a subtotal may also be what it was before a discount."""
    options = [
        (None, (name, sign), (name, -sign))
        if target == "subtotal" and name == "order_discount"
        else (None, (name, sign))
        for name, sign in live
    ]
    for chosen in combinations(*options):
        yield tuple(term for term in chosen if term is not None)


def _value(sums: pd.DataFrame, terms: tuple[tuple[str, int], ...]) -> "pd.Series[float]":
    value = sums["goods"]
    for name, sign in terms:
        value = value + sign * sums[name]
    return value


def is_of_order(
    values: "pd.Series[float]",
    order: npt.NDArray[np.int64],
    product: npt.NDArray[np.int64] | None,
) -> bool | None:
    """Whether a number is the order's: repeated on each of its lines, or on the first one only.

    Returns
    -------
    None where too few orders of several lines have it.
    """
    frame = pd.DataFrame({"order": order, "value": values.fillna(0.0)})
    frame["product"] = product if product is not None else np.arange(len(frame))
    frame = frame[frame["order"] >= 0]
    frame["is_first"] = ~frame["order"].duplicated()
    frame["size"] = frame["value"].abs()
    grouped = frame.groupby("order")
    # lines of one product cost the same anyway; only different products tell
    products = grouped["product"]
    telling = (products.min() != products.max()) & (grouped["size"].max() > 0)
    if telling.sum() < _LEAST_ROWS:
        return None
    frame = frame[frame["order"].isin(telling.index[telling])]
    values_of = frame.groupby("order")["value"]
    repeated = float((values_of.min() == values_of.max()).mean())
    further = frame[~frame["is_first"]].groupby("order")["size"].max()
    on_first = float((further == 0).mean())
    return bool(repeated >= ADDS_UP or (on_first >= 0.97 and telling.sum() >= 2 * _LEAST_ROWS))


_RATES = (
    *(0.05, 0.055, 0.06, 0.07, 0.077, 0.08, 0.081, 0.09, 0.1, 0.12, 0.13, 0.135, 0.15, 0.16, 0.17),
    *(0.18, 0.19, 0.2, 0.21, 0.22, 0.23, 0.24, 0.25, 0.255, 0.27),
)
"""Usual rates of taxes on goods."""
_LARGE = 0.6


def tax_by_rates(parts: MoneyParts) -> bool | None:
    """Whether tax is inside the money, by the rate that it comes to; None where both may be.

    19 of 119 is a usual rate of what is left, 19 of 100 one of the whole.
    """
    goods, tax = parts.goods, parts.tax
    if goods is None or tax is None or "tax" in parts.of_order:
        return None
    rows = (tax.fillna(0) != 0) & (goods.abs() > 100 * _CENT) & (tax.abs() < goods.abs())
    if rows.sum() < _LEAST_ROWS:
        return None
    whole, part = (values[rows].abs().to_numpy(dtype=np.float64) for values in (goods, tax))
    # 16 of 100 and 19 of 119 are the same to a cent, but for larger amounts
    is_large = whole >= np.quantile(whole, _LARGE)
    whole, part = whole[is_large], part[is_large]
    outside, inside = _of_usual_rate(part, whole), _of_usual_rate(part, whole - part)
    if max(outside, inside) < ADDS_UP or abs(outside - inside) < 0.5:
        return None
    return inside > outside


def _of_usual_rate(part: npt.NDArray[Any], net: npt.NDArray[Any]) -> float:
    """Share of rows whose tax is a usual rate of `net`, rounded to a cent; few rates in one file."""
    agrees = np.abs(part[:, None] - net[:, None] * np.array(_RATES)) <= 1.3 * _CENT
    # goods of a shop have two or three rates, not all of them
    best = np.argsort(-agrees.mean(axis=0))[:3]
    return float(agrees[:, best].any(axis=1).mean())


def nets_of(
    candidate: "pd.Series[float]", other: "pd.Series[float]", part: "pd.Series[float]"
) -> bool:
    """Whether `candidate` is `other` less `part`, whatever the sign in which the part is written."""
    rows = (part.fillna(0) != 0) & candidate.notna() & other.notna()
    if rows.sum() < _LEAST_ROWS:
        return False
    difference = (other.abs() - part.abs() - candidate.abs())[rows].abs()
    return float((difference <= 2 * _CENT).mean()) >= 0.95
