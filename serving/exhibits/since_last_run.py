"""Customers who moved between the bands of risk since the run before."""

from collections.abc import Iterator

import pandas as pd

from features.language.message import Phrase, message
from serving.exhibits.exhibit import ExhibitMaker, Scene
from serving.store.moves import STAGE_SYSTEM
from serving.store.run import RISKS


def _make(scene: Scene) -> dict[str, object] | Phrase:
    if scene.before is None:
        return message("There is no earlier run of the same horizon.")
    info, published = scene.before
    pairs = pd.DataFrame(
        {
            "before": published["retention_risk"],
            "now": scene.scores["retention_risk"],
            "value_at_risk": scene.scores["value_at_risk"],
            "was_there": pd.Series(data=True, index=published.index),
            "is_there": pd.Series(data=True, index=scene.scores.index),
        }
    )
    return {
        "run_id": info.run_id,
        "as_of": info.as_of.isoformat(),
        "arrived": int(pairs["was_there"].isna().sum()),
        "left": int(pairs["is_there"].isna().sum()),
        "stages": _stages(published, scene.scores),
        "moves": list(_moves(scene, pairs[pairs["was_there"].notna() & pairs["is_there"].notna()])),
    }


def _stages(published: pd.DataFrame, scores: pd.DataFrame) -> list[dict[str, object]] | None:
    """Customers by their stages in both runs; None: not in that run, or without a stage in it.

    None where one of the runs has no stages.
    """
    if STAGE_SYSTEM not in published or STAGE_SYSTEM not in scores:
        return None
    pairs = pd.DataFrame({"before": published[STAGE_SYSTEM], "now": scores[STAGE_SYSTEM]})
    sizes = pairs.astype("str").where(pairs.notna(), "").value_counts().sort_index()
    return [
        {"before": stages[0] or None, "now": stages[1] or None, "customers": int(customers)}
        for stages, customers in zip(sizes.index, sizes, strict=True)
    ]


def _moves(scene: Scene, pairs: pd.DataFrame) -> Iterator[dict[str, object]]:
    for before in RISKS:
        for after in RISKS:
            moved = pairs[(pairs["before"] == before) & (pairs["now"] == after)]
            yield {
                "before": before,
                "now": after,
                "customers": len(moved),
                "value_at_risk": scene.money(moved["value_at_risk"].sum()),
            }


EXHIBIT = ExhibitMaker(
    name="since_last_run",
    title=message("What changed since the last run"),
    method=message(
        "Customers by their band of risk in the latest run of an earlier date and the same horizon, "
        "and in this one; the value at risk is today's. Who is in one of the two runs only is "
        "counted apart. Stages are those of the lifecycle."
    ),
    make=_make,
)
