"""Pages for people: overview, churn list, customer, and the API's documentation."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
from fastapi.staticfiles import StaticFiles

from serving.pages.campaigns import campaign_pages
from serving.pages.churn_list import churn_list_pages
from serving.pages.customers import customer_pages
from serving.pages.docs import docs_pages
from serving.pages.frame import HERE, Frame
from serving.pages.models import model_pages
from serving.pages.overview import overview_pages
from serving.pages.segments import segment_pages

if TYPE_CHECKING:
    from serving.api.services import Services

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
"""Each family's routes; see `serving.pages.frame` for how to add one."""


def add_pages(app: FastAPI, services: "Services") -> None:
    """Add the pages and their style sheet to `app`; see `serving.api.create_app`."""
    frame = Frame(services)
    for pages in FAMILIES:
        app.include_router(pages(frame))
    app.mount("/static", StaticFiles(directory=HERE / "static"))
