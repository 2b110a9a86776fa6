"""A score run: champion models + features of a date → one row per customer, and products."""

import json
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from features.engines.build import build_features
from features.errors import ConfigError
from features.language.message import message
from features.orders.interest_signs import interest_signs
from features.orders.log import OrderLog
from features.rows import Rows
from features.segments.catalogue import Assignment, assign_all, systems_of
from features.segments.system import SegmentSystem
from serving.scoring.answers import CONTACT_EFFECT, DATES, PROFIT_COLUMNS
from serving.scoring.economics import assumed, with_contacts
from serving.scoring.explanation import EarlierRun, Explainer, explain
from serving.scoring.figures import figures_of
from serving.scoring.lessons import CampaignLessons
from serving.scoring.lifetime_terms import lifetime_columns
from serving.scoring.lineage import models_of
from serving.scoring.outlook import with_outlook
from serving.scoring.profit_parts import YEAR_DAYS, profit_parts
from serving.scoring.reasons.averages import AVERAGED_SCORES, shop_averages
from serving.scoring.reasons.references import references_of
from serving.scoring.recommendation_rules import rules_of, sold_within_days
from serving.scoring.risk_moves import RISK_MOVE_RULE, risk_moves
from serving.scoring.stage_moves import stage_move_rule, stage_moves
from serving.settings import Settings
from serving.store.moves import RISK_MOVE, STAGE_MOVE, STAGE_SYSTEM
from serving.store.protocol import ScoreReader
from serving.store.run import RuleTexts, RunInfo
from training.bundle.publication import Models
from training.models.estimator import require_columns
from training.past.interest_signs import LONGEST_INTEREST
from training.recommend.model import RecommendationModel

ROWS_PER_BLOCK = 50_000
"""Customers that models predict at a time: a curve of days for all would fill the memory."""

FILE_SCORE_COLUMNS = (
    "customer_id",
    "status",
    "as_of",
    "horizon_days",
    "p_order",
    "churn_probability",
    "churn_label",
    "retention_risk",
    "rhythm",
    "p_alive",
    "expected_orders",
    "expected_order_value",
    "clv",
    "clv_low",
    "clv_median",
    "clv_high",
    "value_if_order",
    "value_if_order_low",
    "value_if_order_high",
    "clv_lifetime",
    "next_order_date",
    "next_order_low",
    "next_order_high",
    "p_order_7d",
    "p_order_30d",
    "p_order_90d",
)
"""The columns of `scores.parquet`, in order; the segments follow, then `MORE_COLUMNS`."""

MORE_COLUMNS = (
    "clv_basis",
    "expected_orders_given_order",
    "value_at_risk",
    "value_at_risk_pace",
    "next_category",
    "p_next_category",
    "referral_value",
)
"""Further columns of `scores.parquet`; the yearly terms of `clv_lifetime`, `STAND_INS` and the
parts of the profit and `CONTACT_EFFECT` follow.
"""

STAND_INS = "stand_ins"
"""The baselines that answer in the place of models, as one text; missing where models do."""

RECOMMENDATION_COLUMNS = (
    "customer_id",
    "rank",
    "product_id",
    "product_name",
    "score",
    "kind",
    "why",
)
"""The columns of `recommendations.parquet`, in order; `why` is JSON text there."""

RECOMMENDED = (*RECOMMENDATION_COLUMNS, "category")
"""What a store publishes of each recommendation."""

LIKELY_CATEGORY = "likely_category"
CATEGORY_RULE: RuleTexts = {
    "title": message("Likeliest category").in_all_languages(),
    "rule": message(
        "The category that the customer's next order most likely holds."
    ).in_all_languages(),
    "cut_points": [],
    "groups": {},
}
"""By it lists are filtered, where the orders name categories."""

SEGMENT_SCORES = ("clv", "churn_probability", "horizon_days", "clv_lifetime")
"""What the segment systems look at beside the features."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class ScoreRun:
    """A run before it is published.

    Attributes
    ----------
    scores : one row per customer: everything a store publishes, see `serving.runs.publication`
    recommendations : one row per (customer, rank)
    features : what the models saw, one row per customer, index `customer_id`
    list_length : `predict.recommendations`: products per customer in the file; None: all of them
    """

    info: RunInfo
    scores: pd.DataFrame
    recommendations: pd.DataFrame
    features: pd.DataFrame
    list_length: int | None = None

    def __repr__(self) -> str:
        return f"<run {self.info.run_id} of {len(self.scores):,} customers>"

    def without(self, customer_ids: Collection[str]) -> "ScoreRun":
        """The run as if it did not know these customers."""
        if not customer_ids:
            return self
        scores, products = (
            table[~table["customer_id"].isin(customer_ids)].reset_index(drop=True)
            for table in (self.scores, self.recommendations)
        )
        features = self.features[~self.features.index.isin(customer_ids)]
        return replace(self, scores=scores, recommendations=products, features=features)

    def write(self, directory: Path) -> tuple[Path, Path]:
        """Write `scores.parquet` and `recommendations.parquet` into `directory`.

        Each file is replaced as a whole: a reader sees the old one or the new one.
        """
        directory.mkdir(parents=True, exist_ok=True)
        tables = {
            "scores.parquet": self.score_table(),
            "recommendations.parquet": self.product_table(),
        }
        for name, table in tables.items():
            unfinished = directory / f".{name}.unfinished"
            table.to_parquet(unfinished, index=False)
            unfinished.replace(directory / name)
        first, second = (directory / name for name in tables)
        return first, second

    def score_table(self) -> pd.DataFrame:
        """What `scores.parquet` holds: one row per customer."""
        assigned = {*self.info.segment_columns, *self.info.index_columns}
        groups = [name for name in self.scores if name in assigned]
        columns = [*FILE_SCORE_COLUMNS, *groups, *MORE_COLUMNS, *lifetime_columns(self.info)]
        stand_ins = pd.Series(self.info.stand_ins_text, self.scores.index, "str", name=STAND_INS)
        money = self.scores[[*PROFIT_COLUMNS, *CONTACT_EFFECT]]
        return pd.concat([self.scores[columns], stand_ins, money], axis=1)

    def product_table(self) -> pd.DataFrame:
        """What `recommendations.parquet` holds: one row per customer and rank.

        Without the new products that stand behind the lists for `kind=new` alone.
        """
        listed = self.recommendations
        if self.list_length is not None:
            listed = listed[listed["rank"] <= self.list_length]
        texts = [json.dumps(why, ensure_ascii=False) for why in listed["why"]]
        listed = listed.assign(why=pd.Series(texts, listed.index, "str"))
        return listed[list(RECOMMENDATION_COLUMNS)].reset_index(drop=True)


def score(
    log: OrderLog[Settings],
    models: Models,
    as_of: date | None,
    created_at: datetime,
    progress: Progress = lambda _: None,
    store: ScoreReader | None = None,
    learned: CampaignLessons | None = None,
) -> ScoreRun:
    """Score every customer who bought before `as_of`.

    Parameters
    ----------
    log : the orders
    models : the published models
    as_of : the date of the scores; None: the end of the log
    created_at : the time of the run, with its zone
    store : where earlier runs are kept; `since_last_run` compares with the latest one of an
        earlier date. None: with none
    learned : what campaigns have taught; None: as the configuration assumes

    Raises
    ------
    ConfigError
        When `as_of` lies outside the log, or before the date the models know.
    DataError
        When the features are not the ones that the models learned from.
    """
    settings = log.settings
    as_of = as_of or log.end
    log.check_as_of(as_of)
    known_until = date.fromisoformat(models.manifest.as_of)
    if as_of < known_until:
        raise ConfigError(
            f"as-of date {as_of}: the published models know the orders up to {known_until} and "
            f"would peek into the future. To look back, run `regulars train --as-of {as_of}` and "
            "`regulars promote --force REASON` in a copy of the shop's folder."
        )
    features = build_features(log, as_of)
    progress(f"computed {features.shape[1]} features of {len(features):,} customers")
    scores = scores_of(features, models, as_of, settings)
    progress("scored")
    segments = assign_all(
        features,
        scores.set_index("customer_id")[list(SEGMENT_SCORES)],
        settings=settings.segments,
        clusters=models.clusters,
        attributes=settings.data.customers,
    )
    further = list(segments.further)
    scores = scores.join(segments.groups.drop(columns=further), on="customer_id")
    for system, why in segments.skipped.items():
        progress(f"no {system}: {why}")
    averages = shop_averages(
        features,
        {name: scores[name].to_numpy(dtype=float) for name in AVERAGED_SCORES},
        settings.predict.risk,
    )
    churn = scores["churn_probability"].to_numpy(dtype=float)
    references = references_of(Rows.of(features), churn, models.churn, settings.predict.risk)
    earlier = None if store is None else earlier_run(log, store, as_of)
    explained = explain(
        features,
        scores.set_index("customer_id"),
        Explainer.of(models, settings, averages, references),
        earlier=earlier,
    )
    scores = scores.join(explained, on="customer_id")
    progress("explained")
    scores, economics = with_contacts(
        log, scores, features, learned or CampaignLessons(rate=assumed(log))
    )
    purchases = log.purchases(before=as_of)
    scores = with_outlook(log, scores, models.next_purchase.category_, purchases, as_of)
    scores = scores.join(profit_parts(log, features, as_of), on="customer_id")
    products = recommendations(
        log, models.recommendation, as_of, settings.predict.recommendations, purchases
    )
    progress(f"recommended {len(products):,} products")
    rules = segment_rules(
        systems_of(settings.segments, models.clusters, settings.data.customers), segments
    )
    if scores["next_category"].notna().any():
        rules = {**rules, LIKELY_CATEGORY: CATEGORY_RULE}
        scores = scores.assign(**{LIKELY_CATEGORY: scores["next_category"]})
    scores = scores.join(segments.groups[further], on="customer_id")
    if earlier is not None:
        rules = {**rules, RISK_MOVE: RISK_MOVE_RULE}
        bands = scores.set_index("customer_id")["retention_risk"]
        moves = risk_moves(earlier.figures["retention_risk"], bands)
        scores = scores.assign(**{RISK_MOVE: moves.to_numpy()})
        if STAGE_SYSTEM in earlier.figures and STAGE_SYSTEM in rules:
            rules = {**rules, STAGE_MOVE: stage_move_rule(rules[STAGE_SYSTEM]["groups"])}
            stages = scores.set_index("customer_id")[STAGE_SYSTEM]
            moves = stage_moves(earlier.figures[STAGE_SYSTEM], stages)
            scores = scores.assign(**{STAGE_MOVE: moves.to_numpy()})
    groups = [name for name in scores if name in rules and name not in segments.indices]
    info = replace(
        run_info(settings, log.fingerprint, models, as_of, created_at, tuple(groups), rules),
        index_columns=segments.indices,
        profit_days=YEAR_DAYS,
        accepted={finding.code: finding.accepted for finding in log.report.found("accepted")},
        economics=economics,
        averages=averages,
        references=references,
        level=_level(scores, models),
        sold_within_days=sold_within_days(settings),
    )
    return ScoreRun(info, scores, products, features, settings.predict.recommendations)


def _level(scores: pd.DataFrame, models: Models) -> dict[str, float]:
    """What the ledger compares with what comes: the sum as published, and without a shift."""
    names = {"total": "clv", "unmoved_total": "unmoved_clv"}
    totals = {name: float(scores[column].sum()) for name, column in names.items()}
    return {**totals, "lasting": models.value.level_.lasting}


def earlier_run(log: OrderLog[Settings], store: ScoreReader, as_of: date) -> EarlierRun | None:
    """The latest run in `store` of a date before `as_of` and the same horizon and currency.

    Its features are computed again from the log as it is today. None where there is no such
    run.
    """
    horizon_and_currency = (log.settings.predict.horizon_days, log.settings.data.currency)
    runs = [
        run.info
        for run in store.runs()
        if log.first_day < run.info.as_of < as_of
        and (run.info.horizon_days, run.info.currency) == horizon_and_currency
    ]
    if not runs:
        return None
    run = max(reversed(runs), key=attrgetter("as_of"))
    figures = pd.DataFrame(
        store.figures(run.run_id),
        columns=["customer_id", "churn_probability", "clv", "retention_risk"],
    )
    figures = figures.set_index("customer_id")
    if STAGE_SYSTEM in run.segment_columns:
        stages = dict(store.segment(run.run_id, STAGE_SYSTEM))
        figures[STAGE_SYSTEM] = pd.Series(stages, dtype="str")
    return EarlierRun(run, figures, build_features(log, run.as_of))


def scores_of(
    features: pd.DataFrame, models: Models, as_of: date, settings: Settings
) -> pd.DataFrame:
    """The numbers, dates and bands of every customer, one row per row of the features.

    Raises
    ------
    DataError
        When the features are not the ones that the models learned from.
    """
    require_columns(features, models.manifest.columns)
    blocks = [
        pd.DataFrame(figures_of(Rows.of(features.iloc[rows]), models, as_of, settings))
        for rows in _slices(len(features))
    ]
    table = pd.concat(blocks, ignore_index=True)
    days = {name: pa.array(table[name].astype("datetime64[s]"), pa.date32()) for name in DATES}
    table = table.assign(
        as_of=as_of,
        churn_percentile=table["churn_probability"].rank(pct=True),
        **{name: pd.array(column, dtype=_DAYS) for name, column in days.items()},
    )
    table.insert(0, "customer_id", features.index)
    return table


_DAYS = pd.ArrowDtype(pa.date32())


def _slices(rows: int) -> Iterator[slice]:
    """Pieces of a table; one of an empty table, too, which has its columns."""
    return (
        slice(start, start + ROWS_PER_BLOCK) for start in range(0, max(rows, 1), ROWS_PER_BLOCK)
    )


def recommendations(
    log: OrderLog[Settings],
    model: RecommendationModel | None,
    as_of: date,
    limit: int,
    purchases: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The top products of every customer with names, categories and why.

    The first `limit` ranks are the best of all; behind them stand as many new products as a
    list of new ones alone needs to be `limit` long. Empty (with its columns) where the orders carry no products.
    """
    if model is None:
        return no_recommendations()
    purchases = log.purchases(before=as_of) if purchases is None else purchases
    customers = list(purchases["customer_id"].cat.remove_unused_categories().cat.categories)
    wishes: dict[str, Any] = {"customers": customers, "as_of": as_of, "limit": limit}
    wishes["rules"] = rules_of(log, as_of)
    if model.sees_signs:
        wishes["signs"] = interest_signs(log, as_of, longest=LONGEST_INTEREST)
    lists = _with_more_new(
        model.recommend(purchases, **wishes),
        model.recommend(purchases, **wishes, kind="new"),
    )
    return with_names(lists, log.products().set_index("product_id"))


def with_names(lists: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Ranked products as they are published.

    Parameters
    ----------
    lists : as the model ranks them
    products : `product_name`, `category` by `product_id`; those it lacks have neither
    """
    named = lists.join(products, on="product_id")
    names = {str(product): name for product, name in products["product_name"].items()}
    named["why"] = pd.Series([_with_name(why, names) for why in lists["why"]], dtype=object)
    return named[list(RECOMMENDED)]


def no_recommendations() -> pd.DataFrame:
    """A table of recommendations without a row."""
    types = dict.fromkeys(RECOMMENDED, "str") | {"rank": "int64", "score": "float64"}
    return pd.DataFrame(columns=list(RECOMMENDED)).astype(types)


def _with_more_new(best: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """`best`, and per customer the products of `new` that are not in it, ranked behind."""
    keys = ["customer_id", "product_id"]
    further = new.merge(best[keys], on=keys, how="left", indicator=True)
    further = further[further["_merge"] == "left_only"].drop(columns="_merge")
    lists = pd.concat([best.assign(part=0), further.assign(part=1)])
    customer = pd.Series(pd.factorize(lists["customer_id"])[0], index=lists.index)
    lists = lists.assign(customer=customer.to_numpy()).sort_values(["customer", "part", "rank"])
    lists["rank"] = lists.groupby("customer").cumcount() + 1
    return lists.drop(columns=["part", "customer"]).reset_index(drop=True)


def _with_name(why: Mapping[str, str], names: Mapping[str, object]) -> dict[str, object]:
    """`why` with the name of the product in it."""
    if "product_id" not in why:
        return dict(why)
    name = names.get(why["product_id"])
    return {**why, "product_name": name if isinstance(name, str) else None}


def run_info(
    settings: Settings,
    data_fingerprint: str,
    models: Models,
    as_of: date,
    created_at: datetime,
    segment_columns: tuple[str, ...],
    rules: Mapping[str, RuleTexts] | None = None,
) -> RunInfo:
    """The lineage of a new run, with an id of its own."""
    risk = settings.predict.risk
    return RunInfo(
        run_id=f"{as_of.isoformat()}-{uuid.uuid4().hex[:8]}",
        as_of=as_of,
        horizon_days=settings.predict.horizon_days,
        currency=settings.data.currency,
        created_at=created_at,
        data_fingerprint=data_fingerprint,
        models=models_of(models),
        clv_basis=models.value.clv_basis,
        churn_label=models.churn.label,
        lifetime_years=models.value.lifetime_years,
        discount_rate_per_year=models.value.discount_rate_per_year,
        segment_columns=segment_columns,
        segment_rules=rules or {},
        risk_bands={"medium": risk.medium, "high": risk.high, "critical": risk.critical},
    )


def segment_rules(systems: Iterable[SegmentSystem], assignment: Assignment) -> dict[str, RuleTexts]:
    """The rule of each segment column in words, with the cut points of these customers and
    what its groups are called.
    """
    rules: dict[str, RuleTexts] = {}
    for system in systems:
        if (cut_points := assignment.cut_points.get(system.name)) is not None:
            described = system.describe(cut_points)
            rule: RuleTexts = {
                "title": described.title.in_all_languages(),
                "rule": described.rule.in_all_languages(),
                "cut_points": [cut.in_all_languages() for cut in described.cut_points],
                "groups": {
                    value: name.in_all_languages() for value, name in described.groups.items()
                },
            }
            rules |= dict.fromkeys(system.columns, rule)
    return rules
