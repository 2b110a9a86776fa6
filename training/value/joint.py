"""One description of a customer: whether and how often they order, and the value of each order.

Three models give it: p, the probability of an order in the horizon; E ≥ 1, the expected number
of orders given one; v, the expected value of an order. With M = E·v, what a customer brings is
0 with probability 1 − p, and else M times a ratio that `ValueSpread` knows the distribution of.
Every published figure of a customer's value is read from that.
"""

import numpy as np

from training.models.calibration import expit
from training.models.estimator import Figures, Floats
from training.value.value_spread import HIGH, LOW, ValueSpread

ODDS_SHARE = 0.9
"""The share of a shift of the level that goes to the log odds of an order."""


def shifted(p_order: Floats, orders: Floats, shift: float) -> tuple[Floats, Floats]:
    """P(order) and orders given one, after the shop's level moved by a factor e^`shift`.

    The log odds of an order take `ODDS_SHARE` of the shift; the number of orders
    given one takes the rest of the factor, and stays at least 1. The value of an order stays.
    """
    if not shift:
        return p_order, orders
    bounded = np.clip(p_order, 1e-12, 1 - 1e-12)
    moved = expit(np.log(bounded) - np.log1p(-bounded) + ODDS_SHARE * shift)
    return moved, np.maximum(orders * np.exp(shift) * bounded / moved, 1.0)


def value_figures(
    p_order: Floats,
    orders_given_order: Floats,
    order_value: Floats,
    spread: ValueSpread,
    expected: Floats,
) -> Figures:
    """The figures of value that follow from the parts.

    Parameters
    ----------
    p_order, orders_given_order, order_value : p, E ≥ 1 and v
    spread, expected : the distribution of the ratio, and the expected spend that places each
        customer in it

    Returns
    -------
    `p_order`; `expected_orders_given_order`, `expected_orders` = p·E; `expected_order_value`;
    `clv` = p·E·v; `clv_low`, `clv_median`, `clv_high`, its 10, 50 and 90 % points, no order
    included; `value_if_order` = E·v, with `value_if_order_low` and `_high`, the 10 and 90 %
    points given an order.
    """
    expected_orders = p_order * orders_given_order
    if_order = orders_given_order * order_value
    low, median, high = (
        spread.of_all(p_order, if_order, expected, level) for level in (LOW, 0.5, HIGH)
    )
    return {
        "p_order": p_order,
        "expected_orders_given_order": orders_given_order,
        "expected_orders": expected_orders,
        "expected_order_value": order_value,
        "clv": expected_orders * order_value,
        "clv_low": low,
        "clv_median": median,
        "clv_high": high,
        "value_if_order": if_order,
        "value_if_order_low": spread.of_buyers(if_order, expected, LOW),
        "value_if_order_high": spread.of_buyers(if_order, expected, HIGH),
    }
