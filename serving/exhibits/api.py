"""Tables about the latest run as a whole, made together with it."""

import json
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from serving.churn_list.lists import run_fields
from serving.errors import NotInRun
from serving.exhibits.store import ExhibitStore
from serving.web.context import RouteContext
from serving.web.params import TextQuery
from serving.web.problems import declared
from serving.web.schemas import RunFields, Text

ExhibitName = Annotated[
    str, Path(min_length=1, description="As in `GET /v1/exhibits`", examples=["lorenz"])
]


class Exhibits(RunFields):
    exhibits: list[str]


class Exhibit(RunFields):
    """An aggregate of the whole run; at most some hundred figures, and none of one customer."""

    exhibit: str
    title: Text
    method: Text = Field(description="How it is counted")
    data: dict[str, object] | None = Field(
        description="Its shape is the exhibit's own, see docs/exhibits.md; null where there is none"
    )
    why_not: Text | None = Field(description="Why there are no data")


OWN_ADDRESSES = {
    "affinity": ("bought_together", "What is bought together: pairs of categories and products"),
    "funnel": ("funnel", "From the first visit to the loyal customer, stage by stage"),
    "assets": ("customer_assets", "The ledger of customers: opening, changes and closing value"),
    "retention": ("customer_loss", "Loss, mean lifetime and how many must be won to stand still"),
}
"""Exhibits with an address of their own: last part of the path → exhibit, and what it is."""


def exhibit_routes(context: RouteContext, exhibits: ExhibitStore) -> APIRouter:
    """Exhibits of the latest run."""
    store = context.scores
    router = APIRouter(prefix="/v1", tags=["exhibits"])

    @router.get(
        "/exhibits",
        operation_id="getExhibits",
        summary="What the latest run shows as a whole, by name",
        response_model=Exhibits,
        responses=declared(422, 503),
    )
    def get_exhibits(
        _query: Annotated[TextQuery, Query()], response: Response
    ) -> dict[str, object]:
        run = store.latest_run()
        response.headers.update(context.ages(run))
        return {**run_fields(run), "exhibits": exhibits.names(run.info.run_id)}

    @router.get(
        "/exhibits/{name}",
        operation_id="getExhibit",
        summary="One table about the whole shop: how it is counted, and the figures",
        response_model=Exhibit,
        responses=declared(404, 422, 503),
    )
    def get_exhibit(
        name: ExhibitName, _query: Annotated[TextQuery, Query()], response: Response
    ) -> dict[str, object]:
        return exhibit_of_run(name, response)

    def exhibit_of_run(name: str, response: Response) -> dict[str, object]:
        run = store.latest_run()
        body = exhibits.exhibit(run.info.run_id, name)
        if body is None:
            names = ", ".join(exhibits.names(run.info.run_id)) or "none"
            raise NotInRun(f"This run shows no such exhibit (have: {names}).")
        response.headers.update(context.ages(run))
        return {**run_fields(run), "exhibit": name, **json.loads(body)}

    def add(address: str, name: str, summary: str) -> None:
        def get_one(_query: Annotated[TextQuery, Query()], response: Response) -> dict[str, object]:
            return exhibit_of_run(name, response)

        router.add_api_route(
            f"/{address}",
            get_one,
            operation_id=f"get{address.title()}",
            summary=summary,
            response_model=Exhibit,
            responses=declared(404, 422, 503),
        )

    for address, (name, summary) in OWN_ADDRESSES.items():
        add(address, name, summary)
    return router
