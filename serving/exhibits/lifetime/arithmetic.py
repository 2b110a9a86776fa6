"""The sum Σ (Q_t − C_t)·(1 + i)^(−t) of a lifetime at other terms; plain arithmetic of the server."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class LifetimeTerm:
    """The horizon (year 0) or a year after it, of one customer or of several together.

    Attributes
    ----------
    revenue, cost, present_value : money, as stated by the run
    discount_years : t, from the end of the horizon; 0 for the horizon
    length_years : how much time it covers
    """

    year: int
    revenue: float
    cost: float
    present_value: float
    discount_years: float
    length_years: float


@dataclass(frozen=True)
class LifetimeAssumptions:
    """Other terms of the sum.

    Attributes
    ----------
    rate : i, per year, ≥ 0
    years : how many years after the horizon count, ≥ 0
    cost_share : costs as a share of revenue in the place of those stated; None: as stated
    cost_per_year : money per customer and year on top of the costs, as for contacts or service
    """

    rate: float
    years: int
    cost_share: float | None = None
    cost_per_year: float = 0.0


@dataclass(frozen=True)
class RecalculatedTerm:
    """A term at other assumptions; `present_value` = (revenue − cost) × `discount_factor`."""

    year: int
    revenue: float
    cost: float
    discount_years: float
    discount_factor: float
    present_value: float


def recalculated(
    terms: Sequence[LifetimeTerm],
    assumptions: LifetimeAssumptions,
    *,
    stated_rate: float,
    customers: int = 1,
) -> list[RecalculatedTerm]:
    """The terms at other assumptions, the horizon first; their present values add up to the value.

    Terms of which nothing is changed keep the present value that the run states, so that the sum
    of all is its `clv_lifetime` to the cent.

    Parameters
    ----------
    stated_rate : at which the run discounts
    customers : to whom the terms belong

    >>> year = LifetimeTerm(1, 100.0, 40.0, 54.55, 1.0, 1.0)
    >>> (term,) = recalculated([year], LifetimeAssumptions(0.2, 1), stated_rate=0.1)
    >>> round(term.present_value, 2)
    50.0
    """
    return [
        _recalculated(term, assumptions, stated_rate, customers)
        for term in terms
        if term.year <= assumptions.years
    ]


def _recalculated(
    term: LifetimeTerm, assumptions: LifetimeAssumptions, stated_rate: float, customers: int
) -> RecalculatedTerm:
    share = assumptions.cost_share
    cost = term.cost if share is None else share * term.revenue
    cost += assumptions.cost_per_year * term.length_years * customers
    factor = (1 + assumptions.rate) ** -term.discount_years
    is_stated = cost == term.cost and (term.year == 0 or assumptions.rate == stated_rate)
    present = term.present_value if is_stated else (term.revenue - cost) * factor
    return RecalculatedTerm(term.year, term.revenue, cost, term.discount_years, factor, present)


def terms_in(
    documents: Sequence[Mapping[str, Any]], horizon_days: int, lifetime_years: float
) -> list[LifetimeTerm]:
    """The terms of a customer's document or of a group; empty where the run could not tell one."""
    lengths = term_lengths(horizon_days, lifetime_years)
    if any(term[name] is None for term in documents for name in ("revenue", "present_value")):
        return []
    return [
        LifetimeTerm(
            year=term["year"],
            revenue=term["revenue"],
            cost=term["cost"] or 0.0,
            present_value=term["present_value"],
            discount_years=term["discount_years"],
            length_years=lengths.get(term["year"], 1.0),
        )
        for term in documents
    ]


def term_lengths(horizon_days: int, lifetime_years: float) -> dict[int, float]:
    """Year → the time that it covers, in years: periods of a horizon, by the year of their middle.

    >>> {year: round(length, 2) for year, length in term_lengths(90, 1.5).items()}
    {0: 0.25, 1: 0.99, 2: 0.25}
    """
    period = horizon_days / DAYS_PER_YEAR
    periods = max(1, round(lifetime_years * DAYS_PER_YEAR / horizon_days))
    counted = Counter(int((number + 0.5) * period) + 1 for number in range(periods - 1))
    return {0: period, **{year: count * period for year, count in counted.items()}}
