"""Logs as lines of JSON on standard error, without personal data."""

import json
import logging
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, Protocol, TextIO

import structlog

MOST_MESSAGE_SIGNS = 200

# A new encoder for each line would take longer than the rest of it.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)
_AT = structlog.processors.TimeStamper(fmt="iso", utc=True, key="at")
_JSON = structlog.processors.JSONRenderer(serializer=lambda line, **_: _ENCODER.encode(line))


class RequestLog(Protocol):
    """Takes a line: what happened, and its fields."""

    def info(self, event: str, **fields: object) -> None: ...

    def error(self, event: str, **fields: object) -> None: ...


class JsonLog:
    """A `RequestLog` that writes lines of JSON to `stream`.

    Without the library's chain of processors: a line is written for every request, and would
    take longer than the rest of it.
    """

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream

    def info(self, event: str, **fields: object) -> None:
        self._write(event, "info", fields)

    def error(self, event: str, **fields: object) -> None:
        self._write(event, "error", fields)

    def _write(self, event: str, level: str, fields: dict[str, object]) -> None:
        at = datetime.now(UTC).replace(tzinfo=None).isoformat()
        line = {**fields, "event": event, "level": level, "at": f"{at}Z"}
        self._stream.write(f"{_ENCODER.encode(line)}\n")
        self._stream.flush()


def log_as_json(stream: TextIO = sys.stderr) -> None:
    """Make every line that libraries and warnings log one JSON document on `stream`.

    Of an error that came along only its kind is written: its message and its local values
    may hold what a caller sent. A message of several lines ends with its first.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.ExtraAdder(),
                _AT,
                _without_errors,
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _JSON],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    logging.captureWarnings(capture=True)


def _without_errors(
    _logger: Any, _name: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    error = line.pop("exc_info", None)
    if isinstance(error, tuple) and error[0] is not None:
        line["error"] = error[0].__name__
    line.pop("stack_info", None)
    line["event"] = str(line["event"]).partition("\n")[0][:MOST_MESSAGE_SIGNS]
    return line
