"""What the server is put together from, and the routes of every room."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from fastapi import APIRouter

from serving.accounts.api import account_routes
from serving.accounts.service import AccountReader
from serving.audiences.api import audience_routes
from serving.audiences.service import AudienceService
from serving.buyers.api import buyer_routes
from serving.campaigns.api import campaign_routes
from serving.campaigns.audience import mail_audience
from serving.campaigns.files.api import contact_routes
from serving.campaigns.files.contact_file import list_audience
from serving.campaigns.files.platforms import PLATFORMS
from serving.changes.api import change_routes
from serving.changes.webhook_api import webhook_routes
from serving.changes.webhook_calls import Caller, CallRules
from serving.changes.webhooks import Deliverer
from serving.churn_list.api import list_routes
from serving.contacts.address_book import NO_BOOK, AddressBook
from serving.customers.api import customer_routes
from serving.customers.history_api import history_routes
from serving.exhibits.api import exhibit_routes
from serving.exhibits.lifetime.api import lifetime_routes
from serving.experiments.api import experiment_routes
from serving.imports.api import import_routes
from serving.imports.importer import Importer
from serving.imports.jobs import ImportFolder
from serving.jobs.desk import JobDesk
from serving.live.orders import LiveOrders
from serving.live.score_api import live_routes
from serving.live.transactions_api import transaction_routes
from serving.live.worker import ScoresOne
from serving.models.bundle_info import BundleNow
from serving.people.oidc import OidcProvider
from serving.people.service import People
from serving.people.sessions import SessionRing
from serving.privacy.api import erasure_routes
from serving.privacy.erasure import CustomerFiles, who_was_erased, written_id
from serving.segments.api import segment_routes
from serving.server.lifecycle import ServerLifecycle
from serving.server.metrics import Metrics, ProcessFigures
from serving.server.operations import OperatorInfo, operator_routes, readable_run
from serving.server.run_figures import LastOutcome
from serving.server.stores import Stores
from serving.settings import PeopleSettings, Serve
from serving.store.last_good import LastGood
from serving.web.context import RouteContext
from serving.web.limits.admission import Admission
from serving.web.problems import NotReady


@dataclass(frozen=True, kw_only=True)
class ServerParts:
    """Everything that rooms are handed, each only what it needs.

    Attributes
    ----------
    bundle : the set of models in force that the server has checked; None if there is none yet
    caller : calls webhooks
    scorer : scores one customer at a time, None where the server has none
    customer_files : what an erasure removes beside the store; None: no call may erase
    imports : where files of order lines lie until they are taken in; None: none may be sent
    jobs : where pages ask for jobs; None: this server works none
    people : those who sign in
    sessions : of those who have
    address_book : how customers can be reached; None: nobody can
    provider : of OpenID Connect, where the settings name one
    mlflow_url : where people reach MLflow's own pages, None where nobody said
    """

    context: RouteContext
    stores: Stores
    bundle: BundleNow
    live_orders: LiveOrders
    caller: Caller
    admission: Admission
    metrics: Metrics
    lifecycle: ServerLifecycle
    scorer: ScoresOne | None
    customer_files: CustomerFiles | None
    imports: ImportFolder | None
    jobs: JobDesk | None
    people: People
    sessions: SessionRing
    address_book: AddressBook | None
    provider: OidcProvider | None
    mlflow_url: str | None

    def why_not_ready(self) -> str | None:
        """Why answers cannot be given; None where they can."""
        try:
            readable_run(self.context.scores, self.bundle())
        except NotReady as error:
            return str(error)
        return None

    @property
    def scorer_state(self) -> Literal["ready", "starting", "none"]:
        """Whether new orders are scored at once."""
        if self.scorer is None:
            return "none"
        return "starting" if self.scorer.bundle_id is None else "ready"


def put_together(  # noqa: PLR0913 - each is a seam of its own
    stores: Stores,
    bundle: BundleNow,
    *,
    clock: Callable[[], datetime],
    settings: Serve,
    lifecycle: ServerLifecycle,
    scorer: ScoresOne | None,
    customer_files: CustomerFiles | None,
    last_outcome: LastOutcome | None,
    imports: ImportFolder | None,
    jobs: JobDesk | None,
    address_book: AddressBook | None,
    process: ProcessFigures,
    ticks: Callable[[], float] | None,
    people: PeopleSettings,
) -> ServerParts:
    """The parts of a server; see `serving.server.app.create_app`."""
    id_of = customer_files.id_of if customer_files else written_id
    scores = LastGood(
        stores.scores,
        clock=clock,
        seconds=settings.last_good_seconds,
        customers=settings.last_good_customers,
        id_of=id_of,
        ticks=ticks,
    )
    admission = Admission(
        in_flight=settings.in_flight,
        queue=settings.queue,
        queue_seconds=settings.queue_seconds,
        per_key=settings.in_flight_per_key,
    )
    return ServerParts(
        context=RouteContext(scores=scores, clock=clock, audit_log=stores.audit),
        stores=stores,
        bundle=bundle,
        live_orders=LiveOrders(
            stores.live,
            scores=scores,
            scorer=scorer,
            erased=who_was_erased(stores.erasures, customer_files),
            clock=clock,
            id_of=id_of,
        ),
        caller=Caller(
            CallRules(
                seconds=settings.webhook_seconds,
                private_addresses=settings.webhook_private_addresses,
                plain_http=settings.webhook_plain_http,
            )
        ),
        admission=admission,
        metrics=Metrics(
            admission=admission,
            scores=scores,
            clock=clock,
            live=stores.live,
            scorer=scorer,
            process=process,
            last_outcome=last_outcome,
        ),
        lifecycle=lifecycle,
        scorer=scorer,
        customer_files=customer_files,
        imports=imports,
        jobs=jobs,
        people=People(stores.people, stores.audit, clock, people),
        sessions=SessionRing(
            stores.people.sessions,
            clock,
            people,
            last_good_seconds=settings.last_good_seconds,
            ticks=ticks,
        ),
        address_book=address_book,
        provider=OidcProvider(people.oidc, clock) if people.oidc else None,
        mlflow_url=settings.mlflow_url,
    )


def deliverer_of(parts: ServerParts, settings: Serve) -> Deliverer:
    """Who tells webhooks what changed."""
    return Deliverer(
        parts.stores.webhooks,
        parts.stores.feed,
        parts.stores.audit,
        parts.caller,
        clock=parts.context.clock,
        call_seconds=settings.webhook_seconds,
        give_up=timedelta(hours=settings.webhook_give_up_hours),
    )


def importer_of(parts: ServerParts) -> Importer | None:
    """What takes in files of order lines; None where none may be sent."""
    if parts.imports is None:
        return None
    return Importer(
        parts.imports,
        parts.live_orders,
        clock=parts.context.clock,
        count_lines=parts.metrics.count_lines,
    )


def api_routers(parts: ServerParts) -> Iterator[APIRouter]:
    """Each room's routes. A path is tried in this order; each route has its line in
    `serving.web.access.ACCESS`.
    """
    context, stores = parts.context, parts.stores
    rule_called, book = stores.audiences.rule_called, parts.address_book or NO_BOOK
    yield history_routes(stores.scores, stores.live)
    yield customer_routes(context, parts.live_orders.products)
    yield account_routes(context, AccountReader(stores.accounts, stores.scores))
    yield erasure_routes(context, stores.erasures, parts.customer_files)
    yield change_routes(stores.feed)
    yield webhook_routes(context, stores.webhooks, stores.feed, parts.caller)
    yield segment_routes(context, stores.segments)
    yield buyer_routes(context, stores.buyers)
    yield campaign_routes(context, stores.campaigns, rule_called)
    yield contact_routes(context, stores.campaigns, book)
    yield experiment_routes(stores.experiments)
    yield exhibit_routes(context, stores.exhibits)
    yield lifetime_routes(context, stores.exhibits)
    yield list_routes(
        context,
        {
            "audience": partial(mail_audience, stores.campaigns),
            **{
                platform: partial(list_audience, stores.campaigns, book, platform=platform)
                for platform in PLATFORMS
            },
        },
        rule_called,
    )
    yield audience_routes(
        context, AudienceService(stores.audiences, stores.facets, stores.buyers, context.clock)
    )
    yield live_routes(parts.scorer)
    yield import_routes(parts.imports, context.clock)
    yield transaction_routes(parts.live_orders, context.clock, parts.metrics.count_lines)
    yield operator_routes(
        context,
        stores.exhibits,
        OperatorInfo(
            bundle=parts.bundle,
            is_stopping=lambda: parts.lifecycle.stopping,
            scorer_state=lambda: parts.scorer_state,
            scores_pending=lambda: stores.live.counts().waiting,
            metrics_text=parts.metrics.text,
        ),
    )
