"""Pareto/NBD in which purchases and dropout go faster or slower as covariates vary in time.

A customer buys at the rate λ·e^(γ·x(u)) and is prone to drop out at μ·e^(δ·z(u)), with
λ ~ Gamma(r, α) and μ ~ Gamma(s, β) (Bachmann, Meierer & Näf 2021). So purchases run on a clock
of their own, Λ(u) = ∫ e^(γ·x) from the first purchase to u, and lifetimes on another one, M(u).
With A(u) = α + Λ(u) and B(u) = β + M(u) the likelihood of x repeat purchases, the last at t_x, is

    Π e^(γ·x(tⱼ)) · Γ(r + x) / Γ(r) · α^r · β^s
      · [A(T)^−(r+x) · B(T)^−s + s ∫ e^(δ·z(u)) · A(u)^−(r+x) · B(u)^−(s+1) du],

the integral from t_x to T. Where no covariate changes both clocks are straight lines, and a piece
of the integral is that of `training.process.silence` in a unit of time of its own.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse, special

from training.estimators.covariate_history import CovariateHistory
from training.estimators.timetable import Integers, Pieces
from training.process.purchase_summary import Floats, PurchaseCounts
from training.process.silence import Race, race


@dataclass(frozen=True)
class Speeds:
    """How fast the clocks of purchases and of lifetimes go with each row of covariates."""

    buying: Floats
    leaving: Floats

    @classmethod
    def of(cls, history: CovariateHistory, coefficients: Floats) -> "Speeds":
        bought = len(history.purchase)
        rows = history.timetable.rows
        return cls(
            np.exp(rows[:, :bought] @ coefficients[:bought]),
            np.exp(rows[:, bought:] @ coefficients[bought:]),
        )


@dataclass(frozen=True)
class Course:
    """A stretch of the customers' time on both clocks.

    Attributes
    ----------
    pieces : in which no covariate changes
    buying, leaving : speed of either clock in each piece
    a, b : A and B where each piece begins
    a_start, b_start, a_end, b_end : of the whole stretch, per customer
    """

    pieces: Pieces
    buying: Floats
    leaving: Floats
    a: Floats
    b: Floats
    a_start: Floats
    b_start: Floats
    a_end: Floats
    b_end: Floats

    @classmethod
    def of(cls, pieces: Pieces, speeds: Speeds, a_start: Floats, b_start: Floats) -> "Course":
        """From where both clocks stand at the start."""
        buying, leaving = speeds.buying[pieces.row], speeds.leaving[pieces.row]
        gone_a, gone_b = buying * pieces.length, leaving * pieces.length
        return cls(
            pieces,
            buying,
            leaving,
            a_start[pieces.customer] + pieces.before(gone_a),
            b_start[pieces.customer] + pieces.before(gone_b),
            a_start,
            b_start,
            a_start + pieces.total(gone_a),
            b_start + pieces.total(gone_b),
        )

    def dropped(self, orders: Floats, s: float) -> tuple[Floats, Race]:
        """The log of P(dropping out in a piece), for each, given alive at the start."""
        owner = self.pieces.customer
        a, b, until = self.a / self.buying, self.b / self.leaving, self.pieces.length
        silent = race(orders=orders[owner], a=a, s=s, b=b, until=until)
        reached = orders[owner] * np.log(self.a_start[owner] / self.a)
        reached += s * np.log(self.b_start[owner] / self.b)
        return np.log(s) + reached + silent.log_integral, silent

    def silent(self, orders: Floats, s: float) -> Floats:
        """The log of P(no purchase and no dropout), per customer, given alive at the start."""
        return np.asarray(
            orders * np.log(self.a_start / self.a_end) + s * np.log(self.b_start / self.b_end)
        )

    def purchases(self, orders: Floats, s: float) -> Floats:
        """Expected purchases per customer, given alive at the start."""
        owner = self.pieces.customer
        longer = np.log1p(self.leaving * self.pieces.length / self.b)
        lived = self.b * longer * special.exprel(-(s - 1) * longer)
        lived *= (self.b_start[owner] / self.b) ** s
        rate = (orders / self.a_start)[owner] * self.buying / self.leaving
        return self.pieces.total(rate * lived)


class Clocks:
    """From one clock to the other, and to time, along a course."""

    def __init__(self, course: Course) -> None:
        pieces, length = course.pieces, course.pieces.length
        self._time, self._buying, self._leaving = (
            np.concatenate(([0.0], np.cumsum(gone)))
            for gone in (length, course.buying * length, course.leaving * length)
        )
        self._first, self._last = pieces.first[:-1], pieces.first[1:]

    def buying_until(self, left: Floats) -> Floats:
        """How far the clock of purchases goes until that of lifetimes has gone so far, or the end.

        `left` is ≥ 0, of shape (…, customers).
        """
        start = self._leaving[self._first]
        until = np.minimum(start + left, self._leaving[self._last])
        return np.asarray(np.interp(until, self._leaving, self._buying) - self._buying[self._first])

    def moment(self, customer: Integers, gone: Floats) -> Floats:
        """The time at which the clock of purchases of a customer has gone so far."""
        first = self._first[customer]
        until = self._buying[first] + gone
        return np.asarray(np.interp(until, self._buying, self._time) - self._time[first])


class VaryingLikelihood:
    """The log-likelihood by (r, α, s, β) and e^coefficient of each effect, with its gradient.

    Parameters
    ----------
    history : customers and covariates
    scale : what times are multiplied by
    """

    def __init__(self, history: CovariateHistory, scale: float) -> None:
        counts = history.counts
        self._history = history
        self._counts = PurchaseCounts(counts.x, counts.t_x * scale, counts.T * scale)
        none = np.zeros(len(counts))
        active = history.pieces(none, counts.t_x)
        silent = history.pieces(counts.t_x, counts.T)
        self._active = sparse.csr_matrix(
            (active.length * scale, active.row, active.first),
            shape=(len(counts), len(history.timetable.rows)),
        )
        self._silent = Pieces(silent.customer, silent.row, silent.length * scale, silent.first)
        self._steps = np.arange(counts.x.max())

    def silence(self, parameters: Floats, speeds: Speeds) -> Course:
        """The time since each customer's last purchase."""
        _, alpha, _, beta = parameters[:4]
        return Course.of(
            self._silent,
            speeds,
            alpha + self._active @ speeds.buying,
            beta + self._active @ speeds.leaving,
        )

    def dropped_log_odds(self, parameters: Floats) -> tuple[Floats, Course, Floats, Race]:
        """Of having dropped out by T: per customer and per piece, and what is behind them."""
        r, s = parameters[0], float(parameters[2])
        speeds = Speeds.of(self._history, np.log(parameters[4:]))
        course = self.silence(parameters, speeds)
        orders = r + self._counts.x
        dropped, silent = course.dropped(orders, s)
        by_piece = dropped - course.silent(orders, s)[course.pieces.customer]
        highest = np.full(len(orders), -np.inf)
        np.maximum.at(highest, course.pieces.customer, by_piece)
        reference = np.where(np.isfinite(highest), highest, 0.0)
        with np.errstate(divide="ignore"):
            sums = course.pieces.total(np.exp(by_piece - reference[course.pieces.customer]))
            return reference + np.log(sums), course, by_piece, silent

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        r, alpha, s, beta = parameters[:4]
        coefficients = np.log(parameters[4:])
        history, x = self._history, self._counts.x
        bought, rows = len(history.purchase), history.timetable.rows
        orders = r + x
        log_odds, course, by_piece, silent = self.dropped_log_odds(parameters)
        owner = course.pieces.customer
        either = np.logaddexp(0.0, log_odds)
        alive, dropped = np.exp(-either), np.exp(by_piece - either[owner])
        now_a, now_b = np.log(course.a_end / alpha), np.log(course.b_end / beta)
        value = history.at_purchases @ coefficients[:bought] + self._risen(np.log(r + self._steps))
        value += either - x * np.log(alpha) - orders * now_a - s * now_b
        by_r = np.sum(self._risen(1 / (r + self._steps)) - alive * now_a)
        by_r -= np.sum(dropped * (np.log(course.a / alpha) + silent.log_a))
        by_s = np.sum(dropped * (1 / s - np.log(course.b / beta) - silent.log_b))
        by_s -= np.sum(alive * now_b)
        # what a step of either clock costs: for who is alive at T, and in each piece
        end_a, end_b = alive * orders / course.a_end, alive * s / course.b_end
        piece_a = dropped * orders[owner] * silent.over_a / course.buying
        piece_b = dropped * (s + 1) * silent.over_b / course.leaving
        by_alpha = np.sum(r / alpha - end_a) - np.sum(piece_a)
        by_beta = np.sum(s / beta - end_b) - np.sum(piece_b)
        speeds = Speeds.of(history, coefficients)
        within_a = dropped * orders[owner] - piece_a * course.a
        within_b = dropped * (s + 1) - piece_b * course.b
        by_purchase = history.at_purchases.sum(axis=0) - self._slower(
            course.pieces, rows[:, :bought], speeds.buying, (end_a, piece_a, within_a)
        )
        by_dropout = _weighed(dropped, rows[course.pieces.row, bought:]) - self._slower(
            course.pieces, rows[:, bought:], speeds.leaving, (end_b, piece_b, within_b)
        )
        by_coefficient = np.concatenate([by_purchase, by_dropout]) / parameters[4:]
        return float(np.sum(value)), np.array([by_r, by_alpha, by_s, by_beta, *by_coefficient])

    def _slower(
        self,
        pieces: Pieces,
        rows: Floats,
        speed: Floats,
        costs: tuple[Floats, Floats, Floats],
    ) -> Floats:
        """What the log-likelihood loses by a clock that goes faster, per coefficient.

        Parameters
        ----------
        rows, speed : the covariates of this clock, and its speed, of each row
        costs : of a step of the clock before T, per customer; before each piece; of time within it
        """
        at_end, before, within = costs
        faster = rows * speed[:, np.newaxis]
        until_last = np.asarray(self._active @ faster)
        in_piece = faster[pieces.row] * pieces.length[:, np.newaxis]
        slower = _weighed(at_end, until_last + pieces.total(in_piece))
        slower += _weighed(before, until_last[pieces.customer] + pieces.before(in_piece))
        return slower + _weighed(within, rows[pieces.row])

    def _risen(self, steps: Floats) -> Floats:
        """The sum of the first x steps, per customer."""
        return np.concatenate(([0.0], np.cumsum(steps)))[self._counts.x.astype(np.intp)]


def _weighed(weights: Floats, values: Floats) -> Floats:
    # Not a dot product: its last bits may depend on the number of threads.
    return np.asarray(np.sum(weights[:, np.newaxis] * values, axis=0))
