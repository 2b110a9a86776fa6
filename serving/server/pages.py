"""Pages for people: overview, churn list, customer, and the API's documentation."""

from collections.abc import Iterator
from functools import partial

from fastapi import APIRouter, FastAPI

from serving.accounts.page import account_pages
from serving.accounts.service import AccountReader
from serving.audiences.page import audience_pages
from serving.audiences.service import AudienceService
from serving.buyers.page import buyer_pages
from serving.campaigns.page import campaign_pages
from serving.churn_list.page import churn_list_pages
from serving.customers.page import customer_pages
from serving.exhibits.assets.page import asset_pages
from serving.exhibits.goods.page import goods_pages
from serving.exhibits.lifetime.page import lifetime_pages
from serving.exhibits.loyalty.page import loyalty_pages
from serving.experiments.page import experiment_pages
from serving.jobs.page import job_pages
from serving.models.page import model_pages
from serving.overview.page import overview_pages
from serving.people.api_keys.desk import KeyDesk
from serving.people.api_keys.page import key_pages
from serving.people.caller_names import CallerNames
from serving.people.oidc_page import oidc_pages
from serving.people.own_page import own_pages
from serving.people.page import people_pages
from serving.people.sign_in_page import sign_in_pages
from serving.segments.page import segment_pages
from serving.server.docs_page import docs_pages
from serving.server.parts import ServerParts
from serving.web.access import add_routes
from serving.web.frame import Frame
from serving.web.static_files import StaticPages


def page_routers(frame: Frame, parts: ServerParts) -> Iterator[APIRouter]:
    """Each room's pages; see `serving.web.frame` for how to add one."""
    stores = parts.stores
    yield overview_pages(frame, stores.facets, stores.campaigns)
    rule_called = stores.audiences.rule_called
    yield churn_list_pages(frame, stores.facets, stores.buyers, rule_called)
    yield customer_pages(frame, stores.live, parts.live_orders, stores.accounts)
    yield account_pages(frame, AccountReader(stores.accounts, stores.scores))
    yield segment_pages(frame, stores.segments)
    yield asset_pages(frame)
    yield loyalty_pages(frame)
    yield lifetime_pages(frame)
    yield goods_pages(frame)
    yield buyer_pages(frame, stores.buyers)
    caller_names = partial(CallerNames.kept, stores.people.persons, stores.keys)
    yield audience_pages(
        frame,
        AudienceService(stores.audiences, stores.facets, stores.buyers, parts.context.clock),
        stores.buyers,
        caller_names,
    )
    yield campaign_pages(frame, stores.campaigns, rule_called, caller_names)
    yield experiment_pages(frame, stores.experiments)
    yield model_pages(frame, parts.bundle, parts.mlflow_url, stores.facets)
    yield job_pages(frame, parts.jobs, caller_names)
    yield docs_pages(frame)
    by_organisation = parts.provider is not None
    yield sign_in_pages(frame, parts.people, parts.sessions, by_organisation=by_organisation)
    yield oidc_pages(frame, parts.people, parts.sessions, parts.provider)
    yield own_pages(frame, parts.people, parts.sessions)
    yield people_pages(frame, parts.people, parts.sessions)
    desk = KeyDesk(stores.keys, stores.audit, parts.context.clock)
    yield key_pages(frame, desk, parts.people)


def add_pages(app: FastAPI, parts: ServerParts) -> None:
    """Add the pages and their style sheet to `app`; see `serving.server.app.create_app`."""
    frame = Frame(parts.context, parts.stores.exhibits.exhibit)
    for router in page_routers(frame, parts):
        add_routes(app, router)
    app.mount("/static", StaticPages())
