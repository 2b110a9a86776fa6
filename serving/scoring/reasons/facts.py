"""Facts of customers, computed for all of them at once: the columns that sentences are about."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from features.rows import Floats, Rows
from serving.scoring.reasons.averages import Averages
from serving.scoring.sides import Bools

LATE = "is_late"
"""The fact that a customer's published rhythm is late or overdue."""

Holds = Callable[["CustomerFacts"], Bools]
"""Whether something is true, per customer; false where it is not known."""

Figure = Callable[["CustomerFacts"], Floats]
"""A number per customer."""


class CustomerFacts:
    """The features of customers by name, beside the averages of their shop.

    Parameters
    ----------
    rows : one row per customer
    averages : of the shop; see `serving.scoring.reasons.averages`
    is_late : whether each customer's published rhythm is late or overdue; None: not known
    """

    def __init__(self, rows: Rows, averages: Averages, is_late: Bools | None = None) -> None:
        self._rows = rows
        self._averages = averages
        self._is_late = is_late

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, name: str) -> Floats:
        """A feature; NaN where it is not known, so that no comparison with it is true."""
        if name == LATE and self._is_late is not None:
            return self._is_late.astype(np.float64)
        if name in self._rows:
            return self._rows[name]
        return np.full(len(self._rows), np.nan)

    def average(self, name: str) -> float:
        """Of the shop; NaN where it is not known."""
        return self._averages.get(name, np.nan)

    def at(self, rows: npt.NDArray[np.intp]) -> "CustomerFacts":
        """The facts of some customers, by number."""
        is_late = None if self._is_late is None else self._is_late[rows]
        return CustomerFacts(self._rows.at(rows), self._averages, is_late)


def feature(name: str) -> Figure:
    """The value of a feature."""
    return lambda facts: facts[name]


def average(name: str) -> Figure:
    """The shop's average, the same for everybody."""
    return lambda facts: np.full(len(facts), facts.average(name))


def at_least(name: str, least: float) -> Holds:
    """Whether a feature reaches a number."""
    return lambda facts: facts[name] >= least


def at_most(name: str, most: float) -> Holds:
    """Whether a feature does not exceed a number."""
    return lambda facts: facts[name] <= most


def below(name: str, limit: float) -> Holds:
    """Whether a feature is less than a number."""
    return lambda facts: facts[name] < limit


def is_not(name: str) -> Holds:
    """Whether a yes-or-no fact is no, or not known."""
    return lambda facts: ~(facts[name] > 0)


def exactly(name: str, number: float) -> Holds:
    """Whether a feature is a number."""
    return lambda facts: facts[name] == number


def times_average(
    name: str, *, least: float = -np.inf, most: float = np.inf, of: str | None = None
) -> Holds:
    """Whether a feature lies between two multiples of an average of the shop, which is above 0.

    `of` is that average; None: that of the feature itself.
    """

    def holds(facts: CustomerFacts) -> Bools:
        shop = facts.average(of or name)
        values = facts[name]
        return np.asarray((shop > 0) & (values >= least * shop) & (values <= most * shop))

    return holds


def all_of(*conditions: Holds) -> Holds:
    """Whether all conditions hold."""

    def holds(facts: CustomerFacts) -> Bools:
        return np.asarray(np.all([condition(facts) for condition in conditions], axis=0))

    return holds


def any_above_zero(names: Sequence[str]) -> Holds:
    """Whether at least one of the features is above 0."""
    return lambda facts: np.any([facts[name] > 0 for name in names], axis=0)


def ordered_since(days_since: str) -> Holds:
    """Whether the last order came after something that is `days_since` back."""
    return lambda facts: facts["days_since_last_order"] < facts[days_since]


def silent_since(days_since: str) -> Holds:
    """Whether the last order came before something that is `days_since` back."""
    return lambda facts: facts["days_since_last_order"] > facts[days_since]


def quarter_before(name: str) -> Figure:
    """The orders or spend of the 90 days before the last 90; `name` without its window."""
    return lambda facts: facts[f"{name}_180d"] - facts[f"{name}_90d"]


def changed(name: str, *, is_rise: bool, factor: float, least: float = 0.0) -> Holds:
    """Whether the last 90 days had clearly more or less than the 90 before.

    Both must be above 0, one `factor` times the other, and they differ by `least` or more. The
    customer has been there for the whole of both.
    """

    def holds(facts: CustomerFacts) -> Bools:
        last_quarter, before = facts[f"{name}_90d"], quarter_before(name)(facts)
        small, large = (before, last_quarter) if is_rise else (last_quarter, before)
        return np.asarray(
            (facts["days_since_first_order"] >= 180)
            & (small > 0)
            & (large >= factor * small)
            & (large - small >= least)
        )

    return holds
