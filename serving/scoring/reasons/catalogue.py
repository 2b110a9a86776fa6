"""The sentences that give reasons: when each is true, what the model must say, and its words.

A sentence is used only where its fact is true of the customer, its features together move the
score its way in the model, and that is the way of what is explained. To add one: an entry here,
and its words in every catalogue of `features/language`.
"""

from features.language.message import message
from serving.scoring.reasons.averages import GAP_OF_EXPECTED_BACK
from serving.scoring.reasons.facts import (
    LATE,
    all_of,
    any_above_zero,
    at_least,
    at_most,
    average,
    below,
    changed,
    exactly,
    feature,
    is_not,
    ordered_since,
    quarter_before,
    silent_since,
    times_average,
)
from serving.scoring.reasons.sentence import (
    AGE,
    BAD,
    BASKET,
    CHANNELS,
    COMPLAINTS,
    CONTACTS,
    DISCOUNTS,
    FIRST_ORDER,
    FREQUENCY,
    GOOD,
    INTEREST,
    LESS_VALUE,
    MARGIN,
    MORE_VALUE,
    ORDER_VALUE,
    RANGE,
    REGULARITY,
    RETURNS,
    SATISFACTION,
    SEASON,
    SILENCE,
    SPEND,
    TREND_OF_ORDERS,
    TREND_OF_SPEND,
    VISITS,
    FigureInWords,
    Sentence,
)
from serving.scoring.wording import FigureKind

ABOVE, BELOW = 1.5, 0.67
"""Times the shop's average: what is called out of the ordinary."""

SILENT_RATIO = 1.5
"""Usual gaps without an order, from which on somebody is called silent."""

NEW_DAYS = 30
"""After the first order somebody is called new for so long."""


def _feature(name: str, kind: FigureKind) -> FigureInWords:
    return FigureInWords(feature(name), kind)


def _beside_average(name: str, kind: FigureKind) -> dict[str, FigureInWords]:
    shop = FigureInWords(average(name), "count" if kind == "orders_counted" else kind)
    return {"own": _feature(name, kind), "shop": shop}


def _quarters(name: str, kind: FigureKind) -> dict[str, FigureInWords]:
    before = FigureInWords(quarter_before(name), "count" if kind == "orders_counted" else kind)
    return {"now": _feature(f"{name}_90d", kind), "before": before}


_SILENCE = {"silence": _feature("days_since_last_order", "days")}
_SILENCE_AND_GAP = {**_SILENCE, "every": _feature("mean_gap_days", "every_days")}
_HAS_RHYTHM = all_of(at_least("repeat_purchase_days", 1), at_least("mean_gap_days", 0.5))

SENTENCES: tuple[Sentence, ...] = (
    Sentence(
        code="silent",
        topic="silence",
        group=SILENCE,
        effects=BAD,
        holds=all_of(
            _HAS_RHYTHM,
            at_least("silence_ratio", SILENT_RATIO),
            at_least("days_since_last_order", 3),
        ),
        text=message("No order for %(silence)s, usually %(every)s"),
        figures=_SILENCE_AND_GAP,
    ),
    Sentence(
        code="far_apart",
        topic="silence",
        group=SILENCE,
        effects=BAD,
        holds=all_of(
            _HAS_RHYTHM, times_average("mean_gap_days", least=ABOVE, of=GAP_OF_EXPECTED_BACK)
        ),
        text=message(
            "Orders far apart: usually %(own)s (customers with low or medium risk: %(others)s)"
        ),
        figures={
            "own": _feature("mean_gap_days", "every_days"),
            "others": FigureInWords(average(GAP_OF_EXPECTED_BACK), "every_days"),
        },
    ),
    Sentence(
        code="within_rhythm",
        topic="silence",
        group=SILENCE,
        effects=GOOD,
        holds=all_of(_HAS_RHYTHM, at_most("silence_ratio", 1.0), is_not(LATE)),
        text=message("Last order %(silence)s ago, usually %(every)s"),
        figures=_SILENCE_AND_GAP,
    ),
    Sentence(
        code="one_order",
        topic="silence",
        group=FIRST_ORDER,
        effects=BAD,
        holds=all_of(exactly("orders", 1), at_least("days_since_first_order", NEW_DAYS + 1)),
        text=message("Only one order so far, %(silence)s ago"),
        figures=_SILENCE,
    ),
    Sentence(
        code="new_without_second_order",
        topic="silence",
        group=FIRST_ORDER,
        effects=BAD,
        holds=all_of(exactly("orders", 1), at_most("days_since_first_order", NEW_DAYS)),
        text=message("New customer, no second order yet"),
    ),
    Sentence(
        code="new",
        topic="silence",
        group=FIRST_ORDER,
        effects=GOOD,
        holds=all_of(exactly("orders", 1), at_most("days_since_first_order", NEW_DAYS)),
        text=message("New customer, first order %(silence)s ago"),
        figures=_SILENCE,
    ),
    Sentence(
        code="orders_often",
        topic="frequency",
        group=FREQUENCY,
        effects=GOOD,
        holds=all_of(times_average("orders_365d", least=ABOVE), at_least("orders_365d", 3)),
        text=message("%(own)s in the last 365 days (average customer: %(shop)s)"),
        figures=_beside_average("orders_365d", "orders_counted"),
    ),
    Sentence(
        code="orders_rarely",
        topic="frequency",
        group=FREQUENCY,
        effects=BAD,
        holds=all_of(
            times_average("orders_365d", most=BELOW),
            at_least("orders_365d", 1),
            at_least("orders", 2),
            at_least("days_since_first_order", 180),
        ),
        text=message("Only %(own)s in the last 365 days (average customer: %(shop)s)"),
        figures=_beside_average("orders_365d", "orders_counted"),
    ),
    Sentence(
        code="orders_up",
        topic="trend",
        group=TREND_OF_ORDERS,
        effects=GOOD,
        holds=changed("orders", is_rise=True, factor=1.4, least=2),
        text=message("Orders more often: %(now)s in the last 90 days, %(before)s in the 90 before"),
        figures=_quarters("orders", "orders_counted"),
    ),
    Sentence(
        code="orders_down",
        topic="trend",
        group=TREND_OF_ORDERS,
        effects=BAD,
        holds=changed("orders", is_rise=False, factor=1.4, least=2),
        text=message("Orders less often: %(now)s in the last 90 days, %(before)s in the 90 before"),
        figures=_quarters("orders", "orders_counted"),
    ),
    Sentence(
        code="spend_up",
        topic="trend",
        group=TREND_OF_SPEND,
        effects=GOOD,
        holds=changed("spend", is_rise=True, factor=1.4),
        text=message("Spends more: %(now)s in the last 90 days, %(before)s in the 90 before"),
        figures=_quarters("spend", "money"),
    ),
    Sentence(
        code="spend_down",
        topic="trend",
        group=TREND_OF_SPEND,
        effects=BAD,
        holds=changed("spend", is_rise=False, factor=1.4),
        text=message("Spends less: %(now)s in the last 90 days, %(before)s in the 90 before"),
        figures=_quarters("spend", "money"),
    ),
    Sentence(
        code="spends_much",
        topic="spend",
        group=SPEND,
        effects=GOOD,
        holds=times_average("spend_365d", least=ABOVE),
        text=message("Spent %(own)s in the last 365 days (average customer: %(shop)s)"),
        figures=_beside_average("spend_365d", "money"),
    ),
    Sentence(
        code="spends_little",
        topic="spend",
        group=SPEND,
        effects=BAD,
        holds=all_of(
            times_average("spend_365d", least=0.0, most=BELOW),
            at_least("orders_365d", 1),
            at_least("days_since_first_order", 180),
        ),
        text=message("Spent only %(own)s in the last 365 days (average customer: %(shop)s)"),
        figures=_beside_average("spend_365d", "money"),
    ),
    Sentence(
        code="large_orders",
        topic="order value",
        group=ORDER_VALUE,
        effects=MORE_VALUE,
        holds=times_average("mean_order_value", least=1.3),
        text=message("Large orders: %(own)s on average (whole shop: %(shop)s)"),
        figures=_beside_average("mean_order_value", "money"),
    ),
    Sentence(
        code="small_orders",
        topic="order value",
        group=ORDER_VALUE,
        effects=LESS_VALUE,
        holds=times_average("mean_order_value", least=0.0, most=0.7),
        text=message("Small orders: %(own)s on average (whole shop: %(shop)s)"),
        figures=_beside_average("mean_order_value", "money"),
    ),
    Sentence(
        code="regular",
        topic="regularity",
        group=REGULARITY,
        effects=GOOD,
        holds=all_of(
            at_most("gap_variation", 0.5),
            at_least("repeat_purchase_days", 4),
            below("silence_ratio", SILENT_RATIO),
        ),
        text=message("Orders come at regular intervals"),
    ),
    Sentence(
        code="irregular",
        topic="regularity",
        group=REGULARITY,
        effects=BAD,
        holds=all_of(at_least("gap_variation", 1.2), at_least("repeat_purchase_days", 4)),
        text=message("Orders come at irregular intervals"),
    ),
    Sentence(
        code="long_standing",
        topic="age",
        group=AGE,
        effects=GOOD,
        holds=all_of(at_least("days_since_first_order", 366), at_least("orders", 2)),
        text=message("A customer for more than %(years)s"),
        figures={"years": _feature("days_since_first_order", "years")},
    ),
    Sentence(
        code="discounts_only",
        topic="discounts",
        group=DISCOUNTS,
        effects=BAD,
        holds=all_of(at_least("discounted_order_share", 0.9), at_least("orders", 3)),
        text=message("Hardly buys without a discount (%(share)s of orders had one)"),
        figures={"share": _feature("discounted_order_share", "share")},
    ),
    Sentence(
        code="full_price",
        topic="discounts",
        group=DISCOUNTS,
        effects=GOOD,
        holds=all_of(at_most("discounted_order_share", 0.2), at_least("orders", 3)),
        text=message("Mostly pays the full price (%(share)s of orders had a discount)"),
        figures={"share": _feature("discounted_order_share", "share")},
    ),
    Sentence(
        code="returns",
        topic="returns",
        group=RETURNS,
        effects=BAD,
        holds=at_least("returned_share", 0.1),
        text=message("Returned goods: %(share)s of the money spent"),
        figures={"share": _feature("returned_share", "share")},
    ),
    Sentence(
        code="complaint",
        topic="complaints",
        group=COMPLAINTS,
        effects=BAD,
        holds=at_least("complaints_365d", 1),
        text=message("Complained %(days)s ago"),
        figures={"days": _feature("days_since_last_complaint", "days")},
    ),
    Sentence(
        code="satisfied",
        topic="satisfaction",
        group=SATISFACTION,
        effects=GOOD,
        holds=at_least("last_satisfaction", 9),
        text=message("Satisfied: %(points)s of 10 points in the last survey"),
        figures={"points": _feature("last_satisfaction", "points")},
    ),
    Sentence(
        code="dissatisfied",
        topic="satisfaction",
        group=SATISFACTION,
        effects=BAD,
        holds=at_most("last_satisfaction", 6),
        text=message("Not satisfied: %(points)s of 10 points in the last survey"),
        figures={"points": _feature("last_satisfaction", "points")},
    ),
    Sentence(
        code="wide_range",
        topic="range",
        group=RANGE,
        effects=GOOD,
        holds=times_average("distinct_products", least=ABOVE),
        text=message("Buys many kinds of goods: %(own)s so far (average customer: %(shop)s)"),
        figures=_beside_average("distinct_products", "count"),
    ),
    Sentence(
        code="narrow_range",
        topic="range",
        group=RANGE,
        effects=BAD,
        holds=all_of(times_average("distinct_products", most=BELOW), at_least("orders", 2)),
        text=message("Buys few kinds of goods: %(own)s so far (average customer: %(shop)s)"),
        figures=_beside_average("distinct_products", "count"),
    ),
    Sentence(
        code="full_baskets",
        topic="basket",
        group=BASKET,
        effects=MORE_VALUE,
        holds=times_average("mean_products_per_order", least=1.3),
        text=message("Full baskets: %(own)s products an order (whole shop: %(shop)s)"),
        figures=_beside_average("mean_products_per_order", "count"),
    ),
    Sentence(
        code="small_baskets",
        topic="basket",
        group=BASKET,
        effects=LESS_VALUE,
        holds=times_average("mean_products_per_order", most=0.7),
        text=message("Small baskets: %(own)s products an order (whole shop: %(shop)s)"),
        figures=_beside_average("mean_products_per_order", "count"),
    ),
    Sentence(
        code="bought_in_season",
        topic="season",
        group=SEASON,
        effects=GOOD,
        holds=at_least("orders_year_ago_90d", 1),
        text=message("This time last year: %(orders)s in the following 90 days"),
        figures={"orders": _feature("orders_year_ago_90d", "orders_counted")},
    ),
    Sentence(
        code="not_in_season",
        topic="season",
        group=SEASON,
        effects=BAD,
        holds=all_of(exactly("orders_year_ago_90d", 0), at_least("days_since_first_order", 365)),
        text=message("This time last year: no order in the following 90 days"),
    ),
    Sentence(
        code="answered_contact",
        topic="contacts",
        group=CONTACTS,
        effects=GOOD,
        holds=all_of(at_least("contacts_90d", 1), ordered_since("days_since_last_contact")),
        text=message("Ordered after the last contact"),
    ),
    Sentence(
        code="silent_after_contact",
        topic="contacts",
        group=CONTACTS,
        effects=BAD,
        holds=all_of(at_least("contacts_90d", 1), silent_since("days_since_last_contact")),
        text=message("No order since the last contact %(days)s ago"),
        figures={"days": _feature("days_since_last_contact", "days")},
    ),
    Sentence(
        code="visits",
        topic="visits",
        group=VISITS,
        effects=GOOD,
        holds=at_least("visits_30d", 1),
        text=message("Visited the shop in the last 30 days (%(times)s times)"),
        figures={"times": _feature("visits_30d", "count")},
    ),
    Sentence(
        code="no_visits",
        topic="visits",
        group=VISITS,
        effects=BAD,
        holds=at_least("days_since_last_visit", 90),
        text=message("Last visit to the shop %(days)s ago"),
        figures={"days": _feature("days_since_last_visit", "days")},
    ),
    Sentence(
        code="interest",
        topic="interest",
        group=INTEREST,
        effects=GOOD,
        holds=any_above_zero(INTEREST),
        text=message("Filled a cart or asked for an offer in the last 90 days"),
    ),
    Sentence(
        code="recommends",
        topic="referrals",
        group=("referrals", "referral_spend"),
        effects=GOOD,
        holds=at_least("referrals", 1),
        text=message("Recommended the shop to others (%(people)s)"),
        figures={"people": _feature("referrals", "count")},
    ),
    Sentence(
        code="recommended",
        topic="referral",
        group=("referred",),
        effects=GOOD,
        holds=at_least("referred", 1),
        text=message("Came on a recommendation"),
    ),
    Sentence(
        code="channels",
        topic="channels",
        group=CHANNELS,
        effects=GOOD,
        holds=at_least("distinct_channels", 2),
        text=message("Buys through %(number)s channels"),
        figures={"number": _feature("distinct_channels", "count")},
    ),
    Sentence(
        code="high_margin",
        topic="margin",
        group=MARGIN,
        effects=MORE_VALUE,
        holds=times_average("margin_share", least=1.2),
        text=message("Buys goods with a high margin: %(own)s (whole shop: %(shop)s)"),
        figures=_beside_average("margin_share", "share"),
    ),
    Sentence(
        code="low_margin",
        topic="margin",
        group=MARGIN,
        effects=LESS_VALUE,
        holds=times_average("margin_share", most=0.8),
        text=message("Buys goods with a low margin: %(own)s (whole shop: %(shop)s)"),
        figures=_beside_average("margin_share", "share"),
    ),
)
"""All sentences; of a topic at most one is true and points the way that is explained."""
