"""The web application: routes, pages, errors and guard, put together."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from serving.api import problems
from serving.api.guard import Guard
from serving.api.routes import BundleInfo, customer_routes, list_routes, operator_routes
from serving.pages import add_pages
from serving.store import Store

TITLE = "Regulars"
API_VERSION = "1"
DESCRIPTION = (
    "Which customers will stay, what they are worth and what they will buy next. "
    "Answers come from the latest score run; errors are problem documents (RFC 9457)."
)


def create_app(
    store: Store,
    bundle_info: BundleInfo | None,
    *,
    clock: Callable[[], datetime],
    hosts: Collection[str] | None = None,
) -> Guard:
    """The ASGI application that answers from `store`.

    Parameters
    ----------
    store : where score runs are read
    bundle_info : the set of models that the server has checked, None if there is none yet
    clock : the present moment, with its time zone; pages say from it how old a run is
    hosts : names by which the server may be addressed, None for any
    """
    app = FastAPI(
        title=TITLE,
        version=API_VERSION,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=problems.declared(421),
        # Spans and logs would carry customers' ids to whoever configures an exporter.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    problems.install(app)
    app.include_router(customer_routes(store))
    app.include_router(list_routes(store))
    app.include_router(operator_routes(store, bundle_info))
    add_pages(app, store, clock=clock)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    # Around everything, the framework's own handling of unforeseen errors included.
    return Guard(app, hosts=hosts)


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The application's document, with errors under their true media type."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
        )
        for operations in document["paths"].values():
            for operation in operations.values():
                _tell_problems(operation)
        app.openapi_schema = document
    return app.openapi_schema


def _tell_problems(operation: dict[str, Any]) -> None:
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            content = response["content"]
            content[problems.MEDIA_TYPE] = content.pop("application/json")
