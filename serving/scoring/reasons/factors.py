"""All contributions of the models to a customer's scores, as numbers for data scientists."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.rows import Rows
from serving.scoring.answers import encode
from serving.scoring.reasons.sentence import About

DIGITS = 2


def factors_of(parts: Mapping[About, Rows]) -> list[str]:
    """What each feature adds to the scores of each customer, as JSON.

    Parameters
    ----------
    parts : per score the contributions per feature plus `rhythm`, one row per customer: in log
        odds for the risk, in the log of money for the value

    Returns
    -------
    Per customer an object of score → feature → contribution, rounded to `DIGITS`; what is
    rounded to 0 is left out.
    """
    pieces: list[pa.Array | pa.Scalar] = []
    for position, (about, part) in enumerate(parts.items()):
        opening = "," if position else "{"
        pieces += [pa.scalar(f"{opening}{encode(about)}:{{"), _objects(part), pa.scalar("}")]
    texts = pc.binary_join_element_wise(*pieces, pa.scalar("}"), "")
    return list(texts.to_pylist())


def factor_values(parts: Mapping[About, Rows]) -> list[dict[str, dict[str, float]]]:
    """What the texts of `factors_of` say, for a few customers: without a library for columns."""
    number_of_rows = len(next(iter(parts.values())))
    values: list[dict[str, dict[str, float]]] = [{} for _ in range(number_of_rows)]
    for about, part in parts.items():
        for factors, row in zip(values, np.round(part.numbers, DIGITS).tolist(), strict=True):
            factors[about] = {
                name: number for name, number in zip(part.columns, row, strict=True) if number
            }
    return values


def _objects(part: Rows) -> pa.Array:
    """The members of a JSON object per customer, without its braces."""
    rounded = np.round(part.numbers, DIGITS)
    rows, columns = np.nonzero(rounded)
    names = pa.array([f"{encode(name)}:" for name in part.columns], pa.string())
    numbers = pa.array(rounded[rows, columns]).cast(pa.string())
    members = pc.binary_join_element_wise(names.take(pa.array(columns)), numbers, "")
    ends = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(rounded)))])
    lists = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), members)
    return pc.binary_join(lists, ",")
