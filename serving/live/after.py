"""What a score run would say of a customer after the orders that were sent since the last one."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from features.errors import ConfigError
from features.orders.histories import FileLine, file_lines, told_beside
from features.reading.corrections import corrected, is_news
from features.reading.judging import TypedLine
from features.reading.typing import sent_line, typed_line
from features.settings.data import Data
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
from serving.store.run import RunInfo

IN_FILES = "order_in_files"
"""Why a line that was sent does not count: the files of the shop hold its order, and it says
nothing new of it."""

SOURCE = "\uffff"
"""Stands for the file of such lines, behind all others."""


Finish = Callable[[CustomerScore | ConfigError], dict[str, Any]]
"""Makes the answer to a request of what the scorer says; raises what the request is refused for."""


def asked_after(
    scorer: Scorer, settings: Settings, body: Mapping[str, Any]
) -> tuple[ScoreQuestion, Finish] | dict[str, Any]:
    """Score a customer by what the files hold and what was sent.

    Parameters
    ----------
    body : `customer_id`; `run_id`, the run to go beyond; `history`, see `features.orders.histories`;
        `lines` (order, content), oldest first; `segments`, `name`, `consent`, `referral_value`
        as that run says them; `earlier`, runs with their figures

    Returns
    -------
    Whom to score and what makes the answer of it, or the answer where nobody is to be scored.
    An answer holds `run_id`, the run that the scorer knows; where it is another one, nothing
    else. Else `document` and `products` as JSON, both None where no line counts as a purchase,
    and `put_aside`: for each of `lines` the reason why it does not count, or None.
    """
    run = scorer.run
    if run is None or run.run_id != body["run_id"]:
        return {"run_id": None if run is None else run.run_id}
    data = settings.data
    read = read_lines(data, body)
    nobody: dict[str, Any] = {"run_id": run.run_id, "document": None, "products": None}
    if body["customer_id"] in data.rules.anonymous_customers:
        return {**nobody, "put_aside": [None] * len(read.sent)}

    def told(found: CustomerScore | ConfigError) -> dict[str, Any]:
        if isinstance(found, CustomerScore):
            document = _with_words_of(run, found.document, body)
            said = {**nobody, "document": encode(document), "products": found.products}
            reasons = [one.reason for one in found.judged]
        elif isinstance(found, NothingBought):
            said, reasons = nobody, list(found.reasons)
        else:
            raise found
        behind_files = iter(reasons[len(read.files) :])
        return {**said, "put_aside": _reasons(read.sent, read.held, data, behind_files)}

    known = _known(body, run, scorer.table_columns)
    return ScoreQuestion(
        customer_id=body["customer_id"], lines=[*read.files, *read.new], known=known
    ), told


class ReadLines(NamedTuple):
    """The lines of a customer: `files` hold orders `held`; of what was `sent`, `new` is beyond."""

    files: list[TypedLine]
    sent: list[TypedLine]
    held: set[Any]
    new: list[TypedLine]


def read_lines(data: Data, body: Mapping[str, Any]) -> ReadLines:
    """The lines in the body of `asked_after`."""
    files = [_typed(line) for line in file_lines(body["history"])]
    held = {_order(line, data) for line in files}
    sent = [_sent(order, json.loads(content), data) for order, content in body["lines"]]
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


def _sent(order_id: str, content: Mapping[str, Any], data: Data) -> TypedLine:
    # where the files have no order ids, a day is an order
    order = order_id if data.columns.order_id is not None else None
    return typed_line(sent_line({**content, "order_id": order}), data, source=SOURCE)


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


def _known(body: Mapping[str, Any], run: RunInfo, table_columns: list[str]) -> CustomerBackground:
    beside = told_beside(body["history"])
    features = dict.fromkeys(table_columns, float("nan")) | beside.get("features", {})
    return CustomerBackground(
        consents=beside.get("consents", False),
        table_features=features,
        segments=body["segments"],
        referral_value=body["referral_value"],
        before=[_said(run, one) for one in body["earlier"]],
        is_in_run=True,
    )


def _said(last: RunInfo, said: Mapping[str, Any]) -> LastSaid:
    run = said["run"]
    info = replace(
        last,
        run_id=run["run_id"],
        as_of=date.fromisoformat(run["as_of"]),
        models=run["models"],
    )
    return LastSaid(run=info, churn_probability=said["churn_probability"], clv=said["clv"])


def _with_words_of(
    run: RunInfo, document: Mapping[str, Any], body: Mapping[str, Any]
) -> dict[str, Any]:
    """The document with what only the run knows of the customer."""
    refused = {"suggested_action": "no_contact"} if body["consent"] is False else {}
    return {
        **document,
        "name": body["name"],
        "consent": body["consent"],
        **refused,
        "segments_as_of": run.as_of.isoformat(),
    }
