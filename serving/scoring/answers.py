"""The JSON documents of customers, from the rows of a score run.

Texts are built for a block of customers at a time, column by column, between the fixed parts
of the document: figures never become Python values.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.rows import Floats
from serving.scoring.lifetime_terms import lifetime_columns, rounded_terms, terms_of
from serving.scoring.rounding import rounded, rounded_down, rounded_up
from serving.scoring.wording import GAP_DIGITS
from serving.store.documents import CustomerDocument
from serving.store.run import RunInfo

EMBEDDED_RECOMMENDATIONS = 5
"""How many recommendations are in a customer's document; the rest have their own call."""

ROWS_PER_BLOCK = 10_000
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
    "value_if_order",
    "clv_lifetime",
    "clv_median",
    "referral_value",
    "value_at_risk",
    "spend",
    "contact_effect",
    "expected_profit",
)
LOW_ENDS = ("clv_low", "value_if_order_low", "contact_effect_low")
HIGH_ENDS = ("clv_high", "value_if_order_high", "contact_effect_high")
"""Ends of intervals of money, rounded outwards: values inside stay inside."""

WORDS = ("rhythm", "value_at_risk_pace")
"""Columns whose values are one word each."""

CONTACT_EFFECT = ("contact_effect", "contact_effect_low", "contact_effect_high")
"""Margin that a contact adds, with its 90 % interval, where a campaign can tell."""

CONTACT = ("suggested_action", "name", "consent")
"""Columns for the decision whom to contact, and how."""

DATES = (
    "next_order_date",
    "next_order_low",
    "next_order_high",
    "at_risk_on",
    "first_order_date",
    "last_order_date",
)
FIGURES = {
    "p_order": 6,
    "expected_orders": 4,
    "expected_orders_given_order": 6,
    "days_since_last_order": 1,
    "usual_gap_days": GAP_DIGITS,
}
"""Other measures, and the digits they are rounded to."""

PROFIT_COLUMNS = {
    "profit_base": "base",
    "profit_cross_sell": "cross_sell",
    "profit_saved_cost": "saved_cost",
    "profit_referrals": "referrals",
    "contact_cost": "contact_cost",
}
"""Column of scores → field of a customer's `profit`."""

PROBABILITY_DIGITS = 4

NULL = "null"
_MARK = "\ue000"
"""Prefix of a column's name where its value is filled in."""


def blocks(
    run: RunInfo, scores: pd.DataFrame, recommendations: pd.DataFrame, *, digits: int
) -> Iterator[dict[str, list[Any]]]:
    """The run's customers as JSON texts, some thousand at a time, in the order of `scores`.

    Parameters
    ----------
    run : lineage, written into every document
    scores : one row per customer; its `reasons`, `factors` and `since_last_run` are values,
        or JSON as text
    recommendations : one row per customer and rank
    digits : decimal places of the currency

    Returns
    -------
    Iterator over columns of equal length: `document`, the text of `GET /v1/customers/{id}`;
    `products`, the array of all ranked products; `segments`, system → value. Money is rounded
    to the currency's minor unit, probabilities to 4 digits; what is not a finite number is
    null.
    """
    ranked = Ranked(scores["customer_id"], recommendations)
    document = _Template(_document(run), tail=f',"lineage":{encode(run.lineage())}}}')
    segments = _Template(_segments(run))
    for start in range(0, len(scores), ROWS_PER_BLOCK):
        part = scores.iloc[start : start + ROWS_PER_BLOCK]
        products = ranked.texts(start, start + len(part))
        columns = _columns(run, part, digits=digits) | {
            "recommendations": pa.array(
                [_array(texts[:EMBEDDED_RECOMMENDATIONS]) for texts in products], pa.string()
            )
        }
        yield {
            "document": document.fill(columns, len(part)),
            "segments": segments.fill(columns, len(part)),
            "products": [_array(texts) for texts in products],
        }


def documents(run: RunInfo, columns: Mapping[str, Any], *, digits: int) -> list[CustomerDocument]:
    """The documents of a few customers, as values; `blocks` writes the same as text.

    Parameters
    ----------
    run : lineage, written into every document
    columns : name → one value per customer; `reasons`, `factors`, `since_last_run`,
        `next_categories` and `recommendations` as values; numbers and days as arrays
    digits : decimal places of the currency
    """
    shape = {**_document(run), "lineage": run.lineage()}
    plain = {
        **{name: _plain_values(column) for name, column in columns.items()},
        **_numbers(columns, digits),
        **_plain_terms(run, columns, digits),
        **{name: _days(columns[name]) for name in DATES},
    }
    rows = zip(*plain.values(), strict=True)
    return [_filled(shape, dict(zip(plain, row, strict=True))) for row in rows]


def _plain_values(column: Any) -> Sequence[Any]:
    values: Sequence[Any] = column.tolist() if isinstance(column, np.ndarray) else column
    return values


def _numbers(columns: Mapping[str, Sequence[Any]], digits: int) -> dict[str, list[float | None]]:
    """Columns of numbers, rounded; those of equal digits together."""
    by_digits = {**dict.fromkeys(PROBABILITIES, PROBABILITY_DIGITS), **dict.fromkeys(MONEY, digits)}
    by_digits |= FIGURES
    numbers: dict[str, list[float | None]] = {}
    for decimals in set(by_digits.values()):
        names = [name for name, rounded_to in by_digits.items() if rounded_to == decimals]
        numbers |= _plain_numbers(columns, names, partial(rounded, digits=decimals))
    numbers |= _plain_numbers(columns, LOW_ENDS, partial(rounded_down, digits=digits))
    return numbers | _plain_numbers(columns, HIGH_ENDS, partial(rounded_up, digits=digits))


def _plain_numbers(
    columns: Mapping[str, Sequence[Any]], names: Sequence[str], written: Callable[[Floats], Floats]
) -> dict[str, list[float | None]]:
    values = written(np.array([columns[name] for name in names], dtype=float))
    return dict(zip(names, map(_with_none, values), strict=True))


def _with_none(values: Floats) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]


def _plain_terms(
    run: RunInfo, columns: Mapping[str, Sequence[Any]], digits: int
) -> dict[str, list[float | None]]:
    plain = {name: np.array(columns[name], dtype=float) for name in lifetime_columns(run)}
    terms = rounded_terms(run, plain, digits)
    return {name: _with_none(values) for name, values in terms.items()}


def _days(column: Sequence[Any]) -> list[str | None]:
    """Days as "YYYY-MM-DD", None for what is missing."""
    return [None if text == "NaT" else text for text in np.asarray(column).astype(str).tolist()]


def _filled(shape: Any, row: Mapping[str, object]) -> Any:
    if isinstance(shape, dict):
        return {name: _filled(inner, row) for name, inner in shape.items()}
    if isinstance(shape, list):
        return [_filled(inner, row) for inner in shape]
    if isinstance(shape, str) and shape.startswith(_MARK):
        return row[shape.removeprefix(_MARK)]
    return shape


class Ranked:
    """The recommended products of each customer, best rank first."""

    def __init__(self, customer_ids: pd.Series[str], recommendations: pd.DataFrame) -> None:
        owner = pd.Index(customer_ids).get_indexer(pd.Index(recommendations["customer_id"]))
        self._order = np.lexsort((recommendations["rank"].to_numpy(dtype=float), owner))
        sizes = np.bincount(owner, minlength=len(customer_ids))
        self._ends = np.concatenate([[0], np.cumsum(sizes)])
        self._recommendations = recommendations

    def texts(self, start: int, end: int) -> list[list[str]]:
        """Per customer from `start` up to `end`: the products as JSON objects."""
        ends = self._ends[start : end + 1]
        rows = self._recommendations.iloc[self._order[ends[0] : ends[-1]]]
        columns = {
            "rank": json_numbers(rows["rank"], digits=0),
            **{
                name: json_texts(rows[name])
                for name in ("product_id", "product_name", "category", "kind")
            },
            "score": json_numbers(rows["score"], digits=6),
            "why": pa.array([encode(why) for why in rows["why"]], pa.string()),
        }
        product = _Template({name: _MARK + name for name in PRODUCT_FIELDS})
        texts = product.fill(columns, len(rows))
        cuts = (ends - ends[0]).tolist()
        return [texts[a:b] for a, b in pairwise(cuts)]


class _Template:
    """A JSON text with slots: values that are `_MARK` and the name of a column."""

    def __init__(self, shape: Mapping[str, object], *, tail: str = "}") -> None:
        self._parts = re.split(f'"{_MARK}([^"]*)"', encode(shape)[:-1] + tail)

    def fill(self, columns: Mapping[str, pa.Array], rows: int) -> list[str]:
        pieces = [
            columns[part] if number % 2 else pa.scalar(part)
            for number, part in enumerate(self._parts)
        ]
        if len(pieces) == 1:
            return self._parts * rows
        return list(pc.binary_join_element_wise(*pieces, "").to_pylist())


def _document(run: RunInfo) -> dict[str, object]:
    def column(name: str) -> str:
        return _MARK + name

    def columns(*names: str) -> dict[str, str]:
        return {name: column(name) for name in names}

    return {
        **columns("customer_id", "status"),
        "as_of": run.as_of.isoformat(),
        "horizon_days": run.horizon_days,
        "currency": run.currency,
        **columns("p_order", "churn_probability", "churn_percentile", "retention_risk"),
        **columns("rhythm", "p_alive"),
        "churn_label": run.churn_label,
        **columns("clv", "clv_low", "clv_median", "clv_high"),
        **columns("value_if_order", "value_if_order_low", "value_if_order_high", "clv_lifetime"),
        "lifetime_terms": terms_of(run, column),
        "clv_basis": run.clv_basis,
        **columns("expected_orders_given_order", "expected_orders", "expected_order_value"),
        **columns("referral_value", "value_at_risk", "value_at_risk_pace"),
        **columns(*CONTACT_EFFECT, "expected_profit", *CONTACT),
        "next_order": {
            "date": column("next_order_date"),
            "low": column("next_order_low"),
            "high": column("next_order_high"),
            **columns("p_order_7d", "p_order_30d", "p_order_90d"),
            "expected_value": column("expected_order_value"),
            "categories": column("next_categories"),
        },
        **columns("at_risk_on", "reasons", "factors", "since_last_run"),
        "segments": _segments(run),
        "indices": {name: column(f"index {name}") for name in run.index_columns},
        "profit": None
        if run.profit_days is None
        else {
            "window_days": run.profit_days,
            **{field: column(name) for name, field in PROFIT_COLUMNS.items()},
        },
        "profile": columns(
            *("orders", "spend", "first_order_date", "last_order_date"),
            *("days_since_last_order", "usual_gap_days"),
        ),
        **columns("recommendations"),
    }


def _segments(run: RunInfo) -> dict[str, str]:
    # by number: the name of a system may hold what JSON escapes
    return {name: f"{_MARK}segment {number}" for number, name in enumerate(run.segment_columns)}


def _columns(run: RunInfo, scores: pd.DataFrame, *, digits: int) -> dict[str, pa.Array]:
    columns = {
        name: json_texts(scores[name]) for name in ("customer_id", "status", "retention_risk")
    }
    columns |= {name: json_texts(scores[name]) for name in ("suggested_action", "name", *WORDS)}
    columns["consent"] = json_booleans(scores["consent"])
    columns["orders"] = json_numbers(scores["orders"], digits=0)
    columns["reasons"] = _ready(scores["reasons"], missing="[]")
    columns["factors"] = _ready(scores["factors"], missing=NULL)
    columns["next_categories"] = _ready(scores["next_categories"], missing="[]")
    columns["since_last_run"] = _ready(scores["since_last_run"], missing=NULL)
    for number, name in enumerate(run.segment_columns):
        columns[f"segment {number}"] = json_texts(scores[name])
    for name in run.index_columns:
        columns[f"index {name}"] = json_numbers(scores[name], digits=0)
    columns |= {
        name: json_numbers(scores[name], digits=PROBABILITY_DIGITS) for name in PROBABILITIES
    }
    money = MONEY if run.profit_days is None else (*MONEY, *PROFIT_COLUMNS)
    columns |= {name: json_numbers(scores[name], digits=digits) for name in money}
    terms = {
        name: scores[name].to_numpy(float, na_value=math.nan) for name in lifetime_columns(run)
    }
    columns |= {
        name: _in_json(values) for name, values in rounded_terms(run, terms, digits).items()
    }
    columns |= {name: _in_json(rounded_down(scores[name], digits=digits)) for name in LOW_ENDS}
    columns |= {name: _in_json(rounded_up(scores[name], digits=digits)) for name in HIGH_ENDS}
    columns |= {name: json_numbers(scores[name], digits=n) for name, n in FIGURES.items()}
    return columns | {name: json_dates(scores[name]) for name in DATES}


def _ready(column: pd.Series[Any], *, missing: str) -> pa.Array:
    """JSON texts as they are; other values are written as JSON."""
    if not isinstance(column.dtype, pd.StringDtype):
        column = column.map(encode, na_action="ignore").astype("str")
    return _whole(pa.array(column, from_pandas=True)).cast(pa.string()).fill_null(missing)


def _array(texts: list[str]) -> str:
    return f"[{','.join(texts)}]"


def json_numbers(column: pd.Series[Any], *, digits: int) -> pa.Array:
    """JSON numbers rounded to `digits`; null for what is missing or not finite."""
    return _in_json(rounded(column, digits=digits))


def _in_json(values: Floats) -> pa.Array:
    return _or_null(pa.array(values, mask=np.isnan(values)))


def json_booleans(column: pd.Series[Any]) -> pa.Array:
    """`true` and `false`; null for what is missing."""
    return _or_null(_whole(pa.array(column.astype("boolean"), from_pandas=True)))


def json_dates(column: pd.Series[Any]) -> pa.Array:
    """Days as "YYYY-MM-DD"; null for what is missing."""
    days = _whole(pa.array(column, from_pandas=True))
    texts = days.cast(pa.date32()).cast(pa.string())
    return _or_null(pc.binary_join_element_wise('"', texts, '"', ""))


def json_texts(column: pd.Series[Any]) -> pa.Array:
    """Values as JSON strings; null for what is missing. Each value is written once."""
    codes, values = pd.factorize(column)
    quoted = [*(encode(value if isinstance(value, str) else str(value)) for value in values), NULL]
    # a missing value has code −1: the last
    return pa.array(quoted, pa.string()).take(pa.array(codes % len(quoted)))


def _whole(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _or_null(values: pa.Array) -> pa.Array:
    return values.cast(pa.string()).fill_null(NULL)


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
