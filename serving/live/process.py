"""The worker: a process of its own that scores one customer at a time, asked over a pipe.

    python -m serving.live.process regulars.toml

Requests are lines of JSON on standard input, answers lines of JSON on standard output. The first
line out says whether the models could be loaded and predict what they should: `{"ready": bundle}`
or `{"refused": why}`. After that each request `{"id", "body"}` is answered by `{"id", "answer"}`
or `{"id", "refused": [why, …]}` (the request does not fit) or `{"id", "failed": kind}`. The end
of the input is the end of the process, so that it never outlives the server.
"""

import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, TextIO

from features.config import Settings, load_settings
from features.errors import ConfigError, RegularsError
from features.state.reading import SentLine, typed_line
from serving.answers import encode
from serving.live.after import score_after
from serving.live.context import context_file, read_context
from serving.live.scorer import Known, Scorer
from serving.logs import log_as_json
from training.bundle import load_models

log = logging.getLogger(__name__)


def answer(scorer: Scorer, settings: Settings, body: Mapping[str, Any]) -> dict[str, Any]:
    """Score the customer of a request.

    Parameters
    ----------
    body : what `score_after` takes, or `customer_id`, `lines` (fields of `SentLine`, times in ISO 8601), `as_of` (a date or
        None), `consents`

    Returns
    -------
    That of `score_after`, or `document` and `put_aside`: number of the line, from 0, and the
    rule's code.

    Raises
    ------
    ConfigError
        When the request does not fit; see `Scorer.score`.
    """
    if "run_id" in body:
        return score_after(scorer, settings, body)
    lines = [
        SentLine(**{**line, "ordered_at": datetime.fromisoformat(line["ordered_at"])})
        for line in body["lines"]
    ]
    scored = scorer.score(
        body["customer_id"],
        [typed_line(line, settings.data) for line in lines],
        date.fromisoformat(body["as_of"]) if body["as_of"] else None,
        Known(consents=body["consents"]),
    )
    aside = [
        {"line": number, "reason": one.reason}
        for number, one in enumerate(scored.judged)
        if one.reason is not None
    ]
    return {"document": scored.document, "put_aside": aside}


def serve(config: Path, requests: TextIO, answers: TextIO) -> int:
    """Load, say so, and answer until the requests end.

    Returns
    -------
    The exit code: 1 when the models cannot be used.
    """
    try:
        settings = load_settings(config)
        models = load_models(settings)
        scorer = Scorer(models, settings, read_context(context_file(settings)))
    except RegularsError as error:
        _say(answers, {"refused": str(error)})
        return 1
    _say(answers, {"ready": models.manifest.bundle_id})
    for line in requests:
        request = json.loads(line)
        _say(answers, {"id": request["id"], **_outcome(scorer, settings, request["body"])})
    return 0


def _outcome(scorer: Scorer, settings: Settings, body: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"answer": answer(scorer, settings, body)}
    except ConfigError as error:
        return {"refused": list(error.problems)}
    except Exception as error:
        # of the error only its kind is written; see `log_as_json`
        log.exception("a score failed")
        return {"failed": type(error).__name__}


def _say(answers: TextIO, message: Mapping[str, Any]) -> None:
    answers.write(encode(message) + "\n")
    answers.flush()


def main() -> None:
    """Run as a process of its own."""
    # Ctrl-C reaches the whole group: the server ends the worker when it has finished
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log_as_json()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # what a library prints must not stand between the answers
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.exit(serve(Path(sys.argv[1]), sys.stdin, answers))


if __name__ == "__main__":
    main()
