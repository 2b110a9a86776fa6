"""Made-up portfolios of contracts: hazards that peak at the anniversary, missed payments, price rises.

Every day each running contract may end, with a hazard of its own. What raises it can be seen in the
payments and in the day on which the contract began; how much it does is what `strength` says.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

FIRST_DAY = date(2020, 1, 1)
DAYS_PER_YEAR = 365.25

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Portfolio:
    """A book of contracts as a firm would export it.

    Attributes
    ----------
    payments : a row per payment: `policy`, `paid_on`, `premium`
    contracts : a row per contract: `policy`, `began_on`, `term_months`, `ended_on` (missing while
        it runs)
    """

    payments: pd.DataFrame
    contracts: pd.DataFrame


def simulate_portfolio(
    *,
    policies: int = 29_000,
    days: int = 1_280,
    loss_per_quarter: float = 0.013,
    strength: float = 1.0,
    seed: int,
) -> Portfolio:
    """A portfolio watched for some days; six in ten contracts were running on the first.

    Parameters
    ----------
    policies : contracts in all
    days : from `FIRST_DAY` on
    loss_per_quarter : share of the running contracts that end in 91 days, about
    strength : exponent of everything that raises a hazard: 1 plain, below 1 harder to see
    seed : of NumPy's generator
    """
    rng = np.random.default_rng(seed)
    began = np.where(
        rng.random(policies) < 0.6,
        -rng.integers(1, 8 * 365, policies),
        rng.integers(0, days - 30, policies),
    )
    every = rng.choice(
        [DAYS_PER_YEAR / 12, DAYS_PER_YEAR / 4, DAYS_PER_YEAR], policies, p=[0.45, 0.25, 0.30]
    )
    term = rng.choice([12, 24], policies, p=[0.8, 0.2])
    book = _Book(
        began=began,
        every=every,
        term=term,
        frailty=rng.gamma(2.0, 0.5, policies),
        unreliable=rng.beta(1.0, 30.0, policies),
        rise=np.where(
            rng.random((policies, 13)) < 0.25, rng.uniform(0.06, 0.25, (policies, 13)), 0.02
        ),
        premium=np.exp(rng.normal(np.log(30.0), 0.6, policies)) * every / (DAYS_PER_YEAR / 12),
    )
    ended, paid = _lived(book, days, loss_per_quarter / 91, strength, rng)
    return _exported(book, ended, paid)


@dataclass(frozen=True)
class _Book:
    """Of each contract: the day it began (from `FIRST_DAY`), days between payments, months of its
    term, hazard beside the mean, share of payments missed, rise of the premium at each anniversary
    and the first premium."""

    began: Floats
    every: Floats
    term: Floats
    frailty: Floats
    unreliable: Floats
    rise: Floats
    premium: Floats


def _lived(
    book: _Book, days: int, hazard: float, strength: float, rng: np.random.Generator
) -> tuple[Floats, list[tuple[int, Floats]]]:
    """The last day of each contract (NaN: it runs), and who paid on each day."""
    number = len(book.began)
    ended = np.full(number, np.nan)
    missed_on = np.full(number, -9_999.0)
    rows = np.arange(number)
    usual = None
    paid = []
    for day in range(days):
        age = day - book.began
        runs = (age >= 0) & np.isnan(ended)
        risk = _risk(book, age, day - missed_on, rows) ** strength
        if usual is None:
            # the level that gives the wanted loss, measured over the book's first year
            usual = _mean_risk(book, rows, strength)
        dies = runs & (rng.random(number) < hazard * risk / usual)
        ended[dies] = day
        due = runs & ~dies & (np.floor(age / book.every) > np.floor((age - 1) / book.every))
        missed = due & (rng.random(number) < book.unreliable)
        missed_on[missed] = day
        paid.append((day, rows[due & ~missed]))
    return ended, paid


def _risk(book: _Book, age: Floats, since_missed: Floats, rows: Floats) -> Floats:
    year = np.floor(np.maximum(age, 0) / DAYS_PER_YEAR)
    into = np.maximum(age, 0) - year * DAYS_PER_YEAR
    until = DAYS_PER_YEAR - into
    may_end = np.where(book.term == 24, (year % 2 == 1) | (into < 10), True)
    is_near = (until <= 21) | ((into <= 10) & (year > 0))
    risk = np.where(is_near, np.where(may_end, 14.0, 2.0), 0.5)
    rise = book.rise[rows, np.minimum(year, 12).astype(int)]
    has_risen = (rise > 0.05) & (year > 0) & (into <= 75)
    risk = risk * np.where(has_risen, 1 + 12 * rise, 1.0)
    risk = risk * np.where(since_missed <= 80, 5.0, 1.0)
    risk = risk * np.array([1.7, 1.3, 1.0, 0.8])[np.minimum(year, 3).astype(int)]
    return np.asarray(risk * book.frailty)


def _mean_risk(book: _Book, rows: Floats, strength: float) -> float:
    nobody = np.full(len(rows), 9_999.0)
    means = []
    for day in range(0, 365, 5):
        age = day - book.began
        runs = age >= 0
        means.append(float((_risk(book, age, nobody, rows)[runs] ** strength).mean()))
    return float(np.mean(means)) * 1.1


def _exported(book: _Book, ended: Floats, paid: list[tuple[int, Floats]]) -> Portfolio:
    first = pd.Timestamp(FIRST_DAY)
    policy = np.concatenate([who for _, who in paid])
    day = np.repeat([day for day, _ in paid], [len(who) for _, who in paid])
    year = np.floor((day - book.began[policy]) / DAYS_PER_YEAR).astype(int)
    grown = np.cumprod(1 + book.rise, axis=1)
    premium = book.premium[policy] * grown[policy, np.minimum(year, 12)] / grown[policy, 0]
    names = np.array([f"P{number:05d}" for number in range(len(book.began))])
    payments = pd.DataFrame(
        {
            "policy": names[policy],
            "paid_on": first + pd.to_timedelta(day, unit="D"),
            "premium": premium.round(2),
        }
    )
    contracts = pd.DataFrame(
        {
            "policy": names,
            "began_on": (first + pd.to_timedelta(book.began, unit="D")).date,
            "term_months": book.term,
            "ended_on": (first + pd.to_timedelta(pd.Series(ended), unit="D")).dt.date,
        }
    )
    return Portfolio(payments, contracts)
