"""What a customer's value is counted in: net margin where costs are known, revenue elsewhere.

The rule: margin, as soon as the cost is known of `LEAST_KNOWN_COST_SHARE` of the money that known
customers paid for goods; below that, revenue. The few lines without a cost are taken to leave
as much of their money as the others.
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
        """SQL for what a row of `lines` leaves, in whole minor units; costs of orders apart."""
        if self.name == "revenue":
            return "amount"
        estimated = f"CAST(ROUND(amount * {1 - self.cost_share!r}) AS BIGINT)"
        known = "amount - CASE WHEN is_return THEN -ABS(cost) ELSE cost END"
        return f"CASE WHEN cost IS NULL THEN {estimated} ELSE {known} END"

    def sentence(self) -> str:
        """What values are counted in and why, without a full stop."""
        known = f"the cost is known of {self.known_share:.1%} of the money customers paid"
        if self.name == "margin":
            return f"values are net margin: {known}"
        if self.known_share >= LEAST_KNOWN_COST_SHARE:
            return f"values are revenue, as predict.value asks, though {known}"
        return f"values are revenue: {known}, margin needs {LEAST_KNOWN_COST_SHARE:.0%}"


REVENUE = ValueBasis()


def value_basis(log: OrderLog, before: date, wanted: Predict) -> ValueBasis:
    """The basis that the rule gives, from what is known on the morning of `before`.

    Parameters
    ----------
    log : the orders
    wanted : `value` may ask for revenue, or for margin, which is then refused where costs
        are not known well enough

    Raises
    ------
    ConfigError
        When margin is asked for and too few costs are known.
    """
    known_share, cost_share = _known_costs(log, before)
    is_known = known_share >= LEAST_KNOWN_COST_SHARE
    if wanted.value == "margin" and not is_known:
        raise ConfigError(
            f'predict.value = "margin": the cost is known of {known_share:.1%} of the money that '
            f"customers paid by {before}, and margin needs {LEAST_KNOWN_COST_SHARE:.0%}. Add costs "
            '(data.columns.cost, data.products.unit_cost), or set "revenue" or "auto".'
        )
    if wanted.value == "revenue" or not is_known:
        return ValueBasis(known_share=known_share)
    return ValueBasis(
        name="margin",
        known_share=known_share,
        cost_share=cost_share,
        cost_per_order=wanted.cost_per_order,
    )


def basis_named(log: OrderLog, name: BasisName) -> ValueBasis:
    """The basis on which something was said, with the costs that are known today.

    Raises
    ------
    DataError
        When it was margin, and too few costs are known by now.
    """
    if name == "revenue":
        return REVENUE
    wanted = log.settings.predict.model_copy(update={"value": "auto"})
    basis = value_basis(log, log.end, wanted)
    if basis.name != name:
        raise DataError(
            f"value was predicted as margin, which cannot be judged by these orders: the cost is "
            f"known of {basis.known_share:.1%} of the money customers paid, and margin needs "
            f"{LEAST_KNOWN_COST_SHARE:.0%}. Set data.columns.cost or data.products.unit_cost."
        )
    return basis


def _known_costs(log: OrderLog, before: date) -> tuple[float, float]:
    """Share of the money paid whose cost is known, and the cost of goods in that money."""
    paid, known, cost = row(
        log.connection,
        f"""SELECT coalesce(SUM(amount), 0), coalesce(SUM(amount) FILTER (cost IS NOT NULL), 0),
                   coalesce(SUM(cost), 0)
            FROM {log.visible(before)["lines"]} AS known_lines
            WHERE customer IS NOT NULL AND NOT is_return""",
    )
    share, cost_share = (
        int(str(part)) / int(str(whole)) if int(str(whole)) > 0 else 0.0
        for part, whole in ((known, paid), (cost, known))
    )
    return share, cost_share
