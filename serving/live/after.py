"""What a score run would say of a customer after the orders that were sent since the last one."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from features.errors import ConfigError
from features.orders.histories import FileLine, file_lines, told_beside
from features.reading.corrections import corrected, is_news
from features.reading.judging import TypedLine
from features.reading.line_as_sent import sent_line
from features.reading.typing import typed_line
from features.settings.data import Data
from serving.live.messages import (
    AnotherRun,
    ComparedRun,
    CustomerLines,
    ScoreAfterRun,
    ScorerAnswer,
    ScoreRequestAfterRun,
)
from serving.live.scorer import (
    CustomerBackground,
    CustomerScore,
    LastSaid,
    NothingBought,
    ScoreQuestion,
    Scorer,
)
from serving.scoring.answers import encode
from serving.settings import Settings
from serving.store.documents import CustomerDocument
from serving.store.run import RunInfo
from training.past.interest_signs import signs_from

IN_FILES = "order_in_files"
"""Why a line that was sent does not count: the files of the shop hold its order, and it says
nothing new of it."""

SOURCE = "\uffff"
"""Stands for the file of such lines, behind all others."""


Finish = Callable[[CustomerScore | ConfigError], ScorerAnswer]
"""Makes the answer to a request of what the scorer says; raises what the request is refused for."""


def asked_after(
    scorer: Scorer, settings: Settings, request: ScoreRequestAfterRun
) -> tuple[ScoreQuestion, Finish] | ScoreAfterRun | AnotherRun:
    """Score a customer by what the files hold and what was sent.

    Returns
    -------
    Whom to score and what makes the answer of it, or the answer where nobody is to be scored.
    """
    run, lines = scorer.run, request.lines
    if run is None or run.run_id != lines.run_id:
        return AnotherRun(run_id=None if run is None else run.run_id)
    data = settings.data
    read = read_lines(data, lines)
    if lines.customer_id in data.rules.anonymous_customers:
        return ScoreAfterRun(run_id=run.run_id, put_aside=(None,) * len(read.sent))

    def finished(outcome: CustomerScore | ConfigError) -> ScoreAfterRun:
        document = products = None
        if isinstance(outcome, CustomerScore):
            document = encode(_with_words_of(run, outcome.document, request))
            products = outcome.products
            reasons = [judged.reason for judged in outcome.judged]
        elif isinstance(outcome, NothingBought):
            reasons = list(outcome.reasons)
        else:
            raise outcome
        behind_files = iter(reasons[len(read.files) :])
        return ScoreAfterRun(
            run_id=run.run_id,
            document=document,
            products=products,
            put_aside=tuple(_reasons(read.sent, read.held, data, behind_files)),
        )

    question = ScoreQuestion(
        customer_id=lines.customer_id,
        lines=[*read.files, *read.new],
        background=_background(request, run, scorer.table_columns),
    )
    return question, finished


class ReadLines(NamedTuple):
    """The lines of a customer: `files` hold orders `held`; of what was `sent`, `new` is beyond."""

    files: list[TypedLine]
    sent: list[TypedLine]
    held: set[Any]
    new: list[TypedLine]


def read_lines(data: Data, lines: CustomerLines) -> ReadLines:
    """The lines of a customer as the shop's rules read them."""
    files = [_typed(line) for line in file_lines(lines.history)]
    held = {_order(line, data) for line in files}
    sent = [_sent(order, content, data) for order, content in lines.sent]
    if data.columns.order_id is not None:
        news = (line for line in sent if is_news(line) and line.order_id in held)
        files = corrected(files, news)
    return ReadLines(files, sent, held, [line for line in sent if _order(line, data) not in held])


def _typed(line: FileLine) -> TypedLine:
    return TypedLine(
        order_id=line.order_id,
        ordered_at=line.ordered_at,
        product_id=line.product_id,
        quantity=line.quantity,
        amount=line.amount,
        category=line.category,
        channel=line.channel,
        discount=line.discount,
        cost=line.cost,
        currency=line.currency,
        ingested_at=line.ingested_at,
        verdict=line.verdict,
        refunded=line.refunded,
        changed_at=line.changed_at,
        source=f"{line.source:09}",
    )


def _sent(order_id: str, content: str, data: Data) -> TypedLine:
    # where the files have no order ids, a day is an order
    order = order_id if data.columns.order_id is not None else None
    return typed_line(sent_line({**json.loads(content), "order_id": order}), data, source=SOURCE)


def _order(line: TypedLine, data: Data) -> Any:
    if data.columns.order_id is not None:
        return line.order_id
    return None if line.ordered_at is None else line.ordered_at.date()


def _reasons(
    sent: Sequence[TypedLine], held: set[Any], data: Data, reasons: Iterator[str | None]
) -> list[str | None]:
    return [
        (line.verdict if is_news(line) else IN_FILES)
        if _order(line, data) in held
        else next(reasons)
        for line in sent
    ]


def background_of(beside: Mapping[str, Any]) -> CustomerBackground:
    """What a run left of a customer beside the lines, as far as recommendations need it."""
    return CustomerBackground(
        consents=beside.get("consents", False), signs=signs_from(beside.get("signs", ()))
    )


def _background(
    request: ScoreRequestAfterRun, run: RunInfo, table_columns: list[str]
) -> CustomerBackground:
    beside = told_beside(request.lines.history)
    features = dict.fromkeys(table_columns, float("nan")) | beside.get("features", {})
    return replace(
        background_of(beside),
        table_features=features,
        segments=request.segments,
        referral_value=request.referral_value,
        before=[_compared(run, earlier) for earlier in request.earlier],
        is_in_run=True,
    )


def _compared(last: RunInfo, earlier: ComparedRun) -> LastSaid:
    info = replace(last, run_id=earlier.run_id, as_of=earlier.as_of, models=earlier.models)
    return LastSaid(run=info, churn_probability=earlier.churn_probability, clv=earlier.clv)


def _with_words_of(
    run: RunInfo, document: CustomerDocument, request: ScoreRequestAfterRun
) -> CustomerDocument:
    """The document with what only the run knows of the customer."""
    extended: CustomerDocument = {
        **document,
        "indices": request.indices,
        "profit": request.profit,
        "name": request.name,
        "consent": request.consent,
        "segments_as_of": run.as_of.isoformat(),
    }
    if request.consent is False:
        extended["suggested_action"] = "no_contact"
    return extended
