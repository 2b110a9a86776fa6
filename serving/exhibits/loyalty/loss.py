"""How many customers a shop loses, how long they last, and how many it must win to stand still."""

import math
from datetime import timedelta

from scipy.stats import binomtest

from features.language.message import Phrase, message
from features.orders.log import day_number
from features.sql import row
from serving.exhibits.assets.origins import acquisition_cost
from serving.exhibits.exhibit import ExhibitMaker, Scene
from serving.exhibits.loyalty.arithmetic import LossArithmetic
from training.value.lifetime import DAYS_PER_YEAR

LONGEST_PERIOD_DAYS = 365
SHORTEST_PERIOD_DAYS = 90
FEWEST_CUSTOMERS = 20
LEVEL = 0.8
DIGITS = 4


def _make(scene: Scene) -> dict[str, object] | Phrase:
    if scene.info.churn_label == "cancellation":
        return message("Churn is cancellation here: see how long contracts last.")
    days = min(LONGEST_PERIOD_DAYS, (scene.as_of - scene.log.first_day).days // 2)
    if days < SHORTEST_PERIOD_DAYS:
        return message(
            "Two periods of %(days)s days are compared; the orders do not reach back that far.",
            days=SHORTEST_PERIOD_DAYS,
        )
    counted = _counted(scene, days)
    if (
        counted["active_before"] < FEWEST_CUSTOMERS
        or not counted["lost"]
        or not counted["active_now"]
    ):
        return message(
            "Fewer than %(customers)s customers bought in the earlier period, or none was lost.",
            customers=FEWEST_CUSTOMERS,
        )
    return {
        "period_days": days,
        "from": (scene.as_of - timedelta(days=2 * days)).isoformat(),
        "to": (scene.as_of - timedelta(days=1)).isoformat(),
        **counted,
        **_arithmetic(scene, days, counted),
        **_replacement(scene, days, counted),
    }


def _replacement(scene: Scene, days: int, counted: dict[str, int]) -> dict[str, object]:
    """What winning a customer has cost in the later period, and what replacing the lost costs."""
    costs = acquisition_cost(scene, day_number(scene.as_of) - days)
    if costs is None:
        return {"customers_with_cost": 0, "acquisition_cost": None, "cost_to_replace": None}
    customers, total = costs
    per_customer = scene.money(total / scene.minor_units / customers)
    loss = round(counted["lost"] / counted["active_before"], DIGITS)
    to_replace = round(LossArithmetic(loss, counted["active_now"], 0.0, 0.0).to_replace)
    return {
        "customers_with_cost": customers,
        "acquisition_cost": per_customer,
        "cost_to_replace": scene.money(per_customer * to_replace),
    }


def _counted(scene: Scene, days: int) -> dict[str, int]:
    """Customers of the two periods; active_before − lost + acquired + won_back = active_now."""
    middle = day_number(scene.as_of) - days
    before, lost, now, acquired = row(
        scene.log.connection,
        f"""
        WITH activity AS (
            SELECT customer, min(day) AS first_day,
                   bool_or(day >= {middle - days} AND day < {middle}) AS before,
                   bool_or(day >= {middle}) AS now
            FROM {scene.visible["days"]} AS known_days GROUP BY customer)
        SELECT count(*) FILTER (before), count(*) FILTER (before AND NOT now),
               count(*) FILTER (now), count(*) FILTER (now AND first_day >= {middle})
        FROM activity""",
    )
    counts = [int(str(count)) for count in (before, lost, now, acquired)]
    return {
        "active_before": counts[0],
        "lost": counts[1],
        "acquired": counts[3],
        "won_back": counts[2] - (counts[0] - counts[1]) - counts[3],
        "active_now": counts[2],
    }


def _arithmetic(scene: Scene, days: int, counted: dict[str, int]) -> dict[str, object]:
    rate = round((1 + scene.value.discount_rate_per_year) ** (days / DAYS_PER_YEAR) - 1, DIGITS)
    margin = scene.money(_margin_per_customer(scene, days, counted["active_now"]))

    def at(loss: float) -> LossArithmetic:
        return LossArithmetic(loss, counted["active_now"], margin, rate)

    interval = binomtest(counted["lost"], counted["active_before"]).proportion_ci(LEVEL, "wilson")
    # outwards, so that the interval holds what was measured
    low = math.floor(interval.low * 10**DIGITS) / 10**DIGITS
    high = math.ceil(interval.high * 10**DIGITS) / 10**DIGITS
    # what follows is computed from the figures as shown, so that a reader can do it again
    loss = round(counted["lost"] / counted["active_before"], DIGITS)
    measured, years = at(loss), days / DAYS_PER_YEAR
    point = measured.worth_of_one_point()
    return {
        "loss": loss,
        "loss_low": low,
        "loss_high": high,
        "lifetime_years": round(measured.lifetime * years, 2),
        "lifetime_years_low": math.floor(100 * years / high) / 100,
        "lifetime_years_high": math.ceil(100 * years / low) / 100 if low > 0 else None,
        "to_replace": round(measured.to_replace),
        "margin_per_customer": margin,
        "basis": scene.info.clv_basis,
        "discount_rate_per_year": scene.value.discount_rate_per_year,
        "discount_rate_per_period": rate,
        "worth_per_customer": scene.money(measured.worth),
        "worth_of_one_point": None if point is None else scene.money(point),
    }


def _margin_per_customer(scene: Scene, days: int, customers: int) -> float:
    """What a customer who was active in the later period brought in it, in money."""
    (value,) = row(
        scene.log.connection,
        f"""
        SELECT {scene.value_sql()} FROM {scene.visible["lines"]} AS known_lines
        WHERE customer IS NOT NULL AND day >= {day_number(scene.as_of) - days}""",
    )
    return int(str(value)) / scene.minor_units / customers if customers else 0.0


EXHIBIT = ExhibitMaker(
    name="customer_loss",
    title=message("Loss, lifetime and replacement"),
    method=message(
        "Customers who bought in one period and not in the next are lost: a year each, or half of the "
        "orders where they span less than two years, at least %(shortest)s days. Loss is their share, with an 80 %% "
        "interval. Mean lifetime: one period ÷ loss. To stand still, as many customers must be won in a "
        "period as are lost of those who buy today. Worth of a customer: what one brings in a period, "
        "for as long as customers stay at this loss, discounted. Cost of replacement: the customers to "
        "win × what winning one cost on average in the later period, where that is known.",
        shortest=SHORTEST_PERIOD_DAYS,
    ),
    make=_make,
)
