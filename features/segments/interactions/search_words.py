"""What people search for, and whether they buy something afterwards."""

from datetime import date

import pandas as pd

from features.orders.log import OrderLog, day_number
from features.segments.interactions.visible import visible_interactions

FEWEST_PEOPLE = 2
"""Words that one person alone has searched for may say who that is: they are not told."""


def search_words(log: OrderLog, as_of: date) -> pd.DataFrame:
    """How many people searched for what, and bought anything in time.

    A person's search begins with the first one for the words in the last `segments.window_days`; a
    purchase in time is of anything, on that day or within `segments.funnel.within_days`.

    Returns
    -------
    One row per text that at least `FEWEST_PEOPLE` people searched for, index `words` in small
    letters, those with the most people first: `people`, `searches`; `entered`, those of them whose
    time is over, and `conversion`, the share of them who bought in time (NaN of nobody).

    Raises
    ------
    ConfigError
        When no interactions are configured, or `as_of` lies outside the log.
    """
    interactions = visible_interactions(log, as_of, "search words need")
    rules = log.settings.segments
    until, within = day_number(as_of), rules.funnel.within_days
    frame = log.frame(f"""
        WITH searched AS (
            SELECT customer, words, min(day) AS first_day, count(*) AS searches
            FROM {interactions} AS known_interactions
            WHERE kind = 'search' AND words IS NOT NULL AND day >= {until - rules.window_days}
            GROUP BY customer, words
        ), outcomes AS (
            SELECT words, searched.customer, first_day, any_value(searches) AS searches,
                   min(known_days.day) FILTER (known_days.day >= first_day) AS bought_on
            FROM searched LEFT JOIN {log.visible(as_of)["days"]} AS known_days
              ON searched.customer = known_days.customer
            GROUP BY words, searched.customer, first_day
        )
        SELECT words, count(*) AS people, CAST(sum(searches) AS BIGINT) AS searches,
               count(*) FILTER (first_day <= {until - within}) AS entered,
               count(*) FILTER (first_day <= {until - within} AND bought_on - first_day <= {within})
                   / nullif(count(*) FILTER (first_day <= {until - within}), 0)::DOUBLE AS conversion
        FROM outcomes GROUP BY words HAVING count(*) >= {FEWEST_PEOPLE}
        ORDER BY people DESC, searches DESC, words""")
    return frame.set_index("words")
