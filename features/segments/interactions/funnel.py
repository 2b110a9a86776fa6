"""The funnel: awareness, interest, decision, purchase, loyalty.

`data.interactions` says what people do on the way to an order; `segments.funnel` says which kind
belongs to which stage. `Funnel` labels the customers of a feature table by the furthest stage of
the last 90 days. `funnel` counts everybody in the interactions, also people who have bought
nothing: how many go on from stage to stage, in what time, and the expected sales of those on the
way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from features.language.message import MessageList, Phrase, message, message_in, message_list
from features.orders.log import OrderLog, day_number
from features.segments.interactions.visible import visible_interactions
from features.segments.ranks import Floats
from features.segments.system import CutPoints, SystemRule
from features.sql import row
from features.sql_text import literal

STAGES = ("awareness", "interest", "decision", "purchase", "loyalty")
OUTSIDE = "outside"

_COUNTED = {
    "visit": "visits_90d",
    "search": "searches_90d",
    "enquiry": "enquiries_90d",
    "quote": "quotes_90d",
    "cart": "carts_90d",
}
_BETWEEN_PARTS = message_in("between the parts of a rule", "; ")
_SIGNS = {
    "visit": message("a visit"),
    "search": message("a search"),
    "enquiry": message("an enquiry"),
    "quote": message("a quote"),
    "cart": message("a cart"),
}


@dataclass(frozen=True)
class Funnel(SystemRule):
    """The furthest stage that a customer has reached in the last 90 days."""

    name: ClassVar = "funnel"
    columns: ClassVar = ("funnel_stage",)
    title: ClassVar = message("Funnel")
    labels: ClassVar = {
        "awareness": message("awareness"),
        "interest": message("interest"),
        "decision": message("decision"),
        "purchase": message("purchase"),
        "loyalty": message("loyalty"),
        OUTSIDE: message("outside: nothing in 90 days"),
    }

    @property
    def needs(self) -> tuple[str, ...]:
        kinds = (kind for stage in self.settings.funnel.kinds().values() for kind in stage)
        return ("orders_90d", "repeat_purchase_days", *(_COUNTED[kind] for kind in kinds))

    def cut_points(self, customers: pd.DataFrame) -> CutPoints:  # noqa: ARG002 - none depends on others
        return {}

    def _groups(self, customers: pd.DataFrame, cuts: CutPoints) -> Sequence[Any]:  # noqa: ARG002
        stages = np.full(len(customers), OUTSIDE, dtype=object)
        for stage, kinds in self.settings.funnel.kinds().items():
            for kind in kinds:
                stages[(customers[_COUNTED[kind]] > 0).to_numpy()] = stage
        bought = (customers["orders_90d"] > 0).to_numpy()
        days = customers["repeat_purchase_days"].to_numpy(dtype=float) + 1
        stages[bought] = "purchase"
        stages[bought & (days >= self.settings.funnel.loyal_from_purchase_days)] = "loyalty"
        return (stages,)

    def _rule(self) -> Phrase:
        rules = self.settings.funnel
        stages = (
            message("%(stage)s: %(signs)s", stage=self.labels[stage], signs=_either(kinds))
            for stage, kinds in rules.kinds().items()
            if kinds
        )
        return message(
            "The furthest stage of the last 90 days. %(stages)s; purchase: an order; loyalty: an "
            "order by someone with at least %(loyal)s purchase days in all. Outside: nothing of it.",
            stages=message_list(stages, _BETWEEN_PARTS),
            loyal=rules.loyal_from_purchase_days,
        )


def funnel(log: OrderLog, as_of: date) -> pd.DataFrame:
    """How people go from stage to stage.

    A person has reached a stage with the first sign of it or of a later one; purchases and loyalty
    come from the orders. Conversion is over the people who were seen in a stage before the next
    and have had `segments.funnel.within_days` to go on: a person who came yesterday has not
    failed yet.

    Returns
    -------
    One row per stage, in order, index `stage`:

    - `people` who have reached it, `waiting` of them who have gone no further
    - `entered`: seen in it at least `within_days` ago; `conversion`: the share of them that
      reached the next stage within that time, and `median_days` of those who did
    - `purchase_share`: the share of them that bought within that time
    - `on_the_way`: those waiting who were first seen in it less than `within_days` ago;
      `expected_sales`: their number × `purchase_share` × mean value of a first purchase day of
      the last `segments.window_days`, in money

    NaN where nobody has entered, after the last stage, and for sales from the purchase on: what
    customers will buy is their CLV.

    Raises
    ------
    ConfigError
        When no interactions are configured, or `as_of` lies outside the log.
    """
    interactions = visible_interactions(log, as_of, "the funnel needs")
    until, within = day_number(as_of), log.settings.segments.funnel.within_days
    first_days = log.frame(_first_days(log, interactions, as_of))[list(STAGES)].to_numpy(
        dtype=float
    )
    reached = np.fmin.accumulate(first_days[:, ::-1], axis=1)[:, ::-1]
    reached = np.column_stack([reached, np.full(len(first_days), np.nan)])
    purchase = reached[:, STAGES.index("purchase")]
    value = _first_purchase_value(log, as_of)
    rows = {
        stage: _stage(
            first_days[:, number], reached[:, number : number + 2], purchase, until, within
        )
        for number, stage in enumerate(STAGES)
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("stage")
    table.loc["loyalty", ["conversion", "median_days"]] = np.nan
    table.loc[["purchase", "loyalty"], "purchase_share"] = np.nan
    table["expected_sales"] = table["on_the_way"] * table["purchase_share"] * value
    return table


def _stage(
    entry: Floats, reached: Floats, purchase: Floats, until: int, within: int
) -> dict[str, float]:
    """The row of a stage; `reached` holds the days of it and of the next, NaN for never."""
    reached_on, following = reached.T
    waiting = ~np.isnan(reached_on) & np.isnan(following)
    # a person first seen in the next stage did not pass through this one
    entered = (entry <= np.fmin(following, np.inf)) & (entry <= until - within)
    on_time = entered & (following - entry <= within)
    bought = entered & (purchase - entry <= within)
    count = int(entered.sum())
    return {
        "people": int((~np.isnan(reached_on)).sum()),
        "waiting": int(waiting.sum()),
        "entered": count,
        "conversion": on_time.sum() / count if count else np.nan,
        "median_days": np.median((following - entry)[on_time]) if on_time.any() else np.nan,
        "purchase_share": bought.sum() / count if count else np.nan,
        "on_the_way": int((waiting & (entry > until - within)).sum()),
    }


def _first_days(log: OrderLog, interactions: str, as_of: date) -> str:
    """One row per person: the first day of each stage, NULL where none was seen."""
    rules = log.settings.segments.funnel
    stages: Mapping[str, tuple[str, ...]] = rules.kinds()
    queries = [
        f"SELECT customer, {literal(stage)} AS stage, day FROM {interactions} AS known_interactions "
        f"WHERE kind IN ({', '.join(map(literal, kinds))})"
        for stage, kinds in stages.items()
        if kinds
    ]
    turns = {"purchase": 1, "loyalty": rules.loyal_from_purchase_days}
    queries += [
        f"SELECT customer, {literal(stage)}, day FROM purchase_days WHERE turn = {turn}"
        for stage, turn in turns.items()
    ]
    columns = ", ".join(f"min(day) FILTER (stage = {literal(name)}) AS {name}" for name in STAGES)
    return f"""
        WITH purchase_days AS (
            SELECT customer, day, row_number() OVER (PARTITION BY customer ORDER BY day) AS turn
            FROM {log.visible(as_of)["days"]} AS known_days
        )
        SELECT {columns} FROM ({" UNION ALL ".join(queries)}) GROUP BY customer"""


def _first_purchase_value(log: OrderLog, as_of: date) -> float:
    """Mean value of a first purchase day of the window, in money; NaN without one."""
    since = day_number(as_of) - log.settings.segments.window_days
    (mean,) = row(
        log.connection,
        f"""
        SELECT avg(amount) / {log.settings.data.minor_units}e0
        FROM (SELECT day, amount, row_number() OVER (PARTITION BY customer ORDER BY day) AS turn
              FROM {log.visible(as_of)["days"]} AS known_days)
        WHERE turn = 1 AND day >= {since}""",
    )
    return float("nan") if mean is None else float(str(mean))


def _either(kinds: Sequence[str]) -> MessageList:
    return message_list((_SIGNS[kind] for kind in kinds), message_in("between choices", " or "))
