"""The columns of the list as people read them in a workbook: order, kind and meaning.

Programs read the same under the names of the API, in the order of `lists.header`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.language.message import mark
from serving.store.run import RunInfo
from serving.web.workbook import CellKind


@dataclass(frozen=True)
class ListColumn:
    """A column of the list: its header, how its cells are shown, and what it means."""

    title: str
    kind: CellKind
    meaning: str


LIST_COLUMNS: Mapping[str, ListColumn] = {
    "customer_id": ListColumn(mark("Customer"), "text", mark("The shop's own id of the customer.")),
    "name": ListColumn(
        mark("Name"), "text", mark("What the shop's table of customers calls the customer.")
    ),
    "retention_risk": ListColumn(
        mark("Risk"), "text", mark("The band of the churn probability, from low to critical.")
    ),
    "churn_probability": ListColumn(
        mark("Churn probability"),
        "share",
        mark(
            "Chance that nothing is ordered in the next %(days)s days; where contracts are "
            "predicted, that the contract is cancelled in them."
        ),
    ),
    "value_at_risk": ListColumn(
        mark("Value at risk"),
        "money",
        mark("Churn probability × what the customer usually brings in %(days)s days."),
    ),
    "suggested_action": ListColumn(
        mark("Suggestion"), "text", mark("What to do with this customer.")
    ),
    "expected_profit": ListColumn(
        mark("Expected profit"),
        "money",
        mark("What a contact is expected to bring, less its cost."),
    ),
    "contact_effect": ListColumn(
        mark("Effect of a contact"),
        "money",
        mark("Margin that a contact adds, before its cost, where a measured campaign can tell …"),
    ),
    "contact_effect_low": ListColumn(
        mark("Effect of a contact, low end"),
        "money",
        mark("… for customers like this one it lies from here …"),
    ),
    "contact_effect_high": ListColumn(
        mark("Effect of a contact, high end"), "money", mark("… to here, in 9 of 10 cases.")
    ),
    "reasons": ListColumn(
        mark("Why"), "sentence", mark("What the models see in this customer, the clearest first.")
    ),
    "last_order_date": ListColumn(mark("Last order"), "day", mark("Day of the last order.")),
    "days_since_last_order": ListColumn(
        mark("Days since last order"), "whole", mark("Counted to the day of the scores.")
    ),
    "usual_gap_days": ListColumn(
        mark("Usual gap in days"),
        "whole",
        mark("Days that usually lie between two orders; empty with one order."),
    ),
    "rhythm": ListColumn(
        mark("Rhythm"),
        "text",
        mark("Late and overdue: silent for longer than 80 or 95 of 100 gaps like this customer's."),
    ),
    "orders": ListColumn(mark("Orders"), "whole", mark("Number of orders so far.")),
    "spend": ListColumn(mark("Spend"), "money", mark("Paid for them, returns taken off.")),
    "next_order_date": ListColumn(
        mark("Next order"),
        "day",
        mark("When it is expected, if there is one in the next %(days)s days."),
    ),
    "next_order_low": ListColumn(
        mark("Next order, earliest"), "day", mark("8 in 10 such orders come from this day on …")
    ),
    "next_order_high": ListColumn(mark("Next order, latest"), "day", mark("… to this day.")),
    "p_order": ListColumn(
        mark("Chance of an order"),
        "share",
        mark("Chance of at least one order in the next %(days)s days."),
    ),
    "clv": ListColumn(
        mark("Customer value"),
        "money",
        mark("What the customer is expected to bring in the next %(days)s days, as %(basis)s."),
    ),
    "clv_low": ListColumn(
        mark("Customer value, low end"),
        "money",
        mark("8 in 10 such customers bring this or more …"),
    ),
    "clv_median": ListColumn(
        mark("Customer value, median"),
        "money",
        mark("Half of such customers bring more than this."),
    ),
    "clv_high": ListColumn(mark("Customer value, high end"), "money", mark("… and this or less.")),
    "value_if_order": ListColumn(
        mark("Value if they order"),
        "money",
        mark("The same of those who order at least once."),
    ),
    "value_if_order_low": ListColumn(
        mark("Value if they order, low end"), "money", mark("8 in 10 of them bring this or more …")
    ),
    "value_if_order_high": ListColumn(
        mark("Value if they order, high end"), "money", mark("… and this or less.")
    ),
    "expected_orders": ListColumn(
        mark("Expected orders"), "number", mark("Mean number of orders in the next %(days)s days.")
    ),
    "expected_order_value": ListColumn(
        mark("Value of an order"), "money", mark("What one order is expected to be worth.")
    ),
    "at_risk_on": ListColumn(
        mark("High risk if silent until"),
        "day",
        mark("Day on which the risk becomes high, if nothing is ordered before it."),
    ),
    "value_at_risk_pace": ListColumn(
        mark("Pace of the value at risk"),
        "text",
        mark(
            "Whose pace the value at risk counts by: the customer's own, or that of comparable "
            "customers where there is one order."
        ),
    ),
    "status": ListColumn(
        mark("Status"), "text", mark("Whether the customer was scored, and if not, why.")
    ),
    "consent": ListColumn(
        mark("Consent"), "text", mark("Whether the customer may be contacted, as the shop says.")
    ),
    "as_of": ListColumn(
        mark("Scores from"),
        "day",
        mark("Day of the figures; later than the run's where an order came in since."),
    ),
    "run_id": ListColumn(mark("Run"), "text", ""),
    "horizon_days": ListColumn(mark("Days ahead"), "whole", ""),
    "currency": ListColumn(mark("Currency"), "text", ""),
    "stand_ins": ListColumn(mark("Baselines that stand in"), "text", ""),
}
"""Name in the API → the column, in the order in which people read them."""

OF_THE_RUN = ("run_id", "horizon_days", "currency", "stand_ins")
"""Columns that hold the same for every row: a workbook says them once, in its notes."""

INDEX_MEANING = mark("From 0 to 100, the higher the better.")


def columns_for_people(info: RunInfo) -> Sequence[str]:
    """The columns of a workbook, as the API calls them: segments before the day of the figures."""
    own = [name for name in LIST_COLUMNS if name not in {*OF_THE_RUN, "as_of"}]
    return [*own, *info.segment_columns, *info.index_columns, "as_of"]
