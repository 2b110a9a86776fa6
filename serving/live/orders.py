"""Orders that come in by the API: kept first, then scored, in that order and no other.

What is acknowledged is durable. The score follows at once where the scorer answers, and else
as soon as it does: until then the customer waits, in the store, where a restart finds it.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple, TypeVar

from features.errors import RegularsError
from serving.errors import NoRun, ScorerAway, StoreError
from serving.live.lines import IncomingLine, LivePast, Outcome, RequestKey, WhoIsErased
from serving.live.messages import (
    AnotherRun,
    ComparedRun,
    CourseAnswer,
    CourseRequest,
    CustomerLines,
    Message,
    ProductQuery,
    ProductsAnswer,
    ProductsRequest,
    ScoreAfterRun,
    ScoreRequestAfterRun,
    course_answer,
    message_of,
    products_answer,
    score_after_run,
)
from serving.live.store import LiveStore
from serving.live.worker import ScoresOne
from serving.store.documents import CustomerDocument, RankedProduct
from serving.store.protocol import ScoreReader, nearness
from serving.store.rule.figures import figures_of, search_text
from serving.store.run import RHYTHM_RANKS, ScoreRow

log = logging.getLogger(__name__)

BeyondRun = TypeVar("BeyondRun", CourseAnswer, ProductsAnswer)

SCORING_SECONDS = 2.0
"""How long one request is kept waiting for scores; those left follow by themselves."""

MOST_AHEAD = 24
"""Scores that others have asked for, with which a request waits for its own; with more its scores
follow: whoever sends many orders at once gets answers, not a queue."""

EARLIEST = timedelta(days=2)
"""How far ahead of the server's clock an order may be: clocks and time zones differ."""

OVERDUE = timedelta(seconds=2)
"""After which a customer's score is nobody's who is still answering a request."""

FOLLOWED_AT_ONCE = 50
PAUSE_SECONDS = 0.5
LATER_SECONDS = 60.0
"""When a score is tried again that has failed for another reason than the scorer's absence."""

Place = tuple[str, int]


class TakenLine(NamedTuple):
    """What became of a line.

    `reason` says why it was refused, `put_aside` by which rule of the shop it does not count;
    that is None, too, where the score is still to be made or was made before.
    """

    order_id: str
    line: int
    outcome: Outcome
    reason: str | None
    put_aside: str | None


class KeptLine(NamedTuple):
    """What became of a line before any score, and why it was refused."""

    place: Place
    customer_id: str | None
    outcome: Outcome
    reason: str | None


class CustomerAfter(NamedTuple):
    """Where a customer's score stands, and what it says.

    `score`: `current` knows every line; `pending`: it will; `none`: no line counts as a
    purchase. The others are None where nothing is said.
    """

    customer_id: str
    score: Literal["current", "pending", "none"]
    run_id: str | None = None
    as_of: str | None = None
    status: str | None = None
    churn_probability: float | None = None
    retention_risk: str | None = None
    clv: float | None = None


class MadeScore(NamedTuple):
    """A score: the lines that do not count and why, and what is said of the customer.

    `is_news`: readers see it; not where a newer one was there.
    """

    aside: dict[Place, str]
    after: CustomerAfter
    is_news: bool


@dataclass(frozen=True)
class TakenOrders:
    """The answer to a request."""

    lines: tuple[TakenLine, ...]
    customers: tuple[CustomerAfter, ...]

    @property
    def is_pending(self) -> bool:
        """Whether a score is still to be made."""
        return any(customer.score == "pending" for customer in self.customers)


class LiveOrders:
    """Takes orders in, and scores the customers who sent them.

    Parameters
    ----------
    live : where the lines are kept
    scores : what readers see
    scorer : None: scores are made by another server or the next run
    erased : tells which customers were erased
    clock : the present moment, with its time zone
    id_of : the id of a customer as it is kept, however it was written
    """

    def __init__(
        self,
        live: LiveStore,
        *,
        scores: ScoreReader,
        scorer: ScoresOne | None,
        erased: WhoIsErased,
        clock: Callable[[], datetime],
        id_of: Callable[[str], str] = str,
    ) -> None:
        self._id_of = id_of
        self._live = live
        self._scores = scores
        self._scorer = scorer
        self._erased = erased
        self._clock = clock

    def take(self, sent: Sequence[IncomingLine], key: RequestKey | None = None) -> TakenOrders:
        """Keep lines, score their customers, and say what became of both.

        Raises
        ------
        KeyReused
            When `key` came with another body before.
        StoreError
            When the lines cannot be kept; none of them is then.
        """
        kept_lines = self.keep(sent, key)
        ids = dict.fromkeys(
            line.customer_id
            for line in kept_lines
            if line.customer_id is not None and line.outcome != "refused"
        )
        scores_made = self._score_all(ids)
        aside = {
            key: reason for score in scores_made.values() for key, reason in score.aside.items()
        }
        lines = tuple(
            TakenLine(*line.place, line.outcome, line.reason, aside.get(line.place))
            for line in kept_lines
        )
        unscored = self._after([name for name in ids if name not in scores_made])
        after = {
            customer.customer_id: customer
            for customer in (*unscored, *(customer.after for customer in scores_made.values()))
        }
        return TakenOrders(lines, tuple(after[name] for name in ids))

    def keep(self, sent: Sequence[IncomingLine], key: RequestKey | None = None) -> list[KeptLine]:
        """Keep lines without waiting for the scores that follow; as `take` else."""
        sent = [self._with_kept_id(line) for line in sent]
        end = (self._clock() + EARLIEST).date()
        early = [_day(line) > end for line in sent]
        in_time = [line for line, is_early in zip(sent, early, strict=True) if not is_early]
        verdicts = iter(self._live.accept(in_time, at=self._clock(), erased=self._erased, key=key))
        return [
            KeptLine(line.line.place, line.line.customer_id, "refused", "in_future")
            if is_early
            else KeptLine(line.line.place, line.line.customer_id, *next(verdicts))
            for line, is_early in zip(sent, early, strict=True)
        ]

    def _with_kept_id(self, sent: IncomingLine) -> IncomingLine:
        """The line with its customer's id as it is kept."""
        name = sent.line.customer_id
        if name is None:
            return sent
        return sent._replace(line=replace(sent.line, customer_id=self._id_of(name)))

    def score(self, customer_id: str) -> dict[Place, str]:
        """Make the score of a customer who waits; a no-op for everybody else.

        Returns
        -------
        The lines that do not count, and by which rule.

        Raises
        ------
        ScorerAway
            When the scorer does not answer, or knows another run than readers see.
        """
        score = self._made(customer_id)
        return {} if score is None else score.aside

    def _made(self, customer_id: str) -> "MadeScore | None":
        """The score of a customer who waits, and whether readers see it; None: nothing to do."""
        past = self._live.past(customer_id)
        if past is None or not past.is_waiting:
            return None
        if self._scorer is None:
            raise ScorerAway("this server was started without a scorer")
        if past.document is not None and past.history is None:
            raise ScorerAway("the run has left no histories: `regulars score` makes one that does")
        answer = score_after_run(self._scorer.ask(message_of(request_of(past))))
        if isinstance(answer, AnotherRun) or answer.run_id != past.run_id:
            raise ScorerAway("the scorer knows another run than the store")
        is_news = self._live.save(past, score_of(past, answer))
        pairs = zip(past.lines, answer.put_aside, strict=True)
        aside = {line.place: reason for line, reason in pairs if reason is not None}
        return MadeScore(aside, _current(past, answer.document), is_news)

    def course(self, customer_id: str) -> CourseAnswer | None:
        """What `serving.live.course.course_after` says of a customer.

        None where nothing can be said at the moment: the scorer is away or busy, knows another
        run than readers see, or does not know what the customer bought.
        """
        lines = self._lines_at_hand(customer_id)
        return None if lines is None else self._asked(CourseRequest(lines=lines), course_answer)

    def products(self, customer_id: str, query: ProductQuery) -> Sequence[RankedProduct] | None:
        """The best products that pass the filters of `query`; None as in `course`."""
        if (lines := self._lines_at_hand(customer_id)) is None:
            return None
        answer = self._asked(ProductsRequest(lines=lines, query=query), products_answer)
        return None if answer is None else answer.recommendations

    def _lines_at_hand(self, customer_id: str) -> CustomerLines | None:
        """A customer's lines, where all are known and the scorer has time."""
        past = self._live.past(customer_id, waiting=False)
        if self._scorer is None or self._is_busy() or past is None or past.history is None:
            return None
        return lines_of(past)

    def _asked(
        self,
        request: CourseRequest | ProductsRequest,
        answer_in: Callable[[Message], BeyondRun | AnotherRun],
    ) -> BeyondRun | None:
        """The answer, where there is one and it goes beyond the run of the request."""
        assert self._scorer is not None  # noqa: S101 - who has lines at hand has a scorer
        try:
            answer = answer_in(self._scorer.ask(message_of(request)))
        except RegularsError as error:
            kind = type(request).__name__
            log.warning("no answer to %s: %s", kind, type(error).__name__)
            return None
        if isinstance(answer, AnotherRun) or answer.run_id != request.lines.run_id:
            return None
        return answer

    def overdue(self) -> list[str]:
        """Customers whose score nobody is making."""
        return self._live.overdue(before=self._clock() - OVERDUE, limit=FOLLOWED_AT_ONCE)

    def _score_all(self, customer_ids: Iterable[str]) -> dict[str, "MadeScore"]:
        """Score those who wait, while the caller can be kept waiting; what readers see of whom."""
        end = time.monotonic() + SCORING_SECONDS
        scores_made: dict[str, MadeScore] = {}
        for customer_id in customer_ids:
            if time.monotonic() > end or self._is_busy():
                break
            try:
                score = self._made(customer_id)
            except (ScorerAway, NoRun):
                break
            except RegularsError as error:
                # the lines are kept, and that is what the caller must be told
                log.warning("a score failed: %s", type(error).__name__)
            else:
                if score is not None and score.is_news:
                    scores_made[customer_id] = score
        return scores_made

    def _is_busy(self) -> bool:
        return self._scorer is not None and self._scorer.pending >= MOST_AHEAD

    def _after(self, customer_ids: Sequence[str]) -> Iterable[CustomerAfter]:
        if not customer_ids:
            return
        waiting = self._live.waiting(customer_ids)
        try:
            run, documents = self._scores.customers(customer_ids)
        except NoRun:
            yield from (CustomerAfter(customer_id, "pending") for customer_id in customer_ids)
            return
        for customer_id, document in zip(customer_ids, documents, strict=True):
            if document is None:
                state: Literal["pending", "none"] = "pending" if customer_id in waiting else "none"
                yield CustomerAfter(customer_id, state, run.info.run_id)
                continue
            score: Literal["pending", "current"] = (
                "pending" if customer_id in waiting else "current"
            )
            yield _after_of(customer_id, score, run.info.run_id, document)


def _current(past: LivePast, document: str | None) -> CustomerAfter:
    if document is None:
        return CustomerAfter(past.customer_id, "none", past.run_id)
    return _after_of(past.customer_id, "current", past.run_id, document)


def _after_of(
    customer_id: str, score: Literal["current", "pending"], run_id: str, document: str | bytes
) -> CustomerAfter:
    answer = json.loads(document)
    return CustomerAfter(
        customer_id, score, run_id, *(answer[name] for name in CustomerAfter._fields[3:])
    )


def lines_of(past: LivePast) -> CustomerLines:
    """A customer's lines as the scorer takes them."""
    return CustomerLines(
        customer_id=past.customer_id,
        run_id=past.run_id,
        history=past.history,
        sent=tuple((line.order_id, line.content) for line in past.lines),
    )


def request_of(past: LivePast) -> ScoreRequestAfterRun:
    """What the scorer is asked for a customer's score beyond the latest run."""
    document: CustomerDocument = {} if past.document is None else json.loads(past.document)
    return ScoreRequestAfterRun(
        lines=lines_of(past),
        segments=past.segments,
        indices=document.get("indices", {}),
        profit=document.get("profit"),
        name=document.get("name"),
        consent=document.get("consent"),
        referral_value=document.get("referral_value"),
        earlier=tuple(
            ComparedRun(
                run_id=earlier.run.run_id,
                as_of=earlier.run.as_of,
                models=earlier.run.models,
                churn_probability=earlier.churn_probability,
                clv=earlier.clv,
            )
            for earlier in past.earlier
        ),
    )


def score_of(past: LivePast, answer: ScoreAfterRun) -> ScoreRow | None:
    """What readers are to see; None where no line counts as a purchase."""
    if answer.document is None or answer.products is None:
        return None
    document = json.loads(answer.document)
    same = ("status", "retention_risk", "value_at_risk", "churn_probability", "clv")
    return ScoreRow(
        customer_id=past.customer_id,
        **{name: document[name] for name in same},
        expected_profit=document["expected_profit"],
        rhythm=RHYTHM_RANKS.get(document["rhythm"]),
        next_order_date=_nearness(document["next_order"]["date"]),
        consent=past.consent,
        contact_hash=past.contact_hash,
        segments=json.dumps(dict(past.segments), ensure_ascii=False),
        figures=json.dumps(figures_of(document)),
        search_text=search_text(past.customer_id, document.get("name"), past.contact_hash),
        document=answer.document,
        products=answer.products,
    )


def _nearness(day: str | None) -> float | None:
    return None if day is None else nearness(date.fromisoformat(day))


class Follower:
    """Makes the scores that requests have left to be made, and those of a restart.

    Parameters
    ----------
    orders : to ask
    pause_seconds : between two looks
    """

    def __init__(self, orders: LiveOrders, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._orders = orders
        self._pause = pause_seconds
        self._later: dict[str, float] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True, name="live-scores")

    def start(self) -> None:
        """Follow orders, in a thread of its own, until `close`."""
        self._thread.start()

    def close(self) -> None:
        """End after the score that is being made."""
        self._closing.set()
        self._thread.join()

    def look(self) -> int:
        """Score those who are overdue; how many were."""
        moment = time.monotonic()
        self._later = {name: at for name, at in self._later.items() if at > moment}
        done = 0
        for customer_id in self._orders.overdue():
            if self._closing.is_set():
                break
            if customer_id in self._later:
                continue
            try:
                self._orders.score(customer_id)
                done += 1
            except (ScorerAway, StoreError):
                break
            except RegularsError as error:
                log.warning("a score failed: %s", type(error).__name__)
                self._later[customer_id] = moment + LATER_SECONDS
        return done

    def _follow(self) -> None:
        while not self._closing.wait(self._pause):
            try:
                while self.look() == FOLLOWED_AT_ONCE:
                    pass
            except StoreError as error:
                log.warning("orders cannot be followed: %s", type(error).__name__)


def _day(sent: IncomingLine) -> date:
    """The last day of which the line speaks."""
    content = json.loads(sent.line.content)
    moments = [content.get(name) for name in ("ordered_at", "status_at", "refunded_at")]
    return max(datetime.fromisoformat(at).date() for at in moments if at is not None)
