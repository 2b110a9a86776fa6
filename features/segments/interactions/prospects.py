"""People who have bought nothing so far, and how likely each is to buy."""

from datetime import date

import numpy as np
import pandas as pd

from features.orders.log import OrderLog, day_number
from features.segments.interactions.visible import visible_interactions
from features.sql_text import literal

SILENCES = (0, 8, 31, 91)
"""Lower ends of the days since the last sign, by which people are grouped."""

PRIOR_PEOPLE = 10
"""The shop's mean counts as much as so many people of a group."""

MOST_DATES = 8


def prospects(log: OrderLog, as_of: date) -> pd.DataFrame:
    """Everybody in the interactions who has bought nothing before a date.

    The propensity is what became of people like them: at earlier dates, `within_days` apart, those
    who had not bought by then, in the same stage of the funnel and as long silent, and of them the
    share that bought within `segments.funnel.within_days`, averaged with the share of all such people
    as if that were of `PRIOR_PEOPLE` more.

    Returns
    -------
    One row per person, index `person_id`, the likeliest first: `stage`, `silent_days` since the last
    sign on the day `last_sign`, `signs`; `product_id` and `category` of the last sign that has one
    (None: none has); `group` as `stage:least silent days`; `propensity`, NaN where the interactions do
    not reach back far enough.

    Raises
    ------
    ConfigError
        When no interactions are configured, or `as_of` lies outside the log.
    """
    interactions = visible_interactions(log, as_of, "prospects need")
    within = log.settings.segments.funnel.within_days
    today = _people(log, interactions, as_of, day_number(as_of))
    rates = _rates(log, interactions, as_of, within)
    today["propensity"] = (
        np.nan if rates is None else today["group"].map(rates).fillna(rates["all"]).astype(float)
    )
    order = ["propensity", "last_sign", "person_id"]
    today = today.sort_values(order, ascending=[False, False, True])
    return today.drop(columns=["bought_on"]).set_index("person_id")


def _rates(log: OrderLog, interactions: str, as_of: date, within: int) -> dict[str, float] | None:
    """Group → propensity, and that of `all`; None without an earlier date."""
    until = day_number(as_of)
    parts = []
    for number in range(1, MOST_DATES + 1):
        cutoff = until - number * within
        people = _people(log, interactions, as_of, cutoff)
        if people.empty:
            break
        bought = people["bought_on"].notna() & (people["bought_on"] < cutoff + within)
        parts.append(pd.DataFrame({"group": people["group"], "bought": bought}))
    if not parts:
        return None
    past = pd.concat(parts)
    mean = float(past["bought"].mean())
    groups = past.groupby("group")["bought"].agg(["sum", "count"])
    shrunk = (groups["sum"] + PRIOR_PEOPLE * mean) / (groups["count"] + PRIOR_PEOPLE)
    return {**{str(group): float(rate) for group, rate in shrunk.items()}, "all": mean}


def _people(log: OrderLog, interactions: str, as_of: date, before: int) -> pd.DataFrame:
    """Who had shown interest, and not bought, before a day; with what they did by then.

    `bought_on` is the first purchase after it that is known at `as_of`.
    """
    stages = log.settings.segments.funnel.kinds()
    furthest = " ".join(
        f"WHEN bool_or(kind IN ({', '.join(map(literal, kinds))})) THEN {literal(stage)}"
        for stage, kinds in reversed(list(stages.items()))
        if kinds
    )
    least = " ".join(f"WHEN silent_days >= {days} THEN {days}" for days in reversed(SILENCES))
    return log.frame(f"""
        WITH signs AS (
            SELECT customer, coalesce(stranger_id, customers.customer_id) AS person_id,
                   CASE {furthest} END AS stage, max(day) AS last_day, count(*) AS signs,
                   max_by(product, (day, minute)) FILTER (product IS NOT NULL) AS product,
                   max_by(item_category, (day, minute)) FILTER (item_category IS NOT NULL)
                       AS category
            FROM {interactions} AS known_interactions LEFT JOIN customers USING (customer)
            WHERE day < {before} AND kind <> 'referral' GROUP BY ALL
        ), people AS (
            SELECT signs.*, first_day AS bought_on, {before} - last_day AS silent_days
            FROM signs LEFT JOIN {log.visible(as_of)["first_days"]} AS firsts USING (customer)
            WHERE stage IS NOT NULL AND coalesce(first_day >= {before}, true)
        )
        SELECT person_id, stage, silent_days, DATE '1970-01-01' + last_day AS last_sign, signs,
               product_id, people.category,
               stage || ':' || CAST(CASE {least} END AS VARCHAR) AS "group", bought_on
        FROM people LEFT JOIN products USING (product)""")
