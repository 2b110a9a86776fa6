"""How a customer went from day to day, and what an order would change.

What today's models say of the customer as known on the mornings of past days, and on the
mornings after an order that nobody has placed yet: the same arithmetic as that of a score run
(`Scorer`), for many mornings at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from features.orders.log import day_date, day_number
from features.reading.order_line import Line
from features.rows import Rows
from serving.live.after import read_lines
from serving.live.messages import (
    AnotherOrder,
    AnotherRun,
    CourseAnswer,
    CourseRequest,
    RiskAfterOrder,
)
from serving.live.scorer import Scorer
from serving.scoring.figures import description_of
from serving.scoring.risk import retention_risk
from serving.settings import Settings

MOST_DAYS = 730
"""How far back the course goes."""

EVENLY_SPREAD = 180
"""Mornings looked at beside those around orders: in a longer course some are left out."""

STEP_DAYS = 7
"""The last day on which an order helps is looked for week by week, and then day by day."""

GOAL = "low"
NEW_ORDER = "\uffff"
DIGITS = 4


def course_after(
    scorer: Scorer, settings: Settings, request: CourseRequest
) -> CourseAnswer | AnotherRun:
    """The course of a customer by what the files hold and what was sent.

    Nothing is told where orders alone do not tell it: where churn is a cancellation, the models
    learned from tables beside the orders, or nothing was bought.
    """
    run = scorer.run
    if run is None or run.run_id != request.lines.run_id:
        return AnotherRun(run_id=None if run is None else run.run_id)
    if scorer.table_columns or scorer.models.churn.label != "silence":
        return CourseAnswer(run_id=run.run_id)
    read = read_lines(settings.data, request.lines)
    as_of, counting = scorer.seen([*read.files, *read.new])
    if all(line.is_return for line in counting):
        return CourseAnswer(run_id=run.run_id)
    course = RiskCourse(scorer, settings, counting, as_of)
    return CourseAnswer(run_id=run.run_id, alive=course.alive(), order=course.after_an_order())


class RiskCourse:
    """The mornings of one customer.

    Parameters
    ----------
    scorer : whose models speak, of silence
    settings : the configuration
    counting : the lines that are known and count on the morning of `as_of`, a purchase among them;
        what was taken back since is not seen on earlier mornings either
    as_of : the day of the score
    """

    def __init__(
        self, scorer: Scorer, settings: Settings, counting: Iterable[Line], as_of: date
    ) -> None:
        self._scorer = scorer
        self._minor_units = settings.data.minor_units
        self._bands = settings.predict.risk
        self._horizon_days = settings.predict.horizon_days
        self._seen = sorted(counting, key=lambda line: line.day)
        self._bought = [line for line in self._seen if not line.is_return]
        self._today = day_number(as_of)

    def alive(self) -> list[tuple[str, float]]:
        """Day and P(alive) on its morning, the oldest first, up to the day of the score.

        From the morning after the first purchase, at most `MOST_DAYS` back.
        """
        days, orders = self._drawn(), self._scorer.engine.orders_of(self._seen)
        p_alive = self._said([orders.features(day) for day in days])["alive"].tolist()
        return [(day_date(day).isoformat(), p) for day, p in zip(days, p_alive, strict=True)]

    def after_an_order(self) -> AnotherOrder | None:
        """What another order like the last one would change, on the morning after it.

        None where the risk is low already.
        """
        today, last = self._today, self._today + self._horizon_days - 1
        if self._said([self._features(self._seen, today)])["retention_risk"][0] == GOAL:
            return None
        weeks = [*range(today, last, STEP_DAYS), last]
        after = self._after(weeks)
        by = _last_of_goal(weeks, after["retention_risk"])
        if by is not None and by < last:
            days = range(by, min(by + STEP_DAYS, last))
            by = _last_of_goal(days, self._after(days)["retention_risk"])
        return AnotherOrder(
            amount=sum(line.amount for line in self._like_the_last(0)) / self._minor_units,
            now=RiskAfterOrder(
                churn_probability=float(after["churn_probability"][0]),
                retention_risk=str(after["retention_risk"][0]),
            ),
            by=None if by is None else day_date(by).isoformat(),
            ends=day_date(last).isoformat(),
        )

    def _drawn(self) -> list[int]:
        """The mornings to look at: evenly spread, and those of each order and after it."""
        start = max(self._bought[0].day + 1, self._today - MOST_DAYS)
        step = math.ceil((self._today - start + 1) / EVENLY_SPREAD)
        around = {line.day + after for line in self._bought for after in (0, 1)}
        evenly = range(start, self._today, step)
        return sorted({*evenly, self._today, *(day for day in around if day >= start)})

    def _after(self, days: Sequence[int]) -> dict[str, npt.NDArray[Any]]:
        """What is said on the morning after an order on each of `days`, from today on."""
        return self._said(
            [self._features([*self._seen, *self._like_the_last(day)], day + 1) for day in days]
        )

    def _like_the_last(self, day: int) -> list[Line]:
        """The lines of the last order, bought once more on a day."""
        last = max(self._bought, key=lambda line: (line.day, line.minute, line.order_id))
        return [
            line._replace(order_id=NEW_ORDER, day=day)
            for line in self._bought
            if (line.order_id, line.day) == (last.order_id, last.day)
        ]

    def _features(self, lines: Iterable[Line], day: int) -> Mapping[str, float] | None:
        return self._scorer.engine.orders_of(lines).features(day)

    def _said(self, rows: Sequence[Mapping[str, float] | None]) -> dict[str, npt.NDArray[Any]]:
        """`alive`, `churn_probability`, `retention_risk` of each row of features."""
        columns = self._scorer.columns
        nothing = dict.fromkeys(columns, math.nan)
        features = Rows.stacked([row or nothing for row in rows], columns)
        risk = description_of(self._scorer.models).risk(features)
        churn = risk["churn_probability"]
        return {
            "alive": np.round(risk["p_alive"], DIGITS),
            "churn_probability": np.round(churn, DIGITS),
            "retention_risk": retention_risk(churn, self._bands),
        }


def _last_of_goal(days: Sequence[int], bands: Iterable[str]) -> int | None:
    """The last day before the first one whose band is not the goal."""
    last_day = None
    for day, band in zip(days, bands, strict=True):
        if band != GOAL:
            break
        last_day = day
    return last_day
