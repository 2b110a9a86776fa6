"""What the server and the process that scores say to each other.

Both sides work with the types here; only the pipe between them carries JSON, as `Message`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal, TypedDict

from features.reading.line_as_sent import SentLine, line_fields, sent_line
from serving.store.documents import CustomerDocument, ProfitDocument, RankedProduct

Message = dict[str, Any]
"""A request or an answer as the pipe carries it: ready for JSON."""

ProductKind = Literal["all", "repeat", "new"]


@dataclass(frozen=True, kw_only=True)
class ProductQuery:
    """Which products somebody asks for, within what the shop's rules let through.

    `segment` is an RFM group: for whoever has no orders, what is popular in it comes first.
    """

    limit: int
    kind: ProductKind = "all"
    category: str | None = None
    exclude: Sequence[str] = ()
    segment: str | None = None


@dataclass(frozen=True, kw_only=True)
class CustomerLines:
    """All lines of a customer, as the run `run_id` and the store hold them.

    Attributes
    ----------
    history : lines in the files of the shop, see `features.orders.histories`; None for none
    sent : lines that were sent since, the oldest first: order and content as JSON
    """

    customer_id: str
    run_id: str
    history: str | None
    sent: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class ComparedRun:
    """An earlier run and what it said of the customer, None where it did not know the customer."""

    run_id: str
    as_of: date
    models: Mapping[str, Mapping[str, str]]
    churn_probability: float | None
    clv: float | None


@dataclass(frozen=True, kw_only=True)
class LoneRequest:
    """A prediction from lines that nobody keeps.

    `features` are values of features that tables beside the orders tell; None: unknown.
    """

    customer_id: str
    lines: tuple[SentLine, ...]
    as_of: date | None
    consents: bool
    features: Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class ScoreRequestAfterRun:
    """A customer's score beyond a run; what the run says of the customer goes along."""

    lines: CustomerLines
    segments: Mapping[str, str | None]
    indices: Mapping[str, int | None]
    profit: ProfitDocument | None
    name: str | None
    consent: bool | None
    referral_value: float | None
    earlier: tuple[ComparedRun, ...]


@dataclass(frozen=True, kw_only=True)
class CourseRequest:
    """A customer's course from day to day; see `serving.live.course`."""

    lines: CustomerLines


@dataclass(frozen=True, kw_only=True)
class ProductsRequest:
    """More products for a customer; see `serving.live.products`."""

    lines: CustomerLines
    query: ProductQuery


@dataclass(frozen=True, kw_only=True)
class PopularRequest:
    """Products for somebody without orders."""

    query: ProductQuery


ScorerRequest = (
    LoneRequest | ScoreRequestAfterRun | CourseRequest | ProductsRequest | PopularRequest
)


@dataclass(frozen=True, kw_only=True)
class LoneAnswer:
    """A document, and the lines that do not count: place and the rule's code.

    `features_unknown` are those that the models look at and that nobody sent.
    """

    document: CustomerDocument
    put_aside: tuple[tuple[int, str], ...]
    features_unknown: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AnotherRun:
    """The scorer knows another run than was asked for, or none."""

    run_id: str | None


@dataclass(frozen=True, kw_only=True)
class ScoreAfterRun:
    """A score beyond a run.

    Attributes
    ----------
    document, products : as JSON; both None where no line counts as a purchase
    put_aside : for each line that was sent the rule why it does not count, or None
    """

    run_id: str
    document: str | None = None
    products: str | None = None
    put_aside: tuple[str | None, ...]


class RiskAfterOrder(TypedDict):
    """The risk on the morning after another order."""

    churn_probability: float
    retention_risk: str


@dataclass(frozen=True, kw_only=True)
class AnotherOrder:
    """What another order like the last one would change.

    Attributes
    ----------
    amount : of that order
    now : the risk after it, if it comes on the day of the score
    by : the last day up to which it returns the customer to low risk, ISO 8601, within the
        horizon and looked for in steps of a week; None where there is no such day
    ends : the last day that was looked at
    """

    amount: float
    now: RiskAfterOrder
    by: str | None
    ends: str


@dataclass(frozen=True, kw_only=True)
class CourseAnswer:
    """Day and P(alive) on its morning, and what an order would change; None: cannot be told."""

    run_id: str
    alive: Sequence[tuple[str, float]] | None = None
    order: AnotherOrder | None = None


@dataclass(frozen=True, kw_only=True)
class ProductsAnswer:
    """Products that pass the filters, ranked anew."""

    run_id: str
    recommendations: Sequence[RankedProduct]


@dataclass(frozen=True, kw_only=True)
class PopularAnswer:
    """Products for somebody without orders, as of a date in ISO 8601."""

    as_of: str
    recommendations: Sequence[RankedProduct]


ScorerAnswer = (
    LoneAnswer | AnotherRun | ScoreAfterRun | CourseAnswer | ProductsAnswer | PopularAnswer
)


def message_of(request: ScorerRequest) -> Message:
    """A request for the pipe."""
    match request:
        case LoneRequest():
            lines = [line_fields(line) for line in request.lines]
            as_of = request.as_of and request.as_of.isoformat()
            return {
                "customer_id": request.customer_id,
                "lines": lines,
                "as_of": as_of,
                "consents": request.consents,
                "features": dict(request.features),
            }
        case ScoreRequestAfterRun():
            return {
                **_lines_message(request.lines),
                "segments": dict(request.segments),
                "indices": dict(request.indices),
                "profit": request.profit,
                "name": request.name,
                "consent": request.consent,
                "referral_value": request.referral_value,
                "earlier": [_compared_message(run) for run in request.earlier],
            }
        case CourseRequest():
            return {**_lines_message(request.lines), "wish": "course"}
        case ProductsRequest():
            query = asdict(request.query)
            return {**_lines_message(request.lines), "wish": "products", "asked": query}
        case PopularRequest():
            return {"wish": "popular", "asked": asdict(request.query)}


def request_in(message: Message) -> ScorerRequest:
    """The request that a message holds.

    Raises
    ------
    LookupError, TypeError, ValueError
        When it holds none.
    """
    match message.get("wish"):
        case "course":
            return CourseRequest(lines=_lines_in(message))
        case "products":
            query = ProductQuery(**message["asked"])
            return ProductsRequest(lines=_lines_in(message), query=query)
        case "popular":
            return PopularRequest(query=ProductQuery(**message["asked"]))
    if "run_id" in message:
        return ScoreRequestAfterRun(
            lines=_lines_in(message),
            segments=message["segments"],
            indices=message["indices"],
            profit=message["profit"],
            name=message["name"],
            consent=message["consent"],
            referral_value=message["referral_value"],
            earlier=tuple(map(_compared_in, message["earlier"])),
        )
    return LoneRequest(
        customer_id=message["customer_id"],
        lines=tuple(sent_line(line) for line in message["lines"]),
        as_of=date.fromisoformat(message["as_of"]) if message["as_of"] else None,
        consents=message["consents"],
        features=message["features"],
    )


def answer_message(answer: ScorerAnswer) -> Message:
    """An answer for the pipe."""
    match answer:
        case LoneAnswer():
            aside = [{"line": number, "reason": reason} for number, reason in answer.put_aside]
            return {
                "document": answer.document,
                "put_aside": aside,
                "features_unknown": list(answer.features_unknown),
            }
        case CourseAnswer():
            order = None if answer.order is None else vars(answer.order)
            return {"run_id": answer.run_id, "alive": answer.alive, "order": order}
        case _:
            return vars(answer)


def lone_answer(message: Message) -> LoneAnswer:
    """The answer to a `LoneRequest`."""
    aside = tuple((put_aside["line"], put_aside["reason"]) for put_aside in message["put_aside"])
    return LoneAnswer(
        document=message["document"],
        put_aside=aside,
        features_unknown=tuple(message["features_unknown"]),
    )


def score_after_run(message: Message) -> ScoreAfterRun | AnotherRun:
    """The answer to a `ScoreRequestAfterRun`."""
    if "put_aside" not in message:
        return AnotherRun(run_id=message["run_id"])
    return ScoreAfterRun(
        run_id=message["run_id"],
        document=message["document"],
        products=message["products"],
        put_aside=tuple(message["put_aside"]),
    )


def course_answer(message: Message) -> CourseAnswer | AnotherRun:
    """The answer to a `CourseRequest`."""
    if "alive" not in message:
        return AnotherRun(run_id=message["run_id"])
    order = message["order"]
    return CourseAnswer(
        run_id=message["run_id"],
        alive=message["alive"],
        order=None if order is None else AnotherOrder(**order),
    )


def products_answer(message: Message) -> ProductsAnswer | AnotherRun:
    """The answer to a `ProductsRequest`."""
    if "recommendations" not in message:
        return AnotherRun(run_id=message["run_id"])
    return ProductsAnswer(run_id=message["run_id"], recommendations=message["recommendations"])


def popular_answer(message: Message) -> PopularAnswer:
    """The answer to a `PopularRequest`."""
    return PopularAnswer(as_of=message["as_of"], recommendations=message["recommendations"])


def _lines_message(lines: CustomerLines) -> Message:
    return {
        "customer_id": lines.customer_id,
        "run_id": lines.run_id,
        "history": lines.history,
        "lines": lines.sent,
    }


def _lines_in(message: Message) -> CustomerLines:
    return CustomerLines(
        customer_id=message["customer_id"],
        run_id=message["run_id"],
        history=message["history"],
        sent=tuple((order, content) for order, content in message["lines"]),
    )


def _compared_message(run: ComparedRun) -> Message:
    return {
        "run": {"run_id": run.run_id, "as_of": run.as_of.isoformat(), "models": run.models},
        "churn_probability": run.churn_probability,
        "clv": run.clv,
    }


def _compared_in(message: Message) -> ComparedRun:
    run = message["run"]
    return ComparedRun(
        run_id=run["run_id"],
        as_of=date.fromisoformat(run["as_of"]),
        models=run["models"],
        churn_probability=message["churn_probability"],
        clv=message["clv"],
    )
