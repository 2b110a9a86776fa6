"""How customers are spread over each score from 0 to 100."""

import numpy as np
import pandas as pd

from features.language.message import Phrase, message
from features.rows import Floats
from serving.exhibits.exhibit import ExhibitMaker, Scene

WIDTH = 10
STARTS = range(0, 100, WIDTH)


def _make(scene: Scene) -> dict[str, object] | Phrase:
    if not scene.info.index_columns:
        return message("This run has no scores from 0 to 100.")
    return {
        "scores": {
            name: _spread(scene, scene.scores[name].to_numpy(dtype="float64", na_value=np.nan))
            for name in scene.info.index_columns
        }
    }


def _spread(scene: Scene, score: Floats) -> dict[str, object]:
    has_score = np.isfinite(score)
    numbers = score[has_score]
    # the last band holds 100, too
    starts = pd.Series(np.minimum(numbers // WIDTH, len(STARTS) - 1) * WIDTH).astype(int)
    money = scene.scores.loc[has_score, ["clv", "value_at_risk"]].reset_index(drop=True)
    sums = money.groupby(starts).sum()
    sizes = starts.value_counts()
    return {
        "customers": len(numbers),
        "unknown": int((~has_score).sum()),
        "mean": round(float(numbers.mean()), 1) if len(numbers) else None,
        "median": round(float(np.median(numbers)), 1) if len(numbers) else None,
        "bands": [
            {
                "from": start,
                "to": start + WIDTH - 1 if start < STARTS[-1] else 100,
                "customers": int(sizes.get(start, 0)),
                **{
                    name: scene.money(sums[name].get(start, 0.0))
                    for name in ("clv", "value_at_risk")
                },
            }
            for start in STARTS
        ],
    }


EXHIBIT = ExhibitMaker(
    name="score_bands",
    title=message("Customers by score"),
    method=message(
        "How many customers have a score in each ten, with the sums of their predicted value and "
        "value at risk. Of whom a score is not known is counted apart."
    ),
    make=_make,
)
