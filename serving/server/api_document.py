"""The OpenAPI document of the API, which tells the truth: scopes, problems, the address."""

import threading
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from serving.changes.webhook_document import webhook_messages
from serving.web import problems
from serving.web.access import ACCESS
from serving.web.call import address


class ApiDocument:
    """The document of applications with the same routes: made once, when it is first asked for."""

    def __init__(self) -> None:
        self._document: dict[str, Any] | None = None
        self._lock = threading.Lock()

    def of(self, app: FastAPI) -> dict[str, Any]:
        """The document, with the address of the shop where several share a server."""
        with self._lock:
            if self._document is None:
                self._document = _described(app)
        mounted_at = address("")
        return (
            {**self._document, "servers": [{"url": mounted_at}]} if mounted_at else self._document
        )


def _described(app: FastAPI) -> dict[str, Any]:
    """The application's document, with keys, and errors under their true media type."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        webhooks=webhook_messages().routes,
    )
    document["components"]["schemas"] |= problems.shapes()
    document["components"]["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "A key of one of the scopes read, write, admin: each may do what "
            "those before it may. An operation names the one it needs.",
        }
    }
    scopes = {(method, _plain(path)): scope for (method, path), scope in ACCESS.items()}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            scope = scopes[method.upper(), path]
            operation["security"] = [] if scope == "public" else [{"key": [scope]}]
            operation["description"] = f"Scope: {scope}."
            _share_shapes(document, operation)
    for operations in document["webhooks"].values():
        # a receiver has statuses of its own
        operations["post"]["responses"].pop("422", None)
    return document


def _share_shapes(document: dict[str, Any], operation: dict[str, Any]) -> None:
    """Move what the schema of a body refers to where the references lead."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        document["components"]["schemas"] |= content["schema"].pop("$defs", {})


def _plain(path: str) -> str:
    return path.replace(":path}", "}")
