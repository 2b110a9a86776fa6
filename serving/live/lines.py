"""Orders that were sent to the server: kept before they are acknowledged, scored after.

A line is known by its order and number: the same line sent again counts once. The lines of an
order stay here until a score run has found the order in the files of the shop. What a customer
bought before stands in `customer_histories`, published with each run; what follows for the
score in `live_scores`, which readers see before the run's own until the next run.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal, NamedTuple, NotRequired, TypedDict

from serving.changes.feed import AnnouncedFigures
from serving.errors import KeyReused
from serving.store.run import RunInfo, ScoreRow

STATE_FIELDS = frozenset({"status", "status_at", "document", "refunded", "refunded_at"})
"""Fields of a line that say what became of its order; they may change."""

Outcome = Literal["accepted", "corrected", "known", "refused"]
Refusal = Literal["erased", "other_customer", "differs"]
Ids = Iterable[str]
WhoIsErased = Callable[[Ids], Collection[str]]


@dataclass(frozen=True, kw_only=True)
class LiveLine:
    """A line as it is kept.

    Attributes
    ----------
    customer_id : None: the order of somebody unknown
    content : the other fields of the line as they were sent, as JSON
    change_no : numbers what was kept, in the order in which it was; 0: not kept yet
    """

    order_id: str
    line: int
    customer_id: str | None
    content: str
    change_no: int = 0

    @property
    def place(self) -> tuple[str, int]:
        """What makes it this line."""
        return self.order_id, self.line


class IncomingLine(NamedTuple):
    """A line that comes in; `corrects`: it may take the place of one that says otherwise."""

    line: LiveLine
    corrects: bool = False


class LineVerdict(NamedTuple):
    """What became of a line that came in, and why it was refused."""

    outcome: Outcome
    reason: Refusal | None = None


@dataclass(frozen=True, kw_only=True)
class RequestKey:
    """The caller's key of a request and the digest of its body, until `expires_at`."""

    digest: str
    body_digest: str
    expires_at: datetime


class RunFigures(NamedTuple):
    """What a run says of a customer, as far as a score after it needs that."""

    churn_probability: float | None
    clv: float | None
    document: str
    segments: Mapping[str, str | None]
    consent: bool | None
    contact_hash: str | None


class EarlierFigures(NamedTuple):
    """What an earlier run said; no figures where the customer was not in it."""

    run: RunInfo
    churn_probability: float | None
    clv: float | None


@dataclass(frozen=True, kw_only=True)
class LivePast:
    """All that a score of one customer needs.

    Attributes
    ----------
    change_no : the newest of `lines`
    is_waiting : there is no score yet that knows it, beyond the latest run
    run_id : the latest run, whose files `history` is from; see `features.orders.histories`
    document : what that run says of the customer, None where it does not
    segments : those of that run; system → None for a new customer
    consent, contact_hash : as that run knows them
    earlier : runs to compare with, the latest date first
    """

    customer_id: str
    change_no: int
    is_waiting: bool
    run_id: str
    history: str | None
    lines: tuple[LiveLine, ...]
    document: str | None
    segments: Mapping[str, str | None]
    consent: bool | None
    contact_hash: str | None
    earlier: tuple[EarlierFigures, ...]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a customer's score has come.

    Attributes
    ----------
    change_no : the newest line of the customer, 0 for none
    scored_no : the newest that the score knows
    run_id : the run it goes beyond, None before the first score
    """

    change_no: int = 0
    scored_no: int = 0
    run_id: str | None = None

    def is_waiting(self, run_id: str | None) -> bool:
        """Whether there is a line that the score beyond this run does not know."""
        return self.change_no > 0 and (self.scored_no < self.change_no or self.run_id != run_id)


@dataclass(frozen=True, kw_only=True)
class Handover:
    """What a score run brings for those who score live, and what it has seen of them.

    Attributes
    ----------
    histories : every customer's lines in the files of the shop: (id, JSON)
    seen_no : the newest line that the run has seen, 0 for none
    absorbed : lines of orders that the files hold, (order, number, `change_no`): they may go
    """

    histories: Iterable[tuple[str, str]]
    seen_no: int
    absorbed: Sequence[tuple[str, int, int]]


NOTHING_SEEN = Handover(histories=(), seen_no=0, absorbed=())
"""Of a run that knows nothing of orders sent, nor brings what customers bought before."""


class OrderedLine(NamedTuple):
    """A line of an order in a customer's history; `amount` in money of the order's currency."""

    product_id: str | None
    category: str | None
    quantity: float
    amount: float | None


@dataclass(frozen=True, kw_only=True)
class PastOrder:
    """An order as a customer's page shows it.

    Attributes
    ----------
    order_id : None where the shop has no order ids: a day is an order
    day : on the wall of the shop; of a live order as it was sent
    amount : net, in money; negative for a return; None where a line's amount is unknown
    is_live : it came by the API and no file holds it yet
    """

    order_id: str | None
    day: date
    amount: float | None
    lines: tuple[OrderedLine, ...]
    is_live: bool


@dataclass(frozen=True, kw_only=True)
class LiveCounts:
    """How many lines no file holds yet, and how many customers wait for their score."""

    lines: int
    waiting: int


def judged(held: LiveLine | None, sent: IncomingLine, erased_ids: Collection[str]) -> LineVerdict:
    """What becomes of a line, where `held` is kept of the same order and number."""
    line = sent.line
    if line.customer_id in erased_ids:
        return LineVerdict("refused", "erased")
    if held is None:
        return LineVerdict("accepted")
    if held.customer_id != line.customer_id:
        return LineVerdict("refused", "other_customer")
    return LineVerdict("known") if held.content == line.content else _judged_anew(held, sent)


def _judged_anew(held: LiveLine, sent: IncomingLine) -> LineVerdict:
    """What becomes of a line that says otherwise than the one that is known."""
    if sent.corrects:
        return LineVerdict("corrected")
    sent_parts, before = _parts(sent.line), _parts(held)
    if sent_parts.line != before.line:
        return LineVerdict("refused", "differs")
    # the first message again must not undo what became of the order since, nor an older state
    is_news = bool(sent_parts.state) and sent_parts.known_from >= before.known_from
    return LineVerdict("corrected") if is_news else LineVerdict("known")


class LineContent(TypedDict):
    """What is kept of a line that was sent, beside what tells it apart."""

    ordered_at: str
    product_id: str | None
    category: str | None
    quantity: float
    amount: float | None
    unit_price: float | None
    refunded: NotRequired[float]


class _Parts(NamedTuple):
    """What a line says, and what it says of what became of its order."""

    line: Mapping[str, object]
    state: Mapping[str, str | float | None]

    @property
    def known_from(self) -> float:
        """The last moment of the state, as a number; 0 where it has none."""
        texts = [self.state.get(name) for name in ("status_at", "refunded_at")]
        moments = [datetime.fromisoformat(text) for text in texts if isinstance(text, str)]
        # without an offset all are of one clock
        return max((at.replace(tzinfo=at.tzinfo or UTC).timestamp() for at in moments), default=0)


def _parts(line: LiveLine) -> _Parts:
    content = json.loads(line.content)
    state = {name: content.pop(name) for name in STATE_FIELDS & content.keys()}
    return _Parts(content, state)


def verdicts_of(
    sent: Sequence[IncomingLine], held: dict[tuple[str, int], LiveLine], erased_ids: Collection[str]
) -> list[LineVerdict]:
    """What becomes of each line; the lines of one request stand one after the other.

    `held` holds afterwards what is to be kept.
    """
    verdicts = []
    for line_sent in sent:
        verdict = judged(held.get(line_sent.line.place), line_sent, erased_ids)
        if verdict.outcome in {"accepted", "corrected"}:
            held[line_sent.line.place] = line_sent.line
        verdicts.append(verdict)
    return verdicts


def changed_lines(sent: Sequence[IncomingLine], verdicts: Sequence[LineVerdict]) -> list[LiveLine]:
    """The lines to keep, the last of each place."""
    changed = {
        line_sent.line.place: line_sent.line
        for line_sent, verdict in zip(sent, verdicts, strict=True)
        if verdict.outcome in {"accepted", "corrected"}
    }
    return list(changed.values())


def check_key(key: RequestKey, body_digest: str) -> None:
    """Refuse a key that came with another body."""
    if key.body_digest != body_digest:
        raise KeyReused


def eligible(runs: Sequence[RunInfo]) -> list[RunInfo]:
    """The runs that a score of the latest run's date or later may compare with, latest first.

    Parameters
    ----------
    runs : in the order of publication; the last is the one that readers see
    """
    last = runs[-1]
    basis = (last.horizon_days, last.currency)
    comparable = [run for run in reversed(runs) if (run.horizon_days, run.currency) == basis]
    comparable_runs: list[RunInfo] = []
    # sorting is stable: of one date the run published last comes first
    for run in sorted(comparable, key=lambda run: run.as_of, reverse=True):
        comparable_runs.append(run)
        if run.as_of < last.as_of:
            break
    return comparable_runs


def past_of(
    customer_id: str,
    progress: Progress,
    history: str | None,
    lines: Iterable[LiveLine],
    runs: Sequence[RunInfo],
    figures_by_run: Mapping[str, RunFigures],
) -> LivePast:
    """A customer's past, from what a store keeps of it.

    Parameters
    ----------
    runs : in the order of publication
    figures_by_run : run's id → what it says, for the runs of `eligible` that know the customer
    """
    run = runs[-1]
    latest = figures_by_run.get(run.run_id)
    return LivePast(
        customer_id=customer_id,
        change_no=progress.change_no,
        is_waiting=progress.is_waiting(run.run_id),
        run_id=run.run_id,
        history=history,
        lines=tuple(lines),
        document=None if latest is None else latest.document,
        segments=dict.fromkeys(run.segment_columns) if latest is None else latest.segments,
        consent=None if latest is None else latest.consent,
        contact_hash=None if latest is None else latest.contact_hash,
        earlier=tuple(
            EarlierFigures(
                earlier,
                *(
                    figures_by_run[earlier.run_id][:2]
                    if earlier.run_id in figures_by_run
                    else (None, None)
                ),
            )
            for earlier in eligible(runs)
        ),
    )


def past_orders(history: str | None, lines: Iterable[LiveLine], minor: int) -> list[PastOrder]:
    """The orders of a customer, see `LiveStore.history`; `minor` units make one of money."""
    from features.orders.histories import file_lines

    orders: dict[tuple[str | None, date, bool], list[OrderedLine]] = {}
    in_files = set()
    for line in file_lines(history):
        in_files.add(line.order_id)
        if line.ordered_at is None or line.is_put_aside:
            continue
        amount = None if line.amount is None else (line.amount - line.refunded) / minor
        entry = OrderedLine(line.product_id, line.category, line.quantity or 0.0, amount)
        orders.setdefault((line.order_id, line.ordered_at.date(), False), []).append(entry)
    for sent in lines:
        if sent.order_id not in in_files:
            day, entry = _entry(json.loads(sent.content))
            orders.setdefault((sent.order_id, day, True), []).append(entry)
    orders_found = [
        PastOrder(
            order_id=order_id,
            day=day,
            amount=_total(entries),
            lines=tuple(entries),
            is_live=is_live,
        )
        for (order_id, day, is_live), entries in orders.items()
    ]
    return sorted(orders_found, key=lambda order: (order.day, order.is_live), reverse=True)


def told_by(score: ScoreRow | None) -> AnnouncedFigures | None:
    """What a score tells the change feed."""
    if score is None:
        return None
    return AnnouncedFigures(
        retention_risk=score.retention_risk,
        churn_probability=score.churn_probability,
        clv=score.clv,
    )


def _entry(content: LineContent) -> tuple[date, OrderedLine]:
    amount, price, quantity = content["amount"], content["unit_price"], content["quantity"]
    if amount is None and price is not None:
        amount = round(price * quantity, 10)
    if amount is not None and content.get("refunded"):
        amount = round(amount - abs(content["refunded"]), 10)
    line = OrderedLine(content["product_id"], content["category"], quantity, amount)
    return datetime.fromisoformat(content["ordered_at"]).date(), line


def _total(lines: Iterable[OrderedLine]) -> float | None:
    amounts = [line.amount for line in lines]
    stated = [amount for amount in amounts if amount is not None]
    return round(sum(stated), 6) if len(stated) == len(amounts) else None
