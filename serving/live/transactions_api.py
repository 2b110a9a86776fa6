"""New orders: durable before they are acknowledged, and the scores that follow from them."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from features.errors import ConfigError
from features.reading.ids import normal_id
from serving.live.lines import STATE_FIELDS, IncomingLine, LiveLine, RequestKey
from serving.live.orders import LiveOrders
from serving.live.schemas import OrderLine, Text
from serving.web.call import current_call
from serving.web.params import JSON, body_schema, json_body
from serving.web.problems import declared
from serving.web.schemas import Money, Probability, Risk, Status

MOST_SENT = 1_000
"""Lines in a request."""

KEPT = timedelta(hours=24)
"""How long the key of a request is remembered."""

_KEY = re.compile(r"[!-~]{1,200}")


def _identifier(text: str) -> str:
    # blanks around an id are no part of it in files, too; a NUL no database keeps
    trimmed = normal_id(text)
    if trimmed is None or "\0" in trimmed:
        raise ValueError("must hold more than blanks, and no NUL sign")
    return trimmed


Identifier = Annotated[Text, AfterValidator(_identifier)]


class NewLine(OrderLine):
    """One line of an order, known by `order_id` and `line` from now on."""

    customer_id: Identifier | None = Field(None, description="null: nobody known")
    order_id: Identifier
    line: int = Field(ge=0, le=1_000_000, description="Its number in the order")
    corrects: bool = Field(
        False,
        description="It takes the place of a line of this number that says otherwise. A line that "
        "only says what became of the order (status, document, refunded) does so without it",
    )


class NewLines(BaseModel):
    """Lines of one or more orders, of one or more customers, in any order of time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lines: list[NewLine] = Field(min_length=1, max_length=MOST_SENT)


class LineTaken(BaseModel):
    """What became of a line."""

    order_id: str
    line: int
    outcome: Literal["accepted", "corrected", "known", "refused"] = Field(
        description="`known`: the same line was sent before"
    )
    reason: Literal["erased", "other_customer", "differs", "in_future"] | None = Field(
        description="Why it was refused"
    )
    put_aside: str | None = Field(
        description="The shop's rule by which it does not count, where the score was just made",
        examples=["cancelled_same_day"],
    )


class CustomerScored(BaseModel):
    """Where a customer's score stands, and what it says."""

    customer_id: str
    score: Literal["current", "pending", "none"] = Field(
        description="`current`: knows every line; `pending`: it follows; `none`: no line "
        "counts as a purchase"
    )
    run_id: str | None
    as_of: date | None
    status: Status | None
    churn_probability: Probability | None
    retention_risk: Risk | None
    clv: Money | None


class Transactions(BaseModel):
    """Each line in the order in which they came, and each of their customers."""

    lines: list[LineTaken]
    customers: list[CustomerScored]


Lines = Annotated[NewLines, Depends(json_body(NewLines))]


async def _digest(request: Request) -> str:
    return sha256(await request.body()).hexdigest()


def transaction_routes(
    live_orders: LiveOrders,
    clock: Callable[[], datetime],
    count_lines: Callable[[Iterable[str]], None],
) -> APIRouter:
    """New orders; `count_lines` is told what became of each line."""
    router = APIRouter(prefix="/v1", tags=["live"])

    @router.post(
        "/transactions",
        operation_id="sendTransactions",
        summary="New orders: kept when this answers, and the scores of their customers",
        response_model=Transactions,
        responses={
            202: {
                "model": Transactions,
                "description": "The lines are kept; some scores follow",
            },
            **declared(400, 408, 413, 415, 422, 503),
        },
        openapi_extra=body_schema(NewLines),
    )
    def send_transactions(
        lines: Lines,
        body_digest: Annotated[str, Depends(_digest)],
        idempotency_key: Annotated[
            str | None,
            Header(
                alias="Idempotency-Key",
                description="A request with the key of an earlier one is not done again",
            ),
        ] = None,
    ) -> Response:
        key = _request_key(clock(), idempotency_key, body_digest)
        taken = live_orders.take([incoming_line(line) for line in lines.lines], key)
        count_lines(line.outcome for line in taken.lines)
        body: Mapping[str, object] = {
            "lines": [line._asdict() for line in taken.lines],
            "customers": [customer._asdict() for customer in taken.customers],
        }
        return Response(
            json.dumps(body, ensure_ascii=False),
            status_code=202 if taken.is_pending else 200,
            media_type=JSON,
        )

    return router


def incoming_line(line: NewLine) -> IncomingLine:
    """A line as it is kept."""
    content = line.model_dump(exclude={"customer_id", "order_id", "line", "corrects"})
    # what is not said of the order's state is not kept: a line is the same before and after it had one
    content = {name: value for name, value in content.items() if name not in STATE_FIELDS or value}
    live_line = LiveLine(
        order_id=line.order_id,
        line=line.line,
        customer_id=line.customer_id,
        content=json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
    )
    return IncomingLine(live_line, line.corrects)


def _request_key(at: datetime, key: str | None, body_digest: str) -> RequestKey | None:
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise ConfigError("Idempotency-Key: 1 to 200 visible ASCII characters.")
    # of the caller: another one's keys are another one's
    caller_and_key = f"{current_call.get().caller}\0{key}"
    return RequestKey(
        digest=sha256(caller_and_key.encode()).hexdigest(),
        body_digest=body_digest,
        expires_at=at + KEPT,
    )
