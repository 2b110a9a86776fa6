"""The web application: routes, pages, errors and doors, put together."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

from fastapi import FastAPI
from fastapi.routing import APIRoute

from serving.changes.webhooks import Deliverer
from serving.contacts.address_book import AddressBook
from serving.customers.api import customer_answer
from serving.customers.direct import Direct
from serving.imports.jobs import ImportFolder
from serving.jobs.desk import JobDesk
from serving.live.orders import PAUSE_SECONDS, Follower
from serving.live.worker import ScoresOne
from serving.models.bundle_info import BundleInfo, BundleNow
from serving.people.api_keys.keys import KeyRing
from serving.people.gate import Gate
from serving.privacy.erasure import CustomerFiles
from serving.server.api_document import ApiDocument
from serving.server.lifecycle import ServerLifecycle
from serving.server.metrics import ProcessFigures
from serving.server.observed import Observed
from serving.server.pages import add_pages
from serving.server.parts import (
    ServerParts,
    api_routers,
    deliverer_of,
    importer_of,
    put_together,
)
from serving.server.run_figures import LastOutcome
from serving.server.stores import Stores
from serving.settings import PeopleSettings, Serve
from serving.web import problems
from serving.web.access import RouteCatalogue, add_routes
from serving.web.formats.content import Conditional, Packed
from serving.web.formats.one_language import OneLanguage
from serving.web.limits.cors import open_to
from serving.web.limits.guard import Guard
from serving.web.logs import RequestLog

TITLE = "Regulars"
API_VERSION = "1"
DESCRIPTION = (
    "Which customers will stay, what they are worth and what they will buy next. "
    "Answers come from the latest score run; errors are problem documents (RFC 9457). "
    "Where keys are made or people sign in, every call but the probes needs a key or a session."
)


def create_app(  # noqa: PLR0913 - each is a seam of its own
    stores: Stores,
    bundle: BundleInfo | BundleNow | None,
    *,
    clock: Callable[[], datetime],
    settings: Serve | None = None,
    lifecycle: ServerLifecycle | None = None,
    log: RequestLog | None = None,
    scorer: ScoresOne | None = None,
    customer_files: CustomerFiles | None = None,
    last_outcome: LastOutcome | None = None,
    imports: ImportFolder | None = None,
    jobs: JobDesk | None = None,
    address_book: AddressBook | None = None,
    process: ProcessFigures | None = None,
    ticks: Callable[[], float] | None = None,
    must_sign_in: bool = False,
    hosts: Collection[str] | None = None,
    people: PeopleSettings | None = None,
) -> Observed:
    """The ASGI application that answers from `stores`.

    Parameters
    ----------
    stores : where score runs, keys and the audit log are kept
    bundle : the set of models in force that the server has checked, or what tells it; None if there
        is none
    clock : the present moment, with its time zone; pages say from it how old a run is
    settings : the server's limits, those of a new configuration by default
    lifecycle : tells the application that the server is about to stop
    log : takes a line for every request, None for none
    scorer : scores one customer at a time, None for none
    customer_files : what an erasure removes beside the store; None: no call may erase
    last_outcome : of the regular run, for the figures; None where there is none
    imports : where files of order lines lie until they are taken in; None: none may be sent
    jobs : where pages ask for jobs; None: this server works none
    address_book : how customers can be reached, for contact files; None: nobody can
    process : figures of the process, such as its connections; None: of its own
    ticks : seconds that only ever grow, by which durations are measured; None: those of the clock
    must_sign_in : every call needs a key or a session, also while there is neither
    hosts : names by which the server may be addressed, None for any
    people : how long sessions last, those of a new configuration by default

    Raises
    ------
    RuntimeError
        When a route has no entry in the table of scopes.
    """
    settings = settings or Serve()
    parts = put_together(
        stores,
        _bundle_now(bundle),
        clock=clock,
        settings=settings,
        lifecycle=lifecycle or ServerLifecycle(),
        scorer=scorer,
        customer_files=customer_files,
        last_outcome=last_outcome,
        imports=imports,
        jobs=jobs,
        address_book=address_book,
        process=process or ProcessFigures(),
        ticks=ticks,
        people=people or PeopleSettings(),
    )
    return application(
        parts, settings=settings, log=log, ticks=ticks, must_sign_in=must_sign_in, hosts=hosts
    )


def application(
    parts: ServerParts,
    *,
    settings: Serve,
    document: ApiDocument | None = None,
    follow_seconds: float = PAUSE_SECONDS,
    log: RequestLog | None = None,
    ticks: Callable[[], float] | None = None,
    must_sign_in: bool = False,
    hosts: Collection[str] | None = None,
) -> Observed:
    """The ASGI application of parts that are put together; see `create_app`.

    `document` is what several applications share; None: one of its own. Scores that a request
    has left to be made are looked for every `follow_seconds`.
    """
    keys, clock = parts.stores.keys, parts.context.clock
    deliverer = deliverer_of(parts, settings)
    app = _routed(parts, deliverer, follow_seconds, document or ApiDocument())
    gate = Gate(
        Direct(Packed(Conditional(OneLanguage(app))), partial(customer_answer, parts.context)),
        catalogue=RouteCatalogue(app.routes),
        ring=KeyRing(
            keys,
            clock,
            last_good_seconds=settings.last_good_seconds,
            ticks=ticks,
            persons=parts.stores.people.persons,
            by_provider=parts.provider is not None,
        ),
        sessions=parts.sessions,
        admission=parts.admission,
        requests_per_second=settings.requests_per_second,
        must_sign_in=must_sign_in,
        origins=settings.cors_origins,
    )
    # Around everything, the framework's own handling of unforeseen errors included.
    guard = Guard(
        open_to(gate, settings.cors_origins),
        settings=settings,
        is_stopping=lambda: parts.lifecycle.stopping,
        hosts=hosts,
    )
    return Observed(guard, metrics=parts.metrics, log=log)


def _bundle_now(bundle: BundleInfo | BundleNow | None) -> BundleNow:
    return bundle if callable(bundle) else lambda: bundle


def _routed(
    parts: ServerParts, deliverer: Deliverer, follow_seconds: float, document: ApiDocument
) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        telling = asyncio.create_task(deliverer.run())
        following = Follower(parts.live_orders, follow_seconds)
        following.start()
        importer = importer_of(parts)
        if importer:
            importer.start()
        yield
        deliverer.stop()
        if importer:
            await asyncio.to_thread(importer.close)
        await asyncio.to_thread(following.close)
        await telling

    app = FastAPI(
        title=TITLE,
        version=API_VERSION,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        # Spans and logs would carry customers' ids to whoever configures an exporter.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    problems.install(app)
    answered_anywhere = problems.declared(401, 403, 414, 421, 429, 431, 503)
    for router in api_routers(parts):
        for route in router.routes:
            if isinstance(route, APIRoute):
                route.responses = {**answered_anywhere, **route.responses}
        add_routes(app, router)
    add_pages(app, parts)
    app.openapi = lambda: document.of(app)  # type: ignore[method-assign]
    return app
