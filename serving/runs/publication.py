"""A score run made ready for a store: checked, counted, written as JSON.

Only those who publish load this module, and with it pandas and the locale data of the
currency; those who read the store need neither.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from features.errors import DataError
from serving.runs.listed_figures import figures_as_json, listed_figures, search_texts
from serving.scoring import answers
from serving.scoring.lifetime_terms import lifetime_columns
from serving.scoring.rounding import rounded
from serving.store.likely_buyers import ItemBuyers
from serving.store.money import money_format
from serving.store.protocol import nearness
from serving.store.run import (
    RHYTHM_RANKS,
    RISKS,
    STATUSES,
    MoneyFormat,
    PublishedRun,
    RunInfo,
    ScoreRow,
    Summary,
    Totals,
)
from serving.store.run_bitmaps import Facets, ListedColumns

PUBLISHED_COLUMNS = (
    "customer_id",
    "status",
    "retention_risk",
    *answers.PROBABILITIES,
    *answers.MONEY,
    *answers.LOW_ENDS,
    *answers.HIGH_ENDS,
    *answers.WORDS,
    *answers.FIGURES,
    *answers.DATES,
    "orders",
    "reasons",
    "factors",
    "since_last_run",
    "next_categories",
    *answers.CONTACT,
    "contact_hash",
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


Batch = dict[str, list[Any]]
"""Some thousand customers: the fields of `ScoreRow`, as columns of equal length."""


@dataclass(frozen=True, kw_only=True)
class Publication:
    """Everything a store writes for one run; `facets` as `serving.store.run_bitmaps` packs them."""

    run: PublishedRun
    batches: Iterator[Batch]
    facets: bytes = field(repr=False)

    @property
    def rows(self) -> Iterator[ScoreRow]:
        """The customers one by one."""
        for batch in self.batches:
            columns = [batch[name] for name in ScoreRow._fields]
            yield from map(ScoreRow._make, zip(*columns, strict=True))


def prepare(
    run: RunInfo,
    scores: pd.DataFrame,
    recommendations: pd.DataFrame,
    buyers: Sequence[ItemBuyers] = (),
) -> Publication:
    """Check the tables of a run and turn them into what a store keeps.

    Parameters
    ----------
    run : lineage of the run
    scores : one row per customer with `PUBLISHED_COLUMNS` and the run's segment columns
    recommendations : one row per customer and rank with `RECOMMENDATION_COLUMNS`
    buyers : who will probably buy which item, for lists that filter by it

    Returns
    -------
    Publication; its batches are made while they are read, once.

    Raises
    ------
    DataError
        Naming every column that is missing and every id that cannot be kept.
    """
    _check(run, scores, recommendations)
    money = money_format(run.currency)
    return Publication(
        run=PublishedRun(info=run, summary=_summary(run, scores, money)),
        batches=_batches(run, scores, recommendations, digits=money.digits),
        facets=_facets(run, scores, buyers, digits=money.digits).to_bytes(),
    )


def _facets(
    run: RunInfo, scores: pd.DataFrame, buyers: Sequence[ItemBuyers], *, digits: int
) -> Facets:
    # places in the order of ids: by them a search of the store names places
    ids = scores["customer_id"].to_numpy(dtype=object)
    scores = scores.iloc[np.argsort(ids, kind="stable")]
    items: defaultdict[str, list[str]] = defaultdict(list)
    for item in buyers:
        for buyer in item.listed:
            items[buyer.customer_id].append(item.key)
    listed = ListedColumns(
        retention_risk=_known(scores["retention_risk"]),
        status=scores["status"].tolist(),
        consent=_known(scores["consent"]),
        **{
            name: _known(rounded(scores[name], digits=digits))
            for name in ("value_at_risk", "expected_profit", "clv")
        },
        churn_probability=_known(
            rounded(scores["churn_probability"], digits=answers.PROBABILITY_DIGITS)
        ),
        rhythm=_ranks(scores["rhythm"]),
        next_order_date=_nearness(scores["next_order_date"]),
        segments={
            system: _known(scores[system].astype("str").where(scores[system].notna()))
            for system in run.segment_columns
        },
        figures=listed_figures(run, scores, digits),
        will_buy=[items.get(customer_id, ()) for customer_id in scores["customer_id"]],
    )
    return Facets.of(listed, digits=digits)


def _check(run: RunInfo, scores: pd.DataFrame, recommendations: pd.DataFrame) -> None:
    columns = (*PUBLISHED_COLUMNS, *lifetime_columns(run), *run.segment_columns)
    columns = (*columns, *run.index_columns)
    columns = columns if run.profit_days is None else (*columns, *answers.PROFIT_COLUMNS)
    problems = [f"scores: no column '{name}'." for name in columns if name not in scores]
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
    for name, allowed, gaps in (("status", STATUSES, False), ("retention_risk", RISKS, True)):
        values = scores[name].dropna() if gaps else scores[name]
        if not values.isin(allowed).all():
            problems.append(f"scores: '{name}' holds other values than {', '.join(allowed)}.")
    if problems:
        raise DataError(problems)


def _id_problems(name: str, table: pd.DataFrame) -> Iterator[str]:
    ids = table["customer_id"].tolist()
    if not all(isinstance(value, str) and value for value in ids):
        yield f"{name}: 'customer_id' must be text in every row, and not empty."
        return
    if any("\0" in value for value in ids):
        yield f"{name}: 'customer_id' holds a NUL sign, which not every store can keep."
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
    total = float(np.nansum(rounded(scores["value_at_risk"], digits=money.digits)))
    return Totals(customers=len(scores), value_at_risk=round(total, money.digits))


def _batches(
    run: RunInfo, scores: pd.DataFrame, recommendations: pd.DataFrame, *, digits: int
) -> Iterator[Batch]:
    start = 0
    for texts in answers.blocks(run, scores, recommendations, digits=digits):
        part = scores.iloc[start : start + len(texts["document"])]
        start += len(part)
        # The columns that lists sort by are the published figures, so that a list never
        # stands in another order than the figures it shows.
        yield {
            "customer_id": part["customer_id"].tolist(),
            "status": part["status"].tolist(),
            "retention_risk": _known(part["retention_risk"]),
            "value_at_risk": _known(rounded(part["value_at_risk"], digits=digits)),
            "churn_probability": _known(rounded(part["churn_probability"], digits=4)),
            "clv": _known(rounded(part["clv"], digits=digits)),
            "expected_profit": _known(rounded(part["expected_profit"], digits=digits)),
            "rhythm": _ranks(part["rhythm"]),
            "next_order_date": _nearness(part["next_order_date"]),
            "consent": _known(part["consent"]),
            "contact_hash": _known(part["contact_hash"]),
            "figures": figures_as_json(listed_figures(run, part, digits)),
            "search_text": search_texts(part),
            **texts,
        }


def _ranks(rhythm: "pd.Series[Any]") -> list[float | None]:
    """What the store keeps of it."""
    return [None if word is None else RHYTHM_RANKS[word] for word in _known(rhythm)]


def _nearness(days: "pd.Series[Any]") -> list[float | None]:
    """What the store keeps of dates."""
    return [None if day is None else nearness(day) for day in _known(days)]


def _known(values: Any) -> list[Any]:
    """The values; None for what is missing."""
    objects = np.array(values, dtype=object)
    objects[pd.isna(values)] = None
    return list(objects)
