"""The JSON document of a customer, from one row of the score run.

Whole columns are rounded and turned into Python values at once; what remains per
customer is one dictionary and one call of the JSON encoder.
"""

import datetime as dt
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from serving.store.run import RunInfo

EMBEDDED_RECOMMENDATIONS = 5
"""How many recommendations stand in a customer's document; the rest have their own call."""

PRODUCT_FIELDS = ("rank", "product_id", "product_name", "category", "kind", "score", "why")
PROBABILITIES = (
    "churn_probability",
    "churn_percentile",
    "p_alive",
    "p_order_7d",
    "p_order_30d",
    "p_order_90d",
)
MONEY = (
    "expected_order_value",
    "clv",
    "clv_low",
    "clv_high",
    "clv_lifetime",
    "value_at_risk",
    "spend",
)
DATES = (
    "next_order_date",
    "next_order_low",
    "next_order_high",
    "at_risk_on",
    "first_order_date",
    "last_order_date",
)
FIGURES = {"expected_orders": 4, "days_since_last_order": 1, "usual_gap_days": 1}
"""Other measures, and the digits they are rounded to."""


def documents(
    run: RunInfo,
    scores: pd.DataFrame,
    products: Iterable[Sequence[Mapping[str, Any]]],
    *,
    digits: int,
) -> Iterator[str]:
    """JSON texts of `GET /v1/customers/{id}`, one per row of `scores`, in its order.

    Parameters
    ----------
    run : lineage, written into every document
    scores : one row per customer
    products : per row of `scores` its recommended products, best first
    digits : decimal places of the currency

    Returns
    -------
    Iterator over texts. Money is rounded to the currency's minor unit, probabilities to
    4 digits; what is not a finite number is null.
    """
    tail = f',"lineage":{encode(run.lineage())}}}'
    for row, ranked in zip(_rows(run, scores, digits=digits), products, strict=True):
        document = _document(run, row)
        document["recommendations"] = ranked[:EMBEDDED_RECOMMENDATIONS]
        yield encode(document)[:-1] + tail


def products(
    customer_ids: "pd.Series[str]", recommendations: pd.DataFrame
) -> Iterator[list[dict[str, Any]]]:
    """The recommended products of each customer in turn, best rank first."""
    owner = pd.Index(customer_ids).get_indexer(pd.Index(recommendations["customer_id"]))
    order = np.lexsort((recommendations["rank"].to_numpy(dtype=float), owner))
    ranked = recommendations.iloc[order]
    rows = zip(
        whole_numbers(ranked["rank"]),
        texts(ranked["product_id"]),
        texts(ranked["product_name"]),
        texts(ranked["category"]),
        texts(ranked["kind"]),
        numbers(ranked["score"], digits=6),
        ranked["why"].tolist(),
        strict=True,
    )
    for size in np.bincount(owner, minlength=len(customer_ids)).tolist():
        yield [dict(zip(PRODUCT_FIELDS, row, strict=True)) for row in islice(rows, size)]


def segments(run: RunInfo, scores: pd.DataFrame) -> list[dict[str, str | None]]:
    """Per row: segment system → value as text, None where it has none."""
    columns = [texts(scores[name]) for name in run.segment_columns]
    if not columns:
        return [{} for _ in range(len(scores))]
    return [
        dict(zip(run.segment_columns, values, strict=True)) for values in zip(*columns, strict=True)
    ]


def _rows(run: RunInfo, scores: pd.DataFrame, *, digits: int) -> Iterator[dict[str, Any]]:
    columns: dict[str, Sequence[Any]] = {
        "customer_id": texts(scores["customer_id"]),
        "status": texts(scores["status"]),
        "retention_risk": texts(scores["retention_risk"]),
        "orders": whole_numbers(scores["orders"]),
        "reasons": [
            list(reasons) if isinstance(reasons, list | tuple | np.ndarray) else []
            for reasons in scores["reasons"]
        ],
        "segments": segments(run, scores),
    }
    columns |= {name: numbers(scores[name], digits=4) for name in PROBABILITIES}
    columns |= {name: numbers(scores[name], digits=digits) for name in MONEY}
    columns |= {name: numbers(scores[name], digits=n) for name, n in FIGURES.items()}
    columns |= {name: dates(scores[name]) for name in DATES}
    names = tuple(columns)
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(names, values, strict=True))


def _document(run: RunInfo, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "customer_id": row["customer_id"],
        "status": row["status"],
        "as_of": run.as_of.isoformat(),
        "horizon_days": run.horizon_days,
        "currency": run.currency,
        "churn_probability": row["churn_probability"],
        "churn_percentile": row["churn_percentile"],
        "retention_risk": row["retention_risk"],
        "p_alive": row["p_alive"],
        "clv": row["clv"],
        "clv_low": row["clv_low"],
        "clv_high": row["clv_high"],
        "clv_lifetime": row["clv_lifetime"],
        "clv_basis": run.clv_basis,
        "expected_orders": row["expected_orders"],
        "expected_order_value": row["expected_order_value"],
        "value_at_risk": row["value_at_risk"],
        "next_order": {
            "date": row["next_order_date"],
            "low": row["next_order_low"],
            "high": row["next_order_high"],
            "p_order_7d": row["p_order_7d"],
            "p_order_30d": row["p_order_30d"],
            "p_order_90d": row["p_order_90d"],
            "expected_value": row["expected_order_value"],
        },
        "at_risk_on": row["at_risk_on"],
        "reasons": row["reasons"],
        "segments": row["segments"],
        "profile": {
            "orders": row["orders"],
            "spend": row["spend"],
            "first_order_date": row["first_order_date"],
            "last_order_date": row["last_order_date"],
            "days_since_last_order": row["days_since_last_order"],
            "usual_gap_days": row["usual_gap_days"],
        },
    }


def numbers(column: "pd.Series[Any]", *, digits: int) -> list[float | None]:
    """Floats rounded to `digits`; None for what is missing or not finite."""
    values = column.to_numpy(dtype=float, na_value=math.nan)
    # + 0.0 turns a rounded -0.0 into 0.0.
    rounded = (np.round(values, digits) + 0.0).astype(object)
    rounded[~np.isfinite(values)] = None
    return list(rounded)


def whole_numbers(column: "pd.Series[Any]") -> list[int | None]:
    """Integers; None for what is missing."""
    return [None if value is None else int(value) for value in numbers(column, digits=0)]


def dates(column: "pd.Series[Any]") -> list[str | None]:
    """Days as YYYY-MM-DD; None for what is missing."""
    days = pd.to_datetime(column).to_numpy(dtype="datetime64[D]")
    written = np.datetime_as_string(days).astype(object)
    written[np.isnat(days)] = None
    return list(written)


def texts(column: "pd.Series[Any]") -> list[str | None]:
    """Values as text; None for what is missing."""
    missing = column.isna().to_numpy()
    return [
        None if gone else value if isinstance(value, str) else str(value)
        for value, gone in zip(column.tolist(), missing, strict=True)
    ]


def encode(value: Any) -> str:
    """Compact JSON in which a number that is not finite is null."""
    try:
        return _ENCODER.encode(value)
    except ValueError:
        return _ENCODER.encode(_finite(value))


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    if isinstance(value, np.generic | np.ndarray):
        return _finite(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
)
