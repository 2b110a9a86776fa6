"""Requests made up from what OpenAPI says, and whether the answers are what it says."""

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import schemathesis
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.python import asgi
from starlette.types import ASGIApp

GOOD = ("2xx", "3xx", "401", "403", "404", "409", "429")
BEYOND_SCHEMAS = ("410", "422")
"""What a schema cannot say: cursors that are too old, dates that are none, fields that need one
another, segment systems of this run, addresses that are not called."""

SWALLOWED = ("POST /v1/customers/scores", "POST /v1/campaigns/proposals")
"""Their paths are those of a customer, and a campaign, of that name, too: `Allow` says so."""

ANY_TEXT = (
    "GET /v1/customers/{customer_id}/recommendations",
    "GET /v1/recommendations",
    "POST /v1/imports",
)
"""Every text may be the id of a product, or a file of lines of which none can be read: what is
made up as no list of ids and no text is one on the wire."""


WHOLE_SHAPE = "response_schema_conformance"
"""An answer with `fields=` lacks the others of its shape; `test_parts_of_answers` holds it."""


@schemathesis.serializer("application/x-ndjson")
def _as_it_is(_context: object, value: object) -> bytes:
    return str(value).encode(errors="replace")


@dataclass
class Found:
    """Cases by operation (`None`: chains) and status, and each kind of failure once."""

    answers: Counter[tuple[str | None, int]] = field(default_factory=Counter)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        return self.answers.total()

    def operations(self, *statuses: int) -> set[str | None]:
        """Those that were answered with one of these, or at all."""
        return {name for name, status in self.answers if not statuses or status in statuses}

    def add(self, recorder: ScenarioRecorder) -> None:
        for interaction in recorder.interactions.values():
            assert interaction.response is not None, interaction.request.uri
            self.answers[recorder.label, interaction.response.status_code] += 1
        for case_id, checks in recorder.checks.items():
            for check in checks:
                sent = recorder.interactions[case_id]
                is_part = "fields=" in sent.request.uri and check.name == WHOLE_SHAPE
                if check.failure_info is not None and not is_part:
                    told = (sent.request.method, sent.request.uri, sent.request.body)
                    said = sent.response and (sent.response.status_code, sent.response.content)
                    text = f"{check.failure_info.failure.message}\n{told}\n{said}"
                    self.failures.setdefault((recorder.label, check.name), text)


def send_cases(app: ASGIApp, token: str, *, examples: int, seed: int) -> Found:
    """Go through every operation: by its examples, each border, at random, and in chains.

    Parameters
    ----------
    app : with a key in force, whose text is `token`
    examples : of each operation, at random; the borders come on top
    """
    found = Found()
    headers = {"Authorization": f"Bearer {token}"}
    config = schemathesis.Config.from_dict(_settings(headers, examples, seed))
    with _no_names():
        schema = schemathesis.openapi.from_asgi(
            "/openapi.json", app, config=config, headers=headers
        )
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                found.add(event.recorder)
            if isinstance(event, events.NonFatalError):
                found.failures[event.label, "error"] = repr(event.value)
            if isinstance(event, events.FatalError):
                raise event.exception
        asgi.shutdown_lifespans()
    return found


def _settings(headers: dict[str, str], examples: int, seed: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "headers": headers,
        "continue-on-failure": True,
        "generation": {
            "max-examples": examples,
            "deterministic": True,
            "no-shrink": True,
            "database": "none",
        },
        "phases": {"stateful": {"generation": {"max-examples": max(1, examples // 5)}}},
        "checks": {
            "not_a_server_error": {"expected-statuses": [*GOOD, "4xx", "503"]},
            "positive_data_acceptance": {"expected-statuses": [*GOOD, *BEYOND_SCHEMAS, "503"]},
        },
        "operations": [
            {"include-name": name, "checks": {"allow_header_conformance": {"enabled": False}}}
            for name in SWALLOWED
        ]
        + [
            {"include-name": name, "checks": {"negative_data_rejection": {"enabled": False}}}
            for name in ANY_TEXT
        ],
    }


@contextmanager
def _no_names() -> Iterator[None]:
    """Webhooks are made up, too: no name leads anywhere."""
    gone = socket.gaierror("no names here")
    with mock.patch("socket.getaddrinfo", side_effect=gone):
        yield
