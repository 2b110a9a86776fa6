"""When which covariates hold: runs of equal rows, for everybody or for each customer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.process.purchase_summary import Floats

Integers = NDArray[np.intp]


@dataclass(frozen=True)
class Pieces:
    """Spans of the customers' time in which no covariate changes, customer by customer, in order.

    Attributes
    ----------
    customer, row, length : of each piece: whose it is, its row of covariates, how long it is
    first : position of each customer's first piece, and the number of pieces at the end
    """

    customer: Integers
    row: Integers
    length: Floats
    first: Integers

    def before(self, amounts: Floats) -> Floats:
        """The sum over the same customer's earlier pieces, of each piece."""
        earlier = np.cumsum(amounts, axis=0) - amounts
        if not len(amounts):
            return np.asarray(earlier)
        return np.asarray(earlier - earlier[self.first[self.customer]])

    def total(self, amounts: Floats) -> Floats:
        """The sum of each customer's pieces."""
        customers = len(self.first) - 1
        if amounts.ndim == 1:
            return np.bincount(self.customer, amounts, minlength=customers).astype(float)
        columns = [np.bincount(self.customer, column, minlength=customers) for column in amounts.T]
        return np.column_stack(columns) if columns else np.zeros((customers, 0))


@dataclass(frozen=True)
class Timetable:
    """Runs of equal covariates on one or several calendars.

    Attributes
    ----------
    rows : the different rows of covariates, shape (rows, covariates)
    start, end, row : of each run, calendar by calendar, without a gap; end > start
    calendar : of each run, 0, 1, … ascending
    """

    rows: Floats
    start: Floats
    end: Floats
    row: Integers
    calendar: Integers

    def bounds(self) -> tuple[Floats, Floats]:
        """From when and until when each calendar knows the covariates."""
        first = np.flatnonzero(np.diff(self.calendar, prepend=-1))
        return self.start[first], self.end[np.append(first[1:], len(self.end)) - 1]

    def pieces(self, calendar: Integers, begin: Floats, end: Floats) -> Pieces:
        """Each customer's time after `begin` until `end`, on their calendar."""
        lowest = self._at(calendar, begin, side="right") - 1
        runs = np.where(end > begin, self._at(calendar, end, side="left") - lowest, 0)
        first = np.concatenate(([0], np.cumsum(runs)))
        customer = np.repeat(np.arange(len(runs)), runs)
        run = np.arange(first[-1]) - first[customer] + lowest[customer]
        length = np.minimum(end[customer], self.end[run]) - np.maximum(
            begin[customer], self.start[run]
        )
        return Pieces(customer, self.row[run], length, first)

    def rows_at(self, calendar: Integers, moment: Floats) -> Integers:
        """The row that holds at a moment; a run holds at its end, not at its start."""
        return np.asarray(self.row[self._at(calendar, moment, side="left") - 1])

    def _at(self, calendar: Integers, moment: Floats, *, side: str) -> Integers:
        earliest = self.start.min()
        span = self.end.max() - earliest + 1
        keys = self.calendar * span + self.start - earliest
        wanted = calendar * span + moment - earliest
        return np.searchsorted(keys, wanted, side=side)  # type: ignore[call-overload,no-any-return]
