"""The shop's funnel: from the first visit to the loyal customer."""

from typing import Any

import pandas as pd

from features.language.message import Phrase, message
from features.segments.funnel import STAGES, funnel
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
    }


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
        "stage with the lowest conversion of at least %(fewest)s people.",
        fewest=FEWEST_ENTERED,
    ),
    make=_make,
)
