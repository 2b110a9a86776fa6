"""What a sentence is that gives a reason, and the groups of features that sentences speak of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from features.language.message import Message
from serving.scoring.reasons.facts import Figure, Holds
from serving.scoring.sides import RHYTHM
from serving.scoring.wording import FigureKind

About = Literal["risk", "value"]

Topic = Literal[
    "silence",
    "frequency",
    "trend",
    "spend",
    "order value",
    "regularity",
    "age",
    "discounts",
    "returns",
    "complaints",
    "satisfaction",
    "range",
    "basket",
    "season",
    "contacts",
    "visits",
    "interest",
    "referrals",
    "referral",
    "channels",
    "margin",
]
"""What a sentence is about: a customer is given one per topic at most."""

SILENCE = (
    RHYTHM,
    *("days_since_last_order", "silence_ratio", "mean_gap_days", "median_gap_days"),
    *("min_gap_days", "max_gap_days", "last_gap_days", "last_gap_ratio"),
    *("repeat_purchase_days", "first_to_last_days"),
)
REGULARITY = ("std_gap_days", "gap_variation")
FREQUENCY = ("orders", "orders_365d", "orders_per_30d")
TREND_OF_ORDERS = ("orders_7d", "orders_30d", "orders_90d", "orders_180d", "orders_trend_90d")
TREND_OF_SPEND = ("spend_7d", "spend_30d", "spend_90d", "spend_180d", "spend_trend_90d")
SPEND = ("spend", "spend_365d", "spend_per_30d")
AGE = ("days_since_first_order",)
ORDER_VALUE = (
    *("mean_order_value", "median_order_value", "std_order_value", "max_order_value"),
    *("last_order_value", "first_order_value", "last_order_value_ratio"),
)
BASKET = ("mean_lines_per_order", "mean_products_per_order", "max_lines_per_order")
RANGE = (
    *("distinct_products", "top_product_share", "repeated_product_share", "product_entropy"),
    *("products_per_order", "distinct_categories", "top_category_share", "category_entropy"),
)
CHANNELS = ("distinct_channels", "top_channel_share", "channel_entropy")
DISCOUNTS = ("discount_share", "discounted_order_share")
RETURNS = ("returned_share", "return_orders")
SEASON = ("orders_year_ago_90d", "spend_year_ago_90d")
MARGIN = ("margin_365d", "margin_share")
COMPLAINTS = ("complaints_365d", "days_since_last_complaint")
SATISFACTION = ("last_satisfaction", "mean_satisfaction_365d")
VISITS = ("visits_30d", "visits_90d", "days_since_last_visit")
INTEREST = ("enquiries_90d", "quotes_90d", "carts_90d")
CONTACTS = ("contacts_30d", "contacts_90d", "days_since_last_contact", "contact_cost_365d")
"""Groups of features: their contributions are added up for the sentences about them."""

FIRST_ORDER = (*SILENCE, *FREQUENCY, *AGE)

Effect = Literal[-1, 0, 1]
Effects = Mapping[About, Effect]
"""What a fact does to the scores: 1 raises one, −1 lowers it; not named: no reason for it."""

GOOD: Effects = {"risk": -1, "value": 1}
BAD: Effects = {"risk": 1, "value": -1}
MORE_VALUE: Effects = {"value": 1}
LESS_VALUE: Effects = {"value": -1}


@dataclass(frozen=True)
class FigureInWords:
    """A figure of a sentence: how it is computed, and how it is written."""

    of: Figure
    kind: FigureKind


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A sentence that a salesperson would say of a customer.

    Attributes
    ----------
    code : stable name for machines
    topic : a customer is given one sentence per topic at most
    group : features whose contributions, added up, must point the sentence's way
    effects : what the fact does to the scores
    holds : whether the fact is true
    text : with a placeholder for each of `figures`
    """

    code: str
    topic: Topic
    group: tuple[str, ...]
    effects: Effects
    holds: Holds
    text: Message
    figures: Mapping[str, FigureInWords] = field(default_factory=dict)

    def effect(self, about: About) -> Effect:
        """What the fact does to a score; 0: nothing."""
        return self.effects.get(about, 0)
