"""One customer's lines → the document that a score run at that date would publish."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
from babel.numbers import get_currency_precision

from features.catalogue import FEATURES
from features.config import Settings
from features.errors import ConfigError
from features.orders import day_date, day_number
from features.state import CustomerState, Line
from features.state.judging import JudgedLine, TypedLine, counting_lines, judge
from features.state.reading import with_catalogue
from serving.answers import blocks
from serving.campaigns.economics import for_live
from serving.explanation import Earlier, explain
from serving.live.context import RunContext, newest_day
from serving.outlook import categories_of, category_columns
from serving.scoring import (
    models_of,
    no_recommendations,
    scores_of,
    with_names,
)
from serving.store.run import RunInfo
from training.bundle import Models
from training.recommend.rules import Rules


@dataclass(frozen=True, kw_only=True)
class LastSaid:
    """What a run said of the customer, to compare with; None where it said nothing."""

    run: RunInfo
    churn_probability: float | None
    clv: float | None


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a customer beside the lines.

    Attributes
    ----------
    consents : to personal recommendations, where the configuration asks for it
    table_features : values of the features that come from optional tables
    segments : those of the last run, which no single customer's orders change
    referral_value : what the last run said of it, for the same reason
    before : runs to compare with, the latest date first: the first that lies before the score;
        without one, `since_last_run` is null
    is_in_run : the shop counts the customer: the percentile among the run's customers is told
    """

    consents: bool = False
    table_features: Mapping[str, float] | None = None
    segments: Mapping[str, str | None] | None = None
    referral_value: float | None = None
    before: Sequence["LastSaid"] = ()
    is_in_run: bool = False


STRANGER = Known()
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Scored:
    """An answer: the document, and every line with what the rules say of it.

    `products` are all that are recommended, as JSON.
    """

    document: dict[str, Any]
    judged: tuple[JudgedLine, ...]
    products: str


class NothingBought(ConfigError):
    """No line of the customer counts as a purchase; `reasons` say of each line why, or None."""

    def __init__(self, as_of: date, reasons: Sequence[str | None]) -> None:
        super().__init__(f"lines: none of them counts as a purchase before {as_of}.")
        self.reasons = reasons


class Scorer:
    """Scores one customer at a time, with the models of a bundle.

    Parameters
    ----------
    models : checked
    settings : the configuration; its rules judge the lines
    context : of the last run; None before the first: products then have no names
    """

    def __init__(self, models: Models, settings: Settings, context: RunContext | None) -> None:
        self._models = models
        self._settings = settings
        self._context = context
        self._columns = list(models.manifest.columns)
        self._wanted = [name for name in self._columns if name not in FEATURES]
        named = {} if context is None else context.products
        self._products = pd.DataFrame.from_dict(
            {name: list(said) for name, said in named.items()},
            orient="index",
            columns=["product_name", "category"],
            dtype="str",
        )
        self._category_of: dict[str, Any] = {
            str(product): category for product, category in self._products["category"].items()
        }
        self._digits = get_currency_precision(settings.data.currency)

    @property
    def run(self) -> RunInfo | None:
        """The last run, as the scorer knows it."""
        return None if self._context is None else self._context.run

    @property
    def table_columns(self) -> list[str]:
        """The features that come from tables beside the orders."""
        return self._wanted

    @property
    def as_of(self) -> date:
        """The earliest date of a score: models and run know the orders up to it."""
        return newest_day(self._context, date.fromisoformat(self._models.manifest.as_of))

    def score(
        self,
        customer_id: str,
        lines: Iterable[TypedLine],
        as_of: date | None = None,
        known: Known = STRANGER,
    ) -> Scored:
        """What a run of `as_of` would say of the customer with these lines.

        Parameters
        ----------
        lines : all of the customer's, in any order
        as_of : lines of this day and later are not seen; None: the day after the last line,
            and not before `self.as_of`
        known : what else is known of the customer

        Returns
        -------
        The document as `serving.answers` writes it, equal to the run's to the published digit,
        but for `segments` and `churn_percentile` (see `Known`).

        Raises
        ------
        ConfigError
            When `as_of` lies before the date the models know, no line counts as a purchase, or
            the models learned from tables beside the orders and `known` does not hold them.
        """
        data = self._settings.data
        catalogue = {} if self._context is None else self._context.catalogue
        judged = judge((with_catalogue(line, catalogue, data) for line in lines), data)
        day = self._date(judged, as_of)
        seen = list(counting_lines(judged, before=day_number(day)))
        state = CustomerState.from_lines(seen)
        features = self._features(customer_id, state, day, known)
        if features is None:
            raise NothingBought(day, [one.reason for one in judged])
        run = self._run(day, known)
        scores = self._scores(features, run, state, known)
        scores = scores.assign(**category_columns([self._categories(seen)]))
        products = self._recommended(customer_id, seen, day, known)
        (block,) = blocks(run, scores, products, digits=self._digits)
        return Scored(json.loads(block["document"][0]), tuple(judged), block["products"][0])

    def _date(self, judged: Sequence[JudgedLine], as_of: date | None) -> date:
        earliest = date.fromisoformat(self._models.manifest.as_of)
        if as_of is None:
            times = [one.line.ordered_at for one in judged if one.reason is None]
            ends = [at.date() + timedelta(days=1) for at in times if at is not None]
            return max([self.as_of, *ends])
        if as_of < earliest:
            raise ConfigError(
                f"as_of: the models know the orders up to {earliest} and would peek into the "
                "future. Choose that date or a later one."
            )
        return as_of

    def _features(
        self, customer_id: str, state: CustomerState, as_of: date, known: Known
    ) -> pd.DataFrame | None:
        found = state.features(day_number(as_of), self._settings.data.minor_units)
        if found is None:
            return None
        given = known.table_features or {}
        if missing := [name for name in self._wanted if name not in given]:
            raise ConfigError(
                "the models also learned from tables beside the orders, which orders alone do "
                f"not tell ({', '.join(missing)})."
            )
        values = {**found, **given}
        row = [[values[name] for name in self._columns]]
        index = pd.Index([customer_id], name="customer_id", dtype="str")
        return pd.DataFrame(row, index=index, columns=self._columns, dtype="float64")

    def _run(self, as_of: date, known: Known) -> RunInfo:
        risk = self._settings.predict.risk
        last = None if self._context is None else self._context.run
        return RunInfo(
            run_id="" if last is None else last.run_id,
            as_of=as_of,
            horizon_days=self._settings.predict.horizon_days,
            currency=self._settings.data.currency,
            created_at=_NEVER,
            data_fingerprint="" if last is None else last.data_fingerprint,
            models=models_of(self._models),
            clv_basis=self._models.value.clv_basis,
            churn_label=self._models.churn.label,
            segment_columns=tuple(known.segments or ()),
            risk_bands={"medium": risk.medium, "high": risk.high, "critical": risk.critical},
        )

    def _scores(
        self, features: pd.DataFrame, run: RunInfo, state: CustomerState, known: Known
    ) -> pd.DataFrame:
        scores = scores_of(features, self._models, run.as_of, self._settings)
        explained = explain(
            features,
            scores.set_index("customer_id"),
            self._models,
            run.currency,
            digits=self._digits,
            earlier=self._earlier(features, state, known, run.as_of),
        )
        churn = float(scores["churn_probability"].iloc[0])
        context = self._context if known.is_in_run else None
        scores["churn_percentile"] = float("nan") if context is None else context.percentile(churn)
        told = {str(name): column.array for name, column in explained.items()}
        told |= for_live(scores, None if self._context is None else self._context.run)
        worth = float("nan") if known.referral_value is None else known.referral_value
        return scores.assign(**told, referral_value=worth, **(known.segments or {}))

    def _categories(self, seen: Sequence[Line]) -> list[tuple[str, float]]:
        """The likeliest categories of the next order, with their probabilities."""
        written = {line.product_id: line.category for line in seen if line.product_id is not None}
        of_product: dict[str, Any] = written | self._category_of
        orders = [products for _, products in baskets(seen)]
        return categories_of(self._models.next_purchase.category_, orders, of_product)

    def _earlier(
        self, features: pd.DataFrame, state: CustomerState, known: Known, as_of: date
    ) -> Earlier | None:
        before = next((one for one in known.before if one.run.as_of < as_of), None)
        if before is None or before.churn_probability is None:
            return None
        found = state.features(day_number(before.run.as_of), self._settings.data.minor_units)
        if found is None:
            return None
        values = {**found, **(known.table_features or {})}
        row = [[values[name] for name in self._columns]]
        figures = {"churn_probability": [before.churn_probability], "clv": [before.clv]}
        return Earlier(
            before.run,
            pd.DataFrame(figures, index=features.index),
            pd.DataFrame(row, index=features.index, columns=self._columns, dtype="float64"),
        )

    def _recommended(
        self, customer_id: str, seen: Sequence[Line], as_of: date, known: Known
    ) -> pd.DataFrame:
        model = self._models.recommendation
        held = baskets(seen)
        if model is None or not held:
            return no_recommendations()
        wishes: dict[str, Any] = {
            "as_of": as_of,
            "customer": customer_id,
            "limit": self._settings.predict.recommendations,
            "rules": self._rules({customer_id} if known.consents else set()),
        }
        best, new = (model.recommend_one(held, **wishes, kind=kind) for kind in ("all", "new"))
        return with_names(_ranked(best, new), self._products)

    def _rules(self, consenting: set[str]) -> Rules:
        wanted, context = self._settings.recommend, self._context
        return Rules(
            allow=wanted.allow or None,
            deny=wanted.deny,
            categories=wanted.categories or None,
            deny_categories=wanted.deny_categories,
            in_stock=None if context is None else context.in_stock,
            prices={} if context is None else context.prices,
            price_from=wanted.price_from,
            price_to=wanted.price_to,
            bought_within_days=wanted.bought_within_days,
            per_category=wanted.per_category,
            new_share=wanted.new_share,
            consent=consenting if wanted.needs_consent else None,
        )


def _ranked(best: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """`best`, and behind them the products of `new` that are not among them, as in a run."""
    more = new[~new["product_id"].isin(best["product_id"])]
    lists = pd.concat([best, more], ignore_index=True)
    return lists.assign(rank=range(1, len(lists) + 1))


def baskets(lines: Iterable[Line]) -> list[tuple[date, set[str]]]:
    """Day and products of each order, returns left out, in the order of time."""
    orders: dict[str, tuple[int, set[str]]] = {}
    for line in lines:
        if line.is_return or line.product_id is None:
            continue
        day, held = orders.get(line.order_id, (line.day, set()))
        orders[line.order_id] = (min(day, line.day), held | {line.product_id})
    in_time = sorted(orders.items(), key=lambda order: (order[1][0], order[0]))
    return [(day_date(day), held) for _, (day, held) in in_time]
