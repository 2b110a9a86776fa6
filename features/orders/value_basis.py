"""The basis of a customer's value: net margin where costs are known, revenue elsewhere.

The rule: margin, as soon as the cost is known of `LEAST_KNOWN_COST_SHARE` of the money that known
customers paid for goods; below that, revenue. Lines without a cost are taken to
have the same margin as the rest.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from features.errors import ConfigError, DataError
from features.orders.log import OrderLog
from features.settings.predict import LEAST_KNOWN_COST_SHARE, Predict
from features.sql import row

BasisName = Literal["revenue", "margin"]


@dataclass(frozen=True, kw_only=True)
class ValueBasis:
    """How money paid becomes value.

    Attributes
    ----------
    name : what values are counted in
    known_share : of the money that known customers paid for goods, how much has a known cost
    cost_share : cost of goods ÷ money paid, over the lines of known cost; 0 for revenue
    cost_per_order : of service and marketing, in units of the currency; 0 for revenue
    """

    name: BasisName = "revenue"
    known_share: float = 0.0
    cost_share: float = 0.0
    cost_per_order: float = 0.0

    def line_sql(self) -> str:
        """SQL for the value of a row of `lines`, in whole minor units, before the costs of orders."""
        if self.name == "revenue":
            return "amount"
        estimated = f"CAST(ROUND(amount * {1 - self.cost_share!r}) AS BIGINT)"
        exact = "amount - CASE WHEN is_return THEN -ABS(cost) ELSE cost END"
        return f"CASE WHEN cost IS NULL THEN {estimated} ELSE {exact} END"

    def sentence(self) -> str:
        """The basis of values and the reason for it, without a full stop."""
        known_costs = f"the cost is known of {self.known_share:.1%} of the money customers paid"
        if self.name == "margin":
            return f"values are net margin: {known_costs}"
        if self.known_share >= LEAST_KNOWN_COST_SHARE:
            return f"values are revenue, as predict.value asks, though {known_costs}"
        return f"values are revenue: {known_costs}, margin needs {LEAST_KNOWN_COST_SHARE:.0%}"


REVENUE = ValueBasis()


def value_basis(log: OrderLog, before: date, predict: Predict) -> ValueBasis:
    """The basis by the rule, from the costs known on the morning of `before`.

    Parameters
    ----------
    log : the orders
    predict : `value` may ask for revenue, or for margin, which is then refused where costs
        are not known well enough

    Raises
    ------
    ConfigError
        When margin is asked for and too few costs are known.
    """
    known_share, cost_share = _known_costs(log, before)
    is_known = known_share >= LEAST_KNOWN_COST_SHARE
    if predict.value == "margin" and not is_known:
        raise ConfigError(
            f'predict.value = "margin": the cost is known of {known_share:.1%} of the money that '
            f"customers paid by {before}, and margin needs {LEAST_KNOWN_COST_SHARE:.0%}. Add costs "
            '(data.columns.cost, data.products.unit_cost), or set "revenue" or "auto".'
        )
    if predict.value == "revenue" or not is_known:
        return ValueBasis(known_share=known_share)
    return ValueBasis(
        name="margin",
        known_share=known_share,
        cost_share=cost_share,
        cost_per_order=predict.cost_per_order,
    )


def basis_named(log: OrderLog, name: BasisName) -> ValueBasis:
    """The basis of an earlier prediction, with the costs that are known today.

    Raises
    ------
    DataError
        When it was margin, and too few costs are known by now.
    """
    if name == "revenue":
        return REVENUE
    predict = log.settings.predict.model_copy(update={"value": "auto"})
    basis = value_basis(log, log.end, predict)
    if basis.name != name:
        raise DataError(
            f"value was predicted as margin, which cannot be judged by these orders: the cost is "
            f"known of {basis.known_share:.1%} of the money customers paid, and margin needs "
            f"{LEAST_KNOWN_COST_SHARE:.0%}. Set data.columns.cost or data.products.unit_cost."
        )
    return basis


def _known_costs(log: OrderLog, before: date) -> tuple[float, float]:
    """Share of the money paid whose cost is known, and the cost of goods in that money."""
    paid, paid_at_known_cost, cost = row(
        log.connection,
        f"""SELECT coalesce(SUM(amount), 0), coalesce(SUM(amount) FILTER (cost IS NOT NULL), 0),
                   coalesce(SUM(cost), 0)
            FROM {log.visible(before)["lines"]} AS known_lines
            WHERE customer IS NOT NULL AND NOT is_return""",
    )
    share, cost_share = (
        int(str(part)) / int(str(whole)) if int(str(whole)) > 0 else 0.0
        for part, whole in ((paid_at_known_cost, paid), (cost, paid_at_known_cost))
    )
    return share, cost_share
