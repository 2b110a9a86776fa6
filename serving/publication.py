"""A score run made ready for a store: checked, counted, written as JSON.

Only those who publish load this module, and with it pandas and the locale data of the
currency; those who read the store need neither.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import tee
from typing import Any, NamedTuple

import pandas as pd
from babel.numbers import format_currency, get_currency_precision

from features.errors import DataError
from serving import answers
from serving.store.run import (
    RISKS,
    STATUSES,
    MoneyFormat,
    PublishedRun,
    RunInfo,
    Summary,
    Totals,
)

SCORE_COLUMNS = (
    "customer_id",
    "status",
    "retention_risk",
    *answers.PROBABILITIES,
    *answers.MONEY,
    *answers.FIGURES,
    *answers.DATES,
    "orders",
    "reasons",
)
RECOMMENDATION_COLUMNS = (
    "customer_id",
    "rank",
    "product_id",
    "score",
    "kind",
    "product_name",
    "category",
    "why",
)
MOST_LISTED_VALUES = 12
"""A segment system with more values than this is shown, but not offered in a list."""


class ScoreRow(NamedTuple):
    """A customer's document, recommended products, and what lists filter and sort by."""

    customer_id: str
    status: str
    retention_risk: str | None
    value_at_risk: float | None
    churn_probability: float | None
    clv: float | None
    segments: dict[str, str | None]
    document: str
    products: str


@dataclass(frozen=True, kw_only=True)
class Publication:
    """Everything a store writes for one run."""

    run: PublishedRun
    rows: Iterator[ScoreRow]


def prepare(run: RunInfo, scores: pd.DataFrame, recommendations: pd.DataFrame) -> Publication:
    """Check the tables of a run and turn them into what a store keeps.

    Parameters
    ----------
    run : lineage of the run
    scores : one row per customer with `SCORE_COLUMNS` and the run's segment columns
    recommendations : one row per customer and rank with `RECOMMENDATION_COLUMNS`

    Returns
    -------
    Publication; its rows are made while they are read, once.

    Raises
    ------
    DataError
        Naming every column that is missing and every id that cannot be kept.
    """
    _check(run, scores, recommendations)
    money = money_format(run.currency)
    return Publication(
        run=PublishedRun(info=run, summary=_summary(run, scores, money)),
        rows=_rows(run, scores, recommendations, digits=money.digits),
    )


def money_format(currency: str) -> MoneyFormat:
    """How English writes amounts in `currency` (an ISO 4217 code)."""
    prefix = format_currency(0, currency, format="¤", locale="en")
    # A bare code needs room before the figure; a sign does not.
    prefix = f"{prefix}\N{NO-BREAK SPACE}" if prefix.isalpha() else prefix
    return MoneyFormat(prefix=prefix, digits=get_currency_precision(currency))


def _check(run: RunInfo, scores: pd.DataFrame, recommendations: pd.DataFrame) -> None:
    wanted = (*SCORE_COLUMNS, *run.segment_columns)
    problems = [f"scores: no column '{name}'." for name in wanted if name not in scores]
    problems += [
        f"recommendations: no column '{name}'."
        for name in RECOMMENDATION_COLUMNS
        if name not in recommendations
    ]
    if problems:
        raise DataError(problems)
    problems = [*_id_problems("scores", scores), *_id_problems("recommendations", recommendations)]
    if repeated := int(scores["customer_id"].duplicated().sum()):
        problems.append(f"scores: {repeated} rows repeat a customer_id.")
    if strangers := int((~recommendations["customer_id"].isin(scores["customer_id"])).sum()):
        problems.append(f"recommendations: {strangers} rows are of customers without a score.")
    for name, known, gaps in (("status", STATUSES, False), ("retention_risk", RISKS, True)):
        values = scores[name].dropna() if gaps else scores[name]
        if not values.isin(known).all():
            problems.append(f"scores: '{name}' holds other values than {', '.join(known)}.")
    if problems:
        raise DataError(problems)


def _id_problems(name: str, table: pd.DataFrame) -> Iterator[str]:
    ids = table["customer_id"].tolist()
    if not all(isinstance(value, str) and value for value in ids):
        yield f"{name}: 'customer_id' must be text in every row, and not empty."
        return
    try:
        "".join(ids).encode()
    except UnicodeEncodeError:
        yield f"{name}: 'customer_id' holds half a surrogate pair, which no file can keep."


def _summary(run: RunInfo, scores: pd.DataFrame, money: MoneyFormat) -> Summary:
    risk = scores["retention_risk"]
    counts = {
        name: scores[name].dropna().astype(str).value_counts() for name in run.segment_columns
    }
    return Summary(
        total=_totals(scores, money),
        by_risk={
            band: _totals(scores[(risk == band).fillna(value=False)], money) for band in RISKS
        },
        by_status={status: int((scores["status"] == status).sum()) for status in STATUSES},
        segments={
            system: {str(value): int(count) for value, count in sizes.sort_index().items()}
            for system, sizes in counts.items()
            if len(sizes) <= MOST_LISTED_VALUES
        },
        money=money,
    )


def _totals(scores: pd.DataFrame, money: MoneyFormat) -> Totals:
    values = pd.Series(answers.numbers(scores["value_at_risk"], digits=money.digits), dtype=float)
    return Totals(customers=len(scores), value_at_risk=round(float(values.sum()), money.digits))


def _rows(
    run: RunInfo, scores: pd.DataFrame, recommendations: pd.DataFrame, *, digits: int
) -> Iterator[ScoreRow]:
    # The columns that lists sort by are the published figures, so that a list never
    # stands in another order than the figures it shows.
    products = answers.products(scores["customer_id"], recommendations)
    embedded, whole = tee(products)
    columns: list[Any] = [
        answers.texts(scores["customer_id"]),
        answers.texts(scores["status"]),
        answers.texts(scores["retention_risk"]),
        answers.numbers(scores["value_at_risk"], digits=digits),
        answers.numbers(scores["churn_probability"], digits=4),
        answers.numbers(scores["clv"], digits=digits),
        answers.segments(run, scores),
        answers.documents(run, scores, embedded, digits=digits),
        map(answers.encode, whole),
    ]
    return (ScoreRow(*values) for values in zip(*columns, strict=True))
