"""The worker: a process of its own that scores customers, asked over a pipe.

    python -m serving.live regulars.toml

Requests are lines of JSON on standard input, answers lines of JSON on standard output. The first
line out says whether the models could be loaded and predict what they should: `{"ready": bundle}`
or `{"refused": why}`. After that each request `{"id", "body"}` is answered by `{"id", "answer"}`
or `{"id", "refused": [why, …]}` (the request does not fit) or `{"id", "failed": kind}`. Requests
that have come in meanwhile are scored together, since several cost little more than one. The end
of the input is the end of the process, so that it never outlives the server.
"""

import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import TextIO

from features.errors import ConfigError, RegularsError
from features.settings.loading import load_settings
from serving.live.after import Finish, asked_after
from serving.live.alone import asked_alone
from serving.live.context import context_file, read_context
from serving.live.course import course_after
from serving.live.messages import (
    CourseRequest,
    LoneRequest,
    Message,
    PopularRequest,
    ProductsRequest,
    ScorerAnswer,
    ScoreRequestAfterRun,
    ScorerRequest,
    answer_message,
    request_in,
)
from serving.live.products import popular_products, products_after
from serving.live.scorer import CustomerScore, ScoreQuestion, Scorer
from serving.memory import RegularGiveBack, give_back, hold_little
from serving.scoring.answers import encode
from serving.settings import Settings
from serving.web.logs import log_as_json
from training.bundle.live_proof import LiveProof
from training.bundle.publication import load_models

log = logging.getLogger(__name__)


MOST_TOGETHER = 16
"""Customers who are scored at once: more are quicker in all, but the first waits for the last."""

PIPE_BYTES = 1 << 16


def answer(scorer: Scorer, settings: Settings, message: Message) -> Message:
    """The answer to one request; see `answers`.

    Raises
    ------
    ConfigError
        When the request does not fit; see `Scorer.score`.
    """
    (outcome,) = answers(scorer, settings, [message])
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def answers(
    scorer: Scorer, settings: Settings, messages: Sequence[Message]
) -> list[Message | Exception]:
    """Answer some requests; see `serving.live.messages`. Customers are scored together.

    Returns
    -------
    For each its answer, or why there is none.
    """
    outcomes: dict[int, ScorerAnswer | Exception] = {}
    questions: dict[int, tuple[ScoreQuestion, Finish]] = {}
    for number, message in enumerate(messages):
        try:
            first = _begun(scorer, settings, request_in(message))
        except Exception as error:  # noqa: BLE001 - told to who asked
            outcomes[number] = error
        else:
            if isinstance(first, tuple):
                questions[number] = first
            else:
                outcomes[number] = first
    scored = _scored(scorer, [question for question, _ in questions.values()])
    for (number, (_, finish)), score in zip(questions.items(), scored, strict=True):
        try:
            if isinstance(score, CustomerScore | ConfigError):
                outcomes[number] = finish(score)
            else:
                outcomes[number] = score
        except ConfigError as error:
            outcomes[number] = error
    in_order = [outcomes[number] for number in range(len(messages))]
    return [
        outcome if isinstance(outcome, Exception) else answer_message(outcome)
        for outcome in in_order
    ]


def _begun(
    scorer: Scorer, settings: Settings, request: ScorerRequest
) -> tuple[ScoreQuestion, Finish] | ScorerAnswer:
    """Whom to score and what makes the answer of it, or the answer."""
    match request:
        case CourseRequest():
            return course_after(scorer, settings, request)
        case ProductsRequest():
            return products_after(scorer, settings, request)
        case PopularRequest():
            return popular_products(scorer, request)
        case ScoreRequestAfterRun():
            return asked_after(scorer, settings, request)
        case LoneRequest():
            return asked_alone(scorer, settings, request)


def _scored(scorer: Scorer, asks: Sequence[ScoreQuestion]) -> list[CustomerScore | Exception]:
    """What is said of each; one whose score fails does not take the others along."""
    try:
        return list(scorer.score_all(asks))
    except Exception as error:  # noqa: BLE001 - told to who asked
        if len(asks) == 1:
            return [error]
    return [score for ask in asks for score in _scored(scorer, [ask])]


def serve(config: Path, requests: BufferedReader, out: TextIO) -> int:
    """Load, say so, and answer until the requests end.

    Returns
    -------
    The exit code: 1 when the models cannot be used.
    """
    try:
        settings = load_settings(config, Settings)
        models = load_models(settings)
        _prove(settings, models.manifest.bundle_id)
        scorer = Scorer(models, settings, read_context(context_file(settings)))
    except RegularsError as error:
        _say(out, [{"refused": str(error)}])
        return 1
    # models and catalogue stay: to look through them again and again would hold up answers
    gc.collect()
    gc.freeze()
    give_back()
    memory = RegularGiveBack()
    _say(out, [{"ready": models.manifest.bundle_id}])
    for waiting in _waiting(requests):
        for start in range(0, len(waiting), MOST_TOGETHER):
            batch = [json.loads(line) for line in waiting[start : start + MOST_TOGETHER]]
            outcomes = answers(scorer, settings, [request["body"] for request in batch])
            _say(
                out,
                [
                    {"id": request["id"], **_outcome(outcome)}
                    for request, outcome in zip(batch, outcomes, strict=True)
                ],
            )
        memory.after_work()
    return 0


def _prove(settings: Settings, bundle_id: str) -> None:
    """Refuse models whose features would come out differently for one customer than in a run."""
    folder: Path = settings.path(settings.store.bundles)
    LiveProof.load(folder / bundle_id / LiveProof.name).check()


def _waiting(requests: BufferedReader) -> Iterator[list[bytes]]:
    """The lines that have come in since the ones before, until the end of the input."""
    rest = b""
    while chunk := requests.read1(PIPE_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        yield lines


def _outcome(outcome: Message | Exception) -> Message:
    if isinstance(outcome, ConfigError):
        return {"refused": list(outcome.problems)}
    if isinstance(outcome, Exception):
        # of the error only its kind is written; see `log_as_json`
        log.error("a score failed", exc_info=outcome)
        return {"failed": type(outcome).__name__}
    return {"answer": outcome}


def _say(out: TextIO, messages: Sequence[Message]) -> None:
    out.write("".join(f"{encode(message)}\n" for message in messages))
    out.flush()


def main() -> None:
    """Run as a process of its own."""
    sys.exit(run(Path(sys.argv[1])))


def run(config: Path) -> int:
    """Answer what comes on standard input until that ends; see `serve`.

    Returns
    -------
    The exit code.
    """
    # Ctrl-C reaches the whole group: the server ends the worker when it has finished
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log_as_json()
    hold_little()
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # what a library prints must not stand between the answers
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with os.fdopen(sys.stdin.fileno(), "rb") as requests:
        return serve(config, requests, out)
