"""Pages for people: overview, churn list, customer, and the API's documentation."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
from fastapi.staticfiles import StaticFiles

from serving.campaigns.page import campaign_pages
from serving.churn_list.page import churn_list_pages
from serving.customers.page import customer_pages
from serving.models.page import model_pages
from serving.overview.page import overview_pages
from serving.segments.page import segment_pages
from serving.server.docs_page import docs_pages
from serving.web.frame import HERE, Frame

if TYPE_CHECKING:
    from serving.web.services import Services

__all__ = ["FAMILIES", "add_pages"]

FAMILIES: tuple[Callable[[Frame], APIRouter], ...] = (
    overview_pages,
    churn_list_pages,
    customer_pages,
    segment_pages,
    campaign_pages,
    model_pages,
    docs_pages,
)
"""Each family's routes; see `serving.web.frame` for how to add one."""


def add_pages(app: FastAPI, services: "Services") -> None:
    """Add the pages and their style sheet to `app`; see `serving.server.app.create_app`."""
    frame = Frame(services)
    for pages in FAMILIES:
        app.include_router(pages(frame))
    app.mount("/static", StaticFiles(directory=HERE / "static"))
