"""One customer's lines → the document that a score run at that date would publish."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from babel.numbers import get_currency_precision

from features.catalogue import LIVE_FEATURES
from features.engines.live import CustomerOrders, LiveEngine, live_engine
from features.errors import ConfigError
from features.orders.log import day_date, day_number
from features.reading.judging import Judge, JudgedLine, TypedLine, counting_lines
from features.reading.order_line import Line
from features.reading.typing import with_catalogue
from features.rows import Rows
from serving.live.context import RunContext, newest_day
from serving.live.messages import ProductQuery
from serving.live.shelf import Shelf, baskets, given_back_whole
from serving.scoring.answers import (
    CONTACT_EFFECT,
    EMBEDDED_RECOMMENDATIONS,
    PROBABILITY_DIGITS,
    documents,
    encode,
)
from serving.scoring.economics import profits
from serving.scoring.explanation import Explainer, ScoredRows
from serving.scoring.figures import figures_of
from serving.scoring.lineage import models_of
from serving.scoring.outlook import categories_of
from serving.scoring.reasons.choice import SCORE_OF
from serving.scoring.reasons.factors import factor_values
from serving.scoring.reasons.sentence import About
from serving.settings import Settings
from serving.store.documents import CustomerDocument, RankedProduct
from serving.store.run import RunInfo
from training.bundle.publication import Models
from training.past.interest_signs import Sign


@dataclass(frozen=True, kw_only=True)
class LastSaid:
    """What a run said of the customer, to compare with; None where it said nothing."""

    run: RunInfo
    churn_probability: float | None
    clv: float | None


@dataclass(frozen=True, kw_only=True)
class CustomerBackground:
    """What is known of a customer beside the lines.

    Attributes
    ----------
    consents : to personal recommendations, where the configuration asks for it
    table_features : values of the features that come from optional tables
    segments : those of the last run, which no single customer's orders change
    referral_value : what the last run said of it, for the same reason
    signs : of interest in products, as the last run knew them
    before : runs to compare with, the latest date first: the first that lies before the score;
        without one, `since_last_run` is null
    is_in_run : the shop counts the customer: the percentile among the run's customers is told
    """

    consents: bool = False
    table_features: Mapping[str, float] | None = None
    segments: Mapping[str, str | None] | None = None
    referral_value: float | None = None
    signs: Sequence[Sign] = ()
    before: Sequence["LastSaid"] = ()
    is_in_run: bool = False


STRANGER = CustomerBackground()
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class ScoreQuestion:
    """A customer who is to be scored; see `Scorer.score`."""

    customer_id: str
    lines: Iterable[TypedLine]
    as_of: date | None = None
    background: CustomerBackground = STRANGER


@dataclass(frozen=True)
class CustomerScore:
    """An answer: the document, and every line with what the rules say of it.

    `products` are all that are recommended, as JSON.
    """

    document: CustomerDocument
    judged: tuple[JudgedLine, ...]
    products: str


class NothingBought(ConfigError):
    """No line of the customer counts as a purchase; `reasons` say of each line why, or None."""

    def __init__(self, as_of: date, reasons: Sequence[str | None]) -> None:
        super().__init__(f"lines: none of them counts as a purchase before {as_of}.")
        self.reasons = reasons


@dataclass(frozen=True)
class _Read:
    """A customer whose lines are judged: those seen at `day`, and the features they make."""

    ask: ScoreQuestion
    judged: Sequence[JudgedLine]
    day: date
    seen: Sequence[Line]
    orders: CustomerOrders
    features: Mapping[str, float]

    @cached_property
    def baskets(self) -> list[tuple[date, set[str]]]:
        """Of `seen`."""
        return baskets(self.seen)


class Scorer:
    """Scores customers of whom all lines are at hand, with the models of a bundle.

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
        self._judge = Judge(settings.data)
        self._engine = live_engine(settings.data.minor_units)
        self._columns = list(models.manifest.columns)
        self._wanted = [name for name in self._columns if name not in LIVE_FEATURES]
        self._shelf = Shelf(models.recommendation, settings, context)
        self._products = {} if context is None else context.products
        self._digits = get_currency_precision(settings.data.currency)
        averages, references = (
            ({}, {}) if context is None else (context.run.averages, context.run.references)
        )
        self._explainer = Explainer.of(models, settings, averages, references)

    @property
    def run(self) -> RunInfo | None:
        """The last run, as the scorer knows it."""
        return None if self._context is None else self._context.run

    @property
    def models(self) -> Models:
        """The models that score."""
        return self._models

    @property
    def engine(self) -> LiveEngine:
        """What computes features of lines that count."""
        return self._engine

    @property
    def columns(self) -> list[str]:
        """The features that the models look at."""
        return self._columns

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
        background: CustomerBackground = STRANGER,
    ) -> CustomerScore:
        """What a run of `as_of` would say of the customer with these lines.

        Parameters
        ----------
        lines : all of the customer's, in any order
        as_of : lines of this day and later are not seen; None: the day after the last line,
            and not before `self.as_of`
        background : what else is known of the customer

        Returns
        -------
        The document as `serving.scoring.answers` writes it, equal to the run's to the published digit,
        but for `segments` and `churn_percentile` (see `CustomerBackground`).

        Raises
        ------
        ConfigError
            When `as_of` lies before the date the models know, no line counts as a purchase, or
            the models learned from tables beside the orders and `background` does not hold them.
        """
        ask = ScoreQuestion(
            customer_id=customer_id, lines=lines, as_of=as_of, background=background
        )
        (score,) = self.score_all([ask])
        if isinstance(score, ConfigError):
            raise score
        return score

    def score_all(self, asks: Sequence[ScoreQuestion]) -> list[CustomerScore | ConfigError]:
        """Several customers at once, which costs little more than one.

        Returns
        -------
        For each what `score` returns or raises, in their order.
        """
        outcomes: dict[int, CustomerScore | ConfigError] = {}
        # of one day, and no customer twice: recommendations go by id
        groups: dict[tuple[date, int], dict[int, _Read]] = {}
        times: Counter[str] = Counter()
        for number, ask in enumerate(asks):
            try:
                read = self._read(ask)
            except ConfigError as error:
                outcomes[number] = error
            else:
                groups.setdefault((read.day, times[ask.customer_id]), {})[number] = read
                times[ask.customer_id] += 1
        for (day, _), customers in groups.items():
            outcomes |= zip(customers, self._scored(day, list(customers.values())), strict=True)
        return [outcomes[number] for number in range(len(asks))]

    def seen(self, lines: Iterable[TypedLine]) -> tuple[date, list[Line]]:
        """The date of a score of these lines, and those that count in it."""
        judged = self._judged(lines)
        day = self._date(judged, None)
        return day, list(counting_lines(judged, before=day_number(day)))

    def _judged(self, lines: Iterable[TypedLine]) -> list[JudgedLine]:
        data = self._settings.data
        catalogue = {} if self._context is None else self._context.catalogue
        if catalogue:
            lines = (with_catalogue(line, catalogue, data) for line in lines)
        return self._judge.judge(lines)

    def _date(self, judged: Sequence[JudgedLine], as_of: date | None) -> date:
        earliest = date.fromisoformat(self._models.manifest.as_of)
        if as_of is None:
            times = [
                judged_line.line.ordered_at for judged_line in judged if judged_line.reason is None
            ]
            ends = [at.date() + timedelta(days=1) for at in times if at is not None]
            # what became of an order is known at once, too
            changes = [
                day_date(judged_line.gone_day + 1)
                for judged_line in judged
                if judged_line.gone_day is not None
            ]
            return max([self.as_of, *ends, *changes])
        if as_of < earliest:
            raise ConfigError(
                f"as_of: the models know the orders up to {earliest} and would peek into the "
                "future. Choose that date or a later one."
            )
        return as_of

    def _read(self, ask: ScoreQuestion) -> _Read:
        judged = self._judged(ask.lines)
        day = self._date(judged, ask.as_of)
        counting = list(counting_lines(judged, before=day_number(day)))
        orders = self._engine.orders_of(counting)
        of_orders = orders.features(day_number(day))
        if of_orders is None:
            raise NothingBought(day, [judged_line.reason for judged_line in judged])
        given = ask.background.table_features or {}
        if missing := [name for name in self._wanted if name not in given]:
            raise ConfigError(
                "the models also learned from tables beside the orders, which orders alone do "
                f"not tell ({', '.join(missing)})."
            )
        return _Read(ask, judged, day, counting, orders, {**of_orders, **given})

    def _run(self, as_of: date) -> RunInfo:
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
            lifetime_years=self._models.value.lifetime_years,
            discount_rate_per_year=self._models.value.discount_rate_per_year,
            segment_columns=(),
            risk_bands={"medium": risk.medium, "high": risk.high, "critical": risk.critical},
        )

    def _scored(self, day: date, customers: Sequence[_Read]) -> list[CustomerScore]:
        """What a run of `day` would say of these customers, one after the other."""
        rows = Rows.stacked([customer.features for customer in customers], self._columns)
        figures = figures_of(rows, self._models, day, self._settings)
        products = self._recommended(day, customers)
        columns: dict[str, Any] = {
            **{name: np.broadcast_to(column, len(rows)) for name, column in figures.items()},
            **self._words(rows, figures, customers),
            **self._of_the_run(figures, customers),
            "customer_id": [customer.ask.customer_id for customer in customers],
            "next_categories": [self._categories(customer) for customer in customers],
            "recommendations": [ranked[:EMBEDDED_RECOMMENDATIONS] for ranked in products],
            "name": [None] * len(rows),
            "consent": [None] * len(rows),
        }
        as_documents = documents(self._run(day), columns, digits=self._digits)
        return [
            CustomerScore(
                {**document, "segments": dict(customer.ask.background.segments or {})},
                tuple(customer.judged),
                encode(ranked),
            )
            for document, customer, ranked in zip(as_documents, customers, products, strict=True)
        ]

    def _of_the_run(
        self, figures: Mapping[str, Any], customers: Sequence[_Read]
    ) -> dict[str, Sequence[Any]]:
        """What the last run assumed, or said of those whom it knows."""
        backgrounds = [customer.ask.background for customer in customers]
        context, run = self._context, self.run
        churn = figures["churn_probability"].tolist()
        # an uplift model that told the run's profits is not at hand
        economics = {} if run is None or run.economics.get("targeting") else run.economics
        profit, action = profits(figures, economics, np.zeros(len(backgrounds), dtype=bool))
        return {
            "churn_percentile": [
                context.percentile(risk) if context is not None and background.is_in_run else np.nan
                for background, risk in zip(backgrounds, churn, strict=True)
            ],
            "referral_value": [
                np.nan if background.referral_value is None else background.referral_value
                for background in backgrounds
            ],
            **{name: np.full(len(backgrounds), np.nan) for name in CONTACT_EFFECT},
            "expected_profit": profit,
            "suggested_action": action.tolist(),
        }

    def _words(
        self, rows: Rows, figures: Mapping[str, Any], customers: Sequence[_Read]
    ) -> dict[str, Sequence[Any]]:
        """`reasons`, `factors` and `since_last_run` of each customer."""
        parts = self._explainer.parts(rows)
        scored_today = ScoredRows(rows, {name: figures[name] for name in SCORE_OF.values()})
        changes: list[Any] = [None] * len(rows)
        compared: dict[str, list[tuple[int, LastSaid]]] = {}
        for number, customer in enumerate(customers):
            if (before := _before(customer)) is not None:
                compared.setdefault(before.run.run_id, []).append((number, before))
        for pairs in compared.values():
            for number, text in self._changes(scored_today, parts, pairs, customers):
                changes[number] = json.loads(text)
        return {
            "reasons": [json.loads(text) for text in self._explainer.reasons(scored_today, parts)],
            "factors": factor_values(parts),
            "since_last_run": changes,
        }

    def _changes(
        self,
        scored_today: ScoredRows,
        parts: Mapping[About, Rows],
        pairs: Sequence[tuple[int, LastSaid]],
        customers: Sequence[_Read],
    ) -> Iterator[tuple[int, str]]:
        """Place and changes of those of `pairs` who had bought by the run they share."""
        run = pairs[0][1].run
        features = {number: self._features_at(customers[number], run.as_of) for number, _ in pairs}
        compared = [(number, earlier) for number, earlier in pairs if features[number] is not None]
        if not compared:
            return
        rows = np.array([number for number, _ in compared])
        scored_then = Rows.stacked(
            [features[number] or {} for number in rows.tolist()], self._columns
        )
        scores = {
            "churn_probability": np.array(
                [earlier.churn_probability for _, earlier in compared], float
            ),
            "clv": np.array([earlier.clv for _, earlier in compared], float),
        }
        parts_compared = {about: part.at(rows) for about, part in parts.items()}
        changes = self._explainer.changes(
            scored_today.at(rows), parts_compared, ScoredRows(scored_then, scores), run
        )
        yield from zip(rows.tolist(), changes, strict=True)

    def _features_at(self, customer: _Read, day: date) -> dict[str, float] | None:
        of_orders = customer.orders.features(day_number(day))
        return (
            None
            if of_orders is None
            else {**of_orders, **(customer.ask.background.table_features or {})}
        )

    def _categories(self, customer: _Read) -> list[dict[str, object]]:
        """The likeliest categories of the next order, with their probabilities."""
        written = {
            line.product_id: line.category for line in customer.seen if line.product_id is not None
        }
        of_product = {
            name: self._products.get(name, (None, own))[1] for name, own in written.items()
        }
        orders = [products for _, products in customer.baskets]
        return [
            {"category": name, "probability": round(chance, PROBABILITY_DIGITS)}
            for name, chance in categories_of(
                self._models.next_purchase.category_, orders, of_product
            )
        ]

    def _recommended(self, day: date, customers: Sequence[_Read]) -> list[list[RankedProduct]]:
        """The ranked products of each."""
        consenting = {
            customer.ask.customer_id for customer in customers if customer.ask.background.consents
        }
        held = {customer.ask.customer_id: customer.baskets for customer in customers}
        given_back = {
            customer.ask.customer_id: given_back_whole(customer.seen) for customer in customers
        }
        signs = {customer.ask.customer_id: customer.ask.background.signs for customer in customers}
        ranked = self._shelf.of_run(held, day, consenting, given_back, signs)
        return [ranked[name] for name in held]

    def products(
        self,
        customer_id: str,
        lines: Iterable[TypedLine],
        *,
        query: ProductQuery,
        background: CustomerBackground,
    ) -> list[RankedProduct]:
        """The best products for a customer with these lines; see `Shelf.listed`."""
        day, counting = self.seen(lines)
        orders = baskets(counting)
        if not orders:
            return []
        return self._shelf.listed(
            customer_id,
            orders,
            day,
            query,
            {customer_id} if background.consents else (),
            given_back_whole(counting),
            background.signs,
        )

    def popular(self, query: ProductQuery) -> list[RankedProduct]:
        """The best products for somebody without orders; see `Shelf.listed`."""
        return self._shelf.listed("", (), self.as_of, query)


def _before(customer: _Read) -> LastSaid | None:
    """What the customer's score is compared with; None where that said nothing."""
    last = next(
        (last for last in customer.ask.background.before if last.run.as_of < customer.day), None
    )
    return None if last is None or last.churn_probability is None else last
