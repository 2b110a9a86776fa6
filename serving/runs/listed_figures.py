"""Figures and texts of the customers of a run that rules of audiences ask for.

They are those of `serving.store.rule.figures`, of many customers at once.
"""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from features.rows import Floats
from serving.scoring import answers
from serving.scoring.rounding import rounded
from serving.store.rule.figures import FIGURES, search_text
from serving.store.run import RunInfo

EPOCH = date(1970, 1, 1).toordinal()


def listed_figures(
    run: RunInfo, scores: pd.DataFrame, digits: int
) -> dict[str, list[float | None]]:
    """Figure → one value per customer, as published; None where it is not known.

    Parameters
    ----------
    digits : of the currency after the point
    """
    figures: dict[str, list[float | None]] = {}
    for name, (unit, _) in FIGURES.items():
        if unit == "date":
            figures[name] = _ordinals(scores[name])
        else:
            places = {"money": digits, "orders": 0, "probability": answers.PROBABILITY_DIGITS}
            decimals = places.get(unit, answers.FIGURES.get(name, 0))
            figures[name] = _known(rounded(scores[name], digits=decimals))
    for name in run.index_columns:
        figures[name] = _known(rounded(scores[name], digits=0))
    return figures


def figures_as_json(figures: Mapping[str, Sequence[float | None]]) -> list[str]:
    """One object per customer, without what is not known."""
    names = list(figures)
    return [
        json.dumps(
            {name: value for name, value in zip(names, row, strict=True) if value is not None}
        )
        for row in zip(*figures.values(), strict=True)
    ]


def search_texts(scores: pd.DataFrame) -> list[str]:
    """What a search for each customer looks at."""
    columns = (scores["customer_id"], scores["name"], scores["contact_hash"])
    rows = zip(*(_objects(column) for column in columns), strict=True)
    return [search_text(*row) for row in rows]


def _objects(column: "pd.Series[Any]") -> list[Any]:
    values = np.array(column, dtype=object)
    values[pd.isna(values)] = None
    return list(values)


def _ordinals(days: "pd.Series[Any]") -> list[float | None]:
    """Days as Python numbers them."""
    numbered = np.array(_objects(days), dtype="datetime64[D]")
    numbers = numbered.astype(float) + EPOCH
    return _known(np.where(np.isnat(numbered), math.nan, numbers))


def _known(numbers: Floats) -> list[float | None]:
    return [None if math.isnan(number) else number for number in numbers.tolist()]
