"""The application in front of all shops: who is called, and what the server says of itself."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.errors import ShopClosed, UnknownShop
from serving.people.api_keys.keys import KeyRing
from serving.people.api_keys.store import KeyStore
from serving.people.gate import Gate
from serving.server.lifecycle import ServerLifecycle
from serving.server.metrics import CONTENT_TYPE, ProcessFigures
from serving.server.observed import Observed
from serving.server.schemas import Health
from serving.settings import Serve
from serving.shops.figures import HostMetrics
from serving.shops.pool import ScorerPool
from serving.shops.registry import ShopRegistry, ShopState
from serving.web import problems
from serving.web.access import RouteCatalogue, add_routes
from serving.web.access import Scope as AccessScope
from serving.web.call import STRANGER, current_call, first_headers
from serving.web.frame import rendered
from serving.web.limits.admission import Admission
from serving.web.limits.guard import Guard
from serving.web.logs import RequestLog
from serving.web.problems import NotReady
from serving.web.static_files import StaticPages

PREFIX = b"/shops/"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

ACCESS: dict[tuple[str, str], AccessScope] = {
    ("GET", "/healthz"): "public",
    ("GET", "/readyz"): "public",
    ("GET", "/metrics"): "read",
    ("GET", "/"): "read",
    ("GET", "/static"): "read",
    # what stands there belongs to a shop: here it only says that there is none
    **dict.fromkeys(((method, "/shops/{name:path}") for method in METHODS), "public"),
}
"""What a key of the server itself must be allowed to do; none of them opens a shop."""


@dataclass(frozen=True, kw_only=True)
class HostSettings:
    """How the server in front of the shops is addressed and by whom.

    Attributes
    ----------
    clock : the present moment, with its time zone
    ticks : seconds that only ever grow
    hosts : names by which the server itself may be addressed, None for any
    must_sign_in : every call needs a key, also while none is made
    """

    clock: Callable[[], datetime]
    ticks: Callable[[], float]
    hosts: Collection[str] | None
    must_sign_in: bool


class ShopsHost:
    """The ASGI application of a folder of shops.

    A call to `/shops/NAME/…`, or to a host name in the settings of a shop, is answered by the
    application of that shop, which sees the rest of the path: keys, rates, limits, store and caches
    are its own. All others are answered by the server itself.

    Parameters
    ----------
    registry : the shops
    own : answers for the server itself
    """

    def __init__(self, registry: ShopRegistry, own: ASGIApp) -> None:
        self._registry = registry
        self._own = own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._own(scope, receive, send)
            return
        app, inner = self._called(scope)
        await app(inner, receive, send)

    def _called(self, scope: Scope) -> tuple[ASGIApp, Scope]:
        raw_path: bytes = scope["raw_path"]
        of_server = {**scope, "is_of_a_shop": False}
        if raw_path.startswith(PREFIX):
            name, slash, rest = raw_path.removeprefix(PREFIX).partition(b"/")
            state = self._registry.shop(name.decode("latin-1"))
            if state is not None and state.shop is not None and slash:
                mounted_at = (PREFIX + name).decode("latin-1")
                return state.shop.app, {
                    **scope,
                    "raw_path": slash + rest,
                    "mounted_at": mounted_at,
                }
            return self._own, of_server
        host = first_headers(scope).get(b"host", b"").decode("latin-1").lower()
        state = self._registry.shop_of_host(host.rpartition(":")[0] or host)
        if state is not None and state.shop is not None:
            return state.shop.app, scope
        return self._own, of_server


def host_application(
    registry: ShopRegistry,
    pool: ScorerPool,
    keys: KeyStore,
    *,
    lifecycle: ServerLifecycle,
    process: ProcessFigures,
    settings: HostSettings,
    log: RequestLog | None,
) -> ShopsHost:
    """The server in front of the shops of a folder.

    Parameters
    ----------
    registry : the shops; it is run from the application's start to its end
    pool : of their scorers
    keys : those of the server itself, for its page of shops and its figures
    lifecycle : tells that the server is about to stop
    process : figures of the process, such as its connections
    log : takes a line for every request to the server itself, None for none
    """
    limits = Serve()
    metrics = HostMetrics(registry, pool, process)
    app = _routed(registry, lifecycle, metrics)
    gate = Gate(
        app,
        catalogue=RouteCatalogue(app.routes, ACCESS),
        ring=KeyRing(
            keys,
            settings.clock,
            last_good_seconds=limits.last_good_seconds,
            ticks=settings.ticks,
        ),
        admission=Admission(
            in_flight=limits.in_flight,
            queue=limits.queue,
            queue_seconds=limits.queue_seconds,
            per_key=limits.in_flight_per_key,
        ),
        requests_per_second=limits.requests_per_second,
        must_sign_in=settings.must_sign_in,
    )
    guard = Guard(
        gate,
        settings=limits,
        is_stopping=lambda: lifecycle.stopping,
        hosts=settings.hosts,
    )
    return ShopsHost(registry, Observed(guard, metrics=metrics, log=log))


def _routed(registry: ShopRegistry, lifecycle: ServerLifecycle, metrics: HostMetrics) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await registry.look()
        running = asyncio.create_task(registry.run())
        yield
        registry.stop()
        with suppress(asyncio.CancelledError):
            await running

    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    problems.install(app)
    add_routes(app, _own_routes(registry, lifecycle, metrics))
    add_routes(app, _unserved_routes(registry))
    app.mount("/static", StaticPages())
    return app


def _own_routes(
    registry: ShopRegistry, lifecycle: ServerLifecycle, metrics: HostMetrics
) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def get_health() -> Health:
        return Health(status="ok")

    @router.get("/readyz")
    def get_readiness() -> dict[str, object]:
        if lifecycle.stopping:
            raise NotReady("The server is stopping.")
        states = [*registry.states.values()]
        if all(state.why_not_ready is not None for state in states):
            raise NotReady("No shop of the folder can answer.")
        if current_call.get().caller == STRANGER:
            return {"status": "ready"}
        return {"status": "ready", "shops": list(_told(states))}

    @router.get("/metrics")
    def get_metrics() -> Response:
        return PlainTextResponse(metrics.text(), media_type=CONTENT_TYPE)

    @router.get("/")
    def get_shops(request: Request) -> Response:
        states = [*registry.states.values()]
        return rendered(
            request, "shops.html", shops=list(_told(states)), problem=registry.folder_problem
        )

    return router


def _unserved_routes(registry: ShopRegistry) -> APIRouter:
    """What is asked of a shop that is not there, or not open."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/shops/{name:path}", methods=list(METHODS))
    async def get_no_shop(name: str) -> Response:
        first, slash, _ = name.partition("/")
        state = registry.shop(first)
        if state is None:
            raise UnknownShop("No shop of this name is here.")
        if state.shop is None:
            raise ShopClosed(f"This shop cannot be opened: {state.kind}.")
        if slash:
            raise ShopClosed("This shop is just being opened.")
        return RedirectResponse(f"/shops/{first}/", status_code=307)

    return router


def _told(states: Collection[ShopState]) -> Iterator[dict[str, object]]:
    """Each shop as operators see it."""
    for state in states:
        yield {
            "shop": state.name,
            "ready": state.why_not_ready is None,
            "open": state.shop is not None,
            "why": state.trouble,
        }
