"""The shop's funnel: from the first visit to the loyal customer."""

from typing import Any

import pandas as pd

from features.language.message import Phrase, message
from features.segments.interactions.funnel import STAGES, funnel
from features.segments.interactions.prospects import SILENCES, prospects
from serving.exhibits.exhibit import ExhibitMaker, Scene
from training.backtest.evidence import finite

BEFORE_PURCHASE = STAGES[: STAGES.index("purchase")]
FEWEST_ENTERED = 30
"""A conversion of fewer people is too uncertain to be called the bottleneck."""


def _make(scene: Scene) -> dict[str, object] | Phrase:
    if scene.log.settings.data.interactions is None:
        return message("The shop has no interactions, such as visits, enquiries or carts.")
    table = funnel(scene.log, scene.as_of)
    judged = table.loc[table["entered"] >= FEWEST_ENTERED, "conversion"].dropna()
    return {
        "within_days": scene.log.settings.segments.funnel.within_days,
        "stages": [_stage(scene, str(name), row) for name, row in table.iterrows()],
        "bottleneck": None if judged.empty else str(judged.idxmin()),
        "never_bought": int(table.loc[list(BEFORE_PURCHASE), "waiting"].sum()),
        "prospects": _prospects(prospects(scene.log, scene.as_of)),
    }


def _prospects(people: pd.DataFrame) -> list[dict[str, object]]:
    """People who bought nothing, by stage and silence, with their propensity to buy."""
    groups = []
    for stage in BEFORE_PURCHASE:
        for silence in SILENCES:
            group = people[people["group"] == f"{stage}:{silence}"]
            if group.empty:
                continue
            propensity = finite(group["propensity"].iloc[0])
            expected = None if propensity is None else round(propensity * len(group), 1)
            groups.append(
                {
                    "stage": stage,
                    "silent_days_from": silence,
                    "people": len(group),
                    "propensity": propensity,
                    "expected_buyers": expected,
                }
            )
    return groups


def _stage(scene: Scene, name: str, row: "pd.Series[Any]") -> dict[str, object]:
    sales = finite(row["expected_sales"])
    return {
        "stage": name,
        **{column: int(row[column]) for column in ("people", "waiting", "entered", "on_the_way")},
        **{column: finite(row[column]) for column in ("conversion", "median_days")},
        "purchase_share": finite(row["purchase_share"]),
        "expected_sales": None if sales is None else scene.money(sales),
    }


EXHIBIT = ExhibitMaker(
    name="funnel",
    title=message("From the first visit to the loyal customer"),
    method=message(
        "Everybody in the interactions and the orders, also people who have bought nothing. Who is "
        "seen in a later stage counts in the earlier ones. Conversion: of those who entered a stage "
        "long enough ago, the share that reached the next one in time. Expected sales: people on the "
        "way × the share that buys in time × the mean value of a first purchase. The bottleneck is the "
        "stage with the lowest conversion of at least %(fewest)s people. Propensity of people who have bought "
        "nothing: of people who at earlier dates were in the same stage and as long silent, the share that "
        "bought in time, averaged with the share of all such people.",
        fewest=FEWEST_ENTERED,
    ),
    make=_make,
)
