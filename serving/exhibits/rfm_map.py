"""The RFM heat map: customers by recency and frequency score, with what they bring."""

import pandas as pd

from features.language.message import Phrase, message
from serving.exhibits.exhibit import ExhibitMaker, Scene

SCORES = "12345"


def _make(scene: Scene) -> dict[str, object] | Phrase:
    if "rfm_cell" not in scene.scores:
        return message("This run has no RFM cells.")
    window = scene.log.settings.segments.window_days
    table = pd.DataFrame(
        {
            "r": scene.scores["rfm_cell"].str[0],
            "f": scene.scores["rfm_cell"].str[1],
            "m": scene.scores["rfm_cell"].str[2].astype(int),
            "spend": scene.features[f"spend_{window}d"],
            "clv": scene.scores["clv"],
            "value_at_risk": scene.scores["value_at_risk"].round(scene.digits),
        }
    )
    cells = []
    for (r, f), part in table.groupby(["r", "f"]):
        cells.append(
            {
                "r": int(str(r)),
                "f": int(str(f)),
                "customers": len(part),
                "mean_m": round(float(part["m"].mean()), 2),
                "mean_spend": scene.money(part["spend"].mean()),
                "clv": scene.money(part["clv"].sum()),
                "value_at_risk": scene.money(part["value_at_risk"].sum()),
                "cells": {
                    f"{r}{f}{m}": int(size)
                    for m, size in part["m"].value_counts().sort_index().items()
                },
            }
        )
    return {"window_days": window, "cells": cells}


EXHIBIT = ExhibitMaker(
    name="rfm_map",
    title=message("Recency and frequency"),
    method=message(
        "Customers by recency score (5 = ordered most recently) and frequency score (5 = most "
        "orders). In each field: how many they are, their mean money score, mean net spend of the "
        "window, predicted value and value at risk. A field that nobody is in is left out."
    ),
    make=_make,
)
