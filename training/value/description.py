"""The models in force as one description of each customer; see `training.value.joint`."""

from dataclasses import dataclass

import numpy as np

from features.rows import Rows
from training.models.cancellation import AnyChurnModel
from training.models.estimator import Figures, Floats
from training.models.next_purchase import REPORTED_DAYS, NextPurchaseModel
from training.value.joint import shifted
from training.value.model import ValueModel


@dataclass(frozen=True)
class Description:
    """The joint description of customers by churn, value and next purchase.

    Where churn is silence, the probability of an order is what churn leaves; where it is the
    cancellation of a contract, orders have a probability of their own, from the next purchase.
    Number and value of orders are those of value, dates are brought to the same probability.
    """

    churn: AnyChurnModel
    value: ValueModel
    next_purchase: NextPurchaseModel

    @property
    def is_silence(self) -> bool:
        """Whether churn is that no order comes."""
        return self.churn.label == "silence"

    def figures(self, rows: Rows) -> Figures:
        """Every figure of customers, by name; one value per row.

        Returns
        -------
        `churn_probability`, `p_alive`, the columns of `joint.value_figures`, `clv_lifetime`, and
        those of `NextPurchaseModel.predict`, of which each P(order) lies on one curve.
        """
        p_order = self._p_order(rows)
        value = self.value.figures(rows, p_order)
        dates = self.next_purchase.figures(rows, 1 - value["p_order"])
        risk = {"churn_probability": 1 - value["p_order"]}
        if not self.is_silence:
            risk = self.churn.figures(rows)
        return {**dates, **value, **risk, **self._on_one_curve(dates, value["p_order"])}

    def churn_probability(self, rows: Rows) -> Floats:
        """The churn probability alone."""
        if not self.is_silence:
            return self.churn.probability(rows)
        p_order = 1 - self.churn.probability(rows)
        return 1 - shifted(p_order, np.ones(len(rows)), self.value.level_.shift)[0]

    def risk(self, rows: Rows) -> Figures:
        """`churn_probability` and `p_alive`, as `figures` has them."""
        if not self.is_silence:
            return self.churn.figures(rows)
        churn = self.churn_probability(rows)
        alive = self.value.rhythm_.alive_if_silent(rows)
        return {"churn_probability": churn, "p_alive": 1 - churn + churn * alive}

    def value_parts(self, rows: Rows) -> Rows:
        """What moves the log of each customer's value, against the average customer.

        The parts of the value given an order, and to first order those of P(order).
        """
        parts = self.value.parts(rows)
        if not self.is_silence:
            return parts
        of_risk = self.churn.parts(rows)
        churn = self.churn_probability(rows)
        return Rows(parts.numbers - churn[:, None] * of_risk.numbers, parts.columns)

    def _p_order(self, rows: Rows) -> Floats:
        """P(order in the horizon), before the level is shifted."""
        if self.is_silence:
            return 1 - self.churn.probability(rows)
        return self.next_purchase.figures(rows)["p_order"]

    def _on_one_curve(self, dates: Figures, p_order: Floats) -> Figures:
        """P(order) within the reported days, consistent with that within the horizon."""
        horizon = self.next_purchase.horizon_days
        on_curve = {}
        for days in REPORTED_DAYS:
            name = f"p_order_{days}d"
            on_curve[name] = dates[name]
            if days <= horizon:
                on_curve[name] = np.minimum(on_curve[name], p_order)
            if days >= horizon:
                on_curve[name] = np.maximum(on_curve[name], p_order)
        return on_curve
